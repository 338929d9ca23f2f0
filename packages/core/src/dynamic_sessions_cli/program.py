"""The command with all of its commands, and how it ends."""

import logging
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points, version
from typing import Annotated, cast

import typer
from typer.main import get_command

from dynamic_sessions import DynamicSessionsError, ServiceConnectionError
from dynamic_sessions_cli import files, sessions
from dynamic_sessions_cli.doctor import doctor
from dynamic_sessions_cli.packages import packages
from dynamic_sessions_cli.repl import repl
from dynamic_sessions_cli.running import run as run_code
from dynamic_sessions_cli.statuses import CommandError, ExitStatus

NAME = "dynamic-sessions"
COMMANDS = "dynamic_sessions.commands"

_LOCAL = "This machine"
_HINT = "`dynamic-sessions --help` and `dynamic-sessions COMMAND --help` say what there is."


def run(arguments: Sequence[str]) -> int:
    """Run the command, and return its exit status."""
    # Its warnings are in the error already, which is the one line that a failure prints.
    logging.getLogger("azure").addHandler(logging.NullHandler())
    command = get_command(build())
    try:
        outcome = cast(
            "object", command.main(list(arguments), prog_name=NAME, standalone_mode=False)
        )
    except typer.TyperException as error:
        return _fail(error.format_message(), _HINT, ExitStatus.USAGE)
    except typer.Abort:
        return ExitStatus.INTERRUPTED
    except CommandError as error:
        return _fail(str(error), error.cure, error.status)
    except DynamicSessionsError as error:
        return _fail(str(error), _cure(error), ExitStatus.SERVICE_FAILED)
    except (OSError, ValueError) as error:
        return _fail(str(error), "", ExitStatus.USAGE)
    return outcome if isinstance(outcome, int) else ExitStatus.OK


def build() -> typer.Typer:
    """Return the command: core's own, and those that other packages add."""
    app = typer.Typer(
        name=NAME,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
        pretty_exceptions_enable=False,
    )
    app.callback(invoke_without_command=True)(_begin)
    for function, name in ((run_code, "run"), (repl, "repl"), (packages, "packages")):
        app.command(name)(function)
    app.add_typer(files.app, name="files")
    app.add_typer(sessions.app, name="sessions")
    for entry_point in entry_points(group=COMMANDS):
        added = cast("Callable[..., object]", entry_point.load())
        app.command(entry_point.name, rich_help_panel=_LOCAL)(added)
    app.command("doctor", rich_help_panel=_LOCAL)(doctor)
    return app


def _begin(
    context: typer.Context,
    show_version: Annotated[bool, typer.Option("--version", help="Say the version.")] = False,
) -> None:
    """Run model-written code in sessions, in Azure or on this machine.

    Which session pool is meant, --endpoint says, or --profile, or the environment, or the default
    profile of the configuration file.

        $ dynamic-sessions run --endpoint local -c 'print(6 * 7)'
    """
    if show_version:
        sys.stdout.write(f"{NAME} {version(NAME)}\n")
        raise typer.Exit
    if context.invoked_subcommand is None:
        raise CommandError("No command was given.", _HINT)


def _cure(error: DynamicSessionsError) -> str:
    if isinstance(error, ServiceConnectionError):
        return "`dynamic-sessions doctor` looks at the endpoint, the token and the role in turn."
    return ""


def _fail(message: str, cure: str, status: ExitStatus) -> int:
    sys.stderr.write(f"{NAME}: {' '.join(message.split())}\n")
    if cure:
        sys.stderr.write(f"  {cure}\n")
    return status
