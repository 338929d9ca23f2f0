"""What the packages of this repository are."""

import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PROJECTS: dict[str, dict[str, Any]] = {
    project["name"]: project
    for path in sorted(ROOT.glob("packages/*/pyproject.toml"))
    for project in [tomllib.loads(path.read_text())["project"]]
}
IMPORT_NAMES = {
    "dynamic-sessions": "dynamic_sessions",
    "dynamic-sessions-local": "dynamic_sessions_local",
    "autogen-ext-dynamic-sessions": "autogen_ext_dynamic_sessions",
    "dynamic-sessions-mcp": "dynamic_sessions_mcp",
    "langchain-dynamic-sessions": "langchain_dynamic_sessions",
    "llama-index-tools-dynamic-sessions": "llama_index.tools.dynamic_sessions",
    "maf-dynamic-sessions": "maf_dynamic_sessions",
}
