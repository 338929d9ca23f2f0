"""The page itself: three files, the same for everybody, and what a browser may do with them."""

from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

# By path, as the gate spells it: the file and its type.
PAGES = {
    "/inspect": ("index.html", "text/html; charset=utf-8"),
    "/inspect/static/inspector.js": ("inspector.js", "text/javascript; charset=utf-8"),
    "/inspect/static/inspector.css": ("inspector.css", "text/css; charset=utf-8"),
    "/inspect/static/result.css": ("result.css", "text/css; charset=utf-8"),
}

# The page draws everything itself, from two files. Frames are made by the page alone: what a session
# wrote cannot lead one elsewhere, as `frame-src` (by default 'none') counts for their links too.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src data: blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types result-frame",
    )
)
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": _POLICY,
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class PageCalls:
    """The calls that need no token."""

    def __init__(self) -> None:
        folder = files("dynamic_sessions_local.inspector") / "static"
        self._files = {
            path: Response((folder / name).read_bytes(), media_type=media_type, headers=_HEADERS)
            for path, (name, media_type) in PAGES.items()
        }

    async def get(self, request: Request) -> Response:
        """`GET /inspect` and what belongs to it."""
        return self._files[request.scope["path"]]
