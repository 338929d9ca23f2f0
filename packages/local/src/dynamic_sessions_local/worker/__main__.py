"""Started as `python -I <this folder> <module> <configuration>`.

The folder's name and place differ between launchers, and its modules must neither shadow nor be
shadowed by a user's: it is loaded as one package under a name that nobody else has.
"""

import importlib
import importlib.util
import sys
from pathlib import Path

PACKAGE = "dynamic_sessions_worker"


def _load_package(folder: Path) -> None:
    spec = importlib.util.spec_from_file_location(
        PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"no worker in {folder}")
    package = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = package
    spec.loader.exec_module(package)


def _main() -> None:
    module, configuration = sys.argv[1:]
    # The interpreter put this folder first on the path; user code must not see our module names.
    del sys.path[0]
    sys.argv[:] = [""]
    _load_package(Path(__file__).parent)
    importlib.import_module(f"{PACKAGE}.{module}").serve(configuration)


_main()
