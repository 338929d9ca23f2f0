"""Calls that may be repeated get through whatever passes, and tell the rest."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from dynamic_sessions import AsyncSession, AsyncSessionPool, Deadlines, ServiceError

from .conftest import DIALECTS, MakePool
from .faults import FAULTS, Fault
from .proxy import FaultProxy
from .test_file_transfers import PASSING

SHORT = Deadlines(stall=0.3, call=0.6, execution_grace=0.3, stop=0.3)
PATIENT = Deadlines()


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A call, what the proxy knows it as, and how to see whether it had its effect."""

    call: Callable[[AsyncSession], Awaitable[object]]
    request: str
    had_effect: Callable[[AsyncSession], Awaitable[bool]]


async def file_is_gone(session: AsyncSession) -> bool:
    return [file.name for file in await session.files.list()] == []


async def always(_: AsyncSession) -> bool:
    return True


OPERATIONS = {
    "set up": Operation(call=lambda s: s.set_up(), request="execute", had_effect=always),
    "list packages": Operation(
        call=lambda s: s.list_packages(), request="read metadata", had_effect=always
    ),
    "list packages in the session": Operation(
        call=lambda s: s.list_packages(in_session=True), request="execute", had_effect=always
    ),
    "list files": Operation(call=lambda s: s.files.list(), request="list files", had_effect=always),
    "delete file": Operation(
        call=lambda s: s.files.delete("a.txt"), request="delete file", had_effect=file_is_gone
    ),
    "delete session": Operation(
        call=lambda s: s.delete(), request="delete session", had_effect=file_is_gone
    ),
}

# These answers of somebody else's count as the service's own word that it is gone already.
BELIEVED = {("delete file", "404"), ("delete session", "404")}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_fault_that_passes_is_overcome_and_any_other_is_told(
    proxy: FaultProxy,
    make_pool: MakePool,
    direct: AsyncSessionPool,
    dialect: str,
    name: str,
    fault: Fault,
) -> None:
    operation = OPERATIONS[name]
    deadlines, seconds = (SHORT, 0.5) if fault.stalls else (PATIENT, 60)
    async with make_pool(api_version=dialect, deadlines=deadlines, timeout=seconds) as pool:
        session = pool.session(f"other-{uuid.uuid4()}")
        await session.files.upload(b"x", name="a.txt")
        proxy.hang_up()
        proxy.fail("connect" if fault.moment == "connect" else operation.request, fault)
        try:
            await operation.call(session)
        except ServiceError:
            assert fault.name not in PASSING
        else:
            proxy.calm()
            seen = direct.session(session.identifier)
            assert (name, fault.name) in BELIEVED or await operation.had_effect(seen)
        proxy.calm()
        assert (await session.execute("'goes on'")).result == "goes on"
        await session.delete()
