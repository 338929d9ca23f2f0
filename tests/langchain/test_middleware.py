"""The middleware in LangChain's own agents, on real sessions, with a model that follows a script."""

# The types of LangChain's agents are known in part only.
# pyright: reportUnknownVariableType=false
import itertools
import logging
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import pytest
from langchain.agents import create_agent
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import Field

from dynamic_sessions import AsyncSessionPool, SessionPool
from dynamic_sessions.testing import ScriptedService
from langchain_dynamic_sessions import SessionToolException
from langchain_dynamic_sessions.middleware import SessionsMiddleware
from langchain_dynamic_sessions.session_files import MAX_COLLECTED_BYTES, MAX_COLLECTED_FILES

ONE = {"configurable": {"thread_id": "one"}}
TWO = {"configurable": {"thread_id": "two"}}

PLOT = """
import matplotlib.pyplot as plt
plt.plot([1, 2, 3])
plt.savefig("chart.png")
"""


class ScriptedModel(GenericFakeChatModel):
    """A model that says what a test wrote down, and keeps what it was asked."""

    asked: list[list[BaseMessage]] = Field(default_factory=list[list[BaseMessage]])
    tools: list[Any] = Field(default_factory=list[Any])

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> "ScriptedModel":
        del kwargs
        self.tools[:] = tools
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Any:
        self.asked.append(messages)
        return super()._generate(messages, *args, **kwargs)


def calling(*codes: str) -> AIMessage:
    """Return a message that calls the tool once with each code, all at the same time."""
    calls = [
        {"id": f"call-{number}-{code[:20]}", "name": "Python_REPL", "args": {"code": code}}
        for number, code in enumerate(codes)
    ]
    return AIMessage("", tool_calls=calls)


def turns(*codes: str) -> Iterator[AIMessage]:
    """Return the model's part of conversations with one run each."""
    return itertools.chain.from_iterable((calling(code), AIMessage("Done.")) for code in codes)


def agent_of(middleware: SessionsMiddleware, model: ScriptedModel, **settings: Any) -> Any:
    return create_agent(model, middleware=[middleware], checkpointer=InMemorySaver(), **settings)


def question(**files: bytes | str) -> dict[str, Any]:
    named = {name.replace("_", "."): content for name, content in files.items()}
    return {"messages": [HumanMessage("Go on.")], "session_files": named}


def last_run(state: dict[str, Any]) -> ToolMessage:
    return [item for item in state["messages"] if isinstance(item, ToolMessage)][-1]


def total(numbers: list[int]) -> int:
    """Add numbers up."""
    return sum(numbers)


def test_the_model_is_given_the_tool_the_guide_the_functions_and_the_names_of_files() -> None:
    model = ScriptedModel(messages=turns("total([1, 2])"))
    with SessionsMiddleware("local", functions=[total]) as middleware:
        agent = agent_of(middleware, model, system_prompt="You are kind.")
        state = agent.invoke(question(numbers_csv="1\n2\n"), ONE)

    told = model.asked[0][0]
    assert isinstance(told, SystemMessage)
    text = told.text
    assert text.startswith("You are kind.\n\n")
    assert "def total(numbers: list[int]) -> int:" in text
    assert "numbers.csv" in text
    assert [tool.name for tool in model.tools] == ["Python_REPL"]
    # Once is enough: the guide has them in full.
    assert "total" not in model.tools[0].description
    assert last_run(state).content == "3"


def test_a_system_prompt_of_blocks_keeps_its_blocks() -> None:
    block = {"type": "text", "text": "You are kind.", "cache_control": {"type": "ephemeral"}}
    model = ScriptedModel(messages=turns("1"))
    with SessionsMiddleware("local") as middleware:
        prompt = SystemMessage(content=[block])
        agent_of(middleware, model, system_prompt=prompt).invoke(question(), ONE)

    content = model.asked[0][0].content
    assert isinstance(content, list)
    assert content[0] == block
    assert len(content) == 2


def test_files_of_the_state_go_in_and_those_that_runs_make_come_out() -> None:
    code = "open('double.txt', 'w').write(open('numbers.csv').read() * 2)"
    with SessionsMiddleware("local") as middleware:
        agent = agent_of(middleware, ScriptedModel(messages=turns(code, PLOT)))
        first = agent.invoke(question(numbers_csv="1\n2\n", old_bin=b"\0"), ONE)
        second = agent.invoke(question(), ONE)

    assert first["session_files"] == {
        "numbers.csv": "1\n2\n",
        "old.bin": b"\0",
        "double.txt": b"1\n2\n1\n2\n",
    }
    assert str(last_run(first).content).endswith("\n[file: double.txt]")
    assert second["session_files"]["chart.png"].startswith(b"\x89PNG")
    assert "session_file_versions" not in second


async def test_asynchronous_agents_do_the_same() -> None:
    code = "open('double.txt', 'w').write(open('numbers.csv').read() * 2)"
    async with SessionsMiddleware("local") as middleware:
        agent = agent_of(middleware, ScriptedModel(messages=turns(code)))
        state = await agent.ainvoke(question(numbers_csv="1\n"), ONE)

    assert state["session_files"] == {"numbers.csv": "1\n", "double.txt": b"1\n1\n"}


def test_every_thread_has_its_session_and_its_files() -> None:
    look = "import os; (sorted(os.listdir()), 'x' in globals())"
    model = ScriptedModel(messages=turns("x = 1; open('made.txt', 'w').close()", look, look))
    with SessionsMiddleware("local") as middleware:
        agent = agent_of(middleware, model)
        agent.invoke(question(given_txt="here"), ONE)
        stranger = agent.invoke(question(), TWO)
        known = agent.invoke(question(), ONE)

    assert last_run(stranger).content == "([], False)"
    assert last_run(known).content == "(['given.txt', 'made.txt'], True)"
    assert stranger.get("session_files", {}) == {}


def test_a_file_that_the_program_replaces_is_replaced_in_the_session() -> None:
    read = "open('a.txt').read()"
    with SessionsMiddleware("local") as middleware:
        agent = agent_of(middleware, ScriptedModel(messages=turns(read, read)))
        agent.invoke(question(a_txt="old"), ONE)
        state = agent.invoke(question(a_txt="new"), ONE)

    assert last_run(state).content == "new"


def test_files_are_put_back_after_their_session_was_lost() -> None:
    read = "open('a.txt').read()"
    with SessionsMiddleware("local", session_id="lost-and-found") as middleware:
        agent = agent_of(middleware, ScriptedModel(messages=turns(read, read, read)))
        agent.invoke(question(a_txt="kept"), ONE)
        with SessionPool("local") as other:
            other.session("lost-and-found").delete()
        lost = agent.invoke(question(), ONE)
        found = agent.invoke(question(), ONE)
        middleware.sessions.delete()

    assert last_run(lost).status == "error"
    assert "[the session was new" in str(last_run(lost).content)
    assert last_run(found).content == "kept"


def test_parallel_calls_of_one_turn_each_bring_their_files() -> None:
    both = calling("open('a.txt', 'w').write('a')", "open('b.txt', 'w').write('b')")
    with SessionsMiddleware("local") as middleware:
        agent = agent_of(middleware, ScriptedModel(messages=iter([both, AIMessage("Done.")])))
        state = agent.invoke(question(), ONE)

    assert state["session_files"] == {"a.txt": b"a", "b.txt": b"b"}
    assert len([item for item in state["messages"] if isinstance(item, ToolMessage)]) == 2


async def test_files_go_in_once_before_any_of_parallel_calls_could_change_them(
    service: ScriptedService, session_pool: AsyncSessionPool
) -> None:
    calls = iter([calling("1", "2", "3"), AIMessage("Done.")])
    middleware = SessionsMiddleware(session_pool=session_pool, collect_files=False)
    await agent_of(middleware, ScriptedModel(messages=calls)).ainvoke(question(a_txt="a"), ONE)

    uploads = [request.url.path.endswith("/files") for request in service.requests]
    assert uploads.count(True) == 1
    assert uploads[0]


def test_a_file_that_outgrew_the_state_is_not_put_back_over_the_large_one() -> None:
    grow = f"open('a.bin', 'wb').write(bytes({MAX_COLLECTED_BYTES + 1}))"
    look = "import os; os.path.getsize('a.bin')"
    with SessionsMiddleware("local") as middleware:
        agent = agent_of(middleware, ScriptedModel(messages=turns(grow, look)))
        agent.invoke(question(a_bin=b"small"), ONE)
        state = agent.invoke(question(), ONE)

    assert last_run(state).content == str(MAX_COLLECTED_BYTES + 1)


def test_names_that_code_chose_to_do_harm_cost_nobody_a_result() -> None:
    code = r"""
import os
for name in ["a\nb.txt", "a\\b.txt", "a?b#c%.txt", "..x", " a ", "ü.txt"]:
    open(name, "w").close()
open(b"\xff.txt", "w").close()
os.symlink("/etc/shadow", "shadow")
os.mkfifo("pipe")
"""
    with SessionsMiddleware("local") as middleware:
        agent = agent_of(middleware, ScriptedModel(messages=turns(code, "6 * 7")))
        first = agent.invoke(question(), ONE)
        second = agent.invoke(question(), ONE)

    assert set(first["session_files"]) == {"a\\b.txt", "a?b#c%.txt", " a ", "ü.txt"}
    assert "[file: a\\nb.txt]" in str(last_run(first).content)
    assert last_run(second).content == "42"


def test_what_is_too_large_too_many_or_hidden_stays_in_the_session() -> None:
    code = f"""
import pathlib
pathlib.Path("large.bin").write_bytes(bytes({MAX_COLLECTED_BYTES + 1}))
pathlib.Path(".hidden").touch()
pathlib.Path("many").mkdir()
for number in range({MAX_COLLECTED_FILES + 5}):
    pathlib.Path(f"many/{{number:03}}.txt").touch()
"""
    with SessionsMiddleware("local") as middleware:
        agent = agent_of(middleware, ScriptedModel(messages=turns(code, "1")))
        first = agent.invoke(question(), ONE)
        second = agent.invoke(question(), ONE)
        kept = middleware.sessions.session({"configurable": {"thread_id": "one"}}).files.list()

    assert len(first["session_files"]) == MAX_COLLECTED_FILES
    assert set(first["session_files"]) <= {f"many/{number:03}.txt" for number in range(100)}
    assert "[file: large.bin]" in str(last_run(first).content)
    assert str(last_run(first).content).endswith("[and 6 more files]")
    assert last_run(second).content == "1"
    assert {".hidden", "large.bin", "many"} <= {file.name for file in kept}


def test_a_failing_run_is_told_and_its_files_come_out_as_well() -> None:
    with SessionsMiddleware("local") as middleware:
        code = "open('a.txt', 'w').write('a'); 1 / 0"
        agent = agent_of(middleware, ScriptedModel(messages=turns(code)))
        state = agent.invoke(question(), ONE)

    assert last_run(state).status == "error"
    assert "ZeroDivisionError" in str(last_run(state).content)
    assert state["session_files"] == {"a.txt": b"a"}


async def test_without_collecting_a_run_costs_one_request(
    service: ScriptedService, session_pool: AsyncSessionPool
) -> None:
    middleware = SessionsMiddleware(session_pool=session_pool, collect_files=False)
    agent = agent_of(middleware, ScriptedModel(messages=turns("1", "2")))
    await agent.ainvoke(question(), ONE)
    before = len(service.requests)
    await agent.ainvoke(question(), ONE)
    assert len(service.requests) - before == 1


async def test_a_turn_without_code_sends_nothing(
    service: ScriptedService, session_pool: AsyncSessionPool
) -> None:
    middleware = SessionsMiddleware(session_pool=session_pool)
    agent = agent_of(middleware, ScriptedModel(messages=iter([AIMessage("Hello.")])))
    await agent.ainvoke(question(a_txt="a"), ONE)
    assert service.requests == []


async def test_a_service_that_fails_at_an_upload_is_a_tools_exception_before_any_code_runs(
    service: ScriptedService, session_pool: AsyncSessionPool
) -> None:
    middleware = SessionsMiddleware(session_pool=session_pool)
    agent = agent_of(middleware, ScriptedModel(messages=turns("1")))
    service.fail_next(httpx.Response(403))
    with pytest.raises(SessionToolException, match="Session Executor"):
        await agent.ainvoke(question(a_txt="a"), ONE)
    assert service.code == []


async def test_a_listing_that_fails_after_a_run_does_not_cost_its_result(
    service: ScriptedService, session_pool: AsyncSessionPool, caplog: pytest.LogCaptureFixture
) -> None:
    middleware = SessionsMiddleware(session_pool=session_pool)
    agent = agent_of(middleware, ScriptedModel(messages=turns("1", "2")))
    await agent.ainvoke(question(), ONE)

    def refuse_listings(request: httpx.Request) -> httpx.Response:
        return httpx.Response(403) if request.method == "GET" else service(request)

    transport = httpx.MockTransport(refuse_listings)
    async with AsyncSessionPool("https://pool.test/", "token", transport=transport) as pool:
        other = SessionsMiddleware(session_pool=pool)
        with caplog.at_level(logging.WARNING):
            state = await agent_of(other, ScriptedModel(messages=turns("1"))).ainvoke(
                question(), TWO
            )
    assert last_run(state).status == "success"
    assert "could not be fetched" in caplog.text


def test_an_agent_without_threads_is_told_what_to_do() -> None:
    with SessionsMiddleware("local") as middleware:
        agent: Any = create_agent(ScriptedModel(messages=turns("1")), middleware=[middleware])
        with pytest.raises(ValueError, match="thread_id"):
            agent.invoke(question())
    with SessionsMiddleware("local", session_key=None) as middleware:
        agent = create_agent(ScriptedModel(messages=turns("6 * 7")), middleware=[middleware])
        assert last_run(agent.invoke(question())).content == "42"
