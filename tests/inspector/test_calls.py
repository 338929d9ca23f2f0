"""What the page asks the pool for, without a browser."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import nbformat
import pytest

from dynamic_sessions import SessionPool
from dynamic_sessions_local import Limits, LocalSessionPool

API = "inspect/api"


@pytest.fixture
def client(pool: LocalSessionPool) -> Iterator[httpx.Client]:
    token = pool.credential.get_token().token
    headers = {"authorization": f"Bearer {token}"}
    with httpx.Client(base_url=pool.endpoint, headers=headers, timeout=60) as client:
        yield client


def listed(client: httpx.Client, identifier: str) -> Any:
    sessions = client.get(f"{API}/sessions").json()["sessions"]
    return next(each for each in sessions if each["identifier"] == identifier)


@pytest.mark.parametrize(
    "path", ["sessions", "sessions/events", "cells", "cells/events", "notebook", "script"]
)
def test_nothing_of_a_session_is_told_without_the_token(pool: LocalSessionPool, path: str) -> None:
    assert httpx.get(f"{pool.endpoint}{API}/{path}").status_code == 401


def test_the_page_needs_no_token_but_an_address_of_this_server(pool: LocalSessionPool) -> None:
    page = httpx.get(f"{pool.endpoint}inspect")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    stranger = httpx.get(f"{pool.endpoint}inspect", headers={"host": "attacker.test"})
    assert stranger.status_code == 421


def test_cells_and_exports_outlive_their_session(
    client: httpx.Client, pool: LocalSessionPool
) -> None:
    with SessionPool(pool.endpoint, pool.credential) as sessions:
        session = sessions.session("outlived")
        session.execute("import pandas as pd; pd.DataFrame({'a': [1]})")
        session.execute("1 / 0")
        session.delete()

    found = listed(client, "outlived")
    query = {"session": found["key"]}
    cells = client.get(f"{API}/cells", params=query).json()["cells"]
    notebook = client.get(f"{API}/notebook", params=query).json()
    script = client.get(f"{API}/script", params=query).text

    assert (found["state"], found["memoryBytes"]) == ("ended", 0)
    assert "<table" in cells[-2]["html"]
    assert cells[-1]["state"] == "failed"
    nbformat.validate(notebook)  # pyright: ignore[reportUnknownMemberType] - it has no types
    assert notebook["cells"][-1]["outputs"][0]["ename"] == "ZeroDivisionError"
    assert "\n# 1 / 0\n" in script
    compile(script, "script.py", "exec")


def test_a_watcher_is_told_what_code_writes_while_it_runs(
    client: httpx.Client, pool: LocalSessionPool
) -> None:
    query = {"api-version": "2025-10-02-preview", "identifier": "watched"}
    code = "import time; print('so far', flush=True); time.sleep(60)"
    client.post("executions", params=query, json={"code": code, "executionType": "Asynchronous"})
    key = {"session": listed(client, "watched")["key"]}
    with client.stream("GET", f"{API}/cells/events", params=key) as response:
        for line in response.iter_lines():
            event: Any = json.loads(line[6:]) if line.startswith("data: ") else {"cells": []}
            if any(cell["stdout"] == "so far\n" for cell in event["cells"]):
                break
    assert client.post(f"{API}/interrupt", params=key).status_code == 204
    client.delete("session", params=query)


def test_a_session_remembers_so_much_and_no_more() -> None:
    limits = Limits(remembered_executions=3)
    with (
        LocalSessionPool(inspector=True, limits=limits) as pool,
        SessionPool(pool.endpoint, pool.credential) as sessions,
    ):
        for number in range(6):
            sessions.session("bounded").execute(f"{number}")
        headers = {"authorization": f"Bearer {pool.credential.get_token().token}"}
        with httpx.Client(base_url=pool.endpoint, headers=headers) as client:
            key = {"session": listed(client, "bounded")["key"]}
            event = client.get(f"{API}/cells", params=key).json()
    assert len(event["cells"]) == 3
    assert event["cells"][-1]["code"] == "5"


def test_a_pool_without_an_inspector_has_neither_page_nor_history() -> None:
    with LocalSessionPool() as pool:
        headers = {"authorization": f"Bearer {pool.credential.get_token().token}"}
        for path in ("inspect", f"{API}/sessions"):
            assert httpx.get(f"{pool.endpoint}{path}", headers=headers).status_code == 404
        with pytest.raises(RuntimeError, match="inspector=True"):
            _ = pool.inspector_url
