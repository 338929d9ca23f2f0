"""What it takes a program to import a package, before it has done anything with it."""

import json
import subprocess
import sys
from dataclasses import dataclass, field

from benchmarks.clock import Contender, interleave
from benchmarks.report import MEBIBYTES, MILLISECONDS, AtMostTimes, Figure, Kind, Section, Target
from benchmarks.setting import Setting

HTTPX = "httpx"
HTTPX_TARGET = 2

# Where it can, httpx imports its command line and what that is made of: a hundred modules that
# would make all that is built on httpx look light beside it.
_PROGRAM = """
import os, sys, time
sys.modules["httpx._main"] = None
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
before, begun = resident(), time.process_time()
{statement}
print([time.process_time() - begun, resident() - before])
"""


@dataclass(frozen=True)
class _Import:
    name: str
    kind: Kind
    statement: str
    sizes: list[float] = field(default_factory=list[float])
    """Bytes that it took, each time that it was measured."""

    def measure(self, count: int) -> list[float]:
        """Return the processor times of as many new processes."""
        return [self._once() for _ in range(count)]

    def _once(self) -> float:
        done = subprocess.run(  # noqa: S603 - our own interpreter and program
            [sys.executable, "-I", "-W", "ignore", "-c", _PROGRAM.format(statement=self.statement)],
            check=True,
            stdout=subprocess.PIPE,
        )
        seconds, size = json.loads(done.stdout)
        self.sizes.append(size)
        return seconds

    def memory(self) -> Figure:
        """What it took in all the processes."""
        return Figure(name=self.name, kind=self.kind, values=tuple(self.sizes))


def imports(setting: Setting) -> list[Section]:
    """In new processes, one after the other."""
    groups = _groups()
    everything = [each for group in groups.values() for each in group]
    measured = iter(
        interleave(
            [
                Contender(name=each.name, kind=each.kind, measure=each.measure)
                for each in everything
            ],
            rounds=setting.many(15, 1),
        )
    )
    sections: list[Section] = []
    for title, group in groups.items():
        times = [next(measured) for _ in group]
        targets: list[Target] = [
            AtMostTimes(each.name, HTTPX_TARGET) for each in group if each.name == HTTPX
        ]
        sections += [
            Section(
                title=f"processor time to import: {title}",
                unit=MILLISECONDS,
                figures=times,
                targets=targets,
            ),
            Section(
                title=f"memory to import: {title}",
                unit=MEBIBYTES,
                figures=[each.memory() for each in group],
            ),
        ]
    return sections


def _groups() -> dict[str, tuple[_Import, ...]]:
    """Return our packages, each with what it is compared with, and with its framework alone."""
    return {
        "no framework": (
            _Import("dynamic_sessions", "ours", "import dynamic_sessions"),
            _Import(HTTPX, "limit", "import httpx"),
        ),
        "AutoGen": (
            _Import("executor", "ours", "import autogen_ext_dynamic_sessions"),
            _Import("autogen-ext", "peer", "import autogen_ext.code_executors.azure"),
            _Import("AutoGen alone", "limit", "import autogen_core.code_executor"),
        ),
        "LangChain": (
            _Import("tools", "ours", "import langchain_dynamic_sessions"),
            _Import(
                "langchain-azure-dynamic-sessions",
                "peer",
                "import langchain_azure_dynamic_sessions",
            ),
            _Import("LangChain alone", "limit", "from langchain_core.tools import BaseTool"),
        ),
        "LlamaIndex": (
            _Import("tools", "ours", "import llama_index.tools.dynamic_sessions"),
            _Import(
                "llama-index-tools-azure-code-interpreter",
                "peer",
                "import llama_index.tools.azure_code_interpreter",
            ),
            _Import("LlamaIndex alone", "limit", "import llama_index.core.tools"),
        ),
        "Agent Framework": (
            _Import("tool", "ours", "import maf_dynamic_sessions"),
            _Import("Agent Framework alone", "limit", "from agent_framework import FunctionTool"),
        ),
        "MCP": (
            _Import("server", "ours", "import dynamic_sessions_mcp"),
            _Import("MCP's SDK alone", "limit", "import mcp.server"),
        ),
    }
