"""Attacks on the kernel by its system calls, and on the rights that a session does not have."""

from .attack import Attack

# Calls that a session has no use for, by their numbers on x86_64 and on aarch64. None of them may get
# as far as to complain about its arguments, which are all zero.
REFUSED = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "bpf": (321, 280),
    "cachestat": (451, 451),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "get_mempolicy": (239, 236),
    "init_module": (175, 105),
    "inotify_init1": (294, 26),
    "io_setup": (206, 0),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "ioprio_set": (251, 30),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "listmount": (458, 458),
    "lsm_list_modules": (461, 461),
    "mbind": (237, 235),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "migrate_pages": (256, 238),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "move_pages": (279, 239),
    "mq_open": (240, 180),
    "msgget": (68, 186),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "seccomp": (317, 277),
    "semget": (64, 190),
    "set_mempolicy": (238, 237),
    "setdomainname": (171, 162),
    "sethostname": (170, 161),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "shmget": (29, 194),
    "splice": (275, 76),
    "statmount": (457, 457),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "tee": (276, 77),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "vhangup": (153, 58),
    "vmsplice": (278, 75),
}
# These work for everybody on a usual machine.
USUAL = {"add_key", "adjtimex", "kcmp", "keyctl", "memfd_create", "ptrace", "shmget", "unshare"}


def _refusal(x86_64: int, aarch64: int) -> str:
    return f"""
def try_it():
    try:
        return system_call({x86_64}, {aarch64}, 0, 0, 0, 0, 0, 0)
    except OSError as error:
        must_be(error.errno in (1, 38), error.strerror)
        return error.strerror
attempt(try_it)"""


SYSTEM_CALLS = {
    f"make the system call {name}": Attack(code=_refusal(*numbers), works_outside=name in USUAL)
    for name, numbers in REFUSED.items()
} | {
    "use system calls under their other numbers": Attack(
        code="""
attempt(lambda: call(libc.syscall(0x40000000 + 39)) if os.uname().machine == "x86_64" else call(-1))"""
    ),
    "use system calls of the older kind": Attack(
        # Machine code: the number of getpid among the 32-bit calls, then the interrupt for one.
        code="""
def make_one():
    must_be(os.uname().machine != "x86_64")
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(bytes.fromhex("b814000000cd80c3"))
    function = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
    child = os.fork()
    if child == 0:
        function()
        os._exit(0)
    must_be(os.WIFSIGNALED(os.waitpid(child, 0)[1]))
attempt(make_one)"""
    ),
    "trace the first process": Attack(code="attempt(lambda: system_call(101, 117, 16, 1, 0, 0))"),
    "open the first process's memory": Attack(
        code="attempt(lambda: unless_it_is_ours(lambda: os.open('/proc/1/mem', os.O_RDWR)))"
    ),
    "read what the first process was given": Attack(
        code="attempt(lambda: unless_it_is_ours(lambda: read('/proc/1/environ')))"
    ),
    "kill the first process": Attack(
        # A process namespace's first process gets no signal from inside that it does not handle.
        code="""
def kill():
    for number in range(1, 65):
        if number not in (32, 33):
            os.kill(1, number)
    time.sleep(0.2)
    must_be(os.path.exists("/proc/1"))
attempt(kill)"""
    ),
    "make a user namespace": Attack(
        code="attempt(lambda: system_call(272, 97, 0x10000000))", alone=True, works_outside=True
    ),
    "make a user namespace by clone": Attack(
        code="attempt(lambda: system_call(56, 220, 0x10000011, 0, 0, 0, 0))", alone=True
    ),
    "make a user namespace by clone3": Attack(
        code="""
arguments = ctypes.create_string_buffer(struct.pack("11Q", 0x10000000, 0, 0, 0, 17, *[0] * 6))
attempt(lambda: system_call(435, 435, arguments, 88))""",
        alone=True,
    ),
    "enter a namespace": Attack(
        code="""
def enter():
    for path in glob.glob("/proc/[0-9]*/ns/*"):
        try:
            system_call(308, 268, os.open(path, os.O_RDONLY), 0)
        except OSError:
            continue
        return path
    raise PermissionError
attempt(enter)"""
    ),
    "mount": Attack(
        code="attempt(lambda: call(libc.mount(b'none', b'/mnt/data', b'tmpfs', 0, None)))"
    ),
    "make a folder writable": Attack(
        code="attempt(lambda: call(libc.mount(None, b'/usr', None, 0x1000 | 32, None)))"
    ),
    "unmount": Attack(code="attempt(lambda: call(libc.umount2(b'/usr', 2)))"),
    "change the root": Attack(code="attempt(lambda: os.chroot('/usr'))"),
    "change the host's name": Attack(code="attempt(lambda: socket.sethostname('breach'))"),
    "set the clock": Attack(
        code="attempt(lambda: time.clock_settime(time.CLOCK_REALTIME, time.time()))"
    ),
    "become root": Attack(code="attempt(lambda: os.setuid(0))"),
    "join a group": Attack(code="attempt(lambda: os.setgroups([0]))"),
    "be root": Attack(
        code="attempt(lambda: must_be(0 not in (*os.getresuid(), *os.getresgid(), *os.getgroups())))"
    ),
    "hold a capability": Attack(
        code="""
def hold():
    status = open("/proc/self/status").read()
    must_be(all(f"Cap{kind}:\\t{0:016x}\\n" in status for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")))
attempt(hold)"""
    ),
    "gain rights by a program": Attack(
        code="""
attempt(lambda: must_be("NoNewPrivs:\\t1" in open("/proc/self/status").read()))"""
    ),
    "gain rights by a file's mode": Attack(
        # Whoever it belonged to: where a file system heeds no such mode, there is nothing to run.
        code="""
def gain():
    must_be(all(os.statvfs(folder).f_flag & os.ST_NOSUID for folder in ("/usr", "/tmp", sys.prefix)))
attempt(gain)"""
    ),
    "take back priority": Attack(code="attempt(lambda: os.setpriority(os.PRIO_PROCESS, 0, 0))"),
    "go before all others": Attack(
        code="""
attempt(lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)))"""
    ),
    "take turns before all others": Attack(
        code="attempt(lambda: os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1)))"
    ),
    "have a deadline before all others": Attack(
        code="""
attributes = ctypes.create_string_buffer(struct.pack("IIQiIQQQ", 48, 6, 0, 0, 0, *[10_000_000] * 3))
attempt(lambda: system_call(314, 274, 0, attributes, 0))"""
    ),
    "read from disk before all others": Attack(
        code="attempt(lambda: system_call(251, 30, 1, 0, 1 << 13))"
    ),
    "be the last to die where memory runs out": Attack(
        code="""
def evade():
    with open("/proc/self/oom_score_adj", "r+") as score:
        before = int(score.read())
        score.write("-1000")
    return before
attempt(evade)"""
    ),
}
