"""What a pool says of itself: the same call in every dialect, in API versions from 2025-02-02 on."""

from dynamic_sessions.wire.codec import (
    SESSION_API_VERSION,
    Reply,
    RequestData,
    UnexpectedReplyError,
    read_object,
    read_objects,
    read_text,
)


def pool_metadata() -> RequestData:
    """Ask for the runtimes and the packages of a pool. It takes no identifier."""
    return RequestData(
        method="GET", segments=("metadata",), query={"api-version": SESSION_API_VERSION}
    )


def read_installed_packages(reply: Reply) -> dict[str, str]:
    """Read name and version of each package that every session of the pool begins with."""
    body = read_object(reply.body, "the reply")
    packages: dict[str, str] = {}
    for entry in read_objects(body.get("preInstalledPackages"), "preInstalledPackages"):
        name = read_text(entry.get("name"), "the name of a package")
        if not name:
            raise UnexpectedReplyError("a package has no name")
        packages[name] = read_text(entry.get("version"), "the version of a package")
    return packages
