"""The tool that builds packages and makes environments."""

import os
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]


def find_uv() -> str:
    """Where uv is: the scripts say so, else it is on PATH or where the scripts put it."""
    found = shutil.which(os.environ.get("UV", "uv")) or shutil.which(ROOT / ".uv" / "bin" / "uv")
    assert found, "uv is neither on PATH nor in .uv/; run ./scripts/test, which gets it"
    return str(Path(found).absolute())
