"""The choice of the strongest way to start kernels that works on this machine."""

import logging
import os
import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dynamic_sessions_local.errors import KernelStartError, SandboxUnavailableError
from dynamic_sessions_local.launchers.cures import ELSEWHERE, INSTALL, TRUSTED, cure_for
from dynamic_sessions_local.launchers.fork import ForkLauncher
from dynamic_sessions_local.launchers.launcher import Launcher
from dynamic_sessions_local.launchers.spawn import SpawnLauncher
from dynamic_sessions_local.launchers.unconfined import UnconfinedLauncher
from dynamic_sessions_local.limits import Limits
from dynamic_sessions_local.sandbox.interpreter import Interpreter, inspect_interpreter
from dynamic_sessions_local.sandbox.profile import HOME, Profile, environment, find_bubblewrap
from dynamic_sessions_local.sandbox.seccomp import MACHINES
from dynamic_sessions_local.sandbox.selftest import find_breaches
from dynamic_sessions_local.settings import Isolation, LauncherName

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A way to start sessions that was tried.

    Attributes:
        bubblewrap: The program.
        launcher: The launcher's name.
        isolation: What would isolate.
        failure: Why it cannot be used; None for the one that was chosen.
    """

    bubblewrap: str
    launcher: str
    isolation: str
    failure: str | None


async def select_launcher(
    *,
    isolation: Isolation,
    launcher: LauncherName | None = None,
    python: str | None,
    limits: Limits,
    preload: Sequence[str] | None = None,
    attempts: list[Attempt] | None = None,
) -> Launcher:
    """Return the strongest way to start sessions that has withstood a test on this machine.

    Args:
        isolation: "none" is the explicit choice to have none; nothing else leads to it.
        launcher: The only one to try; by default, "fork" and then "spawn".
        python: The interpreter for the sessions; the running one by default.
        limits: What one session may use.
        preload: Modules to import before a session begins; by default those that most sessions
            use, as far as the interpreter has them.
        attempts: What was tried is appended here.

    Raises:
        SandboxUnavailableError: Nothing withstood the test; with the cause and the cure.
        InterpreterError: The interpreter cannot host sessions.
    """
    if sys.platform != "linux":
        raise SandboxUnavailableError(f"This is {sys.platform}, not Linux.", ELSEWHERE)
    interpreter = await inspect_interpreter(python)
    if isolation == "none":
        logger.warning(
            "Sessions run without isolation: their code has every right of this process's user."
        )
        chosen: Launcher = UnconfinedLauncher(interpreter, limits)
    else:
        chosen = await _select_sandbox(
            interpreter, limits, launcher, attempts if attempts is not None else []
        )
    chosen.prepare(interpreter.usual if preload is None else preload)
    return chosen


async def _select_sandbox(
    interpreter: Interpreter,
    limits: Limits,
    launcher: LauncherName | None,
    attempts: list[Attempt],
) -> Launcher:
    setpriv = _find_setpriv()
    machine = platform.machine()
    if machine not in MACHINES:
        raise SandboxUnavailableError(f"No system call filter for {machine} exists.", ELSEWHERE)
    programs = find_bubblewrap()
    if not programs:
        raise SandboxUnavailableError("There is no bubblewrap (bwrap) on PATH.", INSTALL + TRUSTED)
    for program in programs:
        for candidate in _candidates(program, interpreter, limits, setpriv, attempts):
            if launcher not in (None, candidate.name):
                continue
            failure = await _test(candidate, interpreter)
            attempts.append(
                Attempt(
                    bubblewrap=program,
                    launcher=candidate.name,
                    isolation=candidate.isolation,
                    failure=failure,
                )
            )
            if failure is None:
                return candidate
            logger.info("no sessions by %s with %s: %s", candidate.name, program, failure)
    failures = [f"{each.bubblewrap}, {each.launcher}: {each.failure}" for each in attempts]
    raise SandboxUnavailableError("\n".join(failures), cure_for(failures) + TRUSTED)


def _candidates(
    program: str,
    interpreter: Interpreter,
    limits: Limits,
    setpriv: str | None,
    attempts: Sequence[Attempt],
) -> Iterator[ForkLauncher | SpawnLauncher]:
    """Yield what can be tried with a bubblewrap, strongest first."""

    def profile(*, fresh_proc: bool) -> Profile:
        return Profile(
            bubblewrap=program, interpreter=interpreter, limits=limits, fresh_proc=fresh_proc
        )

    yield ForkLauncher(profile(fresh_proc=True), setpriv=setpriv)
    yield SpawnLauncher(profile(fresh_proc=True), setpriv=setpriv)
    if attempts and "proc" in (attempts[-1].failure or ""):
        yield SpawnLauncher(profile(fresh_proc=False), setpriv=setpriv)


async def _test(launcher: Launcher, interpreter: Interpreter) -> str | None:
    """Return why the launcher cannot be used, or None. One that cannot is closed."""
    try:
        failure = await _find_failure(launcher, interpreter)
    except BaseException:
        await launcher.close()
        raise
    if failure is not None:
        await launcher.close()
    return failure


async def _find_failure(launcher: Launcher, interpreter: Interpreter) -> str | None:
    try:
        kernel = await launcher.launch()
    except KernelStartError as error:
        return str(error)
    try:
        allowed = set(environment(interpreter, home=HOME))
        found = await find_breaches(kernel, environment=allowed)
    finally:
        await kernel.close()
    return f"breach of isolation: code in a session {', '.join(found)}" if found else None


def _find_setpriv() -> str | None:
    """Return the program to drop root's rights with, where there are any to drop."""
    if os.geteuid() != 0:
        return None
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise SandboxUnavailableError(
            "This process is root's, and there is no setpriv to drop its rights with.",
            "Run the pool as an ordinary user, or install util-linux.",
        )
    return setpriv
