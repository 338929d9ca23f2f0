"""What many functions share is worked out once; effort is counted in calls, which are always the same."""

import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

import pytest

from dynamic_sessions import FunctionModule

FEW, MANY = 20, 80
HEAD = "import json\nfrom collections import Counter\nLIMIT = 3\n"
Functions = Sequence[str] | Sequence[Callable[..., object]]


def text_of(number: int, *, module: str) -> str:
    return f"""
{module.upper()}_{number} = {number}

def {module}_{number}(text: str) -> object:
    return json.dumps([{module.upper()}_{number}, Counter(text).most_common(LIMIT)])
"""


def texts(count: int) -> Functions:
    return [HEAD + text_of(number, module=f"texts_{count}") for number in range(count)]


def functions_of_a_file(count: int) -> Functions:
    name = f"file_of_{count}"
    Path(f"{name}.py").write_text(
        HEAD + "".join(text_of(number, module=name) for number in range(count))
    )
    module = importlib.import_module(name)
    return [getattr(module, f"{name}_{number}") for number in range(count)]


@pytest.mark.parametrize("functions", [texts, functions_of_a_file])
def test_many_functions_are_gathered_in_proportion_to_their_number(
    functions: Callable[[int], Functions], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert calls_for(functions(MANY)) < 1.2 * MANY / FEW * calls_for(functions(FEW))


def test_a_helper_is_read_once_for_all_functions_that_call_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    chain = "".join(
        f"def link_{number}():\n    return {f'link_{number - 1}()' if number else '0'}\n\n"
        for number in range(MANY)
    )
    (tmp_path / "chain_of_links.py").write_text(chain)
    module = importlib.import_module("chain_of_links")
    links = [getattr(module, f"link_{number}") for number in range(MANY)]
    last = calls_for(links[-1:])
    assert calls_for(links) < 8 * last


def test_a_constant_is_cut_out_of_the_lines_that_it_shares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "shared_lines.py").write_text(
        "É = 'é'; SIZES = [\n    1,\n    2,\n]; LAST = 'ü'\n\ndef sizes():\n    return É, SIZES, LAST\n",
        encoding="utf-8",
    )
    source = FunctionModule.from_functions([importlib.import_module("shared_lines").sizes]).source
    assert "\nÉ = 'é'\n" in source
    assert "\nSIZES = [\n    1,\n    2,\n]\n" in source
    assert "\nLAST = 'ü'\n" in source


def calls_for(functions: Functions) -> int:
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event.endswith("call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        FunctionModule.from_functions(functions)
    finally:
        sys.setprofile(before)
    return count
