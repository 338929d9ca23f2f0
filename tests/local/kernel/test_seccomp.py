"""The system call filters as they are shipped: run by a small interpreter, and by the kernel."""

import errno
import importlib.util
import platform
import re
import socket
import struct
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from dynamic_sessions_local.sandbox.seccomp import FOLDER, MACHINES, load_filter

SCRIPT = Path(__file__).parents[3] / "scripts" / "make_seccomp_filters.py"
ALLOWED, KILLED = 0x7FFF0000, 0x80000000
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
STREAM, DATAGRAM, RAW = 1, 2, 3
NEW_USERS = 0x10000000

# Takes a filter, then becomes an interpreter with the other arguments.
UNDER_FILTER = """
import ctypes, os, struct, sys
with open(sys.argv[1], "rb") as file:
    program = file.read()
code = ctypes.create_string_buffer(program, len(program))
header = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(code))
library = ctypes.CDLL(None, use_errno=True)
no_new_privileges, set_filter, zero = map(ctypes.c_ulong, (38, 22, 0))
if library.prctl(no_new_privileges, ctypes.c_ulong(1), zero, zero, zero):
    sys.exit("no_new_privs")
if library.prctl(set_filter, ctypes.c_ulong(2), header, zero, zero):
    sys.exit(f"the kernel refuses the filter: {os.strerror(ctypes.get_errno())}")
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""

# Exits with the error of one system call, or with 0.
CALL = """
import ctypes, sys
library = ctypes.CDLL(None, use_errno=True)
words = [ctypes.c_long(int(word)) for word in sys.argv[1:]]
sys.exit(ctypes.get_errno() if library.syscall(*words) < 0 else 0)
"""

# What people do in a session, with the libraries that reach for the rarer system calls.
WORK = """
import asyncio, multiprocessing, os, shutil, sqlite3, subprocess, tempfile, threading
from multiprocessing.shared_memory import SharedMemory
import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

async def echo(reader, writer):
    writer.write(await reader.readline())
    writer.close()

async def talk():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"word\\n")
        assert await reader.readline() == b"word\\n"
        writer.close()
    child = await asyncio.create_subprocess_exec("true")
    assert await child.wait() == 0

assert np.linalg.inv(np.eye(300)).trace() == 300
assert pd.DataFrame({"a": [1, 1], "b": [2, 3]}).groupby("a").b.sum()[1] == 5
with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    plt.plot([1, 2])
    plt.savefig("figure.png")
    shutil.copyfile("figure.png", "copy.png")
    assert os.path.getsize("copy.png") > 1000
    with sqlite3.connect("table.db") as table:
        table.execute("create table numbers (number)")
    os.sync()
    os.chdir("/")
thread = threading.Thread(target=plt.close)
thread.start()
thread.join()
shared = SharedMemory(create=True, size=100)
shared.close()
shared.unlink()
for kind in ("fork", "spawn", "forkserver"):
    with multiprocessing.get_context(kind).Pool(2) as pool:
        assert pool.map(abs, [-1, -2]) == [1, 2]
assert subprocess.run("echo word | cat", shell=True, capture_output=True).stdout == b"word\\n"
asyncio.run(talk())
"""


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_seccomp_filters", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


script = load_script()
machines = pytest.mark.parametrize("machine", sorted(MACHINES))
of_this_machine = pytest.mark.skipif(
    platform.machine() not in MACHINES, reason="needs a processor that a filter exists for"
)


def numbers_of(machine: str) -> dict[str, int]:
    return script.MACHINES[machine].numbers


def decide(machine: str, number: int, *arguments: int, audit: int | None = None) -> int:
    """Return the filter's verdict on one system call."""
    audit = script.MACHINES[machine].audit if audit is None else audit
    data = struct.pack("=IIQ6Q", number, audit, 0, *(*arguments, 0, 0, 0, 0, 0, 0)[:6])
    program = list(struct.iter_unpack("=HBBI", load_filter(machine)))
    position = accumulator = 0
    while True:
        operation, when_true, when_false, operand = program[position]
        position += 1
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, operand)
        elif operation == 0x54:
            accumulator &= operand
        elif operation == 0x06:
            return operand
        else:
            holds = {
                0x15: accumulator == operand,
                0x35: accumulator >= operand,
                0x45: bool(accumulator & operand),
            }[operation]
            position += when_true if holds else when_false


def failure(code: int) -> int:
    return 0x00050000 | code


def run_under_filter(*arguments: str) -> "subprocess.CompletedProcess[str]":
    path = FOLDER / f"{platform.machine()}.bpf"
    return subprocess.run(  # noqa: S603 - our own interpreter and words
        [sys.executable, "-I", "-c", UNDER_FILTER, path, *arguments],
        check=False,
        capture_output=True,
        text=True,
    )


@machines
def test_the_shipped_filter_is_the_one_that_the_script_makes(machine: str) -> None:
    assert load_filter(machine) == script.build_filter(machine)


def test_a_filter_is_shipped_for_every_machine_and_for_no_other() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {f"{machine}.bpf" for machine in MACHINES}
    assert set(script.MACHINES) == MACHINES


def test_the_check_fails_where_a_file_is_missing_or_stale(tmp_path: Path) -> None:
    assert script.main(["--check"], tmp_path) == 1
    assert list(tmp_path.iterdir()) == []
    assert script.main([], tmp_path) == 0
    assert script.main(["--check"], tmp_path) == 0
    (tmp_path / "aarch64.bpf").write_bytes(b"")
    assert script.main(["--check"], tmp_path) == 1


def test_a_machine_without_a_filter_is_refused() -> None:
    with pytest.raises(ValueError, match="vax"):
        load_filter("vax")


def test_every_call_of_the_lists_has_a_number_and_one_verdict() -> None:
    listed = [*script.FORBIDDEN, *script.UNKNOWN, *script.NEEDLESS]
    assert len(listed) == len(set(listed))
    numbered = numbers_of("x86_64").keys()
    assert set(listed) <= numbered
    assert numbers_of("aarch64").keys() <= numbered


@machines
def test_calls_that_lead_out_are_denied(machine: str) -> None:
    numbers = numbers_of(machine)
    for code, names in (
        (errno.EPERM, script.FORBIDDEN),
        (errno.ENOSYS, script.UNKNOWN),
        (0, script.NEEDLESS),
    ):
        for name in names:
            if name in numbers:
                assert decide(machine, numbers[name]) == failure(code), name


@machines
def test_ordinary_calls_are_allowed(machine: str) -> None:
    denied = set(numbers_of(machine).values())
    for number in range(script.FIRST_UNKNOWN):
        if number not in denied:
            assert decide(machine, number) == ALLOWED, number


@machines
def test_calls_that_nobody_has_looked_at_do_not_exist(machine: str) -> None:
    for number in (script.FIRST_UNKNOWN, 500, 512, 547, 1000, 0xFFFFFFFF):
        assert decide(machine, number) == failure(errno.ENOSYS), number


@machines
def test_a_foreign_architecture_is_killed(machine: str) -> None:
    i386, arm = 0x40000003, 0x40000028
    assert decide(machine, 1, audit=i386) == KILLED
    assert decide(machine, 1, audit=arm) == KILLED


def test_x32_does_not_exist() -> None:
    for number in (0, 39, 101, 165, 512, 547):
        assert decide("x86_64", 0x40000000 + number) == failure(errno.ENOSYS)


@machines
def test_clone_makes_threads_and_processes_but_no_namespaces(machine: str) -> None:
    clone = numbers_of(machine)["clone"]
    threads, process = 0x3D0F00, 0x01200011
    assert decide(machine, clone, threads) == ALLOWED
    assert decide(machine, clone, process) == ALLOWED
    for bit in (17, 25, 26, 27, 28, 29, 30):
        assert decide(machine, clone, process | 1 << bit) == failure(errno.EPERM)


@machines
def test_sockets_are_of_the_families_that_the_namespace_holds(machine: str) -> None:
    create = numbers_of(machine)["socket"]
    for family in range(64):
        verdict = decide(machine, create, family, STREAM, 0)
        expected = ALLOWED if family in {1, 2, 10, 16} else failure(errno.EAFNOSUPPORT)
        assert verdict == expected, family
    audit_protocol = 9
    assert decide(machine, create, 16, RAW, audit_protocol) == failure(errno.EPROTONOSUPPORT)


@machines
def test_internet_sockets_speak_tcp_and_udp_alone(machine: str) -> None:
    create = numbers_of(machine)["socket"]
    close_on_exec = 0o2000000
    for family in (2, 10):
        for kind in range(16):
            verdict = decide(machine, create, family, kind | close_on_exec, 0)
            assert verdict == (
                ALLOWED if kind in {STREAM, DATAGRAM} else failure(errno.ESOCKTNOSUPPORT)
            )
        for protocol in (1, 33, 115, 132, 136, 256, 262):
            verdict = decide(machine, create, family, STREAM, protocol)
            assert verdict == failure(errno.EPROTONOSUPPORT), protocol
        assert decide(machine, create, family, STREAM, 6) == ALLOWED
        assert decide(machine, create, family, DATAGRAM, 17) == ALLOWED


@machines
def test_pairs_of_sockets_are_unix_sockets(machine: str) -> None:
    create = numbers_of(machine)["socketpair"]
    for family in range(64):
        expected = ALLOWED if family == 1 else failure(errno.EAFNOSUPPORT)
        assert decide(machine, create, family, STREAM, 0) == expected, family


@machines
def test_sockets_take_no_programs_and_no_second_protocol(machine: str) -> None:
    choose = numbers_of(machine)["setsockopt"]
    socket_level, tcp_level = 1, 6
    for option in (26, 50, 51, 52):
        assert decide(machine, choose, 3, socket_level, option) == failure(errno.ENOPROTOOPT)
        assert decide(machine, choose, 3, tcp_level, option) == ALLOWED
    assert decide(machine, choose, 3, tcp_level, 31) == failure(errno.ENOPROTOOPT)
    for level, option in (
        (socket_level, socket.SO_REUSEADDR),
        (tcp_level, socket.TCP_NODELAY),
        (41, socket.IPV6_V6ONLY),
    ):
        assert decide(machine, choose, 3, level, option) == ALLOWED


@machines
def test_buffers_are_enlarged_in_name_only(machine: str) -> None:
    choose = numbers_of(machine)["setsockopt"]
    nothing_and_succeed = failure(0)
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        assert decide(machine, choose, 3, socket.SOL_SOCKET, option) == nothing_and_succeed


@machines
def test_nothing_is_sent_out_of_band(machine: str) -> None:
    numbers = numbers_of(machine)
    no_signal, out_of_band = 0x4000, 1
    for name, before in (("sendto", 3), ("sendmsg", 2), ("sendmmsg", 3)):
        arguments = [0] * before
        assert decide(machine, numbers[name], *arguments, no_signal) == ALLOWED
        verdict = decide(machine, numbers[name], *arguments, no_signal | out_of_band)
        assert verdict == failure(errno.EOPNOTSUPP)


@machines
def test_nothing_types_into_a_terminal_or_loads_its_drivers(machine: str) -> None:
    ioctl = numbers_of(machine)["ioctl"]
    for request in (0x5412, 0x541C, 0x5423):
        assert decide(machine, ioctl, 0, request) == failure(errno.EPERM)
        # The upper half of the argument does not get past: the kernel ignores it too.
        assert decide(machine, ioctl, 0, 1 << 32 | request) == failure(errno.EPERM)
    assert decide(machine, ioctl, 0, 0x5401) == ALLOWED


@machines
def test_files_are_locked_but_not_leased(machine: str) -> None:
    control = numbers_of(machine)["fcntl"]
    set_lock, set_lease = 6, 1024
    assert decide(machine, control, 3, set_lock) == ALLOWED
    assert decide(machine, control, 3, set_lease) == failure(errno.EINVAL)


@machines
def test_no_filter_is_added_and_no_layout_weakened(machine: str) -> None:
    numbers = numbers_of(machine)
    set_name, set_filter = 15, 22
    assert decide(machine, numbers["prctl"], set_name) == ALLOWED
    assert decide(machine, numbers["prctl"], set_filter) == failure(errno.EINVAL)
    for wanted, expected in (
        (0, ALLOWED),
        (0xFFFFFFFF, ALLOWED),
        (0x0040000, failure(errno.EPERM)),
        (0x0400000, failure(errno.EPERM)),
    ):
        assert decide(machine, numbers["personality"], wanted) == expected


@machines
def test_the_numbers_are_the_kernels(machine: str) -> None:
    header = HEADERS[machine]
    if not header.is_file():
        pytest.skip(f"install the kernel's headers for user space to have {header}")
    found = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", header.read_text())
    kernels = {name: int(number) for name, number in found if name != "syscalls"}
    newest = max(kernels.values())
    ours = {name: number for name, number in numbers_of(machine).items() if number <= newest}
    assert ours == {name: kernels[name] for name in ours}


@of_this_machine
@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("unshare", [NEW_USERS], errno.EPERM),
        ("memfd_create", [0, 0], errno.ENOSYS),
        ("socketpair", [40, STREAM, 0, 0], errno.EAFNOSUPPORT),
        ("socket", [socket.AF_INET, STREAM, 262], errno.EPROTONOSUPPORT),
        ("socket", [socket.AF_INET, STREAM, 6], 0),
        ("personality", [0xFFFFFFFF], 0),
        ("prctl", [22, 2, 0], errno.EINVAL),
        ("sync", [], 0),
    ],
)
def test_the_kernel_follows_the_filter(name: str, arguments: list[int], expected: int) -> None:
    number = numbers_of(platform.machine())[name]
    done = run_under_filter("-I", "-c", CALL, *map(str, [number, *arguments]))
    assert done.returncode == expected, done.stderr


@of_this_machine
def test_data_analysis_works_under_the_filter() -> None:
    done = run_under_filter("-W", "error", "-c", WORK)
    assert done.returncode == 0, done.stderr
