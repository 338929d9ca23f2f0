"""Clients that each do one thing after another, and what the others do to them."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from functools import partial
from random import Random

from . import processes
from .acts import ACTS, Act
from .held import HeldSession
from .service import ABORTED, Address, Service, Tally
from .world import Client, Gate, until, until_answered

CLIENTS = 6
MOST_HELD = 2
SECONDS_BETWEEN_KILLS = 5
# Seconds within which whatever dies with a process that was killed does so.
AFTERMATH = 0.5
COUNT = "count = globals().get('count', 0) + 1; count"


class Mixture:
    """All that goes on at once. An async context manager; outside of it nobody is connected.

    Args:
        address: The server's.
        server: The server's process.
        supervisor: The one that adopts what loses its parent below that.
        seed: Decides what is done, and on which identifiers; when, is up to the machine.
        tally: Counts it.
    """

    def __init__(
        self, address: Address, server: int, supervisor: int, seed: str, tally: Tally
    ) -> None:
        self._gate = Gate()
        self._clients = [
            Client(
                number=number,
                random=Random(f"{seed}-{number}"),  # noqa: S311 - to be repeated, not to be secret
                service=Service(address, tally),
                server=server,
                supervisor=supervisor,
            )
            for number in range(CLIENTS + 2)
        ]
        self._keeper, self._killer, *self._others = self._clients

    async def __aenter__(self) -> "Mixture":
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self._clients:
            await client.service.aclose()

    async def do_everything_once(self) -> None:
        """Every act, shared out among the clients."""
        acts = list(ACTS)
        async with asyncio.TaskGroup() as tasks:
            for start, client in enumerate(self._others):
                tasks.create_task(self._do_each(client, acts[start :: len(self._others)]))
        await self._kill_anything()

    async def go_on(self, seconds: float) -> None:
        """What comes next at random, for so long."""
        deadline = time.monotonic() + seconds
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_one_session(deadline))
            tasks.create_task(self._kill_from_time_to_time(deadline))
            for client in self._others:
                tasks.create_task(self._do_things(client, deadline))

    async def delete_everything(self) -> None:
        """Delete what is still in use; what was abandoned expires."""
        for client in self._others:
            for session in client.held:
                await session.delete()
            client.held.clear()

    async def _do_each(self, client: Client, acts: Sequence[Act]) -> None:
        for act in acts:
            await self._do(client, act)

    async def _do_things(self, client: Client, deadline: float) -> None:
        acts, weights = list(ACTS), list(ACTS.values())
        while time.monotonic() < deadline:
            (act,) = client.random.choices(acts, weights)
            async with self._gate.among_others():
                await self._do(client, act)

    async def _do(self, client: Client, act: Act) -> None:
        try:
            session = await self._session_of(client)
            await act(client, session)
            if session in client.held:
                await session.check()
        except Exception as error:
            error.add_note(f"client {client.number}, {act.__name__}")
            raise
        client.tally.counts["acts"] += 1

    async def _session_of(self, client: Client) -> HeldSession:
        if len(client.held) < client.random.randint(1, MOST_HELD):
            session = HeldSession(client.service, client.new_identifier())
            client.held.append(session)
            await session.check()
            client.tally.counts["sessions created"] += 1
        return client.random.choice(client.held)

    async def _keep_one_session(self, deadline: float) -> None:
        """One session that is used all the time, and whose count must go on."""
        session = HeldSession(self._keeper.service, self._keeper.new_identifier())
        self._keeper.held.append(session)
        count = longest = kernels = 0
        while time.monotonic() < deadline:
            async with self._gate.among_others():
                reply = await session.run(f"{session.marking}{COUNT}")
            count = count + 1 if session.kernels == kernels else 1
            kernels = session.kernels
            assert reply.value == count, (reply, count)
            self._keeper.tally.counts["longest count in one session"] = longest = max(
                count, longest
            )
            await asyncio.sleep(0.1)
        await session.delete()
        self._keeper.held.clear()

    async def _kill_from_time_to_time(self, deadline: float) -> None:
        while (left := deadline - time.monotonic()) > 0:
            await asyncio.sleep(min(left, SECONDS_BETWEEN_KILLS))
            async with self._gate.alone():
                await self._kill_anything()

    async def _kill_anything(self) -> None:
        """Kill any process below the server while sessions start; all must recover from it."""
        killer = self._killer
        identifiers = [killer.new_identifier() for _ in range(3)]
        async with asyncio.TaskGroup() as tasks:
            starting = [
                tasks.create_task(killer.service.execute(identifier, "1", may_be_refused=True))
                for identifier in identifiers
            ]
            victims = processes.descendants(killer.server)
            for victim in killer.random.sample(victims, min(2, len(victims))):
                await self._kill(victim)
        for task in starting:
            reply = task.result()
            assert reply.status in {"Succeeded", "Refused"} or reply.stderr == ABORTED, reply
        for identifier in identifiers:
            await until_answered(partial(self._works, identifier), "a kernel after the kill")
            await killer.service.delete(identifier)
        await self._see_who_is_left()

    async def _kill(self, victim: int) -> None:
        killer = self._killer
        struck = processes.affected_by(victim)
        names = set(map(processes.name_of, struck))
        with processes.held(victim, below=killer.server) as pidfd:
            if pidfd is None:
                return
            processes.kill(pidfd)
            await until(lambda: processes.has_ended(pidfd), "the end of what was killed")
        killer.tally.counts["processes killed at random"] += 1
        for client in self._clients:
            for session in client.held:
                session.uncertain = session.uncertain or session.name in names
            # Without a worker, nothing would tell when these expire.
            client.abandoned = [each for each in client.abandoned if each.name not in names]
        # Not all of them die, and what dies with the victim does so a moment later.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(AFTERMATH):
                await until(lambda: not any(map(processes.is_alive, struck)), "the aftermath")

    async def _see_who_is_left(self) -> None:
        for client in self._clients:
            for session in client.held:
                if session.uncertain:
                    await session.recover()

    async def _works(self, identifier: str) -> bool:
        reply = await self._killer.service.execute(identifier, "1", may_be_refused=True)
        return reply.status == "Succeeded"
