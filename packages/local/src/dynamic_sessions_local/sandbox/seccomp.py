"""The system calls that a session may not make, as a classic BPF program.

A deny list: namespaces, capabilities and limits do most of the work, and this takes away what is known
to lead past them or to widen the kernel's attack surface. Written out by hand so that nothing has to be
installed to have it.
"""

import errno
import struct
from collections.abc import Iterable
from dataclasses import dataclass

# Instructions: (operation, true jump, false jump, operand), and offsets into struct seccomp_data.
LOAD = 0x20
JUMP_EQUAL = 0x15
JUMP_AT_LEAST = 0x35
JUMP_ANY_BIT = 0x45
RETURN = 0x06
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16

ALLOW = 0x7FFF0000
KILL_PROCESS = 0x80000000
FAIL = 0x00050000

# The numbers of later system calls are the same on every architecture.
COMMON = {
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428,
    "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "clone3": 435,
    "pidfd_getfd": 438, "process_madvise": 440, "mount_setattr": 442, "quotactl_fd": 443,
    "memfd_secret": 447, "open_tree_attr": 467,
}  # fmt: skip
X86_64 = COMMON | {
    "ioctl": 16, "shmget": 29, "socket": 41, "clone": 56, "msgget": 68, "ptrace": 101, "syslog": 103,
    "uselib": 134, "sysfs": 139, "vhangup": 153, "modify_ldt": 154, "pivot_root": 155, "_sysctl": 156,
    "adjtimex": 159, "chroot": 161, "acct": 163, "settimeofday": 164, "mount": 165, "umount2": 166,
    "swapon": 167, "swapoff": 168, "reboot": 169, "sethostname": 170, "setdomainname": 171,
    "iopl": 172, "ioperm": 173, "init_module": 175, "delete_module": 176, "quotactl": 179,
    "lookup_dcookie": 212, "clock_settime": 227, "kexec_load": 246, "add_key": 248,
    "request_key": 249, "keyctl": 250, "migrate_pages": 256, "unshare": 272, "move_pages": 279,
    "perf_event_open": 298, "fanotify_init": 300, "open_by_handle_at": 304, "clock_adjtime": 305,
    "setns": 308, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312, "finit_module": 313,
    "memfd_create": 319, "kexec_file_load": 320, "bpf": 321, "userfaultfd": 323,
}  # fmt: skip
AARCH64 = COMMON | {
    "lookup_dcookie": 18, "ioctl": 29, "umount2": 39, "mount": 40, "pivot_root": 41, "chroot": 51,
    "vhangup": 58, "quotactl": 60, "acct": 89, "unshare": 97, "kexec_load": 104, "init_module": 105,
    "delete_module": 106, "clock_settime": 112, "syslog": 116, "ptrace": 117, "reboot": 142,
    "sethostname": 161, "setdomainname": 162, "settimeofday": 170, "adjtimex": 171, "msgget": 186,
    "shmget": 194, "socket": 198, "add_key": 217, "request_key": 218, "keyctl": 219, "clone": 220,
    "swapon": 224, "swapoff": 225, "migrate_pages": 238, "move_pages": 239, "perf_event_open": 241,
    "fanotify_init": 262, "open_by_handle_at": 265, "clock_adjtime": 266, "setns": 268,
    "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272, "finit_module": 273,
    "memfd_create": 279, "bpf": 280, "userfaultfd": 282, "kexec_file_load": 294,
}  # fmt: skip

# These are allowed for some of their arguments. Any other name in the tables is denied.
BY_ARGUMENT = {"clone", "socket", "ioctl"}
# Refused as if the kernel had never heard of them, so that callers take the older way. For clone3 that
# is a necessity: its flags are in memory, where a filter cannot look.
UNKNOWN = {
    "clone3", "io_uring_setup", "io_uring_enter", "io_uring_register", "memfd_create", "memfd_secret",
    "msgget", "shmget",
}  # fmt: skip

# CLONE_NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET and NEWNS. A new time namespace cannot be
# asked of clone.
NEW_NAMESPACES = 0x7E020000
# AF_UNIX, AF_INET, AF_INET6. The network namespace is empty, but other families (vsock, algorithm
# sockets, Bluetooth) go past it or straight to little-used kernel code.
SOCKET_FAMILIES = (1, 2, 10)
AF_NETLINK, NETLINK_ROUTE = 16, 0
# TIOCSTI and TIOCLINUX type into the terminal.
TERMINAL_INPUT = (0x5412, 0x541C)

Instruction = tuple[int, int, int, int]


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What a filter has to know of a processor architecture."""

    audit: int
    numbers: dict[str, int]
    foreign_numbers_from: int | None = None


MACHINES = {
    # Numbers from 2**30 on are x32's: the same calls under other numbers.
    "x86_64": Machine(audit=0xC000003E, numbers=X86_64, foreign_numbers_from=1 << 30),
    "aarch64": Machine(audit=0xC00000B7, numbers=AARCH64),
}


def build_filter(machine: str) -> bytes:
    """Return the program for a machine as os.uname() names it.

    Raises:
        KeyError: No table exists for this machine.
    """
    known = MACHINES[machine]
    program: list[Instruction] = [
        (LOAD, 0, 0, ARCHITECTURE),
        (JUMP_EQUAL, 1, 0, known.audit),
        (RETURN, 0, 0, KILL_PROCESS),
        (LOAD, 0, 0, NUMBER),
    ]
    if known.foreign_numbers_from is not None:
        program += [
            (JUMP_AT_LEAST, 0, 1, known.foreign_numbers_from),
            _fail(errno.ENOSYS),
        ]
    for name, number in known.numbers.items():
        if name not in BY_ARGUMENT:
            code = errno.ENOSYS if name in UNKNOWN else errno.EPERM
            program += [(JUMP_EQUAL, 0, 1, number), _fail(code)]
    for name, body in (("clone", _clone()), ("socket", _socket()), ("ioctl", _ioctl())):
        program += [(JUMP_EQUAL, 0, len(body), known.numbers[name]), *body]
    program.append((RETURN, 0, 0, ALLOW))
    return _assemble(program)


def _clone() -> list[Instruction]:
    return [
        (LOAD, 0, 0, ARGUMENTS),
        (JUMP_ANY_BIT, 0, 1, NEW_NAMESPACES),
        _fail(errno.EPERM),
        (RETURN, 0, 0, ALLOW),
    ]


def _socket() -> list[Instruction]:
    body: list[Instruction] = [(LOAD, 0, 0, ARGUMENTS)]
    for family in SOCKET_FAMILIES:
        body += [(JUMP_EQUAL, 0, 1, family), (RETURN, 0, 0, ALLOW)]
    return [
        *body,
        (JUMP_EQUAL, 0, 3, AF_NETLINK),
        (LOAD, 0, 0, ARGUMENTS + 16),
        (JUMP_EQUAL, 0, 1, NETLINK_ROUTE),
        (RETURN, 0, 0, ALLOW),
        _fail(errno.EAFNOSUPPORT),
    ]


def _ioctl() -> list[Instruction]:
    body: list[Instruction] = [(LOAD, 0, 0, ARGUMENTS + 8)]
    for request in TERMINAL_INPUT:
        body += [(JUMP_EQUAL, 0, 1, request), _fail(errno.EPERM)]
    return [*body, (RETURN, 0, 0, ALLOW)]


def _fail(code: int) -> Instruction:
    return (RETURN, 0, 0, FAIL | code)


def _assemble(program: Iterable[Instruction]) -> bytes:
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
