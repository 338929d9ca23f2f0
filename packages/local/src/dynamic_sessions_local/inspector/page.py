"""The page itself: four files, the same for everybody, and what a browser may do with them."""

import secrets
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

# In the page itself, where it says which styles count in the frames of results.
_NONCE = "{nonce}"

# The page draws everything itself, from two files. Frames are made by the page alone: what a session
# wrote cannot lead one elsewhere, as `frame-src` (by default 'none') counts for their links too.
# They inherit this policy, so that styles of results need leave here; only those have it to which
# the page gives the nonce, in a frame.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        f"style-src 'self' 'nonce-{_NONCE}'",
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
            path: ((folder / name).read_text(encoding="utf-8"), media_type)
            for path, (name, media_type) in PAGES.items()
        }

    async def get(self, request: Request) -> Response:
        """`GET /inspect` and what belongs to it."""
        text, media_type = self._files[request.scope["path"]]
        nonce = secrets.token_urlsafe(16)
        if media_type.startswith("text/html"):
            text = text.replace(_NONCE, nonce)
        headers = {**_HEADERS, "content-security-policy": _POLICY.replace(_NONCE, nonce)}
        return Response(text, media_type=media_type, headers=headers)
