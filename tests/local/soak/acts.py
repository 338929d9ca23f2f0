"""What a client does next: calls that go well, and calls that end badly in every way."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from . import processes, raw
from .held import HeldSession
from .service import ABORTED, TIMED_OUT, Execution
from .world import Client, until, until_answered

Act = Callable[[Client, HeldSession], Awaitable[None]]

OUTPUT_LIMIT = 4096
MIB = 1 << 20

STUBBORN = """
import time
while True:
    try:
        time.sleep(0.01)
    except BaseException:
        pass
"""
FLOOD = """
import os, sys
for _ in range(40):
    print("o" * 100_000)
    sys.stderr.write("e" * 10_000)
os.system("head -c 1000000 /dev/zero | tr '\\\\0' c")
"""
PLOT = """
from matplotlib import pyplot
pyplot.plot([1, 2, 4])
pyplot.show()
"""
LEFT_BEHIND = """
import subprocess, threading
left = subprocess.Popen(["sleep", "1000"], start_new_session=True)
threading.Thread(target=threading.Event().wait, daemon=True).start()
"""


async def succeed(client: Client, session: HeldSession) -> None:
    number = client.random.randrange(1000)
    reply = await session.run(f"print('ä'); {number} * 2", legacy=client.random.random() < 0.3)
    assert (reply.status, reply.stdout, reply.value) == ("Succeeded", "ä\n", number * 2), reply


async def fail(client: Client, session: HeldSession) -> None:
    reply = await session.run("1 / 0", legacy=client.random.random() < 0.3)
    assert reply.status == "Failed"
    assert "ZeroDivisionError" in reply.stderr


async def ask_for_too_much_memory(_: Client, session: HeldSession) -> None:
    reply = await session.run("bytearray(1 << 40)")
    assert reply.status == "Failed"
    assert "MemoryError" in reply.stderr


async def print_a_flood(_: Client, session: HeldSession) -> None:
    reply = await session.run(FLOOD)
    assert reply.status == "Succeeded", reply
    assert (len(reply.stdout), len(reply.stderr)) == (OUTPUT_LIMIT, OUTPUT_LIMIT)


async def plot(_: Client, session: HeldSession) -> None:
    reply = await session.run(PLOT, timeout=60)
    assert reply.status == "Succeeded", reply
    assert isinstance(reply.value, dict), reply


async def leave_processes_behind(_: Client, session: HeldSession) -> None:
    reply = await session.run(LEFT_BEHIND)
    assert reply.status == "Succeeded", reply


async def exceed_the_time(_: Client, session: HeldSession) -> None:
    reply = await session.run("while True: pass", timeout=1)
    assert (reply.status, reply.stderr) == ("Failed", TIMED_OUT)


async def ignore_interrupts(client: Client, session: HeldSession) -> None:
    reply = await session.run(STUBBORN, timeout=1, loses_kernel=True)
    assert (reply.status, reply.stderr) == ("Failed", TIMED_OUT)
    client.tally.counts["kernels lost to a time limit"] += 1


async def exit_the_kernel(client: Client, session: HeldSession) -> None:
    reply = await session.run("import os; os._exit(3)", loses_kernel=True)
    assert (reply.status, reply.stderr) == ("Failed", ABORTED)
    client.tally.counts["kernels that exited"] += 1


async def exchange_files(client: Client, session: HeldSession) -> None:
    name = f"file-{client.random.randrange(3)}.bin"
    content = client.random.randbytes(client.random.choice([0, 1, 1000, MIB]))
    await session.upload(name, content)
    await session.download(name)
    other = client.random.choice(sorted(session.files))
    await session.download(other)


async def do_everything_at_once(_: Client, session: HeldSession) -> None:
    numbers = range(4)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(session.run(f"{number}")) for number in numbers]
        tasks.create_task(session.upload("at-once.txt", b"x"))
    assert [task.result().value for task in running] == list(numbers)


async def delete_while_code_runs(client: Client, session: HeldSession) -> None:
    async with asyncio.TaskGroup() as tasks:
        begun, code = begin_and_go_on_forever(client)
        running = tasks.create_task(client.service.execute(session.identifier, code, timeout=60))
        await until_it_is_there(client, session, begun)
        waiting = [
            tasks.create_task(client.service.execute(session.identifier, f"{number}"))
            for number in range(2)
        ]
        await session.delete()
    # What had not reached the server yet may have run in the session that came after.
    assert running.result().status == "Canceled"
    assert {task.result().status for task in waiting} <= {"Canceled", "Succeeded"}
    await session.check(lost_kernel=True)


async def kill_the_idle_worker(client: Client, session: HeldSession) -> None:
    if await kill_worker(client, session):
        await session.check(lost_kernel=True)


async def kill_the_busy_worker(client: Client, session: HeldSession) -> None:
    begun, code = begin_and_go_on_forever(client)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(
            session.run(session.marking + code, timeout=60, loses_kernel=True)
        )
        await until_it_is_there(client, session, begun)
        # If there is none any more, a kill at random was faster.
        await kill_worker(client, session)
    reply = running.result()
    assert (reply.status, reply.stderr) == ("Failed", ABORTED)


async def leave_during_a_run(client: Client, session: HeldSession) -> None:
    begun, code = begin_and_go_on_forever(client)
    sent = time.monotonic()
    async with raw.execution(client.address, session.identifier, code) as request:
        await request.send(request.whole)
        await until_it_is_there(client, session, begun)
    session.note_use(sent)
    client.tally.counts["disconnects"] += 1


async def leave_during_a_request(client: Client, session: HeldSession) -> None:
    request = client.random.choice(
        [
            raw.execution(client.address, session.identifier, "1" * 1000),
            raw.upload(client.address, session.identifier, "never.bin", bytes(MIB)),
        ]
    )
    async with request:
        part = client.random.randrange(1, len(request.whole))
        await request.send(request.whole[:part])
    client.tally.counts["disconnects"] += 1


async def leave_during_a_response(client: Client, session: HeldSession) -> None:
    if client.random.random() < 0.5:
        code, limit = "print('x' * 900_000)", 1_000_000
        request = raw.execution(
            client.address, session.identifier, code, outputStreamsMaxLength=limit
        )
    else:
        await session.upload("large.bin", bytes(8 * MIB))
        request = raw.download(client.address, session.identifier, "large.bin")
    sent = time.monotonic()
    async with request:
        await request.send(request.whole)
        assert (await request.receive(15)).startswith(b"HTTP/1.1 200 OK")
    session.note_use(sent)
    client.tally.counts["disconnects"] += 1


async def delete(client: Client, session: HeldSession) -> None:
    await session.delete()
    client.held.remove(session)


async def ask_later(client: Client, session: HeldSession) -> None:
    number = client.random.randrange(1000)
    sent = time.monotonic()
    execution = await client.service.begin(session.identifier, f"print('ä'); {number} * 2")
    outcomes: list[Execution] = []

    async def has_ended() -> bool:
        outcome = await client.service.outcome(session.identifier, execution)
        outcomes.extend([outcome] if outcome else [])
        return bool(outcomes)

    await until_answered(has_ended, "the end of a run that was left alone")
    session.note_use(sent)
    # Asked too late, a session that has expired says nothing of it any more.
    if outcomes[0].status != "Gone":
        assert outcomes[0].status == "Succeeded", outcomes
        assert (outcomes[0].stdout, outcomes[0].value) == ("ä\n", number * 2)


async def abandon(client: Client, session: HeldSession) -> None:
    client.held.remove(session)
    client.abandoned.append(session)


async def see_a_session_expire(client: Client, _: HeldSession) -> None:
    if not client.abandoned:
        return
    abandoned = client.abandoned.pop(0)
    # From outside: asking the server would count as a use.
    await until(lambda: not workers_of(client, abandoned), f"the expiry of {abandoned.identifier}")
    assert not await client.service.has_session(abandoned.identifier)
    client.tally.counts["sessions expired"] += 1
    fresh = HeldSession(client.service, abandoned.identifier)
    await fresh.check()
    await fresh.delete()


async def send_nonsense(client: Client, session: HeldSession) -> None:
    here = {"identifier": session.identifier}
    send = client.service.send_wrongly
    await send("POST", "executions", 400, here, content=b"{")
    await send("POST", "executions", 400, here, json={"code": 1})
    await send("POST", "executions", 400, {"identifier": "a b"}, json={"code": "1"})
    await send("POST", "executions", 401, here, headers={"authorization": "Bearer no"})
    await send("POST", "executions", 421, here, headers={"host": "example.com"})
    await send("POST", "files", 400, here, content=b"no form")
    await send("GET", "files/absent.txt", 404, here)
    await send("GET", "nowhere", 404, here)
    await send("PUT", "executions", 400, here)


def begin_and_go_on_forever(client: Client) -> tuple[str, str]:
    """The name of a file, and code that creates it and then goes on until it is stopped."""
    begun = f"begun-{client.random.getrandbits(40):010x}"
    return begun, f"open({begun!r}, 'w').close()\nwhile True: pass"


async def until_it_is_there(client: Client, session: HeldSession, name: str) -> None:
    """Wait until code in the session has created a file."""
    service, identifier = client.service, session.identifier
    await until_answered(lambda: service.has_file(identifier, name), "the beginning of a run")
    session.files[name] = b""


async def kill_worker(client: Client, session: HeldSession) -> bool:
    """Kill the session's worker from outside; False where it has none any more."""
    for worker in workers_of(client, session)[:1]:
        with processes.held(worker, below=client.supervisor) as pidfd:
            if pidfd is not None:
                processes.kill(pidfd)
                await until(lambda: processes.has_ended(pidfd), "the worker's end")
                client.tally.counts["workers killed"] += 1
                return True
    return False


def workers_of(client: Client, session: HeldSession) -> list[int]:
    """The session's worker, then what it has just started and is not yet another program."""
    # A session goes on without the bubblewrap that started it, when that was killed at random.
    below = processes.descendants(client.supervisor)
    return [process for process in below if processes.name_of(process) == session.name]


# What is done, and how often compared to others.
ACTS: dict[Act, int] = {
    succeed: 30,
    exchange_files: 20,
    fail: 10,
    do_everything_at_once: 10,
    ask_later: 10,
    abandon: 10,
    see_a_session_expire: 10,
    send_nonsense: 5,
    print_a_flood: 5,
    delete: 5,
    delete_while_code_runs: 5,
    kill_the_idle_worker: 5,
    kill_the_busy_worker: 5,
    exit_the_kernel: 5,
    leave_during_a_run: 5,
    leave_during_a_request: 5,
    leave_during_a_response: 5,
    leave_processes_behind: 5,
    ask_for_too_much_memory: 3,
    exceed_the_time: 3,
    ignore_interrupts: 2,
    plot: 2,
}
