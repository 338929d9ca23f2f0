"""A server that is told to end while requests of all kinds are under way."""

import contextlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable

from . import raw
from .acts import MIB, STUBBORN
from .raw import RawRequest
from .service import Service
from .world import until_answered

BEGIN = "open('begun', 'w').close()\n"
RUNNING = 4
STARTING = 4


async def end_in_flight(service: Service, end: Callable[[], Awaitable[None]]) -> Counter[str]:
    """Have the server end while requests are under way.

    Args:
        service: The server, which answers until then.
        end: Tells the server to end, and waits until it has.

    Returns:
        What became of how many requests.
    """
    address = service.address
    endless = [f"ending-{number}" for number in range(RUNNING)]
    running = [raw.execution(address, each, f"{BEGIN}while True: pass") for each in endless]
    running.append(raw.execution(address, "ending-stubborn", BEGIN + STUBBORN))
    waiting = [raw.execution(address, endless[0], "1") for _ in range(2)]
    starting = [raw.execution(address, f"ending-new-{n}", "1") for n in range(STARTING)]
    uploading = raw.upload(address, "ending-files", "half.bin", bytes(MIB))
    downloading = raw.download(address, "ending-files", "large.bin")
    idle = raw.download(address, "ending-files", "absent.bin")
    groups = {
        "running": running,
        "waiting": waiting,
        "starting": starting,
        "uploading": [uploading],
        "downloading": [downloading],
        "idle": [idle],
    }
    async with contextlib.AsyncExitStack() as connections:
        for request in (request for group in groups.values() for request in group):
            await connections.enter_async_context(request)
        await service.upload("ending-files", "large.bin", bytes(64 * MIB))
        await downloading.send(downloading.whole)
        await downloading.receive(MIB // 8)
        for request in running:
            await request.send(request.whole)
        for identifier in (*endless, "ending-stubborn"):
            await _begun(service, identifier)
        await uploading.send(uploading.whole[:-1000])
        for request in (*waiting, *starting):
            await request.send(request.whole)
        # By the time that this is answered, the server has come by what was sent before.
        await service.has_session("ending-0")
        await end()
        outcomes = [
            f"{kind}: {await _outcome(request)}"
            for kind, requests in groups.items()
            for request in requests
        ]
    return Counter(outcomes)


async def _begun(service: Service, identifier: str) -> None:
    await until_answered(lambda: service.has_file(identifier, "begun"), f"code in {identifier}")


async def _outcome(request: RawRequest) -> str:
    """What the client of a request was told."""
    try:
        response = await request.receive_rest()
    except ConnectionResetError:
        return "reset"
    if not response:
        return "closed"
    head, _, body = response.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 "):
        return "cut off"
    match int(head.split()[1]):
        case 200:
            return f"answered {json.loads(body)['status']}"
        case 503:
            return f"refused, {json.loads(body)['error']['code']}"
        case status:
            return f"status {status}"
