"""A process of the benchmark's own, with which it exchanges lines of JSON."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

_ROOT = Path(__file__).parent.parent
_END_SECONDS = 60.0


class Child:
    """Runs a module of `benchmarks.children` for the length of a with-block.

    It ends when its standard input does, so it cannot outlive this process.

    Args:
        module: Name of the module.
        argument: What it finds as JSON in its command line.
        variables: What its environment has besides ours.
    """

    def __init__(
        self, module: str, argument: object = None, *, variables: Mapping[str, str] | None = None
    ) -> None:
        self._environment = {**os.environ, **(variables or {})}
        self._command = [
            *(sys.executable, "-m", f"benchmarks.children.{module}"),
            json.dumps(argument),
        ]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            self._command,
            cwd=_ROOT,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._process.communicate(timeout=_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    @property
    def process(self) -> int:
        """Its number."""
        return self._process.pid

    def read(self) -> object:
        """Return what it says next.

        Raises:
            RuntimeError: It ended instead.
        """
        assert self._process.stdout is not None  # noqa: S101 - for the type checker
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"ended early: {' '.join(self._command)}")
        return json.loads(line)

    def ask(self, question: object) -> object:
        """Say something and return the answer."""
        assert self._process.stdin is not None  # noqa: S101 - for the type checker
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self.read()
