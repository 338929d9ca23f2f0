"""Sandboxes for deep agents, on real sessions of both kinds of pool."""

import asyncio
import logging
from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import cast

import httpx
import pytest
from langchain_core.runnables import RunnableConfig, RunnableLambda

from dynamic_sessions import (
    AsyncSessionPool,
    Credential,
    InvalidRequestError,
    ServiceConnectionError,
    SessionPool,
)
from dynamic_sessions.testing import ScriptedExecution, ScriptedService
from dynamic_sessions_local import LocalSessionPool
from langchain_dynamic_sessions import ConversationSessions, SessionsPythonREPLTool
from langchain_dynamic_sessions.sandbox import DynamicSessionsSandbox
from langchain_dynamic_sessions.sandbox_provider import DynamicSessionsSandboxProvider

CONTENT = b"one\ntwo\n"


@pytest.fixture
def sandbox(access: tuple[str, Credential | None]) -> Iterator[DynamicSessionsSandbox]:
    """A sandbox on a real session of either kind of pool."""
    with DynamicSessionsSandbox(*access) as sandbox:
        yield sandbox


def names_in(sandbox: DynamicSessionsSandbox, directory: str = "/mnt/data") -> list[str]:
    return sandbox.execute(f"ls -A {directory}").output.split()


def test_errors_stand_where_they_came_up_in_the_output(sandbox: DynamicSessionsSandbox) -> None:
    done = sandbox.execute("echo a; echo b >&2; echo c; exit 3")
    assert (done.output, done.exit_code, done.truncated) == ("a\nb\nc\n", 3, False)


def test_a_command_starts_where_the_files_are(sandbox: DynamicSessionsSandbox) -> None:
    sandbox.upload_files([("/mnt/data/notes.txt", CONTENT)])
    assert sandbox.execute("pwd; cat notes.txt").output == "/mnt/data\none\ntwo\n"


def test_the_time_limit_ends_a_command_and_keeps_the_files(
    sandbox: DynamicSessionsSandbox,
) -> None:
    done = sandbox.execute("echo kept > kept.txt; echo begun; tail -f /dev/null", timeout=1)
    assert done.exit_code == 124
    assert done.output.startswith("begun\n")
    assert done.output.endswith("[the command was stopped at its time limit]")
    assert sandbox.execute("cat kept.txt").output == "kept\n"


def test_a_time_limit_beyond_the_services_asks_for_the_services(
    sandbox: DynamicSessionsSandbox,
) -> None:
    assert sandbox.execute("echo done", timeout=3600).output == "done\n"
    assert sandbox.execute("echo done", timeout=0).output == "done\n"


@pytest.mark.parametrize("command", ["echo \0", "echo \ud800", ""])
def test_what_is_no_command_is_told_and_not_raised(
    sandbox: DynamicSessionsSandbox, command: str
) -> None:
    done = sandbox.execute(command)
    assert done.exit_code == 126
    assert done.output


def test_a_script_may_be_longer_than_an_argument(sandbox: DynamicSessionsSandbox) -> None:
    script = f"text='{'x' * 300_000}'\necho ${{#text}}; cat; echo b >&2; exit 3"
    done = sandbox.execute(script)
    assert (done.output, done.exit_code) == ("300000\nb\n", 3)


def test_many_files_travel_at_a_time(sandbox: DynamicSessionsSandbox) -> None:
    directory = "/".join(["a-directory-of-a-rather-long-name"] * 6)
    files = [(f"/tmp/{directory}/{number}.txt", b"%d" % number) for number in range(300)]  # noqa: S108
    uploaded = sandbox.upload_files(files)
    downloaded = sandbox.download_files([path for path, _ in files])
    assert {item.error for item in uploaded} == {None}
    assert [(item.path, item.content) for item in downloaded] == files


async def test_a_command_that_is_given_up_costs_no_files(
    access: tuple[str, Credential | None],
) -> None:
    async with DynamicSessionsSandbox(*access) as sandbox:
        await sandbox.aexecute("echo kept > kept.txt")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(sandbox.aexecute("tail -f /dev/null", timeout=3), 1)
        done = await sandbox.aexecute("cat kept.txt")
    assert done.output == "kept\n"


def test_files_travel_to_any_place_and_back(sandbox: DynamicSessionsSandbox) -> None:
    paths = ["/mnt/data/a.bin", "/tmp/deep/er/b.bin", "/mnt/data/x/../c d'\n.bin", "/mnt//data/e"]  # noqa: S108
    files = [(path, bytes([number]) * 10) for number, path in enumerate(paths)]
    uploaded = sandbox.upload_files(files)
    downloaded = sandbox.download_files(paths)
    assert [(item.path, item.error) for item in uploaded] == [(path, None) for path in paths]
    assert [(item.path, item.content) for item in downloaded] == files
    assert names_in(sandbox) == ["a.bin", "c", "d'", ".bin", "e"]


def test_a_failing_file_does_not_stop_the_others(sandbox: DynamicSessionsSandbox) -> None:
    sandbox.execute("mkdir directory; touch locked; chmod 000 locked")
    uploaded = sandbox.upload_files(
        [
            ("relative", CONTENT),
            ("/mnt/data/directory", CONTENT),
            ("/proc/self/no", CONTENT),
            ("/mnt/data/good", CONTENT),
            ("/mnt/data/nul\0", CONTENT),
        ]
    )
    assert [item.error for item in uploaded] == [
        "invalid_path",
        "is_directory",
        "permission_denied",
        None,
        "invalid_path",
    ]
    downloaded = sandbox.download_files(
        ["/mnt/data/missing", "/mnt/data/good", "/mnt/data/directory", "/mnt/data/locked", "good"]
    )
    assert [(item.content, item.error) for item in downloaded] == [
        (None, "file_not_found"),
        (CONTENT, None),
        (None, "is_directory"),
        (None, "permission_denied"),
        (None, "invalid_path"),
    ]
    # Nothing of what was on its way is left.
    assert sorted(names_in(sandbox)) == ["directory", "good", "locked"]


def test_a_link_leads_where_it_leads_in_the_session(sandbox: DynamicSessionsSandbox) -> None:
    sandbox.execute("echo hidden > /tmp/target; ln -s /tmp/target link; ln -s /etc/shadow secret")
    link, secret = sandbox.download_files(["/mnt/data/link", "/mnt/data/secret"])
    assert link.content == b"hidden\n"
    assert (secret.content, secret.error is None) == (None, False)


def test_found_files_have_absolute_paths(sandbox: DynamicSessionsSandbox) -> None:
    sandbox.write("/mnt/data/src/main.py", "print('hello')\n")
    found = sandbox.glob("*.py", path="/mnt/data").matches
    matched = sandbox.grep("hello", path="/mnt/data").matches
    assert [item["path"] for item in found or []] == ["/mnt/data/src/main.py"]
    assert [item["path"] for item in matched or []] == ["/mnt/data/src/main.py"]


def test_text_that_is_written_and_edited_stays_as_it_is(sandbox: DynamicSessionsSandbox) -> None:
    text = "back\\slash $HOME `x` 'y' \"z\"\n\n\ttab & \\1\n"
    path = "/mnt/data/a b/$(touch oops).txt"
    sandbox.write(path, text + "old\nlines\n")
    edited = sandbox.edit(path, "old\nlines", "new & \\\\lines\n")
    (file,) = sandbox.download_files([path])
    assert edited.error is None
    assert file.content == (text + "new & \\\\lines\n\n").encode()
    assert names_in(sandbox) == ["a", "b"]


def test_large_output_is_kept_in_the_sandbox(sandbox: DynamicSessionsSandbox) -> None:
    done = sandbox.execute_with_offload(
        "seq 100000; exit 3",
        "/mnt/data/kept.txt",
        max_inline_bytes=1000,
    )
    assert (done.offloaded, done.response.exit_code) == (True, 3)
    assert sandbox.execute("tail -n 1 kept.txt").output == "100000\n"


async def test_asynchronous_calls_run_beside_each_other_in_one_event_loop(
    shell_pool: LocalSessionPool,
) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    async with DynamicSessionsSandbox(shell_pool.endpoint, shell_pool.credential) as sandbox:
        ticking = asyncio.create_task(tick())
        async with asyncio.timeout(30):
            done = await sandbox.aexecute("for i in $(seq 20000); do :; done; echo done")
            written = await sandbox.awrite("/mnt/data/x", "x")
            (file,) = await sandbox.adownload_files(["/mnt/data/x"])
        ticking.cancel()
    assert (done.output, written.error, file.content) == ("done\n", None, b"x")
    assert ticks > 100


def test_a_sandbox_shares_its_session_with_tools() -> None:
    with ConversationSessions("local") as sessions:
        sandbox = DynamicSessionsSandbox(sessions=sessions)
        tool = SessionsPythonREPLTool(sessions=sessions)
        tool.execute("kept = 6 * 7; open('answer.txt', 'w').write(str(kept))")
        assert sandbox.execute("cat answer.txt").output == "42"
        assert tool.execute("kept").result == 42
        assert sandbox.id == tool.session_id


def test_every_thread_of_a_graph_has_a_sandbox_of_its_own(shell_pool: LocalSessionPool) -> None:
    with DynamicSessionsSandbox(
        shell_pool.endpoint, shell_pool.credential, session_key="thread_id"
    ) as sandbox:

        def execute(command: str) -> str:
            return sandbox.execute(command).output

        step = RunnableLambda(execute)
        first = RunnableConfig(configurable={"thread_id": "first"})
        second = RunnableConfig(configurable={"thread_id": "second"})
        step.invoke("echo first > whose.txt", first)
        assert step.invoke("cat whose.txt || echo nobody", second).endswith("nobody\n")
        assert step.invoke("cat whose.txt", first) == "first\n"


def test_the_session_is_deleted_at_the_end_unless_the_caller_named_it(
    shell_pool: LocalSessionPool,
) -> None:
    for identifier in (None, "mine-and-kept"):
        with DynamicSessionsSandbox(
            shell_pool.endpoint, shell_pool.credential, session_id=identifier
        ) as sandbox:
            sandbox.execute("touch here")
            name = sandbox.id
        with SessionPool(shell_pool.endpoint, shell_pool.credential) as pool:
            kept = [file.name for file in pool.session(name).files.list()]
            pool.session(name).delete()
        assert kept == (["here"] if identifier else [])


async def test_the_kind_of_a_pool_is_found_out_once() -> None:
    service = ScriptedService(lambda _: ScriptedExecution(result=0))
    async with AsyncSessionPool("https://pool.test/", "token", transport=service.transport) as pool:
        sandbox = DynamicSessionsSandbox(session_pool=pool)
        service.fail_next(httpx.Response(400))
        first = await sandbox.aexecute("ls")
        asked = [len(service.requests)]
        await sandbox.aexecute("ls")
        asked.append(len(service.requests))

    assert first.exit_code == 0
    # Refused, set up, run; then run alone.
    assert asked == [3, 4]


def test_a_pool_of_another_kind_than_was_said_is_an_error() -> None:
    sandbox = DynamicSessionsSandbox("local", kind="shell")
    with sandbox, pytest.raises(InvalidRequestError):
        sandbox.execute("ls")


def test_a_service_that_fails_is_an_exception_for_commands_and_an_error_for_files() -> None:
    with DynamicSessionsSandbox("http://127.0.0.1:9/", "token") as sandbox:
        with pytest.raises(ServiceConnectionError):
            sandbox.execute("ls")
        (uploaded,) = sandbox.upload_files([("/mnt/data/x", CONTENT)])
        (downloaded,) = sandbox.download_files(["/mnt/data/x"])
    assert "connection" in (uploaded.error or "")
    assert "connection" in (downloaded.error or "")


def test_a_session_that_was_recycled_is_noticed(
    shell_pool: LocalSessionPool, caplog: pytest.LogCaptureFixture
) -> None:
    with DynamicSessionsSandbox(
        shell_pool.endpoint, shell_pool.credential, session_id="recycled"
    ) as sandbox:
        sandbox.execute("touch here")
        with SessionPool(shell_pool.endpoint, shell_pool.credential) as other:
            other.session("recycled").delete()
        with caplog.at_level(logging.WARNING):
            sandbox.execute("true")
        sandbox.sessions.delete()
    assert "earlier files were gone" in caplog.text


def test_deep_agents_code_finds_a_provider_that_makes_and_ends_sandboxes() -> None:
    (entry,) = entry_points(group="deepagents_code.sandbox_providers", name="dynamic-sessions")
    provider = cast("type[DynamicSessionsSandboxProvider]", entry.load())()
    sandbox = provider.get_or_create(endpoint="local")
    sandbox.execute("touch here")
    again = provider.get_or_create(sandbox_id=sandbox.id, endpoint="local")
    assert names_in(again) == ["here"]
    provider.delete(sandbox_id=sandbox.id, endpoint="local")
    assert names_in(again) == []
    provider.delete(sandbox_id=sandbox.id, endpoint="local")
    for item in (sandbox, again):
        item.close()


async def test_the_provider_has_asynchronous_twins() -> None:
    provider = DynamicSessionsSandboxProvider()
    async with await provider.aget_or_create(endpoint="local", kind="python") as sandbox:
        await sandbox.aexecute("touch here")
        await provider.adelete(sandbox_id=sandbox.id, endpoint="local")
        assert (await sandbox.aexecute("ls")).output == ""
        await provider.adelete(sandbox_id=sandbox.id, endpoint="local")
