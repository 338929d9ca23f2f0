import json
from collections import Counter
from pathlib import Path

from .running import output_of


def test_two_agents_work_on_one_variable(tmp_path: Path) -> None:
    printed = output_of("two_agents", tmp_path)
    assert "--- engineer ---\n398\n" in printed
    assert "--- tool ---\nmazda glc\n" in printed


def test_the_agent_is_told_right_from_wrong(tmp_path: Path) -> None:
    *verdicts, total = output_of("evaluation", tmp_path).strip().splitlines()
    assert Counter(verdict.split()[0] for verdict in verdicts) == {"right": 5, "WRONG": 1}
    assert total == "5 of 6 are right"


def test_a_hundred_questions_have_a_hundred_answers(tmp_path: Path) -> None:
    printed = output_of("batch", tmp_path)
    assert "100%" in printed
    answers = json.loads((tmp_path / "out" / "batch" / "answers.json").read_text())
    assert len(answers) == 100
    assert answers["How many cars of 1970 have a name that begins with ford?"] == "6"


def test_files_go_in_and_come_out(tmp_path: Path) -> None:
    printed = output_of("files_in_and_out", tmp_path)
    assert "the code read: 406 cars" in printed
    assert "refused: " in printed
    out = tmp_path / "out" / "files_in_and_out"
    assert len((out / "reports" / "Japan.csv").read_text().splitlines()) == 1 + 79
    assert {path.name for path in out.glob("*.json")} == {"cars.json"}
