"""The two kinds of program that a session runs."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PythonCode:
    """Python as IPython takes it.

    Attributes:
        source: The code.
        empty_kernel: It sees none of the session's variables, and leaves none behind.
    """

    source: str
    empty_kernel: bool = False


@dataclass(frozen=True, kw_only=True)
class Command:
    """A program of the sandbox, started anew in /mnt/data.

    Attributes:
        arguments: Its name and what follows it.
        stdin: What it reads.
    """

    arguments: tuple[str, ...]
    stdin: str = ""


Program = PythonCode | Command


def bash(command: str, *, stdin: str = "") -> Command:
    """A line, or a whole script, for Bash."""
    return Command(arguments=("/bin/bash", "-c", command), stdin=stdin)


def request_of(program: Program) -> dict[str, object]:
    """The members that tell a worker to run it."""
    match program:
        case PythonCode():
            return {"code": program.source, "empty_kernel": program.empty_kernel}
        case Command():
            return {"command": list(program.arguments), "stdin": program.stdin}
