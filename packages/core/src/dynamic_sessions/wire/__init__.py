"""The service's wire, one pure codec per dialect: operation to request data, reply to models."""

from dynamic_sessions.wire.codec import (
    Codec,
    Reply,
    RequestData,
    RunningExecution,
    UnexpectedReplyError,
    UploadPart,
    delete_session,
    get_session,
    list_sessions,
    next_page,
    read_session,
    read_sessions,
)
from dynamic_sessions.wire.flat import FlatCodec
from dynamic_sessions.wire.legacy import LegacyCodec
from dynamic_sessions.wire.metadata import pool_metadata, read_installed_packages

__all__ = [
    "Codec",
    "Reply",
    "RequestData",
    "RunningExecution",
    "UnexpectedReplyError",
    "UploadPart",
    "codec_for",
    "delete_session",
    "get_session",
    "list_sessions",
    "next_page",
    "pool_metadata",
    "read_installed_packages",
    "read_session",
    "read_sessions",
]

_FIRST_FLAT_VERSION = "2024-10-02"


def codec_for(api_version: str) -> Codec:
    """Return the codec that speaks the dialect of an API version.

    Versions are dates, so those after the ones known today count as the flat dialect's.
    """
    if api_version < _FIRST_FLAT_VERSION:
        return LegacyCodec(api_version)
    return FlatCodec(api_version)
