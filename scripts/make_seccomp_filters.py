#!/usr/bin/env python3
"""Write the system call filters that the local pool ships, or check that they are current.

    scripts/make_seccomp_filters.py           writes them
    scripts/make_seccomp_filters.py --check   exits with 1 where a file is not what it would write

A filter is a classic BPF program: a deny list, since namespaces, capabilities and limits do most of the
work. It takes away what is known to lead past them, what a session could use up for the whole machine,
and kernel code that has often been a way out and that data analysis has no use for. Threads, processes,
sockets within the session, pipes, locks, signals and timers stay. Written out by hand so that nothing
has to be installed to have it.
"""

import argparse
import errno
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "packages/local/src/dynamic_sessions_local/sandbox/filters"

# Since 424 a new system call has one number on all machines.
COMMON = {
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428,
    "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "clone3": 435,
    "pidfd_getfd": 438, "process_madvise": 440, "mount_setattr": 442, "quotactl_fd": 443,
    "memfd_secret": 447, "process_mrelease": 448, "set_mempolicy_home_node": 450, "cachestat": 451,
    "statmount": 457, "listmount": 458, "lsm_get_self_attr": 459, "lsm_set_self_attr": 460,
    "lsm_list_modules": 461, "open_tree_attr": 467, "listns": 470,
}  # fmt: skip
# The numbers of the others on x86_64 and on aarch64, where they have one.
OWN: dict[str, tuple[int | None, int | None]] = {
    "_sysctl": (156, None), "acct": (163, 89), "add_key": (248, 217), "adjtimex": (159, 171),
    "bpf": (321, 280), "chroot": (161, 51), "clock_adjtime": (305, 266), "clock_settime": (227, 112),
    "clone": (56, 220), "delete_module": (176, 106), "fanotify_init": (300, 262), "fcntl": (72, 25),
    "finit_module": (313, 273), "get_mempolicy": (239, 236), "init_module": (175, 105),
    "inotify_init": (253, None), "inotify_init1": (294, 26), "io_setup": (206, 0), "ioctl": (16, 29),
    "ioperm": (173, None), "iopl": (172, None), "ioprio_set": (251, 30), "kcmp": (312, 272),
    "kexec_file_load": (320, 294), "kexec_load": (246, 104), "keyctl": (250, 219),
    "lookup_dcookie": (212, 18), "mbind": (237, 235), "memfd_create": (319, 279),
    "migrate_pages": (256, 238), "modify_ldt": (154, None), "mount": (165, 40),
    "move_pages": (279, 239), "mq_open": (240, 180), "msgget": (68, 186),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "perf_event_open": (298, 241),
    "personality": (135, 92), "pivot_root": (155, 41), "prctl": (157, 167),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "ptrace": (101, 117),
    "quotactl": (179, 60), "reboot": (169, 142), "remap_file_pages": (216, 234),
    "request_key": (249, 218), "seccomp": (317, 277), "semget": (64, 190), "sendmmsg": (307, 269),
    "sendmsg": (46, 211), "sendto": (44, 206), "set_mempolicy": (238, 237),
    "setdomainname": (171, 162), "sethostname": (170, 161), "setns": (308, 268),
    "setsockopt": (54, 208), "settimeofday": (164, 170), "shmget": (29, 194), "socket": (41, 198),
    "socketpair": (53, 199), "splice": (275, 76), "swapoff": (168, 225), "swapon": (167, 224),
    "sync": (162, 81), "syncfs": (306, 267), "sysfs": (139, None), "syslog": (103, 116),
    "tee": (276, 77), "umount2": (166, 39), "unshare": (272, 97), "uselib": (134, None),
    "userfaultfd": (323, 282), "vhangup": (153, 58), "vmsplice": (278, 75),
}  # fmt: skip
# The first number that was given to nobody when this table was last looked through. From here on there
# are no system calls, so that none is open before somebody has thought about it. This also takes in the
# other numbers of x86_64's calls, those of x32, which start at 2**30.
FIRST_UNKNOWN = 472

# These fail with EPERM.
FORBIDDEN = (
    # Namespaces, mounts and roots, by which a session could see or become more than it is.
    "unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "open_tree", "open_tree_attr",
    "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "name_to_handle_at",
    "open_by_handle_at",
    # The memory, descriptors and pages of other processes.
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease",
    "pidfd_getfd", "kcmp", "migrate_pages", "move_pages",
    # Where memory comes from: for programs that have the machine to themselves.
    "mbind", "get_mempolicy", "set_mempolicy", "set_mempolicy_home_node",
    # Faults served by the attacker hold the kernel still in the middle of things.
    "userfaultfd",
    # Programs, modules and counters in the kernel.
    "bpf", "perf_event_open", "init_module", "finit_module", "delete_module", "kexec_load",
    "kexec_file_load", "fanotify_init",
    # Key rings are per user of the machine, not per session.
    "add_key", "request_key", "keyctl",
    # The machine's: clock, log, name, swap, quota, power, ports, terminal, share of the disk.
    "adjtimex", "clock_adjtime", "clock_settime", "settimeofday", "syslog", "sethostname",
    "setdomainname", "swapon", "swapoff", "quotactl", "quotactl_fd", "reboot", "acct", "iopl", "ioperm",
    "vhangup", "ioprio_set",
    # Left from other times.
    "_sysctl", "lookup_dcookie", "modify_ldt", "remap_file_pages", "sysfs", "uselib",
)  # fmt: skip

# These fail with ENOSYS, as if the kernel had never heard of them, so that callers take the older way.
UNKNOWN = (
    # Its flags are in memory, where a filter cannot look; libraries then use clone.
    "clone3",
    # A second way to make most system calls, past this filter.
    "io_uring_setup", "io_uring_enter", "io_uring_register",
    # Memory, queues and semaphores that neither the size of a mount nor a limit of a process counts.
    "memfd_create", "memfd_secret", "shmget", "msgget", "semget", "mq_open",
    # Of these the whole machine, or all that one of its users runs, has a fixed number.
    "io_setup", "inotify_init", "inotify_init1",
    # They put pages of files into pipes uncopied. Files of the host are shared with all sessions, and
    # faults here have let readers write to them.
    "splice", "tee", "vmsplice",
    # What the machine has in its caches, its mounts, its namespaces and its security modules.
    "cachestat", "statmount", "listmount", "listns", "lsm_get_self_attr", "lsm_set_self_attr",
    "lsm_list_modules",
    # Constants of a filter become code in the kernel.
    "seccomp",
)  # fmt: skip

# These do nothing and succeed: all that a session writes is in memory, and the host's disks are not its.
NEEDLESS = ("sync", "syncfs")

# CLONE_NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET and NEWNS. A new time namespace cannot be
# asked of clone.
NEW_NAMESPACES = 0x7E020000
# TIOCSTI and TIOCLINUX type into the terminal; TIOCSETD loads old drivers to run on it.
TERMINAL_REQUESTS = (0x5412, 0x541C, 0x5423)
# Who has a lease on a file holds up others that open it. In a user namespace of the server's user a
# session counts as the owner of that user's files.
F_SETLEASE = 1024
# What every program runs under, and the question after it. Others weaken the layout of memory.
PERSONALITIES = (0, 0xFFFFFFFF)
PR_SET_SECCOMP = 22
# Used by nobody; what the kernel does with it in Unix sockets has led out of a browser's sandbox.
MSG_OOB = 1

# The network namespace is empty, but other families (vsock, algorithm sockets, Bluetooth) go past it or
# straight to little-used kernel code, and so do other protocols (SCTP, DCCP, SMC, L2TP).
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
SOCK_STREAM, SOCK_DGRAM, TYPE_BITS = 1, 2, 0xF
IPPROTO_ANY, IPPROTO_TCP, IPPROTO_UDP = 0, 6, 17
NETLINK_ROUTE = 0
# SO_ATTACH_FILTER, ATTACH_BPF, ATTACH_REUSEPORT_CBPF and ATTACH_REUSEPORT_EBPF put programs into the
# kernel; TCP_ULP puts another protocol on top of TCP.
SOCKET_OPTIONS = {1: (26, 50, 51, 52), 6: (31,)}
# SO_SNDBUF and SO_RCVBUF do nothing and succeed: buffers are memory that no process is charged with.
SOL_SOCKET, BUFFER_SIZES = 1, (7, 8)

# Instructions: (operation, true jump, false jump, operand), and offsets into struct seccomp_data.
LOAD = 0x20
AND = 0x54
JUMP_EQUAL = 0x15
JUMP_AT_LEAST = 0x35
JUMP_ANY_BIT = 0x45
RETURN = 0x06
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16

ALLOW = 0x7FFF0000
KILL_PROCESS = 0x80000000
FAIL = 0x00050000

Instruction = tuple[int, int, int, int]
PASS: Instruction = (RETURN, 0, 0, ALLOW)


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What a filter has to know of a processor architecture."""

    audit: int
    numbers: dict[str, int]


def _numbers(column: int) -> dict[str, int]:
    own = {name: number for name, row in OWN.items() if (number := row[column]) is not None}
    return COMMON | own


# As os.uname() names them.
MACHINES = {
    "x86_64": Machine(audit=0xC000003E, numbers=_numbers(0)),
    "aarch64": Machine(audit=0xC00000B7, numbers=_numbers(1)),
}


def build_filter(machine: str) -> bytes:
    """Return the program for a machine as an array of struct sock_filter.

    Raises:
        KeyError: No table exists for this machine.
    """
    known = MACHINES[machine]
    program: list[Instruction] = [
        (LOAD, 0, 0, ARCHITECTURE),
        (JUMP_EQUAL, 1, 0, known.audit),
        (RETURN, 0, 0, KILL_PROCESS),
        (LOAD, 0, 0, NUMBER),
        (JUMP_AT_LEAST, 0, 1, FIRST_UNKNOWN),
        _fail(errno.ENOSYS),
    ]
    for name, body in _bodies().items():
        if name in known.numbers:
            program += _when(known.numbers[name], body)
    program.append(PASS)
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def _bodies() -> dict[str, list[Instruction]]:
    """Return what becomes of each system call, the frequent ones first: they are in use."""
    return {
        "fcntl": [_argument(1), *_must_not_be((F_SETLEASE,), errno.EINVAL), PASS],
        "sendto": [_argument(3), *_must_not_have(MSG_OOB, errno.EOPNOTSUPP), PASS],
        "sendmsg": [_argument(2), *_must_not_have(MSG_OOB, errno.EOPNOTSUPP), PASS],
        "sendmmsg": [_argument(3), *_must_not_have(MSG_OOB, errno.EOPNOTSUPP), PASS],
        "ioctl": [_argument(1), *_must_not_be(TERMINAL_REQUESTS, errno.EPERM), PASS],
        "clone": [_argument(0), *_must_not_have(NEW_NAMESPACES, errno.EPERM), PASS],
        "prctl": [_argument(0), *_must_not_be((PR_SET_SECCOMP,), errno.EINVAL), PASS],
        "personality": [_argument(0), *_must_be(PERSONALITIES, errno.EPERM), PASS],
        "socket": _socket(),
        "socketpair": [_argument(0), *_must_be((AF_UNIX,), errno.EAFNOSUPPORT), PASS],
        "setsockopt": _setsockopt(),
        **{name: [_fail(errno.EPERM)] for name in FORBIDDEN},
        **{name: [_fail(errno.ENOSYS)] for name in UNKNOWN},
        **{name: [_fail(0)] for name in NEEDLESS},
    }


def _socket() -> list[Instruction]:
    netlink = [_argument(2), *_must_be((NETLINK_ROUTE,), errno.EPROTONOSUPPORT), PASS]
    protocols = (IPPROTO_ANY, IPPROTO_TCP, IPPROTO_UDP)
    return [
        _argument(0),
        *_when(AF_UNIX, [PASS]),
        *_when(AF_NETLINK, netlink),
        *_must_be((AF_INET, AF_INET6), errno.EAFNOSUPPORT),
        _argument(1),
        (AND, 0, 0, TYPE_BITS),
        *_must_be((SOCK_STREAM, SOCK_DGRAM), errno.ESOCKTNOSUPPORT),
        _argument(2),
        *_must_be(protocols, errno.EPROTONOSUPPORT),
        PASS,
    ]


def _setsockopt() -> list[Instruction]:
    body = [_argument(1)]
    for level, options in SOCKET_OPTIONS.items():
        refusal = _must_not_be(options, errno.ENOPROTOOPT)
        if level == SOL_SOCKET:
            refusal += _must_not_be(BUFFER_SIZES, 0)
        body += _when(level, [_argument(2), *refusal, PASS])
    return [*body, PASS]


def _argument(index: int) -> Instruction:
    """Load the lower half, which is all that the kernel looks at in the arguments asked about here."""
    return (LOAD, 0, 0, ARGUMENTS + 8 * index)


def _when(value: int, body: list[Instruction]) -> list[Instruction]:
    return [(JUMP_EQUAL, 0, len(body), value), *body]


def _must_be(values: Sequence[int], code: int) -> list[Instruction]:
    count = len(values)
    tests = [(JUMP_EQUAL, count - index, 0, value) for index, value in enumerate(values)]
    return [*tests, _fail(code)]


def _must_not_be(values: Sequence[int], code: int) -> list[Instruction]:
    return [instruction for value in values for instruction in _when(value, [_fail(code)])]


def _must_not_have(bits: int, code: int) -> list[Instruction]:
    return [(JUMP_ANY_BIT, 0, 1, bits), _fail(code)]


def _fail(code: int) -> Instruction:
    return (RETURN, 0, 0, FAIL | code)


def main(arguments: Sequence[str], folder: Path = FOLDER) -> int:
    """Write the files in a folder, or check them, and return the exit code."""
    parser = argparse.ArgumentParser(description="Make the local pool's system call filters.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if stale")
    check: bool = parser.parse_args(arguments).check
    built = {folder / f"{machine}.bpf": build_filter(machine) for machine in MACHINES}
    stale = [path for path, program in built.items() if _content(path) != program]
    for path in stale:
        if check:
            sys.stderr.write(f"{path} is stale: run {Path(__file__).name}.\n")
        else:
            path.write_bytes(built[path])
    return 1 if check and stale else 0


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
