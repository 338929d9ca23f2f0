"""Responses in the form that the service gives them."""

import json
import os
from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dynamic_sessions_local.dialects.errors import RequestError, envelope
from dynamic_sessions_local.files import CHUNK, OpenFile, in_thread


def json_response(
    body: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A compact JSON body; what Unicode cannot encode, such as half a pair, becomes "?"."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(
        text.encode(errors="replace"),
        status_code=status,
        headers=headers,
        media_type="application/json; charset=utf-8",
    )


def error_response(error: RequestError, trace_id: str) -> Response:
    """The envelope of an error."""
    headers = {"x-ms-error-code": error.code, **error.headers}
    return json_response(envelope(error, trace_id), status=error.status, headers=headers)


class FileResponse(Response):
    """Streams an open file and closes it.

    Args:
        file: The response's from now on.
    """

    def __init__(self, file: OpenFile) -> None:
        super().__init__(
            headers={"content-length": str(file.size)}, media_type="application/octet-stream"
        )
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file."""
        try:
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                }
            )
            await self._send_content(send)
        finally:
            os.close(self._file.descriptor)

    async def _send_content(self, send: Send) -> None:
        size, data = self._file.size, self._file.beginning
        sent = len(data)
        # Where the session cuts its file meanwhile, no more data comes. Left without an end, the
        # response then breaks off, which tells the client more than a shorter file would.
        while data and sent < size:
            await send({"type": "http.response.body", "body": data, "more_body": True})
            wanted = min(CHUNK, size - sent)
            data = await in_thread(os.pread, self._file.descriptor, wanted, sent)
            sent += len(data)
        await send({"type": "http.response.body", "body": data, "more_body": sent < size})
