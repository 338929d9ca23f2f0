import os
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "mcp_host.py"


def test_the_host_answers_and_the_chart_is_in_its_folder(tmp_path: Path) -> None:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"OPENAI_API_KEY", "DYNAMIC_SESSIONS_ENDPOINT"}
    }
    done = subprocess.run(  # noqa: S603 - our own interpreter and example
        [sys.executable, EXAMPLE],
        cwd=tmp_path,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert '{"USA": 20.1, "Europe": 27.9, "Japan": 30.5}' in done.stdout.replace("'", '"')
    chart = tmp_path / "out" / "mcp_host" / "chart.png"
    assert done.stdout.rstrip().endswith(f"The chart is {chart}")
    assert chart.read_bytes().startswith(b"\x89PNG")
