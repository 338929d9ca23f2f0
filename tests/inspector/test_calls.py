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


@pytest.mark.filterwarnings("ignore:.*invalid escape")
def test_exports_have_errors_pictures_magics_and_shell_lines(
    client: httpx.Client, pool: LocalSessionPool
) -> None:
    codes = (
        "first = 1",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
        "%precision 3\n!echo from the shell",
        "files = !ls",
        "from __future__ import annotations\nimport asyncio\nawait asyncio.sleep(0)",
        "raise ValueError('of\\ntwo lines')",
        "'\\ud800'",
        "pattern = '\\d'",
    )
    with SessionPool(pool.endpoint, pool.credential) as sessions:
        session = sessions.session("exported")
        for code in codes:
            session.execute(code)
        query = {"session": listed(client, "exported")["key"]}
        notebook = json.loads(client.get(f"{API}/notebook", params=query).content)
        script = client.get(f"{API}/script", params=query).content.decode()
        session.delete()

    nbformat.validate(notebook)  # pyright: ignore[reportUnknownMemberType] - it has no types
    set_up, *cells = notebook["cells"]
    assert set_up["metadata"]["jupyter"] == {"source_hidden": True}
    assert [cell["source"] for cell in cells] == list(codes)
    outputs = [cell["outputs"] for cell in cells]
    assert list(outputs[1][0]["data"]) == ["image/png"]
    assert "from the shell\n" in outputs[2][0]["text"]
    assert outputs[5][0]["ename"] == "ValueError"
    compile(script, "script.py", "exec")
    for line in (codes[0], "# %precision 3", "# files = !ls", f"# {codes[5]}", codes[-1]):
        assert f"\n{line}\n" in script


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
