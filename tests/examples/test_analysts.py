import re
from pathlib import Path

import pytest

from .running import EXAMPLES, has_drawn, output_of

ANALYSTS = sorted(path.stem for path in EXAMPLES.glob("analyst_*.py"))


def test_the_index_names_every_example() -> None:
    index = (EXAMPLES / "README.md").read_text()
    named = re.findall(r"^\| \[`(\w+)\.py`\]\(\1\.py\) \|", index, re.MULTILINE)
    assert sorted(named) == sorted({path.stem for path in EXAMPLES.glob("*.py")} - {"cars"})


def test_there_is_an_analyst_for_every_adapter() -> None:
    adapters = {path.name for path in (EXAMPLES.parent / "packages").iterdir()} - {"core", "local"}
    assert {name.removeprefix("analyst_").replace("_", "-") for name in ANALYSTS} == adapters


@pytest.mark.parametrize("name", ANALYSTS)
def test_an_analyst_corrects_its_code_answers_and_draws_its_chart(
    name: str, tmp_path: Path
) -> None:
    printed = output_of(name, tmp_path)
    assert "406 cars, 1970 to 1982" in printed
    assert "KeyError: \"Columns not found: 'weight'\"" in printed
    assert "correlation: 0.89" in printed
    assert "from 14.6 to 7.8 litres per 100 km" in printed
    assert has_drawn(name, tmp_path, printed)
