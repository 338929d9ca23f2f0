from pathlib import Path

from .running import has_drawn, output_of


def test_the_langchain_agent_corrects_its_code_and_draws_its_chart(tmp_path: Path) -> None:
    printed = output_of("langchain_agent", tmp_path)
    assert "406 cars, 1970 to 1982" in printed
    assert "KeyError: 'country'" in printed
    assert "strongest: USA" in printed
    assert has_drawn("langchain", tmp_path, printed)
