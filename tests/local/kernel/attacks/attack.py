"""What an attack is, and the words that its code may use."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Attack:
    """Something that code in a session may try.

    Attributes:
        code: For a session. Its last expression calls `attempt`, whose value begins with "open"
            where the attack worked and otherwise with "blocked". `target` has what to attack.
        alone: It needs a session to itself, since no other attack could follow in it.
        may_end: Ending the session is a way to stop it.
        everywhere: It is tried in each folder that a session can write to, as `folder`.
        meanwhile: What the attack takes it may have, but this code must go on working elsewhere
            while it has it: in another session, in a new one and in a process of the server's.
        works_outside: It works for an ordinary user without a sandbox, which shows that it is not
            blocked merely because it is broken.
    """

    code: str
    alone: bool = False
    may_end: bool = False
    everywhere: bool = False
    meanwhile: str = ""
    works_outside: bool = False


PRELUDE = """
import ctypes, fcntl, glob, mmap, os, resource, signal, socket, stat, struct, sys, sysconfig, time
libc = ctypes.CDLL(None, use_errno=True)

def attempt(attack):
    try:
        result = attack()
    except (OSError, MemoryError) as error:
        return f"blocked: {type(error).__name__} {error}"
    return f"open: {result!r}"[:300]

def call(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result

def system_call(x86_64, aarch64, *arguments):
    \"\"\"Make a system call by the number that it has on this machine.\"\"\"
    words = [ctypes.c_ulong(word) if isinstance(word, int) else word for word in arguments]
    return call(libc.syscall(x86_64 if os.uname().machine == "x86_64" else aarch64, *words))

def must_be(condition, why="it holds"):
    if condition:
        raise PermissionError(why)

def unless_it_is_ours(attack):
    \"\"\"Attack the first process, unless it is within all that holds the session, too.\"\"\"
    result = attack()
    status = open("/proc/1/status").read()
    must_be(
        os.readlink("/proc/1/exe").endswith("/cat")
        and "Seccomp:\\t2\\n" in status
        and "CapPrm:\\t0000000000000000\\n" in status
    )
    return result

def turned(text):
    return text[::-1]

def read(path):
    with open(path, "rb") as file:
        return file.read(20)

def open_to_write(path):
    os.close(os.open(path, os.O_WRONLY))
    return path

def connect(family, kind, address):
    with socket.socket(family, kind) as client:
        client.settimeout(3)
        client.connect(address)

def in_children(count, task):
    \"\"\"Run a task in children, one after the other, which then keep what they hold.\"\"\"
    total = 0
    for _ in range(count):
        reading, writing = os.pipe()
        try:
            child = os.fork()
        except OSError:
            os.close(reading)
            os.close(writing)
            break
        if child == 0:
            os.close(reading)
            os.write(writing, b"%d" % task())
            os.close(writing)
            while True:
                signal.pause()
        os.close(writing)
        total += int(os.read(reading, 20) or 0)
        os.close(reading)
    return total

def until_refused(take, most=1 << 62):
    \"\"\"Call a function until it is refused, and return what it gave, if anything.\"\"\"
    taken = [take()]
    try:
        while len(taken) < most:
            taken.append(take())
    except (OSError, MemoryError):
        pass
    return taken

def wait_for_the_end(seconds=8):
    \"\"\"Give the server time to notice.\"\"\"
    time.sleep(seconds)
"""
