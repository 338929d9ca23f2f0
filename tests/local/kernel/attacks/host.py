"""Attacks on the machine by its files, its processes and its settings."""

from .attack import Attack

HOST = {
    "read a file of the host": Attack(
        code="attempt(lambda: read(target['file']))",
        works_outside=True,
    ),
    "list a folder of the host": Attack(
        code="attempt(lambda: os.listdir(target['folder']))",
        works_outside=True,
    ),
    "read the checkout": Attack(
        code="attempt(lambda: read(target['source']))",
        works_outside=True,
    ),
    "read the host's list of passwords": Attack(code="attempt(lambda: read('/etc/shadow'))"),
    "learn the host's users": Attack(
        code="attempt(lambda: must_be(b'root' not in read('/etc/passwd')))",
        works_outside=True,
    ),
    "list home folders": Attack(code="attempt(lambda: os.listdir('/root') + os.listdir('/home'))"),
    "inherit more than its own descriptors": Attack(
        # Files that a library opened for itself are in the session's own, unwritable folders.
        code="""
def inherited():
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            kind, status = os.readlink(f"/proc/self/fd/{name}"), os.fstat(int(name))
        except OSError:
            continue  # the one that listed them
        own = os.path.exists(kind) and os.path.samestat(status, os.stat(kind))
        if not (own and os.statvfs(kind).f_flag & os.ST_RDONLY):
            found.append(kind.split("[")[0])
    # Standard input, the server's socket, both outputs and what the first process waits for.
    for kind, most in (("/dev/null", 1), ("socket:", 1), ("pipe:", 3)):
        for _ in range(most):
            if kind in found:
                found.remove(kind)
    must_be(not found)
    return found
attempt(inherited)""",
        alone=True,
    ),
    "reach the host through the roots of processes": Attack(
        code="""
def reach():
    for root in glob.glob("/proc/[0-9]*/root"):
        try:
            return read(root + target["file"])
        except OSError:
            continue
    raise FileNotFoundError
attempt(reach)""",
        works_outside=True,
    ),
    "reach the host through the first process's folder": Attack(
        code="attempt(lambda: unless_it_is_ours(lambda: os.listdir('/proc/1/cwd/')))"
    ),
    "change a program that runs": Attack(
        # One that was started before the sandbox had its file systems is reached in the host's.
        # While it runs nobody can write to it; its mode can be changed.
        code="""
def change():
    found = []
    for path in glob.glob("/proc/[0-9]*/exe") + glob.glob("/proc/[0-9]*/map_files/*"):
        try:
            os.chmod(path, stat.S_IMODE(os.stat(path).st_mode))
        except OSError:
            continue
        found.append(path)
    must_be(not found)
    return found
attempt(change)""",
    ),
    "read the host's environment": Attack(
        code="""
def reveal():
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            content = open(path, "rb").read()
        except OSError:
            continue
        if turned(target["turned canary"]).encode() in content:
            return path
    raise FileNotFoundError
attempt(reveal)""",
        works_outside=True,
    ),
    "inherit the host's environment": Attack(
        code="attempt(lambda: must_be(turned(target['turned canary']) not in str(os.environ)))"
    ),
    "find another's secrets in its own memory": Attack(
        # The code knows them turned round, and makes a pattern of them that does not match itself.
        code="""
def search():
    import re
    secrets = (target["turned canary"], target["turned secret"])
    spelled = ["".join(f"[{letter}]" for letter in turned(secret)) for secret in secrets]
    pattern = re.compile("|".join(spelled).encode())
    memory = os.open("/proc/self/mem", os.O_RDONLY)
    searched = 0
    for line in open("/proc/self/maps"):
        place, rights, *_ = line.split()
        start, end = (int(bound, 16) for bound in place.split("-"))
        while rights[0] == "r" and start < end:
            try:
                content = os.pread(memory, min(end - start, 1 << 24), start)
            except OSError:
                break
            if pattern.search(content):
                return hex(start)
            searched += len(content)
            start += len(content)
    must_be(searched > 1 << 20)
attempt(search)""",
        alone=True,
    ),
    "read the server's memory": Attack(
        code="attempt(lambda: os.close(os.open(f\"/proc/{target['server']}/mem\", os.O_RDONLY)))"
    ),
    "signal the server": Attack(
        code="attempt(lambda: os.kill(target['server'], 0))",
        works_outside=True,
    ),
    "see the server's processes": Attack(
        code="""
def see():
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        if b"attacks" in open(path, "rb").read().split(b"\\0"):
            return path
    raise FileNotFoundError
attempt(see)""",
        works_outside=True,
    ),
    "write to the system": Attack(
        code="attempt(lambda: os.close(os.open('/usr/breach', os.O_CREAT | os.O_WRONLY)))"
    ),
    "write to the packages": Attack(
        code="""
attempt(lambda: os.close(os.open(sysconfig.get_path("purelib") + "/breach", os.O_CREAT | os.O_RDWR)))"""
    ),
    "change a package's code": Attack(
        code="attempt(lambda: open_to_write(sys.modules['IPython'].__file__))"
    ),
    "change the worker's code": Attack(
        code="attempt(lambda: open_to_write(sys.modules['dynamic_sessions_worker'].__file__))"
    ),
    "change the interpreter": Attack(
        code="attempt(lambda: open_to_write(os.path.realpath(sys.executable)))"
    ),
    "change a file of the system": Attack(code="attempt(lambda: os.chmod('/usr/bin/env', 0o777))"),
    "change the list of users": Attack(code="attempt(lambda: open_to_write('/etc/passwd'))"),
    "change a setting of the kernel": Attack(
        # Some are a namespace's own, and its owner's to change, or ask for a capability then.
        code="""
def change():
    own = ("fs/mqueue/", "kernel/msg", "kernel/sem", "kernel/shm", "kernel/auto_msgmni",
           "kernel/ns_last_pid", "kernel/pid_max")
    settings = []
    for folder, _, names in os.walk("/proc/sys"):
        settings += [f"{folder}/{name}".removeprefix("/proc/sys/") for name in names]
    found = [name for name in settings
             if os.access(f"/proc/sys/{name}", os.W_OK) and not name.startswith(own)]
    must_be(len(settings) > 100 and not found)
    return found
attempt(change)"""
    ),
    "change what the kernel does with a crash": Attack(
        code="attempt(lambda: open_to_write('/proc/sys/kernel/core_pattern'))"
    ),
    "drop the kernel's caches": Attack(
        code="attempt(lambda: open_to_write('/proc/sys/vm/drop_caches'))"
    ),
    "press a magic key": Attack(code="attempt(lambda: open_to_write('/proc/sysrq-trigger'))"),
    "choose its next process number": Attack(
        code="""
attempt(lambda: os.write(os.open("/proc/sys/kernel/ns_last_pid", os.O_WRONLY), b"100"))"""
    ),
    "read the kernel's log": Attack(
        code="attempt(lambda: call(libc.klogctl(3, ctypes.create_string_buffer(99), 99)))"
    ),
    "read the kernel's log as a file": Attack(
        code="attempt(lambda: [read(path) for path in ('/proc/kmsg', '/dev/kmsg')])"
    ),
    "read the kernel's memory": Attack(
        code="attempt(lambda: [read(path) for path in ('/proc/kcore', '/dev/mem')])"
    ),
    "learn where the kernel is": Attack(
        code="""
attempt(lambda: must_be(not any(int(line.split()[0], 16) for line in open("/proc/kallsyms"))))"""
    ),
    "see the host's hardware": Attack(
        code="attempt(lambda: os.listdir('/sys/class'))", works_outside=True
    ),
    "find a device": Attack(
        code="""
def find():
    known = {(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 2)}
    devices = []
    for folder, _, names in os.walk("/dev"):
        for name in names:
            status = os.lstat(f"{folder}/{name}")
            number = os.major(status.st_rdev), os.minor(status.st_rdev)
            if stat.S_ISBLK(status.st_mode) or (stat.S_ISCHR(status.st_mode) and number not in known):
                devices.append(f"{folder}/{name}")
    must_be(not devices)
    return devices
attempt(find)"""
    ),
    "make a device": Attack(
        code="attempt(lambda: os.mknod('/mnt/data/disk', 0o60600, os.makedev(254, 0)))"
    ),
    "type into the server's terminal": Attack(
        code="""
attempt(lambda: fcntl.ioctl(os.open("/dev/tty", os.O_RDWR), 0x5412, b"x"))"""
    ),
    "type into a terminal of its own": Attack(
        # What is typed there would be read by nobody; but one filter holds for all terminals.
        code="""
def type_in():
    status = 1
    try:
        first, second = os.openpty()
        os.setsid()
        fcntl.ioctl(second, 0x540E, 0)
        status = 2
        fcntl.ioctl(second, 0x5412, b"x")
    except PermissionError:
        status += 10
    finally:
        os._exit(status)
def type_in_a_child():
    must_be(not os.path.exists("/dev/ptmx"))
    if os.fork() == 0:
        type_in()
    must_be(os.waitstatus_to_exitcode(os.wait()[1]) == 12)
attempt(type_in_a_child)"""
    ),
    "watch what the host does with its files": Attack(
        code="""
def watch():
    watcher = call(libc.inotify_init1(0))
    call(libc.inotify_add_watch(watcher, b"/usr/bin", 0xFFF))
attempt(watch)""",
        works_outside=True,
    ),
    "keep the host from writing a file": Attack(
        code="""
attempt(lambda: fcntl.fcntl(os.open(f"{sys.prefix}/pyvenv.cfg", os.O_RDONLY), 1024, fcntl.F_RDLCK))"""
    ),
    "use up the watches of the server's user": Attack(
        code="attempt(lambda: len(until_refused(lambda: call(libc.inotify_init1(0)), 1000)))",
        alone=True,
        meanwhile="import ctypes; assert ctypes.CDLL(None).inotify_init1(0x80000) >= 0",
    ),
}
