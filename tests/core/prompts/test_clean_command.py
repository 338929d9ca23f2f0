import pytest

from dynamic_sessions.prompts import clean_command


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("shuf -i 1-1", "shuf -i 1-1"),
        ("sh -c 'ls'", "sh -c 'ls'"),
        ("```bash\nls -l\n```", "ls -l"),
        ("```\nls\npwd\n```\n", "ls\npwd"),
        ("echo `date`", "echo `date`"),
        ("", ""),
    ],
)
def test_a_fence_is_taken_off_a_command_and_nothing_else(text: str, command: str) -> None:
    assert clean_command(text) == command
