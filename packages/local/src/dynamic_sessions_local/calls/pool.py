"""What the pool says of itself."""

from starlette.requests import Request
from starlette.responses import Response

from dynamic_sessions_local.calls.reading import query_of
from dynamic_sessions_local.dialects import flat
from dynamic_sessions_local.dialects.requests import SESSION_VERSIONS
from dynamic_sessions_local.metadata import Metadata
from dynamic_sessions_local.openapi import describe
from dynamic_sessions_local.responses import json_response
from dynamic_sessions_local.settings import Kind


class PoolCalls:
    """The calls of `/metadata` and `/openapi.json`.

    Args:
        metadata: What sessions have.
        kind: What they run.
    """

    def __init__(self, metadata: Metadata, kind: Kind) -> None:
        self._metadata = metadata
        self._kind: Kind = kind

    async def get_metadata(self, request: Request) -> Response:
        """`GET /metadata`."""
        query_of(request).version(SESSION_VERSIONS)
        runtime = await self._metadata.runtime()
        body = flat.metadata_of_pool(runtime, self._metadata.created_at)
        return json_response(body, headers={"api-supported-versions": ", ".join(SESSION_VERSIONS)})

    async def get_description(self, request: Request) -> Response:
        """`GET /openapi.json`, which the service does not have."""
        return json_response(describe(self._kind))
