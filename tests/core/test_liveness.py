from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from dynamic_sessions.executions import ExecutionReply
from dynamic_sessions.liveness import Liveness
from dynamic_sessions.models import Execution, ExecutionStatus, SessionStatus

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def answer(guid: str | None = "guid-1", date: datetime | None = NOON) -> ExecutionReply:
    return ExecutionReply(
        execution=Execution(status=ExecutionStatus.SUCCEEDED),
        session_guid=guid,
        date=None if date is None else format_datetime(date, usegmt=True),
    )


def status(created_at: datetime | None, etag: str | None = "tag-1") -> SessionStatus:
    return SessionStatus(identifier="liveness", etag=etag, created_at=created_at)


@pytest.mark.parametrize(
    ("guids", "changes"),
    [
        (["a", "a"], [False, False]),
        (["a", "b", "b"], [False, True, False]),
        (["a", None, "a"], [False, False, False]),
        ([None, "a"], [False, False]),
    ],
)
def test_another_id_is_another_session(guids: list[str | None], changes: list[bool]) -> None:
    liveness = Liveness(300, clock=Clock())
    assert [liveness.note(answer(guid)) for guid in guids] == changes


def test_a_session_is_in_doubt_once_it_was_idle_for_longer_than_it_may_live() -> None:
    clock = Clock()
    liveness = Liveness(300, clock=clock)
    assert not liveness.is_in_doubt()
    liveness.note(answer())
    clock.now = 300
    assert not liveness.is_in_doubt()
    clock.now = 301
    assert liveness.is_in_doubt()
    liveness.is_same(status(NOON))
    assert not liveness.is_in_doubt()


def test_no_session_is_another_one() -> None:
    assert not Liveness(300, clock=Clock()).is_same(None)


@pytest.mark.parametrize(("after", "same"), [(-60, True), (1, True), (301, False)])
def test_at_the_first_look_the_time_of_making_tells(after: float, same: bool) -> None:
    liveness = Liveness(300, clock=Clock())
    liveness.note(answer(date=NOON))
    assert liveness.is_same(status(NOON + timedelta(seconds=after))) is same


def test_later_the_entity_tag_tells() -> None:
    liveness = Liveness(300, clock=Clock())
    liveness.note(answer())
    assert liveness.is_same(status(NOON, "tag-1"))
    assert liveness.is_same(status(NOON, "tag-1"))
    assert not liveness.is_same(status(NOON, "tag-2"))


@pytest.mark.parametrize("date", [None, NOON])
def test_what_the_service_leaves_out_raises_no_alarm(date: datetime | None) -> None:
    liveness = Liveness(300, clock=Clock())
    liveness.note(answer(date=date))
    assert liveness.is_same(status(None, None))
