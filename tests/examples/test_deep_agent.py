from pathlib import Path

from .running import output_of


def test_the_deep_agent_mends_its_program_and_hands_it_over(tmp_path: Path) -> None:
    printed = output_of("deep_agent", tmp_path)
    assert "KeyError: 'generation'" in printed
    assert "2015 33.7%" in printed
    program = tmp_path / "out" / "deep_agent" / "renewables.py"
    assert printed.rstrip().endswith(f"The program is {program}")
    assert '"net_generation"' in program.read_text()
