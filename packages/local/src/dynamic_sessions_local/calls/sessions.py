"""Looking at sessions and ending them, in the two dialects that have calls for it."""

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from dynamic_sessions_local.calls.reading import query_of
from dynamic_sessions_local.dialects import flat, management
from dynamic_sessions_local.dialects.requests import SESSION_VERSIONS, VERSIONS, Query, skip
from dynamic_sessions_local.responses import json_response
from dynamic_sessions_local.session import Session
from dynamic_sessions_local.sessions import Sessions

# As many as the service puts on a page.
PAGE = 300

_NEWER = {"api-supported-versions": ", ".join(SESSION_VERSIONS)}


class SessionCalls:
    """The calls of `/session`, `/listSessions` and `/.management`.

    Args:
        sessions: What they look at.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def get(self, request: Request) -> Response:
        """`GET /session`."""
        with self._sessions.look(_identifier(request, SESSION_VERSIONS)) as session:
            body = flat.session(session, self._sessions.cooldown)
        return json_response(body, headers=_NEWER)

    async def delete(self, request: Request) -> Response:
        """`DELETE /session`."""
        await self._sessions.delete(_identifier(request, SESSION_VERSIONS))
        return Response(status_code=204, headers=_NEWER)

    async def list_all(self, request: Request) -> Response:
        """`GET /listSessions`."""
        return self._list(request, SESSION_VERSIONS, flat.sessions, _NEWER)

    async def manage_get(self, request: Request) -> Response:
        """`POST /.management/getSession`."""
        with self._sessions.look(_identifier(request, VERSIONS)) as session:
            return json_response(management.session(session, self._sessions.cooldown))

    async def manage_list(self, request: Request) -> Response:
        """`POST /.management/listSessions`."""
        return self._list(request, VERSIONS, management.sessions, {})

    async def manage_stop(self, request: Request) -> Response:
        """`POST /.management/stopSession`."""
        identifier = _identifier(request, VERSIONS)
        await self._sessions.delete(identifier)
        return PlainTextResponse(management.stopped(identifier))

    def _list(
        self,
        request: Request,
        versions: tuple[str, ...],
        body: Callable[[Sequence[Session], float, str | None], Mapping[str, object]],
        headers: Mapping[str, str],
    ) -> Response:
        query = query_of(request)
        version, start = query.version(versions), skip(query)
        found = self._sessions.all()
        page, rest = found[start : start + PAGE], found[start + PAGE :]
        link = _next_page(request, version, start + PAGE) if rest else None
        return json_response(body(page, self._sessions.cooldown, link), headers=headers)


def _identifier(request: Request, versions: tuple[str, ...]) -> str:
    query: Query = query_of(request)
    query.version(versions)
    return query.identifier()


def _next_page(request: Request, version: str, start: int) -> str:
    query = urlencode({"api-version": version, "skip": start})
    return str(request.url.replace(query=query))
