"""Ways to start a kernel, and the choice of the strongest one that works on this machine."""

import logging
import os
import platform
import shutil
import sys
from collections.abc import Iterable
from typing import Literal, Protocol

from dynamic_sessions_local.errors import KernelStartError, SandboxUnavailableError
from dynamic_sessions_local.kernel import Kernel
from dynamic_sessions_local.launchers.spawn import SpawnLauncher
from dynamic_sessions_local.launchers.unconfined import UnconfinedLauncher
from dynamic_sessions_local.limits import Limits
from dynamic_sessions_local.sandbox.interpreter import Interpreter, inspect_interpreter
from dynamic_sessions_local.sandbox.profile import HOME, Profile, environment, find_bubblewrap
from dynamic_sessions_local.sandbox.seccomp import MACHINES
from dynamic_sessions_local.sandbox.selftest import find_breaches

__all__ = ["Launcher", "select_launcher"]

logger = logging.getLogger(__name__)

INSTALL = (
    "Install bubblewrap, as with `apt install bubblewrap`, `dnf install bubblewrap` or"
    " `pacman -S bubblewrap`."
)
ELSEWHERE = (
    "Run the pool on Linux (WSL 2 or a virtual machine will do), or use the endpoint of a session pool"
    " in Azure."
)
APPARMOR = (
    "AppArmor restricts user namespaces here, as on Ubuntu since 23.10. Install the system's"
    " bubblewrap and a profile that lets /usr/bin/bwrap use them (such as bwrap-userns-restrict"
    " of the package apparmor-profiles), or set kernel.apparmor_restrict_unprivileged_userns=0."
)
NAMESPACES = (
    "Allow user namespaces: kernel.unprivileged_userns_clone=1 where that setting exists and"
    " user.max_user_namespaces above 0. In a container, start it with"
    " --security-opt seccomp=unconfined --security-opt apparmor=unconfined, and as root with"
    " --cap-add SYS_ADMIN."
)
BREACH = (
    "Do not run untrusted code here. Please report this with the versions of the kernel and of"
    " bubblewrap."
)
WORKER = "Look at what the worker said; bubblewrap itself started it."
# Words of a cause → what helps. The first that fits; the last fits always.
CURES = (
    (("breach of isolation",), BREACH),
    (("setting up uid map", "RTM_NEWADDR"), APPARMOR),
    (("Unknown option",), INSTALL),
    (("bwrap:",), NAMESPACES),
    (("",), WORKER),
)
TRUSTED = ' For code that you trust, isolation="none" runs it without a sandbox.'


class Launcher(Protocol):
    """Starts kernels.

    Attributes:
        isolation: What isolates them: "bubblewrap"; "bubblewrap-setpriv" where the server is root's;
            "bubblewrap-reduced" with the host's /proc, read-only; or "none".
    """

    isolation: str

    async def launch(self) -> Kernel:
        """Return a ready kernel, in which nothing of a user's has run.

        Raises:
            KernelStartError: The worker did not come up.
        """
        ...

    async def close(self) -> None:
        """Give up what the launcher holds; kernels are closed by those who have them."""
        ...


async def select_launcher(
    *, isolation: Literal["sandbox", "none"], python: str | None, limits: Limits
) -> Launcher:
    """Return the strongest way to start sessions that has withstood a test on this machine.

    Args:
        isolation: "none" is the explicit choice to have none; nothing else leads to it.
        python: The interpreter for the sessions; the running one by default.
        limits: What one session may use.

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
        return UnconfinedLauncher(interpreter, limits)
    setpriv = _find_setpriv()
    machine = platform.machine()
    if machine not in MACHINES:
        raise SandboxUnavailableError(f"No system call filter for {machine} exists.", ELSEWHERE)
    programs = find_bubblewrap()
    if not programs:
        raise SandboxUnavailableError("There is no bubblewrap (bwrap) on PATH.", INSTALL + TRUSTED)
    causes: list[tuple[str, str]] = []
    for program in programs:
        chosen = await _try_program(program, interpreter, limits, setpriv, causes)
        if chosen is not None:
            return chosen
    cause = "\n".join(f"{program}: {cause}" for program, cause in causes)
    raise SandboxUnavailableError(cause, _cure(cause for _, cause in causes) + TRUSTED)


async def _try_program(
    program: str,
    interpreter: Interpreter,
    limits: Limits,
    setpriv: str | None,
    causes: list[tuple[str, str]],
) -> Launcher | None:
    """Return a launcher that withstood the test, or None and the causes that it did not."""
    for fresh_proc in (True, False):
        profile = Profile(
            bubblewrap=program, interpreter=interpreter, limits=limits, fresh_proc=fresh_proc
        )
        launcher = SpawnLauncher(_name(profile, setpriv), profile, setpriv=setpriv)
        cause = await _test(launcher, interpreter)
        if cause is None:
            return launcher
        causes.append((program, cause))
        if "proc" not in cause:
            break
    return None


async def _test(launcher: SpawnLauncher, interpreter: Interpreter) -> str | None:
    """Return why the launcher cannot be used, or None."""
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


def _name(profile: Profile, setpriv: str | None) -> str:
    if not profile.fresh_proc:
        return "bubblewrap-reduced"
    return "bubblewrap-setpriv" if setpriv else "bubblewrap"


def _cure(causes: Iterable[str]) -> str:
    said = "\n".join(causes)
    return next(cure for needles, cure in CURES if any(needle in said for needle in needles))
