"""A session under faults, compared step by step with a model of what its caller was told."""

import uuid
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from dynamic_sessions import (
    AsyncSessionPool,
    Deadlines,
    Execution,
    NotFoundError,
    RetryPolicy,
    ServiceError,
)
from dynamic_sessions_local import LocalSessionPool

from .faults import FAULTS, Fault
from .proxy import FaultProxy

INCREMENT = "n = globals().get('n', 0) + 1\nn"
NAMES = st.sampled_from(["a.txt", "b.bin"])
QUICK = RetryPolicy(first_delay=0.001, longest_delay=0.001, budget=10_000)
SHORT = Deadlines(stall=0.3, call=0.6, transfer=0.6, execution_grace=0.5, arrival=0.2)

QUICK_FAULTS = st.none() | st.sampled_from(
    [fault for fault in FAULTS.values() if not fault.stalls and fault.moment != "connect"]
)


class SessionUnderFaults(RuleBasedStateMachine):
    """The model: what the counter in the session and each file may hold, by what was told."""

    local: LocalSessionPool
    portal: BlockingPortal

    def __init__(self) -> None:
        super().__init__()
        self.counters = {0}
        self.files: dict[str, set[bytes | None]] = {}
        self._open = ExitStack()
        proxy = FaultProxy(self.local.endpoint)
        self.proxy = self._open.enter_context(self.portal.wrap_async_context_manager(proxy))
        self.pool = self._open.enter_context(
            self.portal.wrap_async_context_manager(
                AsyncSessionPool(
                    self.proxy.endpoint,
                    self.local.credential,
                    retry_policy=QUICK,
                    deadlines=SHORT,
                )
            )
        )
        self.direct = self._open.enter_context(
            self.portal.wrap_async_context_manager(
                AsyncSessionPool(self.local.endpoint, self.local.credential)
            )
        )
        self.session = self.pool.session(f"model-{uuid.uuid4()}")

    def teardown(self) -> None:
        try:
            self.portal.call(self.direct.session(self.session.identifier).delete)
        finally:
            self._open.close()

    @rule(fault=QUICK_FAULTS, asynchronous=st.booleans())
    def run(self, fault: Fault | None, asynchronous: bool) -> None:
        self._inject("execute", fault)
        try:
            told = self.portal.call(self._execute, asynchronous)
        except ServiceError as error:
            if error.session_deleted:
                self._forget()
            elif error.outcome_unknown:
                self.counters |= {counter + 1 for counter in self.counters}
            return
        # A new session may have had a run of unknown outcome before this one.
        allowed = {counter + 1 for counter in self.counters} | (
            {1} if told.session_recycled else set()
        )
        assert told.result in allowed
        self.counters = {self._number(told.result)}

    @rule(fault=QUICK_FAULTS, name=NAMES, content=st.binary(max_size=2000))
    def upload(self, fault: Fault | None, name: str, content: bytes) -> None:
        self._inject("upload file", fault)
        try:
            self.portal.call(self._upload, name, content)
        except ServiceError as error:
            if error.outcome_unknown:
                self.files[name] = self._possible(name) | {content}
        else:
            self.files[name] = {content}

    @rule(fault=QUICK_FAULTS, name=NAMES)
    def read(self, fault: Fault | None, name: str) -> None:
        self._inject("download file", fault)
        try:
            content: bytes | None = self.portal.call(self.session.files.read, name)
        except NotFoundError:
            if fault is not None and fault.name == "404":
                return
            content = None
        except ServiceError:
            return
        assert content in self._possible(name)
        self.files[name] = {content}

    @rule(fault=QUICK_FAULTS, name=NAMES)
    def delete(self, fault: Fault | None, name: str) -> None:
        self._inject("delete file", fault)
        try:
            self.portal.call(self.session.files.delete, name)
        except ServiceError:
            self.files[name] = self._possible(name) | {None}
        else:
            # A 404 counts as deleted, whoever answers it.
            is_believed = fault is not None and fault.name == "404"
            self.files[name] = (self._possible(name) if is_believed else set()) | {None}

    @rule()
    def lose_the_session(self) -> None:
        self.portal.call(self.direct.session(self.session.identifier).delete)
        self._forget()

    @rule()
    def hang_up(self) -> None:
        self.portal.call(self.proxy.hang_up)

    @invariant()
    def no_fault_is_left_over(self) -> None:
        self.proxy.calm()

    async def _execute(self, asynchronous: bool) -> Execution:
        return await self.session.execute(INCREMENT, timeout=5, asynchronous=asynchronous)

    async def _upload(self, name: str, content: bytes) -> None:
        await self.session.files.upload(content, name=name)

    def _inject(self, operation: str, fault: Fault | None) -> None:
        if fault is not None:
            self.proxy.fail(operation, fault)

    def _forget(self) -> None:
        self.counters = {0}
        self.files = {}

    def _possible(self, name: str) -> set[bytes | None]:
        return self.files.get(name, {None})

    @staticmethod
    def _number(value: object) -> int:
        assert isinstance(value, int)
        return value


@pytest.fixture
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as portal:
        yield portal


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_session_is_always_as_its_caller_was_told(
    local_pool: LocalSessionPool, portal: BlockingPortal
) -> None:
    class Machine(SessionUnderFaults):
        pass

    Machine.local, Machine.portal = local_pool, portal
    run_state_machine_as_test(  # pyright: ignore[reportUnknownMemberType] - not annotated there
        Machine,
        settings=settings(
            max_examples=40,
            stateful_step_count=40,
            deadline=None,
            database=None,
            print_blob=True,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
