"""Deep agents that work in a sandbox on real sessions, with a model that follows a script."""

# The types of deep agents are known in part only.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false
from collections.abc import Iterator
from typing import Any

from deepagents import create_deep_agent
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver

from dynamic_sessions import Credential
from dynamic_sessions_local import LocalSessionPool
from langchain_dynamic_sessions.backends import SessionsBashBackend
from langchain_dynamic_sessions.sandbox import DynamicSessionsSandbox

PROGRAM = """\
def mean(numbers):
    return sum(numbers) / len(number)


print(mean([3, 4, 8]))
"""
ASKED = {"messages": [HumanMessage("Write a program for the mean.")]}


class ScriptedModel(GenericFakeChatModel):
    """A model that says what a test wrote down, whatever tools it is given."""

    def bind_tools(self, tools: object, **kwargs: Any) -> "ScriptedModel":
        del tools, kwargs
        return self


def calling(name: str, **arguments: object) -> AIMessage:
    call = {"id": f"{name}-{len(str(arguments))}", "name": name, "args": arguments}
    return AIMessage("", tool_calls=[call])


def work() -> Iterator[AIMessage]:
    """Return a conversation in which a program is written, run, searched, mended and run."""
    return iter(
        [
            calling("write_file", file_path="/mnt/data/mean.py", content=PROGRAM),
            calling("execute", command="python mean.py"),
            calling("grep", pattern="len(number)", path="/mnt/data"),
            calling(
                "edit_file",
                file_path="/mnt/data/mean.py",
                old_string="len(number)",
                new_string="len(numbers)",
            ),
            calling("execute", command="python3 mean.py"),
            AIMessage("The mean is 5."),
        ]
    )


def agent_of(backend: Any, script: Iterator[AIMessage], **settings: Any) -> Any:
    return create_deep_agent(model=ScriptedModel(messages=script), backend=backend, **settings)


def results(state: dict[str, Any]) -> list[str]:
    return [str(item.content) for item in state["messages"] if isinstance(item, ToolMessage)]


def assert_the_program_was_mended(runs: list[str]) -> None:
    written, failed, found, edited, succeeded = runs
    assert "/mnt/data/mean.py" in written
    assert "NameError" in failed
    assert "exit code 1" in failed
    assert "mean.py" in found
    assert "/mnt/data/mean.py" in edited
    assert succeeded.startswith("5.0\n")


def test_a_deep_agent_writes_runs_and_mends_a_program(
    access: tuple[str, Credential | None],
) -> None:
    with DynamicSessionsSandbox(*access) as sandbox:
        state = agent_of(sandbox.as_backend(), work()).invoke(ASKED)
        (program,) = sandbox.download_files(["/mnt/data/mean.py"])

    assert_the_program_was_mended(results(state))
    assert program.content == PROGRAM.replace("len(number)", "len(numbers)").encode()


async def test_an_asynchronous_deep_agent_does_the_same(
    access: tuple[str, Credential | None],
) -> None:
    async with DynamicSessionsSandbox(*access) as sandbox:
        state = await agent_of(sandbox.as_backend(), work()).ainvoke(ASKED)

    assert_the_program_was_mended(results(state))


def test_the_sandbox_alone_is_a_backend_as_well(access: tuple[str, Credential | None]) -> None:
    with DynamicSessionsSandbox(*access) as sandbox:
        state = agent_of(sandbox, work()).invoke(ASKED)

    assert_the_program_was_mended(results(state))


def test_programs_written_for_the_predecessors_backend_go_on(shell_pool: LocalSessionPool) -> None:
    with SessionsBashBackend(
        pool_management_endpoint=shell_pool.endpoint,
        access_token_provider=lambda: shell_pool.credential.get_token().token,
        session_id="conversation-1",
        timeout=60,
    ) as backend:
        state = agent_of(backend, work()).invoke(ASKED)
        backend.sessions.delete()

    assert backend.id == "conversation-1"
    assert_the_program_was_mended(results(state))


def test_long_output_is_set_aside_where_the_agent_can_read_on(
    access: tuple[str, Credential | None],
) -> None:
    kept = "/mnt/data/.deepagents/large_tool_results"
    script = [calling("execute", command="seq 200000"), AIMessage("That is long.")]
    with DynamicSessionsSandbox(*access) as sandbox:
        state = agent_of(sandbox.as_backend(), iter(script)).invoke(ASKED)
        last = sandbox.execute(f"tail -n 1 {kept}/*").output

    (shown,) = results(state)
    assert len(shown) < 10_000
    assert kept in shown
    assert last == "200000\n"


def test_threads_of_a_deep_agent_have_sandboxes_of_their_own(shell_pool: LocalSessionPool) -> None:
    look = calling("execute", command="cat a.txt")
    script = [
        *(calling("write_file", file_path="/mnt/data/a.txt", content="mine"), AIMessage("Yes.")),
        *(look, AIMessage("Yes.")),
        *(look, AIMessage("Yes.")),
    ]
    with DynamicSessionsSandbox(
        shell_pool.endpoint, shell_pool.credential, session_key="thread_id"
    ) as sandbox:
        agent = agent_of(sandbox.as_backend(), iter(script), checkpointer=InMemorySaver())
        one, two = ({"configurable": {"thread_id": name}} for name in ("one", "two"))
        agent.invoke(ASKED, one)
        stranger = results(agent.invoke(ASKED, two))[-1]
        known = results(agent.invoke(ASKED, one))[-1]

    assert "No such file" in stranger
    assert known.startswith("mine")
