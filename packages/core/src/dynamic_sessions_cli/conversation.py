"""What is typed at a prompt, run in a session."""

import os
import sys

import anyio
from platformdirs import user_state_path
from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.history import FileHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import PygmentsLexer

from dynamic_sessions import AsyncSession, DynamicSessionsError, Execution, Image
from dynamic_sessions.time_limits import MAX_EXECUTION_SECONDS
from dynamic_sessions_cli.images import Protocol, inline_protocol, save_images, show_image
from dynamic_sessions_cli.interrupts import on_interrupt
from dynamic_sessions_cli.lines import indent_after, is_whole
from dynamic_sessions_cli.profiles import APPLICATION
from dynamic_sessions_cli.terminal import note, write_session_text

_END = "exit"
_LEAVING = frozenset({_END, "exit()", "quit", "quit()"})


class Conversation:
    """A prompt on a session.

    Args:
        session: Where code runs. Its pool leaves code alone whose call is cancelled.
        timeout: Seconds that each piece of code may run.
        folder: Where pictures are saved.
        inline: Whether the terminal shows them, where it can.
    """

    def __init__(self, session: AsyncSession, *, timeout: float, folder: str, inline: bool) -> None:
        self._session = session
        self._timeout = timeout
        self._folder = folder
        self._protocol: Protocol | None = inline_protocol() if inline else None
        self._prompt = _prompt()
        self._number = 0

    async def hold(self) -> None:
        """Prompt and run until the person leaves."""
        with on_interrupt(_carry_on):
            while (code := await self._read()).strip() not in _LEAVING:
                if code.strip():
                    self._number += 1
                    await self._run(code)

    async def _read(self) -> str:
        """Return what was typed, nothing for what was thrown away by Ctrl-C."""
        try:
            return await self._prompt.prompt_async(f"In [{self._number + 1}]: ")
        except KeyboardInterrupt:
            return ""
        except EOFError:
            return _END

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
        with anyio.CancelScope() as scope, on_interrupt(scope.cancel):
            note("Interrupting. Ctrl-C again ends the session.")
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


def _carry_on() -> None:
    """What Ctrl-C does in the moments in which neither the prompt nor any code could heed it."""


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
