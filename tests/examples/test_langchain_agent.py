import os
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "langchain_agent.py"


def test_the_langchain_agent_corrects_its_code_and_draws_its_chart(tmp_path: Path) -> None:
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
    assert "406 cars, 1970 to 1982" in done.stdout
    assert "KeyError: 'country'" in done.stdout
    assert "strongest: USA" in done.stdout
    chart = tmp_path / "out" / "langchain" / "chart.png"
    assert done.stdout.rstrip().endswith(f"The chart is {chart}")
    assert chart.read_bytes().startswith(b"\x89PNG")
