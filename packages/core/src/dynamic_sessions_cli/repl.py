"""`dynamic-sessions repl`: a prompt on a session."""

import sys
from typing import Annotated

import typer

from dynamic_sessions.pool import DEFAULT_TIMEOUT_SECONDS
from dynamic_sessions_cli.connections import checked_session, in_event_loop, open_pool
from dynamic_sessions_cli.options import (
    EndpointOption,
    ImagesOption,
    ProfileOption,
    SessionOption,
    TimeoutOption,
)
from dynamic_sessions_cli.profiles import Target, choose_target
from dynamic_sessions_cli.statuses import CommandError
from dynamic_sessions_cli.terminal import note


def repl(
    images: ImagesOption = ".",
    inline: Annotated[
        bool,
        typer.Option(
            help="Show pictures in the terminal, where it is kitty, iTerm2 or one that understands them."
        ),
    ] = True,
    timeout: TimeoutOption = DEFAULT_TIMEOUT_SECONDS,
    session: SessionOption = None,
    endpoint: EndpointOption = None,
    profile: ProfileOption = None,
) -> None:
    """Open a prompt on a session.

    Lines go to the session as they are, IPython's magics included. Enter runs what is whole, and
    continues a block until an empty line; the arrow keys bring back what was typed, also last time.
    Ctrl-C interrupts the code that runs, Ctrl-D leaves. Without --session the session ends then.
    """
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        raise CommandError(
            "repl needs a terminal.", "`dynamic-sessions run -` runs what comes over a pipe."
        )
    target = choose_target(endpoint, profile)
    in_event_loop(_converse, target, session or target.session, timeout, images, inline)


async def _converse(
    target: Target, name: str | None, timeout: float, folder: str, inline: bool
) -> None:
    # prompt_toolkit takes a while, and no other command needs it.
    from dynamic_sessions_cli.conversation import Conversation  # noqa: PLC0415

    # A run that is given up is not to take the session with it; the conversation sees to it.
    async with open_pool(target, on_cancel="leave") as pool:
        session = checked_session(pool, name)
        await session.set_up()
        note(f"Session {session.identifier}. Ctrl-C interrupts code, Ctrl-D leaves.")
        await Conversation(session, timeout=timeout, folder=folder, inline=inline).hold()
        if name is not None and not target.is_own_process:
            note(f"The session goes on: --session {name} brings you back to it.")
