from pathlib import Path

from .running import has_drawn, output_of


def test_the_quickstart_draws_its_chart(tmp_path: Path) -> None:
    printed = output_of("quickstart", tmp_path)
    assert "1461 days, 01 January 2012 to 31 December 2015" in printed
    assert "wettest month: 11 - driest: 7" in printed
    assert has_drawn("quickstart", tmp_path, printed)
