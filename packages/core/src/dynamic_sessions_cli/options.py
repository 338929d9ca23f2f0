"""The options that several commands have."""

from typing import Annotated, TypeAlias

import typer

_POOL = "Session pool"

EndpointOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--endpoint",
        "-e",
        metavar="URL",
        help="Pool management endpoint of a session pool, or `local` for a sandboxed "
        "pool that lives as long as the command. By default $DYNAMIC_SESSIONS_ENDPOINT.",
        rich_help_panel=_POOL,
    ),
]
ProfileOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--profile",
        "-p",
        metavar="NAME",
        help="Profile of the configuration file, instead of --endpoint. By default "
        "$DYNAMIC_SESSIONS_PROFILE",
        rich_help_panel=_POOL,
    ),
]
SessionOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--session",
        "-s",
        metavar="NAME",
        help="Session, made where there is none.",
        envvar="DYNAMIC_SESSIONS_SESSION",
        rich_help_panel=_POOL,
    ),
]
JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Write JSON to standard output, for programs.")
]
TimeoutOption: TypeAlias = Annotated[
    float,
    typer.Option(
        "--timeout", "-t", metavar="SECONDS", help="How long the code may run, at most 220."
    ),
]
ImagesOption: TypeAlias = Annotated[
    str,
    typer.Option("--images", metavar="FOLDER", help="Where pictures are saved."),
]
