import os
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "maf.py"


def test_the_agent_analyses_over_two_turns_and_draws_its_chart(tmp_path: Path) -> None:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"OPENAI_API_KEY", "DYNAMIC_SESSIONS_ENDPOINT"}
    }
    done = subprocess.run(  # noqa: S603 - our own interpreter and example
        [sys.executable, "-W", "error", EXAMPLE],
        cwd=tmp_path,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "[code] 406 cars" in done.stdout
    assert "{'Europe': 9.2, 'Japan': 8.3, 'USA': 13.4}" in done.stdout
    chart = tmp_path / "out" / "maf" / "chart.png"
    assert done.stdout.rstrip().endswith(f"The chart is {chart}")
    assert chart.read_bytes().startswith(b"\x89PNG")
