import subprocess
import sys
from collections.abc import Generator, Iterator

import httpx
import pytest

from .running import EXAMPLES, environment

ADA = {"Authorization": "Bearer token-of-ada"}
BOB = {"Authorization": "Bearer token-of-bob"}
Event = tuple[str, str]


@pytest.fixture(scope="module")
def service() -> Iterator[httpx.Client]:
    """A client of the example, which is served as it would be to anybody."""
    with subprocess.Popen(  # noqa: S603 - our own interpreter and example
        [sys.executable, EXAMPLES / "web_service.py"],
        env=environment({"PORT": "0"}),
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stderr is not None
        said = next(line for line in server.stderr if "Uvicorn running on" in line)
        address = said.split()[4]
        with httpx.Client(base_url=address, timeout=30) as client:
            yield client
        server.terminate()


def ask(service: httpx.Client, headers: dict[str, str], question: str) -> Generator[Event]:
    """The events of an answer, as they come."""
    with service.stream(
        "POST", "/questions", headers=headers, json={"question": question}
    ) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        event = ""
        for line in response.iter_lines():
            field, _, value = line.partition(": ")
            if field == "event":
                event = value
            elif field == "data":
                yield event, value


def test_a_user_has_a_session_that_remembers(service: httpx.Client) -> None:
    assert [event for event, _ in ask(service, ADA, "Remember the number 42.")] == [
        "code",
        "output",
        "answer",
    ]
    assert list(ask(service, ADA, "Double my number."))[:2] == [
        ("code", '"number * 2"'),
        ("output", '"84"'),
    ]


def test_another_user_has_another_session(service: httpx.Client) -> None:
    list(ask(service, ADA, "Remember the number 42."))
    _, (event, data), _ = ask(service, BOB, "Double my number.")
    assert event == "output"
    assert "NameError: name 'number' is not defined" in data


def test_events_come_while_the_code_runs_and_a_reader_who_leaves_stops_it(
    service: httpx.Client,
) -> None:
    events = ask(service, BOB, "Wait for ever.")
    event, _ = next(events)
    assert event == "code"
    events.close()
    # A session runs one piece of code at a time: this waits until the other has been stopped.
    list(ask(service, BOB, "Remember the number 42."))
    assert ("output", '"84"') in list(ask(service, BOB, "Double my number."))


def test_nobody_gets_a_session_without_a_token(service: httpx.Client) -> None:
    question = {"question": "Double my number."}
    assert service.post("/questions", json=question).status_code == 401
    unknown = {"Authorization": "Bearer token-of-eve"}
    assert service.post("/questions", json=question, headers=unknown).status_code == 401
