"""Length-prefixed JSON over a socket: four bytes, big-endian, then that many bytes of JSON."""

import json
import socket
import struct
from collections.abc import Sequence
from typing import Any

PREFIX = struct.Struct(">I")


def receive(control: socket.socket) -> dict[str, Any] | None:
    """Return the next message, or None where the other side has gone."""
    prefix = _receive_exactly(control, PREFIX.size)
    if prefix is None:
        return None
    body = _receive_exactly(control, PREFIX.unpack(prefix)[0])
    return None if body is None else json.loads(body)


def receive_with_descriptors(
    control: socket.socket, most: int
) -> tuple[dict[str, Any], list[int]] | None:
    """Return the next message and the descriptors attached to its first byte."""
    first, descriptors, _, _ = socket.recv_fds(control, 1, most)
    if not first:
        return None
    rest = _receive_exactly(control, PREFIX.size - 1)
    body = None if rest is None else _receive_exactly(control, PREFIX.unpack(first + rest)[0])
    return None if body is None else (json.loads(body), descriptors)


def send(
    control: socket.socket, message: dict[str, Any], *, descriptors: Sequence[int] = ()
) -> None:
    """Send one message, with the descriptors attached to its first byte."""
    # ASCII only, so that lone surrogates in user text travel as escapes.
    body = json.dumps(message).encode("ascii")
    frame = PREFIX.pack(len(body)) + body
    if descriptors:
        sent = socket.send_fds(control, [frame], descriptors)
        frame = frame[sent:]
    control.sendall(frame)


def _receive_exactly(control: socket.socket, size: int) -> bytes | None:
    parts: list[bytes] = []
    while size:
        part = control.recv(min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
