"""The system call filter, run by a small interpreter of its own instruction set."""

import errno
import re
import struct
from pathlib import Path

import pytest

from dynamic_sessions_local.sandbox.seccomp import MACHINES, build_filter

ALLOWED, KILLED = 0x7FFF0000, 0x80000000
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
# Newer than the headers of current distributions.
TOO_NEW = {"open_tree_attr"}


def decide(machine: str, number: int, *arguments: int, audit: int | None = None) -> int:
    """Return the filter's verdict on one system call."""
    audit = MACHINES[machine].audit if audit is None else audit
    data = struct.pack("=IIQ6Q", number, audit, 0, *(*arguments, 0, 0, 0, 0, 0, 0)[:6])
    program = list(struct.iter_unpack("=HBBI", build_filter(machine)))
    position = accumulator = 0
    while True:
        operation, when_true, when_false, operand = program[position]
        position += 1
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, operand)
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


machines = pytest.mark.parametrize("machine", MACHINES)


@machines
def test_calls_that_lead_out_are_denied(machine: str) -> None:
    numbers = MACHINES[machine].numbers
    for name in (
        "ptrace",
        "mount",
        "unshare",
        "setns",
        "bpf",
        "keyctl",
        "userfaultfd",
        "kexec_load",
    ):
        assert decide(machine, numbers[name]) == failure(errno.EPERM), name
    for name in ("clone3", "io_uring_setup", "memfd_create"):
        assert decide(machine, numbers[name]) == failure(errno.ENOSYS), name


@machines
def test_ordinary_calls_are_allowed(machine: str) -> None:
    denied = set(MACHINES[machine].numbers.values())
    for number in range(470):
        if number not in denied:
            assert decide(machine, number) == ALLOWED, number


@machines
def test_clone_makes_threads_and_processes_but_no_namespaces(machine: str) -> None:
    clone = MACHINES[machine].numbers["clone"]
    threads, process = 0x3D0F00, 0x01200011
    assert decide(machine, clone, threads) == ALLOWED
    assert decide(machine, clone, process) == ALLOWED
    for bit in (17, 25, 26, 27, 28, 29, 30):
        assert decide(machine, clone, process | 1 << bit) == failure(errno.EPERM)


@machines
def test_sockets_are_of_the_families_that_the_namespace_holds(machine: str) -> None:
    create = MACHINES[machine].numbers["socket"]
    for family in range(64):
        verdict = decide(machine, create, family, 1, 0)
        expected = ALLOWED if family in {1, 2, 10, 16} else failure(errno.EAFNOSUPPORT)
        assert verdict == expected, family
    assert decide(machine, create, 16, 3, 9) == failure(errno.EAFNOSUPPORT)


@machines
def test_nothing_types_into_a_terminal(machine: str) -> None:
    ioctl = MACHINES[machine].numbers["ioctl"]
    assert decide(machine, ioctl, 0, 0x5412) == failure(errno.EPERM)
    # The upper half of the argument does not get past: the kernel ignores it too.
    assert decide(machine, ioctl, 0, 0x1_0000_5412) == failure(errno.EPERM)
    assert decide(machine, ioctl, 0, 0x5401) == ALLOWED


@machines
def test_a_foreign_architecture_is_killed(machine: str) -> None:
    i386, arm = 0x40000003, 0x40000028
    assert decide(machine, 1, audit=i386) == KILLED
    assert decide(machine, 1, audit=arm) == KILLED


def test_x32_does_not_exist() -> None:
    for number in (0, 39, 101, 165, 512, 547):
        assert decide("x86_64", 0x40000000 + number) == failure(errno.ENOSYS)


@machines
def test_the_numbers_are_the_kernels(machine: str) -> None:
    header = HEADERS[machine]
    if not header.is_file():
        pytest.skip(f"install the kernel's headers for user space to have {header}")
    found = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", header.read_text())
    kernels = {name: int(number) for name, number in found}
    for name, number in MACHINES[machine].numbers.items():
        if name not in TOO_NEW:
            assert kernels[name] == number, name


def test_a_machine_without_a_table_is_refused() -> None:
    with pytest.raises(KeyError):
        build_filter("vax")
