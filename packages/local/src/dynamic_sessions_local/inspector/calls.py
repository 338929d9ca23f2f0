"""What the inspector's page asks for beyond the API that all clients have."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from dynamic_sessions_local.calls.reading import query_of
from dynamic_sessions_local.dialects.values import JsonObject
from dynamic_sessions_local.history import Cell
from dynamic_sessions_local.inspector import bodies, exports
from dynamic_sessions_local.responses import json_response
from dynamic_sessions_local.session import Session, SessionNotFoundError
from dynamic_sessions_local.sessions import Sessions
from dynamic_sessions_local.settings import Kind

# How often a watcher is told of memory, which changes without a call.
MEMORY_SECONDS = 2
# Likewise of what running code has written.
OUTPUT_SECONDS = 0.25
# Tells a watcher whose connection broke without a word.
SILENCE_SECONDS = 15

Look = Callable[[int], JsonObject]


class InspectorCalls:
    """The calls of `/inspect/api`. None of them counts as a use of a session.

    Args:
        sessions: What they look at.
        kind: What the pool's sessions run.
    """

    def __init__(self, sessions: Sessions, kind: Kind) -> None:
        self._sessions = sessions
        self._language = "bash" if kind == "shell" else "python"

    async def list_sessions(self, _request: Request) -> Response:
        """`GET /inspect/api/sessions`."""
        return json_response(self._session_list())

    async def watch_sessions(self, _request: Request) -> Response:
        """`GET /inspect/api/sessions/events`: the list, again whenever it has changed."""
        return self._stream(lambda _: self._session_list(), lambda: MEMORY_SECONDS)

    async def list_cells(self, request: Request) -> Response:
        """`GET /inspect/api/cells`."""
        return json_response(self._cells(self._session(request), after=-1))

    async def watch_cells(self, request: Request) -> Response:
        """`GET /inspect/api/cells/events`: all cells, then those to which something happened."""
        session = self._session(request)

        def pause() -> float:
            return OUTPUT_SECONDS if _running(session) else SILENCE_SECONDS

        return self._stream(lambda after: self._cells(session, after=after), pause)

    async def interrupt(self, request: Request) -> Response:
        """`POST /inspect/api/interrupt`."""
        await self._session(request).interrupt()
        return Response(status_code=204)

    async def export_notebook(self, request: Request) -> Response:
        """`GET /inspect/api/notebook`."""
        notebook = exports.notebook(_cells_of(self._session(request)))
        # As Jupyter writes it, so that a copy that was edited there differs by the edit alone.
        text = json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"
        return _text_response(text, "application/x-ipynb+json")

    async def export_script(self, request: Request) -> Response:
        """`GET /inspect/api/script`."""
        # In a thread: the code may be long, and is parsed.
        text = await asyncio.to_thread(exports.script, _cells_of(self._session(request)))
        return _text_response(text, "text/plain; charset=utf-8")

    def _session(self, request: Request) -> Session:
        key = query_of(request).get("session")
        for session in (*self._sessions.all(), *self._sessions.ended()):
            if session.key == key:
                return session
        raise SessionNotFoundError(f"there is no session with the key {key!r}, or not any more")

    def _session_list(self) -> JsonObject:
        found = [*self._sessions.all(), *reversed(self._sessions.ended())]
        listed = [bodies.session(each, self._sessions.cooldown) for each in found]
        return {"language": self._language, "sessions": listed}

    def _cells(self, session: Session, *, after: int) -> JsonObject:
        cells = _cells_of(session)
        changed = [cell for cell in cells if cell.change > after or cell.state == "running"]
        return {
            "ended": session.ended,
            # What is older was forgotten.
            "first": cells[0].number if cells else 0,
            "cells": [bodies.cell(cell, session) for cell in changed],
        }

    def _stream(self, look: Look, pause: Callable[[], float]) -> Response:
        return StreamingResponse(
            self._events(look, pause),
            media_type="text/event-stream",
            headers={"cache-control": "no-store"},
        )

    async def _events(self, look: Look, pause: Callable[[], float]) -> AsyncIterator[bytes]:
        """What a look says, whenever it is other than before."""
        changes, seen, last = self._sessions.changes, -1, b""
        while not changes.closed:
            count = changes.count
            event = json.dumps(look(seen)).encode("ascii")
            # A comment is nothing to a browser, but shows the server that it has gone.
            yield b":\n\n" if event == last else b"data: " + event + b"\n\n"
            seen, last = count, event
            await changes.wait(after=count, seconds=pause())


def _text_response(text: str, media_type: str) -> Response:
    # Half a surrogate pair, which a session may have written, has no form in UTF-8.
    return Response(text.encode(errors="replace"), media_type=media_type)


def _cells_of(session: Session) -> list[Cell]:
    return [] if session.history is None else session.history.cells


def _running(session: Session) -> bool:
    return session.history is not None and session.history.running is not None
