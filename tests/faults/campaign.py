"""Many operations through many faults at random, and an account of what became of them."""

import asyncio
import json
import random
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from dynamic_sessions import (
    AsyncSession,
    AsyncSessionPool,
    Deadlines,
    Execution,
    RetryPolicy,
    ServiceError,
)
from dynamic_sessions_local import LocalSessionPool

from .faults import FAULTS, Fault
from .proxy import FaultProxy

WORKERS = 6
DIALECTS = ("2025-10-02-preview", "2024-02-02-preview")
DEADLINES = Deadlines(connect=2, stall=0.5, call=2, transfer=2, execution_grace=1, arrival=0.5)
RETRIES = RetryPolicy(first_delay=0.001, longest_delay=0.01, budget=10_000)

_LIVELY = [fault for fault in FAULTS.values() if not fault.stalls and fault.moment != "connect"]
_STALLING = [fault for fault in FAULTS.values() if fault.stalls]


@dataclass(kw_only=True)
class Account:
    """What a campaign did and found; the last four are defects."""

    seed: int
    seconds: float = 0.0
    cases: int = 0
    faults: int = 0
    runs: int = 0
    told: Counter[str] = field(default_factory=Counter[str])
    bytes_moved: int = 0
    runs_doubled: int = 0
    runs_lost: int = 0
    bytes_lost: int = 0
    other_errors: list[str] = field(default_factory=list[str])

    @property
    def is_clean(self) -> bool:
        return not (self.runs_doubled or self.runs_lost or self.bytes_lost or self.other_errors)

    def as_json(self) -> str:
        return json.dumps(vars(self), indent=2)


async def run_campaign(*, cases: int, seed: int, rate: float = 0.35) -> Account:
    """Run cases in a pool of this machine, with a share of all requests failing.

    Args:
        cases: How many operations.
        seed: What decides on operations and faults.
        rate: The share of requests that fail.
    """
    account = Account(seed=seed)
    begun = time.monotonic()
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    with LocalSessionPool(preload=(), max_sessions=400, max_warm=4) as local:
        async with (
            FaultProxy(local.endpoint) as proxy,
            AsyncSessionPool(local.endpoint, local.credential) as direct,
        ):
            proxy.choose = lambda operation: _fault(chance, rate, operation)
            left = iter(range(cases))
            async with asyncio.TaskGroup() as tasks:
                for number in range(WORKERS):
                    worker = _Worker(account, proxy, direct, random.Random(f"{seed}-{number}"))  # noqa: S311
                    tasks.create_task(worker.work(left, local, DIALECTS[number % 2]))
            account.faults = proxy.tally.injected.total()
            account.seconds = round(time.monotonic() - begun, 1)
    return account


def _fault(chance: random.Random, rate: float, operation: str) -> Fault | None:
    if chance.random() >= rate:
        return None
    # Every stall takes its whole deadline, so that there are few.
    return chance.choice(_STALLING if chance.random() < 0.02 else _LIVELY)


class _Worker:
    def __init__(
        self, account: Account, proxy: FaultProxy, direct: AsyncSessionPool, chance: random.Random
    ) -> None:
        self._account = account
        self._proxy = proxy
        self._direct = direct
        self._chance = chance

    async def work(self, left: Iterator[int], local: LocalSessionPool, dialect: str) -> None:
        operations = [self._run, self._run, self._run, self._upload, self._download]
        async with AsyncSessionPool(
            self._proxy.endpoint,
            local.credential,
            api_version=dialect,
            deadlines=DEADLINES,
            retry_policy=RETRIES,
        ) as pool:
            session = pool.session(f"campaign-{uuid.uuid4()}")
            for _ in left:
                self._account.cases += 1
                try:
                    await self._chance.choice(operations)(session, dialect)
                except ServiceError:
                    self._account.told["file operation failed"] += 1
                except Exception as error:  # noqa: BLE001 - a defect, to be told with the others
                    self._account.other_errors.append(repr(error))
            await self._direct.session(session.identifier).delete()

    async def _run(self, session: AsyncSession, dialect: str) -> None:
        marker = f"run-{uuid.uuid4().hex}"
        code = f"with open({marker!r}, 'a') as file: _ = file.write('x')\n{marker!r}"
        asynchronous = dialect == DIALECTS[0] and self._chance.random() < 0.5
        if asynchronous:
            code = f"import time; time.sleep(0.03)\n{code}"
        self._account.runs += 1
        told: Execution | ServiceError
        try:
            told = await session.execute(code, timeout=1, asynchronous=asynchronous)
        except ServiceError as error:
            told = error
        await self._judge(session, marker, told)

    async def _judge(
        self, session: AsyncSession, marker: str, told: Execution | ServiceError
    ) -> None:
        reached = self._proxy.tally.runs(marker)
        is_gone = isinstance(told, ServiceError) and told.session_deleted
        ran = reached if is_gone else await self._count(session, marker)
        self._account.runs_doubled += reached > 1 or ran > 1
        if isinstance(told, Execution):
            self._account.told["ran"] += 1
            self._account.runs_lost += told.result != marker or ran != 1
        elif told.outcome_unknown:
            self._account.told["outcome unknown"] += 1
        else:
            self._account.told["did not run"] += 1
            self._account.runs_lost += ran != 0

    async def _count(self, session: AsyncSession, marker: str) -> int:
        files = self._direct.session(session.identifier).files
        return {file.name: file.size for file in await files.list()}.get(marker, 0)

    async def _upload(self, session: AsyncSession, _dialect: str) -> None:
        content = self._chance.randbytes(self._chance.choice((0, 1, 70_000, 700_000)))
        name = f"up-{uuid.uuid4().hex}"
        await session.files.upload(content, name=name)
        self._account.told["uploaded"] += 1
        kept = await self._direct.session(session.identifier).files.read(name)
        self._note_bytes(content, kept)

    async def _download(self, session: AsyncSession, _dialect: str) -> None:
        content = self._chance.randbytes(self._chance.choice((0, 1, 70_000, 700_000)))
        name = f"down-{uuid.uuid4().hex}"
        await self._direct.session(session.identifier).files.upload(content, name=name)
        with TemporaryDirectory() as folder:
            copy = await session.files.download(name, to=folder)
            received = await asyncio.to_thread(Path.read_bytes, copy)
        self._account.told["downloaded"] += 1
        self._note_bytes(content, received)

    def _note_bytes(self, sent: bytes, received: bytes) -> None:
        self._account.bytes_moved += len(sent)
        if sent != received:
            self._account.bytes_lost += max(len(sent) - len(received), 1)
