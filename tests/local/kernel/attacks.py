"""Attacks on a session, and a program that tries them all and prints what came of it as JSON.

It is a program because a sandbox is another one for root than for an ordinary user, so the same attacks
run under either. Each attack is code for a session; it ends in `attempt(...)`, whose value is "open" where
the attack worked and otherwise starts with "blocked". `target` names what there is to attack.
"""

import asyncio
import contextlib
import json
import os
import socket
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any, Literal, cast

from dynamic_sessions_local.kernel import Kernel
from dynamic_sessions_local.launchers import select_launcher
from dynamic_sessions_local.limits import MIB, Limits

SMALL = Limits(
    memory_bytes=1024 * MIB,
    processes=32,
    file_bytes=24 * MIB,
    data_bytes=32 * MIB,
    temporary_bytes=16 * MIB,
    data_entries=2_000,
)

PRELUDE = """
import ctypes, glob, mmap, os, resource, signal, socket, struct, sys, sysconfig
libc = ctypes.CDLL(None, use_errno=True)

def attempt(attack):
    try:
        result = attack()
    except (OSError, MemoryError, ValueError) as error:
        return f"blocked: {type(error).__name__} {error}"
    return f"open: {result!r}"[:200]

def call(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result

def read(path):
    with open(path, "rb") as file:
        return file.read(20)

def connect(family, kind, address):
    with socket.socket(family, kind) as client:
        client.settimeout(3)
        client.connect(address)

def must_be(condition):
    if condition:
        raise PermissionError("it holds")

def fill(folder, most):
    \"\"\"Write files into a folder until it refuses, and complain unless it took too much.\"\"\"
    written, names = 0, []
    block = b"x" * (1 << 20)
    try:
        while written <= most:
            names.append(f"{folder}/fill-{len(names)}")
            with open(names[-1], "wb", buffering=0) as file:
                for _ in range(8):
                    written += file.write(block)
    except OSError:
        pass
    finally:
        for name in names:
            if os.path.exists(name):
                os.unlink(name)
    must_be(written <= most)
    return written

def reveal(needle):
    \"\"\"Look for something in everything that /proc says of other processes.\"\"\"
    for path in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline"):
        try:
            content = open(path, "rb").read()
        except OSError:
            continue
        if needle.encode() in content:
            return path
    raise FileNotFoundError(needle)
"""

MAKE_FILES = """
import time
for number in range(5 * target["entries"]):
    os.close(os.open(f"{folder}/{{number}}", os.O_CREAT | os.O_WRONLY))
time.sleep(5)
"open: nobody minds"
"""

ATTACKS = {
    "read a file of the host": "attempt(lambda: read(target['file']))",
    "read the checkout": "attempt(lambda: read(target['source']))",
    "read the host's list of passwords": "attempt(lambda: read('/etc/shadow'))",
    "learn the host's users": "attempt(lambda: must_be(b'root' not in read('/etc/passwd')))",
    "reach a host file through a descriptor": """
def climb():
    for link in glob.glob("/proc/self/fd/*"):
        try:
            kind = os.readlink(link)
        except OSError:
            continue
        if kind.startswith("/") and not kind.startswith(("/dev/null", "/proc/", "/mnt/data")):
            return kind
    raise FileNotFoundError
attempt(climb)""",
    "read the host's environment": "attempt(lambda: reveal(target['canary']))",
    "read the server's memory": "attempt(lambda: read(f\"/proc/{target['server']}/mem\"))",
    "signal the server": "attempt(lambda: os.kill(target['server'], 0))",
    "write to the system": "attempt(lambda: os.close(os.open('/usr/breach', os.O_CREAT | os.O_WRONLY)))",
    "write to the packages": """
attempt(lambda: os.close(os.open(sysconfig.get_path("purelib") + "/breach", os.O_CREAT | os.O_RDWR)))""",
    "change a file of the system": "attempt(lambda: os.chmod('/usr/bin/env', 0o777))",
    "connect to the host's loopback": """
attempt(lambda: connect(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", target["port"])))""",
    "find a way out of the network": """
attempt(lambda: connect(socket.AF_INET, socket.SOCK_DGRAM, ("192.0.2.1", 9)))""",
    "connect to a unix socket": """
attempt(lambda: connect(socket.AF_UNIX, socket.SOCK_STREAM, target["unix"]))""",
    "connect to an abstract unix socket": """
attempt(lambda: connect(socket.AF_UNIX, socket.SOCK_STREAM, "\\0" + target["abstract"]))""",
    "open a socket to the hypervisor": "attempt(lambda: socket.socket(40, socket.SOCK_STREAM))",
    "open a raw socket": "attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))",
    "open a packet socket": "attempt(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))",
    "use the kernel's ciphers by a socket": "attempt(lambda: socket.socket(38, socket.SOCK_SEQPACKET))",
    "read another session's files": "attempt(lambda: must_be(not os.path.exists('/mnt/data/private')))",
    "see another session's processes": "attempt(lambda: reveal(target['other']))",
    "fork without end": """
def fork():
    children = []
    try:
        for _ in range(500):
            child = os.fork()
            if child == 0:
                signal.pause()
            children.append(child)
    except OSError:
        must_be(len(children) < target["processes"])
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.wait()
    return len(children)
attempt(fork)""",
    "take more memory than the limit": "attempt(lambda: len(bytearray(target['memory'] + (64 << 20))))",
    "map more memory than the limit": "attempt(lambda: mmap.mmap(-1, target['memory'] + (64 << 20)))",
    "raise a limit": """
attempt(lambda: resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2))""",
    "make memory files": "attempt(lambda: os.memfd_create('breach'))",
    "make shared memory": "attempt(lambda: call(libc.shmget(0, 1 << 20, 0o1600)))",
    "fill the data directory": "attempt(lambda: fill('/mnt/data', target['data']))",
    "fill the temporary folder": "attempt(lambda: fill('/tmp', target['temporary']))",
    "fill the shared memory folder": "attempt(lambda: fill('/dev/shm', target['temporary']))",
    "fill the device folder": "attempt(lambda: fill('/dev', 0))",
    "fill the root folder": "attempt(lambda: fill('/', 0))",
    "write one file over the limit": """
big = os.open("/mnt/data/big", os.O_CREAT | os.O_WRONLY)
attempt(lambda: os.truncate(big, target["file_bytes"] + 1))""",
    "make more files than the limit": MAKE_FILES.format(folder="/mnt/data"),
    "make more temporary files than the limit": MAKE_FILES.format(folder="/tmp"),  # noqa: S108
    "change what the kernel does with a crash": """
attempt(lambda: os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY)))""",
    "drop the kernel's caches": "attempt(lambda: os.close(os.open('/proc/sys/vm/drop_caches', os.O_WRONLY)))",
    "press a magic key": "attempt(lambda: os.close(os.open('/proc/sysrq-trigger', os.O_WRONLY)))",
    "read the kernel's log": "attempt(lambda: call(libc.klogctl(3, ctypes.create_string_buffer(99), 99)))",
    "trace the first process": "attempt(lambda: call(libc.ptrace(16, 1, 0, 0)))",
    "read the first process's memory": "attempt(lambda: read('/proc/1/mem'))",
    "read memory across processes": """
attempt(lambda: call(libc.process_vm_readv(os.getpid(), None, 0, None, 0, 0)))""",
    "make a user namespace": "attempt(lambda: call(libc.unshare(0x10000000)))",
    "make a user namespace by clone": """
attempt(lambda: call(libc.syscall(56 if os.uname().machine == "x86_64" else 220, 0x10000011, 0, 0, 0, 0)))""",
    "make a user namespace by clone3": """
arguments = ctypes.create_string_buffer(struct.pack("11Q", 0x10000000, 0, 0, 0, 17, *[0] * 6))
attempt(lambda: call(libc.syscall(435, arguments, 88)))""",
    "enter a namespace": """
attempt(lambda: call(libc.setns(os.open("/proc/1/ns/mnt", os.O_RDONLY), 0)))""",
    "mount": "attempt(lambda: call(libc.mount(b'none', b'/mnt/data', b'tmpfs', 0, None)))",
    "mount by the new calls": "attempt(lambda: call(libc.syscall(430, b'tmpfs', 0)))",
    "unmount": "attempt(lambda: call(libc.umount2(b'/usr', 2)))",
    "change the root": "attempt(lambda: os.chroot('/usr'))",
    "make a device": "attempt(lambda: os.mknod('/mnt/data/disk', 0o60600, os.makedev(254, 0)))",
    "become root": "attempt(lambda: os.setuid(0))",
    "be root": "attempt(lambda: must_be(os.getuid() != 0 and os.geteuid() != 0))",
    "hold a capability": """
def hold():
    status = open("/proc/self/status").read()
    must_be(all(f"Cap{kind}:\\t{0:016x}\\n" in status for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")))
attempt(hold)""",
    "gain rights by a program": """
attempt(lambda: must_be("NoNewPrivs:\\t1" in open("/proc/self/status").read()))""",
    "take back priority": "attempt(lambda: os.setpriority(os.PRIO_PROCESS, 0, 0))",
    "use io_uring": "attempt(lambda: call(libc.syscall(425, 1, ctypes.create_string_buffer(120))))",
    "use the kernel's key rings": """
attempt(lambda: call(libc.syscall(250 if os.uname().machine == "x86_64" else 219, 0, -3, 1)))""",
    "load a program into the kernel": """
attempt(lambda: call(libc.syscall(321 if os.uname().machine == "x86_64" else 280, 0, 0, 0)))""",
    "use system calls under their other numbers": """
attempt(lambda: call(libc.syscall(0x40000000 + 39)) if os.uname().machine == "x86_64" else call(-1))""",
}


async def attack(isolation: Literal["sandbox", "none"], names: list[str]) -> dict[str, str]:
    """Return what came of each attack, one session for each, and of the launcher's name."""
    launcher = await select_launcher(isolation=isolation, python=None, limits=SMALL)
    outcome = {"isolation": launcher.isolation}
    other = await launcher.launch()
    try:
        await prepare(other)
        with targets() as target:
            for name in names:
                kernel = await launcher.launch()
                try:
                    code = f"target = {target!r}\n{PRELUDE}\n{ATTACKS[name]}"
                    reply = await kernel.execute(code, timeout=60, output_limit=10_000)
                    outcome[name] = str(reply.value.data) or f"{reply.status}: {reply.stderr}"
                    if reply.status == "aborted":
                        outcome[name] = "blocked: the session was ended"
                finally:
                    await kernel.close()
        still_there = await other.execute("1 + 1", timeout=60, output_limit=100)
        outcome["another session"] = str(still_there.value.data)
    finally:
        await other.close()
    return outcome


async def prepare(other: Kernel) -> None:
    await other.execute(
        "open('private', 'w').close()\n"
        f"import subprocess; subprocess.Popen(['sleep', '1000', ], env={{'MARK': {OTHER!r}}})",
        timeout=60,
        output_limit=100,
    )


OTHER = "another-session-s-process"
CANARY = "a-variable-of-the-host"


@contextlib.contextmanager
def targets() -> Generator[dict[str, Any]]:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        file, unix = folder / "file", folder / "socket"
        file.write_text("secret")
        file.chmod(0o644)
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        abstract = f"dynamic-sessions-{os.getpid()}"
        for address in (str(unix), f"\0{abstract}"):
            server = stack.enter_context(socket.socket(socket.AF_UNIX))
            server.bind(address)
            server.listen()
        yield {
            "file": str(file),
            "source": __file__,
            "server": os.getpid(),
            "port": listener.getsockname()[1],
            "unix": str(unix),
            "abstract": abstract,
            "canary": CANARY,
            "other": OTHER,
            "entries": SMALL.data_entries,
            "processes": SMALL.processes,
            "memory": SMALL.memory_bytes,
            "data": SMALL.data_bytes,
            "temporary": SMALL.temporary_bytes,
            "file_bytes": SMALL.file_bytes,
        }


if __name__ == "__main__":
    chosen = cast("Literal['sandbox', 'none']", sys.argv[1])
    print(json.dumps(asyncio.run(attack(chosen, sys.argv[2:] or list(ATTACKS)))))  # noqa: T201
