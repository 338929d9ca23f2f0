"""The operator's own functions, from a file."""

import contextlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

from dynamic_sessions import FunctionModule


def load_functions(path: Path) -> FunctionModule:
    """Import a Python file and return its public functions, ready to travel into sessions.

    Public is what `__all__` names or, without it, each function that is defined in the file and
    does not begin with an underscore. What the file prints goes to standard error.

    Raises:
        FileNotFoundError: There is no such file.
        ImportError: The file is not Python, or what it imports is not installed.
        ValueError: It has no public functions.
        FunctionSourceError: A function cannot travel.
    """
    module = _imported(path)
    functions = _public_functions(module)
    if not functions:
        raise ValueError(f"{path} defines no public functions.")
    return FunctionModule.from_functions(functions, name=path.stem)


def _imported(path: Path) -> ModuleType:
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    # Functions find their module, and their text, by its name.
    sys.modules[path.stem] = module
    # Files beside it can be imported, as they can where a script is run.
    sys.path.insert(0, str(path.resolve().parent))
    with contextlib.redirect_stdout(sys.stderr):
        spec.loader.exec_module(module)
    return module


def _public_functions(module: ModuleType) -> Sequence[Callable[..., object]]:
    names: Sequence[str] | None = getattr(module, "__all__", None)
    if names is not None:
        return [getattr(module, name) for name in names]
    return [
        value
        for name, value in vars(module).items()
        if inspect.isfunction(inspect.unwrap(value) if callable(value) else value)
        and getattr(value, "__module__", None) == module.__name__
        and not name.startswith("_")
    ]
