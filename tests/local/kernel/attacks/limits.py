"""Attacks on what a session may use: processes, memory, space, and what all of a user's share."""

from .attack import Attack

WRITE = """
def fill():
    \"\"\"Write files into the folder until it refuses, which it should before `most` bytes.\"\"\"
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
"""
# A server that counts from outside needs a moment.
MAKE = """
def make():
    made = 0
    try:
        for made in range(5 * target["entries"]):
            make_one(f"{folder}/{made}")
    except OSError:
        must_be(made <= target["entries"])
    wait_for_the_end()
    return made
attempt(make)
"""
HOLD_SOCKETS = """
def hold():
    held, wanted = [], target["session_memory"] * 3 // 16
    total = 0
    try:
        while total < wanted:
            held += socket_pair()
            for end in held[-2:]:
                end.setblocking(False)
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 30)
                try:
                    while True:
                        total += end.send(bytes(1 << 16))
                except BlockingIOError:
                    pass
    except OSError:
        pass
    globals()["kept"] = held
    return total
def hold_in_all():
    total = in_children(8, hold)
    must_be(total <= target["session_memory"])
    wait_for_the_end()
    return total
attempt(hold_in_all)
"""


def _everywhere(code: str) -> Attack:
    return Attack(code=code, alone=True, everywhere=True, may_end=True)


LIMITS = {
    "fork without end": Attack(
        code="""
def fork():
    must_be(in_children(100, lambda: 1) < target["processes"])
attempt(fork)""",
        alone=True,
        works_outside=True,
    ),
    "start threads without end": Attack(
        # Small ones, so that it is not their memory that is refused.
        code="""
import threading
threading.stack_size(1 << 16)
def start():
    thread = threading.Thread(target=threading.Event().wait, daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        raise OSError from error
attempt(lambda: must_be(len(until_refused(start, 100)) < target["processes"]))""",
        alone=True,
        works_outside=True,
    ),
    "use up the processes of the server's user": Attack(
        code="attempt(lambda: in_children(500, lambda: 1))",
        alone=True,
        meanwhile="import subprocess; subprocess.run(['true'], check=True)",
    ),
    "take more memory than a process may": Attack(
        code="attempt(lambda: len(bytearray(target['memory'] + (64 << 20))))"
    ),
    "map more memory than a process may": Attack(
        code="attempt(lambda: mmap.mmap(-1, target['memory'] + (64 << 20)))"
    ),
    "share more memory than a process may": Attack(
        code="attempt(lambda: mmap.mmap(-1, target['memory'] + (64 << 20), mmap.MAP_SHARED))"
    ),
    "take more memory than a session may": Attack(
        code="""
def take():
    block = bytearray(target["session_memory"] + (64 << 20))
    wait_for_the_end()
    return len(block)
attempt(take)""",
        alone=True,
        may_end=True,
    ),
    "take more memory than a session may, in many processes": Attack(
        code="""
def take():
    globals()["kept"] = bytearray(target["session_memory"] // 8)
    return len(kept)
def take_in_all():
    total = in_children(16, take)
    wait_for_the_end()
    return total
attempt(take_in_all)""",
        alone=True,
        may_end=True,
    ),
    "take more memory than a session may, out of the server's reach": Attack(
        # In another process group and session of processes, without a parent, and not to be traced.
        code="""
def take():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            libc.prctl(4, 0, 0, 0, 0)
            block = bytearray(target["session_memory"] + (64 << 20))
            while True:
                signal.pause()
        os._exit(0)
    os.wait()
    wait_for_the_end()
attempt(take)""",
        alone=True,
        may_end=True,
    ),
    "hold memory in unix sockets": Attack(
        code="socket_pair = socket.socketpair" + HOLD_SOCKETS, alone=True, may_end=True
    ),
    "hold memory in network sockets": Attack(
        code="""
server = socket.create_server(("127.0.0.1", 0))
def socket_pair():
    client = socket.create_connection(server.getsockname())
    return client, server.accept()[0]
"""
        + HOLD_SOCKETS,
        alone=True,
        may_end=True,
    ),
    "hold memory in pipes": Attack(
        code="""
def hold():
    total, held = 0, []
    for reading, writing in until_refused(os.pipe):
        os.set_blocking(writing, False)
        try:
            fcntl.fcntl(writing, 1031, 1 << 20)
        except OSError:
            pass
        try:
            while True:
                total += os.write(writing, bytes(1 << 12))
        except OSError:
            pass
    return total
attempt(lambda: must_be(in_children(8, hold) <= target["session_memory"]))""",
        alone=True,
    ),
    "raise a limit": Attack(
        code="""
def raise_limits():
    raised = []
    for name in ("AS", "NPROC", "FSIZE", "NOFILE", "CORE"):
        kind = getattr(resource, f"RLIMIT_{name}")
        soft, hard = resource.getrlimit(kind)
        try:
            resource.setrlimit(kind, (hard + 1, hard + 1))
        except ValueError:
            continue
        raised.append(name)
    must_be(not raised)
    return raised
attempt(raise_limits)"""
    ),
    "leave a picture of its memory": Attack(
        # Under a limit of 0, a program of the host's would still get it.
        code="attempt(lambda: must_be(resource.getrlimit(resource.RLIMIT_CORE) == (1, 1)))"
    ),
    "open more files than the limit": Attack(
        code="""
null = lambda: os.open("/dev/null", os.O_RDONLY)
attempt(lambda: must_be(len(until_refused(null, 2000)) < target["open_files"]))""",
        alone=True,
    ),
    "write one file over the limit": Attack(
        code="""
big = os.open("/mnt/data/big", os.O_CREAT | os.O_WRONLY)
attempt(lambda: os.truncate(big, target["file_bytes"] + 1))"""
    ),
    "fill a folder with data": _everywhere(
        "most = target['data'] if folder == '/mnt/data' else target['temporary']"
        + WRITE
        + "attempt(fill)"
    ),
    "fill the device folder": Attack(code="folder, most = '/dev', 0" + WRITE + "attempt(fill)"),
    "fill the root folder": Attack(code="folder, most = '', 0" + WRITE + "attempt(fill)"),
    "fill a folder with files": _everywhere(
        "make_one = lambda path: os.close(os.open(path, os.O_CREAT | os.O_WRONLY))" + MAKE
    ),
    "fill a folder with folders": _everywhere("make_one = os.mkdir" + MAKE),
    "fill a folder with links": _everywhere(
        "make_one = lambda path: os.symlink('x' * 100, path)" + MAKE
    ),
    "fill a folder with attributes of a file": _everywhere(
        """
path = f"{folder}/attributed"
os.close(os.open(path, os.O_CREAT))
def fill():
    made = until_refused(lambda: os.setxattr(path, f"user.{os.urandom(8).hex()}", bytes(60_000)), 1200)
    must_be(60_000 * len(made) <= target["data"])
    wait_for_the_end()
    return len(made)
attempt(fill)"""
    ),
    "use up the descriptors in flight of the server's user": Attack(
        code="""
pairs = []
def send():
    pairs.append(socket.socketpair())
    pairs[-1][0].setblocking(False)
    for _ in range(5):
        socket.send_fds(pairs[-1][0], [b"x"], [0] * 250)
attempt(lambda: until_refused(send, 200))""",
        alone=True,
        # The server's and a new session's are needed for that one to begin.
        meanwhile="pass",
    ),
    "use up the timers of the server's user": Attack(
        code="""
timer = ctypes.c_void_p()
attempt(lambda: len(until_refused(lambda: call(libc.timer_create(1, None, ctypes.byref(timer))))))""",
        alone=True,
        meanwhile="""
import ctypes
timer = ctypes.c_void_p()
assert ctypes.CDLL(None).timer_create(1, None, ctypes.byref(timer)) == 0""",
    ),
    "use up the message queues of the server's user": Attack(
        code="""
make = lambda: call(libc.mq_open(f"/{os.urandom(4).hex()}".encode(), 0o102, 0o600, None))
attempt(lambda: len(until_refused(make, 1000)))""",
        alone=True,
        meanwhile="""
import ctypes, os
name = f"/{os.urandom(4).hex()}".encode()
assert ctypes.CDLL(None).mq_open(name, 0o102, 0o600, None) >= 0
ctypes.CDLL(None).mq_unlink(name)""",
    ),
    "use up the terminals of the machine": Attack(
        code="attempt(lambda: in_children(25, lambda: len(until_refused(os.openpty, 200))))",
        alone=True,
        meanwhile="import os; os.path.exists('/dev/ptmx') and os.openpty()",
    ),
}
