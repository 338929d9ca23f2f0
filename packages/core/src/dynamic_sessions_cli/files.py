"""`dynamic-sessions files`: into a session and out of it."""

import glob
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from dynamic_sessions import AsyncSession, AsyncSessionFiles, SessionFile
from dynamic_sessions.downloads import IfExists
from dynamic_sessions.downloads import Progress as Report
from dynamic_sessions.files import session_name
from dynamic_sessions.local_paths import files_below
from dynamic_sessions_cli.connections import in_event_loop, lasting, named_session, open_pool
from dynamic_sessions_cli.options import (
    EndpointOption,
    JsonOption,
    ProfileOption,
    SessionOption,
)
from dynamic_sessions_cli.profiles import Target, choose_target
from dynamic_sessions_cli.session_files import below, find, has_pattern
from dynamic_sessions_cli.statuses import CommandError
from dynamic_sessions_cli.terminal import note, output, shown, write_json, write_table
from dynamic_sessions_cli.transfers import Transfer, move_all

app = typer.Typer(help="List a session's files, copy them in and out, delete them.")

IfExistsOption = Annotated[
    IfExists,
    typer.Option("--if-exists", help="What to do with a file of that name that is there already."),
]


@app.command("ls")
def list_files(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME...", help="Files, folders or patterns; by default all."),
    ] = None,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="List the folders in folders, too.")
    ] = False,
    as_json: JsonOption = False,
    session: SessionOption = None,
    endpoint: EndpointOption = None,
    profile: ProfileOption = None,
) -> None:
    """List a session's files: size in bytes, time of the last change, name.

    $ dynamic-sessions files ls -s my-session 'results/**/*.csv'
    """
    target = lasting(choose_target(endpoint, profile))
    entries = in_event_loop(_list, target, session, names or [""], recursive)
    if as_json:
        write_json([_as_json(entry) for entry in entries])
    else:
        write_table(("size", "changed", "name"), [_row(entry) for entry in entries])


@app.command("put")
def put(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE...", help="Files, folders or patterns of this machine."),
    ],
    to: Annotated[
        str, typer.Option("--to", metavar="FOLDER", help="Folder of the session, made if needed.")
    ] = "",
    if_exists: IfExistsOption = "replace",
    session: SessionOption = None,
    endpoint: EndpointOption = None,
    profile: ProfileOption = None,
) -> None:
    """Copy files into a session, and print their names there.

    A folder arrives under its own name with all that is in it; symbolic links are passed over.

        $ dynamic-sessions files put -s my-session sales.csv archive/ --to data
    """
    target = lasting(choose_target(endpoint, profile))
    pairs = [pair for source in sources for pair in _local_files(source, to)]
    _print_names(in_event_loop(_put, target, session, pairs, if_exists))


@app.command("get")
def get(
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME...", help="Files, folders or patterns of the session."),
    ],
    to: Annotated[
        str, typer.Option("--to", metavar="FOLDER", help="Folder of this machine, made if needed.")
    ] = ".",
    if_exists: IfExistsOption = "replace",
    session: SessionOption = None,
    endpoint: EndpointOption = None,
    profile: ProfileOption = None,
) -> None:
    """Copy files out of a session, and print where they are.

    Each keeps its path: results/a.csv of the session becomes FOLDER/results/a.csv.

        $ dynamic-sessions files get -s my-session '*.png' results --to out
    """
    target = lasting(choose_target(endpoint, profile))
    _print_names(in_event_loop(_get, target, session, names, to, if_exists))


@app.command("rm")
def remove(
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME...", help="Files, folders or patterns of the session."),
    ],
    recursive: Annotated[
        bool,
        typer.Option("--recursive", "-r", help="Delete the files in folders, too; folders stay."),
    ] = False,
    session: SessionOption = None,
    endpoint: EndpointOption = None,
    profile: ProfileOption = None,
) -> None:
    """Delete files of a session."""
    target = lasting(choose_target(endpoint, profile))
    in_event_loop(_remove, target, session, names, recursive)


async def _list(
    target: Target, name: str | None, patterns: Sequence[str], recursive: bool
) -> Sequence[SessionFile]:
    async with open_pool(target) as pool:
        session = named_session(pool, target, name)
        entries: dict[str, SessionFile] = {}
        for pattern in patterns:
            for entry in await _listed(session.files, pattern, recursive):
                entries[entry.name] = entry
        return list(entries.values())


async def _listed(files: AsyncSessionFiles, pattern: str, recursive: bool) -> Sequence[SessionFile]:
    found = await find(files, pattern)
    if not pattern:
        return await files.list(recursive=True) if recursive else found
    if has_pattern(pattern) or found[0].type == "file":
        return found
    return await files.list(found[0].name, recursive=recursive)


def _local_files(source: str, to: str) -> Sequence[tuple[Path, str]]:
    """Return the files that a source stands for, each with its name in the session."""
    paths = [Path(source)]
    if not paths[0].exists() and has_pattern(source):
        paths = [Path(found) for found in sorted(glob.glob(source, recursive=True))]  # noqa: PTH207 - patterns may be absolute
    if not paths or not paths[0].exists():
        raise CommandError(f"There is no file {source!r} on this machine.")
    pairs: list[tuple[Path, str]] = []
    for path in paths:
        files = files_below(path) if path.is_dir() else [path]
        base = path.parent if path.name else path
        pairs += [(file, file.relative_to(base).as_posix()) for file in files]
    folder = to.strip("/")
    try:
        return [
            (file, session_name(f"{folder}/{name}" if folder else name)) for file, name in pairs
        ]
    except ValueError as error:
        raise CommandError(str(error)) from error


async def _put(
    target: Target, name: str | None, pairs: Sequence[tuple[Path, str]], if_exists: IfExists
) -> Sequence[str]:
    async def send(session: AsyncSession, path: Path, to: str, report: Report) -> str:
        kept = await session.files.upload(path, name=to, if_exists=if_exists, progress=report)
        return kept.name

    async with open_pool(target) as pool:
        session = named_session(pool, target, name)
        transfers = [
            Transfer(size=path.stat().st_size, move=partial(send, session, path, to))
            for path, to in pairs
        ]
        return await move_all("sending", transfers)


async def _get(
    target: Target, name: str | None, patterns: Sequence[str], to: str, if_exists: IfExists
) -> Sequence[str]:
    async def fetch(session: AsyncSession, entry: SessionFile, report: Report) -> str:
        copy = await session.files.download(entry, to=to, if_exists=if_exists, progress=report)
        return str(copy)

    async with open_pool(target) as pool:
        session = named_session(pool, target, name)
        transfers = [
            Transfer(size=entry.size, move=partial(fetch, session, entry))
            for entry in await _files_of(session.files, patterns)
        ]
        return await move_all("fetching", transfers)


async def _remove(
    target: Target, name: str | None, patterns: Sequence[str], recursive: bool
) -> None:
    async with open_pool(target) as pool:
        files = named_session(pool, target, name).files
        if not recursive:
            for pattern in patterns:
                for entry in await find(files, pattern):
                    if entry.type == "directory":
                        raise CommandError(
                            f"{entry.name!r} is a folder.",
                            "--recursive deletes the files in it. Nothing was deleted.",
                        )
        for entry in await _files_of(files, patterns):
            await files.delete(entry.name)
            note(f"deleted: {entry.name}")


async def _files_of(files: AsyncSessionFiles, patterns: Sequence[str]) -> Sequence[SessionFile]:
    found: dict[str, SessionFile] = {}
    for pattern in patterns:
        for entry in await find(files, pattern):
            for file in await below(files, entry):
                found[file.name] = file
    return list(found.values())


def _print_names(names: Sequence[str]) -> None:
    for name in names:
        output().out(shown(name), highlight=False)


def _row(entry: SessionFile) -> tuple[str, str, str]:
    moment = entry.modified_at.isoformat(timespec="seconds") if entry.modified_at else ""
    if entry.type == "directory":
        return "", moment, f"{entry.name}/"
    return str(entry.size), moment, entry.name


def _as_json(entry: SessionFile) -> dict[str, object]:
    return {
        "name": entry.name,
        "type": entry.type,
        "size": entry.size,
        "modified_at": entry.modified_at and entry.modified_at.isoformat(),
    }
