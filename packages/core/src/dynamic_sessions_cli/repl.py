"""`dynamic-sessions repl`: a prompt on a session."""

import os
import sys
from typing import Annotated

import anyio
import typer
from platformdirs import user_state_path
from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.history import FileHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import PygmentsLexer

from dynamic_sessions import AsyncSession, DynamicSessionsError, Execution, Image
from dynamic_sessions.pool import DEFAULT_TIMEOUT_SECONDS
from dynamic_sessions.time_limits import MAX_EXECUTION_SECONDS
from dynamic_sessions_cli.connections import checked_session, in_event_loop, open_pool
from dynamic_sessions_cli.images import Protocol, inline_protocol, save_images, show_image
from dynamic_sessions_cli.interrupts import on_interrupt
from dynamic_sessions_cli.lines import indent_after, is_whole
from dynamic_sessions_cli.options import (
    EndpointOption,
    ImagesOption,
    ProfileOption,
    SessionOption,
    TimeoutOption,
)
from dynamic_sessions_cli.profiles import APPLICATION, Target, choose_target
from dynamic_sessions_cli.statuses import CommandError
from dynamic_sessions_cli.terminal import note, write_session_text

_LEAVING = frozenset({"exit", "exit()", "quit", "quit()"})


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
    # A run that is given up is not to take the session with it: see _interrupt.
    async with open_pool(target, on_cancel="leave") as pool:
        session = checked_session(pool, name)
        await session.set_up()
        note(f"Session {session.identifier}. Ctrl-C interrupts code, Ctrl-D leaves.")
        await _Conversation(session, timeout=timeout, folder=folder, inline=inline).hold()
        if name is not None and not target.is_own_process:
            note(f"The session goes on: --session {name} brings you back to it.")


class _Conversation:
    """What is typed at a prompt, run in a session."""

    def __init__(self, session: AsyncSession, *, timeout: float, folder: str, inline: bool) -> None:
        self._session = session
        self._timeout = timeout
        self._folder = folder
        self._protocol: Protocol | None = inline_protocol() if inline else None
        self._prompt = _prompt()
        self._number = 0

    async def hold(self) -> None:
        """Prompt and run until the person leaves."""
        while True:
            try:
                code = await self._prompt.prompt_async(f"In [{self._number + 1}]: ")
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            if code.strip() in _LEAVING:
                return
            if code.strip():
                self._number += 1
                await self._run(code)

    async def _run(self, code: str) -> None:
        try:
            with anyio.CancelScope() as scope, on_interrupt(scope.cancel):
                self._show(await self._session.execute(code, timeout=self._timeout))
            if scope.cancelled_caught:
                await self._interrupt()
        except DynamicSessionsError as error:
            sys.stderr.write(f"dynamic-sessions: {error}\n")

    async def _interrupt(self) -> None:
        """Wait until the session has stopped the code whose call was given up.

        A local pool interrupts code when nobody waits for it any more. The service says nothing of
        the kind, and may let it end by itself: then only the end of the session stops it.
        """
        note("Interrupting. Ctrl-C again ends the session.")
        with anyio.CancelScope() as scope, on_interrupt(scope.cancel):
            await self._session.execute("pass", timeout=MAX_EXECUTION_SECONDS)
            note("KeyboardInterrupt")
        if scope.cancelled_caught:
            await self._session.delete()
            note("The session was ended: its variables and files are gone.")

    def _show(self, execution: Execution) -> None:
        if execution.session_recycled:
            note("The session is another one than before: earlier variables are gone.")
        write_session_text(execution.stdout, sys.stdout, end="\n")
        write_session_text(execution.stderr, sys.stderr, end="\n")
        if execution.result is not None:
            text = str(execution.result)
            # A table begins on a line of its own, so that its columns stay in line.
            separator = "\n" if "\n" in text else " "
            write_session_text(f"Out[{self._number}]:{separator}{text}", sys.stdout, end="\n")
        for image in execution.images:
            self._show_image(image)
        if execution.truncated:
            note("The output reached the limit and was cut there.")

    def _show_image(self, image: Image) -> None:
        if not show_image(image, self._protocol):
            (path,) = save_images([image], self._folder)
            note(f"image: {path}")


def _prompt() -> PromptSession[str]:
    history = user_state_path(APPLICATION, appauthor=False, ensure_exists=True) / "history"
    # Code may hold what is nobody else's business.
    os.close(os.open(history, os.O_CREAT | os.O_APPEND, 0o600))
    return PromptSession(
        history=FileHistory(str(history)),
        auto_suggest=AutoSuggestFromHistory(),
        lexer=PygmentsLexer.from_filename("prompt.py"),
        multiline=True,
        prompt_continuation=lambda width, _line, _wraps: "...: ".rjust(width),
        key_bindings=_keys(),
        include_default_pygments_style="NO_COLOR" not in os.environ,
    )


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter")
    def _run_or_continue(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        document = buffer.document
        if document.is_cursor_at_the_end and is_whole(document.text):
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n" + indent_after(document.current_line_before_cursor))

    return keys
