"""The choice of a sandbox: proven by attack, refused with a cause and a cure, never silently none."""

import contextlib
import logging
import os
import sys
import venv
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Literal

import pytest

from dynamic_sessions_local.errors import InterpreterError, SandboxUnavailableError
from dynamic_sessions_local.launchers import Attempt, Launcher, select_launcher, selection
from dynamic_sessions_local.limits import Limits
from dynamic_sessions_local.sandbox.profile import find_bubblewrap

from .conftest import run_in

Pretend = Callable[[str], Path]


@pytest.fixture
def pretend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pretend:
    """Put a script in bubblewrap's place; in it, "$bwrap" is the real one."""
    real = find_bubblewrap()[0]

    def pretend(script: str) -> Path:
        program = tmp_path / "bwrap"
        program.write_text(f"#!/bin/sh\nbwrap={real}\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(selection, "find_bubblewrap", lambda: [str(program)])
        return program

    return pretend


@contextlib.asynccontextmanager
async def selected(
    python: str | None = None, *, name: Literal["fork", "spawn"] | None = None
) -> AsyncGenerator[Launcher]:
    launcher = await select_launcher(
        isolation="sandbox", launcher=name, python=python, limits=Limits(), preload=()
    )
    yield launcher
    await launcher.close()


async def select(
    python: str | None = None, *, name: Literal["fork", "spawn"] | None = None
) -> None:
    async with selected(python, name=name):
        pass


async def test_what_is_chosen_says_its_name() -> None:
    expected = "bubblewrap-setpriv" if os.geteuid() == 0 else "bubblewrap"
    async with selected() as launcher:
        assert (launcher.name, launcher.isolation) == ("fork", expected)


async def test_where_namespaces_cannot_be_nested_each_session_has_a_bubblewrap(
    pretend: Pretend,
) -> None:
    # As under a security profile that takes all capabilities from what bubblewrap starts.
    pretend('case " $* " in *" zygote "*) set -- --disable-userns "$@"; esac\nexec "$bwrap" "$@"')
    attempts: list[Attempt] = []
    launcher = await select_launcher(
        isolation="sandbox", python=None, limits=Limits(), preload=(), attempts=attempts
    )
    assert launcher.name == "spawn"
    assert [(each.launcher, each.failure is None) for each in attempts] == [
        ("fork", False),
        ("spawn", True),
    ]
    kernel = await launcher.launch()
    assert (await run_in(kernel)("1 + 1")).value.data == 2
    await kernel.close()


@pytest.mark.parametrize("name", ["fork", "spawn"])
async def test_a_launcher_can_be_asked_for_by_name(name: Literal["fork", "spawn"]) -> None:
    launcher = await select_launcher(
        isolation="sandbox", launcher=name, python=None, limits=Limits(), preload=()
    )
    assert launcher.name == name
    await launcher.close()


@pytest.mark.parametrize(
    ("complaint", "cure"),
    [
        ("bwrap: setting up uid map: Permission denied", "AppArmor"),
        ("bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted", "AppArmor"),
        ("bwrap: No permissions to create new namespace", "--security-opt"),
        ("bwrap: Creating new namespace failed: Operation not permitted", "user namespaces"),
        ("bwrap: Unknown option --size", "Install bubblewrap"),
    ],
)
async def test_a_refusal_names_bubblewraps_words_and_the_cure(
    pretend: Pretend, complaint: str, cure: str
) -> None:
    pretend(f"echo '{complaint}' >&2; exit 1")
    with pytest.raises(SandboxUnavailableError) as refusal:
        await select()
    assert complaint in refusal.value.cause
    assert cure in refusal.value.cure
    assert complaint in str(refusal.value)


async def test_a_machine_without_bubblewrap_is_told_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(selection, "find_bubblewrap", list[str])
    with pytest.raises(SandboxUnavailableError, match="apt install bubblewrap"):
        await select()


@pytest.mark.parametrize(
    ("leave_out", "breach"),
    [
        ("--unshare-net", "connects to a server on the host"),
        ("--clearenv", "inherits the server's environment"),
    ],
)
async def test_a_sandbox_with_a_hole_is_refused(
    pretend: Pretend, leave_out: str, breach: str
) -> None:
    pretend(
        "export HOLE=1\n"
        'count=$#\nwhile [ "$count" -gt 0 ]; do\n'
        f'  [ "$1" = "{leave_out}" ] || set -- "$@" "$1"\n'
        '  shift; count=$((count - 1))\ndone\nexec "$bwrap" "$@"'
    )
    with pytest.raises(SandboxUnavailableError) as refusal:
        await select(name="spawn")
    assert breach in refusal.value.cause


async def test_a_sandbox_that_shows_the_hosts_files_is_refused(pretend: Pretend) -> None:
    pretend(
        'count=$#\nwhile [ "$count" -gt 0 ]; do\n'
        '  [ "$1" = "--seccomp" ] && set -- "$@" --ro-bind /tmp /tmp\n'
        '  set -- "$@" "$1"; shift; count=$((count - 1))\ndone\nexec "$bwrap" "$@"'
    )
    with pytest.raises(SandboxUnavailableError, match="reads a file of the host"):
        await select(name="spawn")


@pytest.mark.parametrize("leave_out", ["--unshare-net", "--unshare-ipc"])
async def test_a_fork_isolates_again_what_bubblewrap_should_have(
    pretend: Pretend, leave_out: str
) -> None:
    pretend(
        'count=$#\nwhile [ "$count" -gt 0 ]; do\n'
        f'  [ "$1" = "{leave_out}" ] || set -- "$@" "$1"\n'
        '  shift; count=$((count - 1))\ndone\nexec "$bwrap" "$@"'
    )
    async with selected(name="fork") as launcher:
        kernel = await launcher.launch()
        names = ("net", "ipc", "uts", "mnt", "pid", "user", "cgroup")
        code = f"import os; [os.readlink(f'/proc/self/ns/{{name}}') for name in {names}]"
        inside = str((await run_in(kernel)(code)).value.data)
        await kernel.close()
    for name in names:
        assert os.readlink(f"/proc/self/ns/{name}") not in inside  # noqa: PTH115


async def test_where_a_new_proc_is_refused_the_hosts_is_shown_read_only(pretend: Pretend) -> None:
    pretend(
        'case " $* " in *" --proc "*)\n'
        '  echo "bwrap: Can\'t mount proc on /newroot/proc: Operation not permitted" >&2; exit 1\n'
        'esac\nexec "$bwrap" "$@"'
    )
    async with selected() as launcher:
        assert (launcher.name, launcher.isolation) == ("spawn", "bubblewrap-reduced")
        kernel = await launcher.launch()
        reply = await run_in(kernel)(
            "import os; os.access('/proc/sys/kernel/core_pattern', os.W_OK)"
        )
        await kernel.close()
    assert reply.value.data is False


async def test_the_next_bubblewrap_is_tried_where_the_first_fails(
    pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = find_bubblewrap()[0]
    broken = pretend("echo 'bwrap: setting up uid map: Permission denied' >&2; exit 1")
    monkeypatch.setattr(selection, "find_bubblewrap", lambda: [str(broken), real])
    async with selected() as launcher:
        assert launcher.isolation.startswith("bubblewrap")


async def test_another_system_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(SandboxUnavailableError, match="not Linux"):
        await select()


async def test_root_without_setpriv_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SandboxUnavailableError, match="setpriv"):
        await select(sys.executable)


async def test_no_isolation_is_an_explicit_choice_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        launcher = await select_launcher(isolation="none", python=None, limits=Limits())
    assert (launcher.name, launcher.isolation) == ("plain", "none")
    assert "without isolation" in caplog.text


@pytest.fixture
def bare_environment(tmp_path: Path) -> Path:
    venv.create(tmp_path / "bare", symlinks=True)
    return tmp_path / "bare"


async def test_an_interpreter_without_ipython_is_told_so(bare_environment: Path) -> None:
    with pytest.raises(InterpreterError, match="it has no IPython"):
        await select(str(bare_environment / "bin/python"))


async def test_an_interpreter_that_is_not_there_is_told_so() -> None:
    with pytest.raises(InterpreterError, match="/no/such/python"):
        await select("/no/such/python")


async def test_a_program_that_is_no_interpreter_is_told_so(tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho 'I am a snake' >&2\n")
    program.chmod(0o755)
    with pytest.raises(InterpreterError, match="I am a snake"):
        await select(str(program))


async def test_an_environment_around_the_home_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(Path(sys.prefix) / "home"))
    with pytest.raises(InterpreterError, match="home folder"):
        await select()


async def test_another_environment_hosts_sessions(environment: Path) -> None:
    assert await prefix_of_a_session(environment / "bin/python") == environment


async def test_an_environment_can_be_named_by_another_path(
    environment: Path, tmp_path: Path
) -> None:
    (tmp_path / "alias").symlink_to(environment)
    assert await prefix_of_a_session(tmp_path / "alias/bin/python") == tmp_path / "alias"


async def test_an_environment_can_be_named_by_a_script_that_starts_it(
    environment: Path, tmp_path: Path
) -> None:
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\nexec {environment}/bin/python "$@"\n')
    script.chmod(0o755)
    assert await prefix_of_a_session(script) == environment


async def prefix_of_a_session(python: Path) -> Path:
    async with selected(str(python)) as launcher:
        kernel = await launcher.launch()
        reply = await run_in(kernel)("import sys; sys.prefix")
        await kernel.close()
    return Path(str(reply.value.data))
