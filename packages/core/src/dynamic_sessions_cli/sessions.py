"""`dynamic-sessions sessions`: what is alive in a session pool."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from dynamic_sessions import SessionStatus
from dynamic_sessions_cli.connections import checked_session, in_event_loop, lasting, open_pool
from dynamic_sessions_cli.exports import ExportFormat, fetch_export
from dynamic_sessions_cli.options import EndpointOption, JsonOption, ProfileOption
from dynamic_sessions_cli.profiles import Target, choose_target
from dynamic_sessions_cli.statuses import CommandError, ExitStatus
from dynamic_sessions_cli.terminal import (
    note,
    output,
    shown,
    write_json,
    write_session_text,
    write_table,
)

app = typer.Typer(help="List the sessions of a pool, look at one, take one along, end some.")

STANDARD_OUTPUT = "-"

_FORMATS: dict[str, ExportFormat] = {".ipynb": "notebook", ".py": "script", ".sh": "script"}
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


@app.command("ls")
def list_sessions(
    as_json: JsonOption = False, endpoint: EndpointOption = None, profile: ProfileOption = None
) -> None:
    """List the sessions that are alive, whoever made them.

    For each: its name, its age, the time since its last call, and the time left unless it is called.
    """
    target = lasting(choose_target(endpoint, profile))
    found = sorted(in_event_loop(_list, target), key=lambda status: status.identifier)
    if as_json:
        write_json([_as_json(status) for status in found])
        return
    now = datetime.now(UTC)
    columns = ("session", "age", "idle", "time left")
    write_table(
        columns,
        [
            (
                status.identifier,
                _since(status.created_at, now),
                _since(status.last_accessed_at, now),
                _until(status.expires_at, now),
            )
            for status in found
        ],
    )


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Session.")],
    as_json: JsonOption = False,
    endpoint: EndpointOption = None,
    profile: ProfileOption = None,
) -> None:
    """Show what the service says of one session."""
    target = lasting(choose_target(endpoint, profile))
    status = in_event_loop(_status, target, name)
    if status is None:
        raise _none_of_that_name(name)
    description = _as_json(status)
    if as_json:
        write_json(description)
        return
    for word, value in description.items():
        output().out(f"{word}: {'unknown' if value is None else shown(value)}")


@app.command("stop")
def stop(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Sessions.")],
    endpoint: EndpointOption = None,
    profile: ProfileOption = None,
) -> None:
    """End sessions: their code stops, their variables and files are gone."""
    target = lasting(choose_target(endpoint, profile))
    in_event_loop(_stop, target, names)


@app.command("export")
def export(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Session, alive or ended lately.")],
    to: Annotated[
        str,
        typer.Option("--output", "-o", metavar="FILE|-", help="Where to; - for standard output."),
    ] = STANDARD_OUTPUT,
    form: Annotated[
        ExportFormat | None,
        typer.Option(
            "--format",
            help="By default what FILE ends in: .ipynb, .py or .sh; a notebook for standard output.",
        ),
    ] = None,
    endpoint: EndpointOption = None,
    profile: ProfileOption = None,
) -> None:
    """Write what a session ran as a Jupyter notebook or as a script, whoever ran it.

    The inspector of a local pool remembers it. In a script, code that failed is a comment.

        $ dynamic-sessions sessions export my-session -o analysis.ipynb
    """
    form = form or _format_of(to)
    target = lasting(choose_target(endpoint, profile))
    text = in_event_loop(fetch_export, target, name, form)
    if to == STANDARD_OUTPUT:
        write_session_text(text, sys.stdout)
    else:
        Path(to).write_text(text, encoding="utf-8", newline="")


async def _list(target: Target) -> Sequence[SessionStatus]:
    async with open_pool(target) as pool:
        return await pool.list_sessions()


async def _status(target: Target, name: str) -> SessionStatus | None:
    async with open_pool(target) as pool:
        return await checked_session(pool, name).status()


async def _stop(target: Target, names: Sequence[str]) -> None:
    async with open_pool(target) as pool:
        for name in names:
            session = checked_session(pool, name)
            if await session.status() is None:
                raise _none_of_that_name(name)
            await session.delete()
            note(f"stopped: {name}")


def _format_of(file: str) -> ExportFormat:
    if file == STANDARD_OUTPUT:
        return "notebook"
    ending = Path(file).suffix.lower()
    if ending not in _FORMATS:
        raise CommandError(
            f"{file!r} ends in none of {', '.join(_FORMATS)}.",
            "Name a file that does, or pass --format notebook or --format script.",
        )
    return _FORMATS[ending]


def _none_of_that_name(name: str) -> CommandError:
    return CommandError(
        f"No session {name!r} is alive.",
        "`dynamic-sessions sessions ls` lists those that are.",
        status=ExitStatus.SERVICE_FAILED,
    )


def _as_json(status: SessionStatus) -> dict[str, str | None]:
    return {
        "session": status.identifier,
        "created_at": _text(status.created_at),
        "last_accessed_at": _text(status.last_accessed_at),
        "expires_at": _text(status.expires_at),
    }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")


def _since(moment: datetime | None, now: datetime) -> str:
    return "" if moment is None else _span((now - moment).total_seconds())


def _until(moment: datetime | None, now: datetime) -> str:
    return "" if moment is None else _span((moment - now).total_seconds())


def _span(seconds: float) -> str:
    seconds = max(seconds, 0)
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE:.0f} min"
    return f"{seconds // _HOUR:.0f} h" if seconds < _DAY else f"{seconds // _DAY:.0f} d"
