from pathlib import Path

from .running import has_drawn, output_of


def test_the_agent_analyses_over_two_turns_and_draws_its_chart(tmp_path: Path) -> None:
    printed = output_of("maf", tmp_path)
    assert "[code] 406 cars" in printed
    assert "{'Europe': 9.2, 'Japan': 8.3, 'USA': 13.4}" in printed
    assert has_drawn("maf", tmp_path, printed)
