"""What every request passes before it is looked at, and every response on its way out."""

import hmac
import ipaddress
import uuid
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dynamic_sessions_local.dialects.errors import RequestError
from dynamic_sessions_local.dialects.requests import VERSIONS
from dynamic_sessions_local.responses import error_response

# The service has a key of its own for this path, and takes no bearer token there.
MCP, MCP_KEY = "/mcp", "x-ms-apikey"

_WILDCARDS = {"0.0.0.0", "::"}  # noqa: S104 - recognised, not bound


class Gate:
    """Lets a request through that came under a name of this server's and has its token.

    The name is checked because a browser can be led to this port under any name that its owner
    lets resolve to 127.0.0.1; such a page must not even learn that something is here.

    Args:
        app: What lies behind.
        token: The bearer token.
        host: The address that the server is bound to.
        public: Paths that need no token, since nothing there is anybody's own.
    """

    def __init__(
        self, app: ASGIApp, *, token: str, host: str, public: frozenset[str] = frozenset()
    ) -> None:
        self._app = app
        self._token = token.encode()
        self._host = host.lower()
        self._public = public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection of the ASGI protocol."""
        if scope["type"] != "http":
            return
        correlation_id = str(uuid.uuid4())
        scope = {
            **scope,
            "path": canonical_path(scope["method"], scope["raw_path"].decode("latin-1")),
            "correlation_id": correlation_id,
        }

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("api-supported-versions", ", ".join(VERSIONS))
                headers["mise-correlation-id"] = correlation_id
            await send(message)

        refusal = self._refusal(scope["path"], Headers(scope=scope), correlation_id)
        await (refusal or self._app)(scope, receive, send_marked)

    def _refusal(self, path: str, headers: Mapping[str, str], trace_id: str) -> Response | None:
        if not self._is_own_name(headers.get("host", "")):
            error = RequestError(
                421, "HostNotAllowed", "the Host header does not name this server's address"
            )
        elif path in self._public:
            return None
        elif path == MCP:
            if self._is_token(headers.get(MCP_KEY, "")):
                return None
            error = RequestError(401, "Unauthorized", f"the header {MCP_KEY} is missing or wrong")
        elif not self._is_authorized(headers.get("authorization", "")):
            error = RequestError(
                401,
                "Unauthorized",
                "the bearer token is missing or wrong",
                headers={"www-authenticate": "Bearer"},
            )
        else:
            return None
        return error_response(error, trace_id)

    def _is_authorized(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        return scheme.lower() == "bearer" and self._is_token(token.strip())

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode("latin-1"), self._token)

    def _is_own_name(self, header: str) -> bool:
        name = _without_port(header.lower())
        if name in {"localhost", self._host}:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        # A server on every address does not know them all, but an address is not a name that
        # could be made to point elsewhere.
        return address.is_loopback or self._host in _WILDCARDS


def canonical_path(method: str, raw_path: str) -> str:
    """The path as the routes spell it: fixed words in lower case, a file's name in one piece, and
    an execution's id as it is.

    The name stays percent-encoded: decoded before routing, its own slashes would be taken for
    those of the route.
    """
    segments = [segment for segment in raw_path.split("/") if segment]
    words = [segment.lower() for segment in segments]
    if words[:1] == ["executions"]:
        return "/" + "/".join(["executions", *segments[1:]])
    if method == "POST" or words[:1] != ["files"] or len(words) == 1:
        return "/" + "/".join(words)
    names = segments[1:]
    if words[1] == "content" and len(names) > 1:
        return "/files/content/" + "%2F".join(names[1:])
    if words[-1] == "content" and len(names) > 1:
        return f"/files/{'%2F'.join(names[:-1])}/content"
    return "/files/" + "%2F".join(names)


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
