"""`dynamic-sessions packages`: what code can import."""

from typing import Annotated

import typer

from dynamic_sessions_cli.connections import checked_session, in_event_loop, open_pool
from dynamic_sessions_cli.options import (
    EndpointOption,
    JsonOption,
    ProfileOption,
    SessionOption,
)
from dynamic_sessions_cli.profiles import Target, choose_target
from dynamic_sessions_cli.terminal import write_json, write_table


def packages(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="WORD...", help="Only packages with one of these in their name."),
    ] = None,
    as_json: JsonOption = False,
    session: SessionOption = None,
    endpoint: EndpointOption = None,
    profile: ProfileOption = None,
) -> None:
    """List the packages that sessions have, with their versions.

    With --session those of that session, also what was installed there since it began.
    """
    target = choose_target(endpoint, profile)
    found = in_event_loop(_list, target, session)
    wanted = [word.lower() for word in words or ()]
    chosen = {
        name: found[name]
        for name in sorted(found, key=str.lower)
        if not wanted or any(word in name.lower() for word in wanted)
    }
    if as_json:
        write_json(chosen)
    else:
        write_table(("package", "version"), list(chosen.items()))


async def _list(target: Target, name: str | None) -> dict[str, str]:
    async with open_pool(target) as pool:
        session = checked_session(pool, name)
        return await session.list_packages(in_session=name is not None)
