from pathlib import Path

from .running import has_drawn, output_of


def test_the_host_answers_and_the_chart_is_in_its_folder(tmp_path: Path) -> None:
    printed = output_of("mcp_host", tmp_path)
    assert '{"USA": 20.1, "Europe": 27.9, "Japan": 30.5}' in printed.replace("'", '"')
    assert has_drawn("mcp_host", tmp_path, printed)
