"""What the figures were measured on."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

PACKAGES = (
    "dynamic-sessions",
    "dynamic-sessions-local",
    "starlette",
    "uvicorn",
    "httptools",
    "uvloop",
    "httpx",
    "ipython",
    "numpy",
    "pandas",
    "matplotlib",
    "aiohttp",
    "autogen-ext",
    "langchain-azure-dynamic-sessions",
    "llama-index-tools-azure-code-interpreter",
    "requests",
    "ipykernel",
    "jupyter-client",
    "nbclient",
)
_GIB = 1 << 30


def describe_machine() -> dict[str, str]:
    """Names and values: the time, processors, memory, kernel, Python, packages."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    packages = ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    return {
        "measured": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {memory / _GIB:.1f} GiB",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "packages": packages,
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"
