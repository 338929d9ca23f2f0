"""The namespaces of the zygote and of the sessions that are forked from it.

    bubblewrap's         no file of the host's, no network, no capability
      zygote's           a user namespace, whose owner may make the others; a process namespace
        session's        processes, mounts, network, System V IPC, host name, control groups
          session's user namespace: where user code runs, without rights over any of the above

A process namespace begins with a first process, which must reap orphans and whose end is the end of all the
others. It is a `cat` that reads from a pipe nobody writes to: it ignores the end of its children, so that the kernel
reaps them, and ends when the pipe's last writer has gone: the zygote, or where there is none, the server.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import struct
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from .system import call

NEW_MOUNTS, NEW_CONTROL_GROUPS, NEW_HOST_NAME = 0x0002_0000, 0x0200_0000, 0x0400_0000
NEW_IPC, NEW_USERS, NEW_PROCESSES, NEW_NETWORK = (
    0x0800_0000,
    0x1000_0000,
    0x2000_0000,
    0x4000_0000,
)
NO_SUID, NO_DEVICES, NO_EXECUTION, BIND, RECURSIVE, PRIVATE = 2, 4, 8, 0x1000, 0x4000, 0x40000
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
TERMINALS = 64
# Least, initial and most bytes of a buffer of a TCP connection.
TCP_BUFFER = "4096 16384 131072"


@dataclass(frozen=True, kw_only=True)
class Folder:
    """Where a session may write: a file system in memory.

    Attributes:
        path: Its place.
        size: Bytes that fit.
        entries: Files and folders that fit.
        mode: Its permissions, in octal digits.
    """

    path: str
    size: int
    entries: int
    mode: str


class Nursery:
    """The process namespace whose children are the sessions' process namespaces."""

    def __init__(self) -> None:
        self._namespace = os.open("/proc/self/ns/pid", os.O_RDONLY)

    @contextlib.contextmanager
    def new_processes(self) -> Generator[int]:
        """Put what is forked in the with-block into a new process namespace.

        Yields:
            The number of its first process. It ends when the forks have ended, and with it the
            namespace, since they hold the pipe that it reads from.
        """
        call("unshare", NEW_PROCESSES)
        reading, writing = os.pipe()
        try:
            try:
                first = _start_first_process(reading)
            finally:
                os.close(reading)
            yield first
        finally:
            os.close(writing)
            # Threads can be started, and the next namespace be made, from the own one alone.
            call("setns", self._namespace, NEW_PROCESSES)

    def forget(self) -> None:
        """In a session: have no way back."""
        os.close(self._namespace)


def found_nursery() -> Nursery:
    """Become the owner of a user namespace, in a process namespace that outlives this process.

    The process that called goes on as a bystander: bubblewrap ends when it does.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    _own_users(NEW_USERS | NEW_MOUNTS | NEW_PROCESSES)
    _mount(None, "/", None, RECURSIVE | PRIVATE)
    reading, writing = os.pipe()
    _start_first_process(reading)
    if os.fork():
        os.set_inheritable(writing, True)
        _become_first_process(reading)
    os.close(reading)
    os.close(writing)
    return Nursery()


def leave_first_process(lifeline: int) -> None:
    """Go on as a fork of this process, the first one, which ends with the server.

    Nothing else ends it then: bubblewrap has no right to, where it was started by root.

    Args:
        lifeline: The reading end of a pipe whose only writing end the server has.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    if os.fork():
        _become_first_process(lifeline)
    os.close(lifeline)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def enter_session(folders: Sequence[Folder], kept: Sequence[str], links: Mapping[str, str]) -> None:
    """Give this process, just forked into new processes, everything else of its own.

    Args:
        folders: Where it may write.
        kept: What must stay visible at places that the folders would hide.
        links: Likewise symbolic links, with their targets.
    """
    call("unshare", NEW_MOUNTS | NEW_CONTROL_GROUPS | NEW_HOST_NAME | NEW_IPC | NEW_NETWORK)
    _mount("proc", "/proc", "proc", NO_SUID | NO_DEVICES | NO_EXECUTION)
    _mount(
        "devpts", "/dev/pts", "devpts", NO_SUID | NO_EXECUTION,
        f"newinstance,ptmxmode=0666,mode=620,max={TERMINALS}",
    )  # fmt: skip
    held = [(path, os.open(path, os.O_PATH)) for path in kept]
    for folder in folders:
        options = f"size={folder.size},nr_inodes={folder.entries},mode={folder.mode}"
        _mount("tmpfs", folder.path, "tmpfs", NO_SUID | NO_DEVICES, options)
    for path, descriptor in held:
        Path(path).mkdir(parents=True)
        _mount(f"/proc/self/fd/{descriptor}", path, None, BIND | RECURSIVE)
        os.close(descriptor)
    for link, target in links.items():
        Path(link).parent.mkdir(parents=True, exist_ok=True)
        Path(link).symlink_to(target)
    _raise_loopback()
    for name in ("tcp_rmem", "tcp_wmem"):
        Path(f"/proc/sys/net/ipv4/{name}").write_text(TCP_BUFFER)


def leave_rights_behind() -> None:
    """Enter a user namespace without rights over anything, where processes are counted anew."""
    _own_users(NEW_USERS)


def _own_users(namespaces: int) -> None:
    """Make a user namespace, with others; in it this process is whom it was, and may do everything."""
    uid, gid = os.geteuid(), os.getegid()
    call("unshare", namespaces)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {uid} 1"),
        ("gid_map", f"{gid} {gid} 1"),
    ):
        Path(f"/proc/self/{name}").write_text(text)


def _mount(
    source: str | None, target: str, kind: str | None, flags: int, options: str | None = None
) -> None:
    words = [None if word is None else word.encode() for word in (source, target, kind, options)]
    try:
        call("mount", *words[:3], flags, words[3])
    except OSError as error:
        raise OSError(error.errno, f"mount {target}: {os.strerror(error.errno or 0)}") from error


def _start_first_process(reading: int) -> int:
    return os.posix_spawn(_cat(), ["cat"], {}, file_actions=[(os.POSIX_SPAWN_DUP2, reading, 0)])


def _become_first_process(reading: int) -> NoReturn:
    os.dup2(reading, 0)
    os.execve(_cat(), ["cat"], {})  # noqa: S606 - no shell is what is wanted


def _cat() -> str:
    found = shutil.which("cat")
    if found is None:
        raise FileNotFoundError("there is no program cat in the sandbox")
    return found


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP))
