from pathlib import Path

from .running import has_drawn, output_of


def test_the_llamaindex_agent_corrects_its_code_and_draws_its_chart(tmp_path: Path) -> None:
    printed = output_of("llamaindex", tmp_path)
    assert "406 cars, 1970 to 1982" in printed
    assert "KeyError: \"Columns not found: 'weight'\"" in printed
    assert "correlation: 0.89" in printed
    assert has_drawn("llamaindex", tmp_path, printed)
