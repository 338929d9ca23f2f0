"""Attacks on another session of the same pool, and what that session does to be attacked."""

from .attack import Attack

# What a session gives away of itself, as far as it can.
VICTIM = """
import ctypes, fcntl, json, os, signal, socket, subprocess, sys, tempfile
libc = ctypes.CDLL(None, use_errno=True)
secret = target["turned secret"][::-1]
folders = os.getcwd(), "/tmp", "/dev/shm"
for folder in folders:
    path = f"{folder}/{target['private']}"
    with open(path, "w") as file:
        file.write(secret)
    os.chmod(path, 0o666)
child = subprocess.Popen(["sleep", "1000"], env={"MARK": secret, "NAME": target["other"]})
abstract = socket.socket(socket.AF_UNIX)
abstract.bind("\\0" + target["other"])
abstract.listen()
listener = socket.create_server(("127.0.0.1", 0))
queue = libc.mq_open(b"/" + target["other"].encode(), os.O_CREAT | os.O_RDWR, 0o666, None)
semaphores = libc.semget(target["key"], 1, 0o1666)
terminal, other_terminal = os.open(os.devnull, os.O_RDONLY), "/dev/pts/0"
if os.path.exists("/dev/ptmx"):
    terminal, terminal_end = os.openpty()
    other_terminal = os.ttyname(terminal_end)
    os.chmod(other_terminal, 0o666)
json.dumps({"other port": listener.getsockname()[1], "other terminal": other_terminal})
"""
# The same session's, when all the attacks are over.
UNHARMED = """
import time
os.set_blocking(terminal, False)
try:
    typed = os.read(terminal, 100)
except BlockingIOError:
    typed = b""
def content(path):
    with open(path) as file:
        return file.read()
json.dumps({
    "files": {content(f"{folder}/{target['private']}") for folder in folders} == {secret},
    "processes": child.poll() is None,
    "name": os.uname().nodename,
    "priority": os.getpriority(os.PRIO_PROCESS, child.pid) == os.getpriority(os.PRIO_PROCESS, 0) == 10,
    "terminal": typed.decode(),
})
"""

NEIGHBOURS = {
    "read another session's files": Attack(
        code="""
def find():
    folders = ["/mnt/data", "/tmp", "/dev/shm", *glob.glob("/proc/[0-9]*/root/mnt/data")]
    must_be(not [folder for folder in folders if os.path.exists(f"{folder}/{target['private']}")])
attempt(find)"""
    ),
    "see another session's processes": Attack(
        code="""
def see():
    for path in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline"):
        try:
            content = open(path, "rb").read()
        except OSError:
            continue
        if target["other"].encode() in content or b"sleep" in content:
            return path
    raise FileNotFoundError
attempt(see)""",
        works_outside=True,
    ),
    "connect to another session's abstract socket": Attack(
        code="""
attempt(lambda: connect(socket.AF_UNIX, socket.SOCK_STREAM, "\\0" + target["other"]))""",
        works_outside=True,
    ),
    "connect to another session's loopback": Attack(
        code="""
attempt(lambda: connect(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", target["other port"])))""",
        works_outside=True,
    ),
    "open another session's message queue": Attack(
        code="attempt(lambda: call(libc.mq_open(b'/' + target['other'].encode(), os.O_RDWR)))",
        works_outside=True,
    ),
    "use another session's semaphores": Attack(
        code="attempt(lambda: call(libc.semget(target['key'], 1, 0)))", works_outside=True
    ),
    "list another session's System V memory": Attack(
        code="""
attempt(lambda: must_be(all(len(list(open(path))) == 1 for path in glob.glob("/proc/sysvipc/*"))))""",
        works_outside=True,
    ),
    "write to another session's terminal": Attack(
        code="""
def write():
    must_be(not os.path.exists(target["other terminal"]))
    with open(target["other terminal"], "w") as terminal:
        terminal.write("breach")
attempt(write)""",
        works_outside=True,
    ),
    "see anybody's terminal": Attack(
        code="attempt(lambda: must_be(os.listdir('/dev/pts') in ([], ['ptmx'])))"
    ),
    "signal all that it can": Attack(
        code="attempt(lambda: os.kill(-1, signal.SIGKILL))", alone=True, may_end=True
    ),
    "signal the processes of all numbers": Attack(
        # Its own are the first one, the worker, and in a nested namespace nobody more.
        code="""
def signal_all():
    found = []
    for number in range(2, 5000):
        try:
            os.kill(number, 0)
        except OSError:
            continue
        found.append(number)
    must_be(len(found) < 3)
    return found
attempt(signal_all)""",
        alone=True,
        works_outside=True,
    ),
    "lower the priority of all that its user runs": Attack(
        # It may for itself; UNHARMED tells whether others were hit.
        code="""
os.setpriority(os.PRIO_USER, 0, 19)
"blocked: only its own" """,
        alone=True,
    ),
    "reach the process that sessions are made from": Attack(
        code="""
def reach():
    parents = {line.split()[1] for path in glob.glob("/proc/[0-9]*/status") for line in open(path)
               if line.startswith("PPid:")}
    must_be(parents <= {name for name in os.listdir("/proc") if name.isdigit()} | {"0"})
    return parents
attempt(reach)"""
    ),
}

# What must be different in any two sessions, however alike they were when they began.
RANDOM_NUMBERS = """
import hashlib, json, os, random, secrets, ssl, tempfile, uuid
drawn = {
    "random": random.random(),
    "an instance of random": random.Random().random(),
    "secrets": secrets.token_hex(8),
    "os": os.urandom(8).hex(),
    "ssl": ssl.RAND_bytes(8).hex(),
    "uuid": str(uuid.uuid4()),
    "a passing name": os.path.basename(tempfile.mktemp()),
    "a passing file": os.path.basename(tempfile.mkdtemp()),
}
try:
    import numpy
except ImportError:
    pass
else:
    drawn["numpy"] = numpy.random.random()
    drawn["a generator of numpy"] = numpy.random.default_rng().random()
json.dumps(drawn)
"""
