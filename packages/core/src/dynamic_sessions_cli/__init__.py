"""The `dynamic-sessions` command. A package of its own, so that the client never imports what it needs.

Packages add commands by entry points: `dynamic_sessions.commands` names functions in Typer's manner,
`dynamic_sessions.diagnoses` what `doctor` tries of a machine.
"""

import sys
from collections.abc import Sequence

__all__ = ["main"]

_OF_THE_EXTRA = frozenset({"platformdirs", "prompt_toolkit", "rich", "typer"})
_USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: What follows the command's name; the process's own by default.

    Returns:
        The exit status; see ExitStatus.
    """
    try:
        from dynamic_sessions_cli.program import run  # noqa: PLC0415 - it needs the extra
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _OF_THE_EXTRA:
            raise
        sys.stderr.write(
            f"dynamic-sessions: the command line needs {error.name}, which is not installed.\n"
            "  The extra [cli] brings it: pip install 'dynamic-sessions[cli]'\n"
        )
        return _USAGE
    return run(sys.argv[1:] if arguments is None else arguments)
