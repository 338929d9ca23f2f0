"""A session as its only client knows it, and what must hold of it."""

import time

from .service import Execution, Service

# Short, so that sessions expire all the time; long enough for most calls to come in time.
COOLDOWN = 3.0

ABSENT = "absent"
CHECK = f"globals().get('marker', {ABSENT!r})"
# The name is for those who look for the process from outside.
MARK = """
import ctypes
ctypes.CDLL(None).prctl(15, {name!r}.encode(), 0, 0, 0)
marker = {marker!r};
"""


class HeldSession:
    """One identifier that nobody else uses.

    The GUID that comes with an execution is taken at its word: while it stays the same, variables
    must be there; it changes for a reason only, and then they must be gone. Files outlive the
    kernel, but not the session.

    Args:
        service: Where the session is.
        identifier: A new one.

    Attributes:
        name: What its worker's process is called.
        files: What must be in /mnt/data.
        kernels: How many it has had so far.
        uncertain: Whether it may have another kernel now than at the last execution.
    """

    def __init__(self, service: Service, identifier: str) -> None:
        self.identifier = identifier
        # No longer than Linux lets the name of a process be.
        self.name = f"soak-{identifier[-10:]}"
        self.files: dict[str, bytes] = {}
        self.kernels = 0
        self.uncertain = True
        self._files_may_be_gone = False
        self._variables_lost = True
        self._guid = ""
        self._service = service
        self._used_at = time.monotonic()

    @property
    def marking(self) -> str:
        """Code that sets the variables and names the worker."""
        return MARK.format(name=self.name, marker=self.identifier)

    async def run(
        self, code: str, *, loses_kernel: bool = False, timeout: int = 20, legacy: bool = False
    ) -> Execution:
        """Run code.

        Args:
            code: Python.
            loses_kernel: It ends its own kernel, or that was ended from outside before.
            timeout: Seconds.
            legacy: Which dialect to speak.
        """
        sent = time.monotonic()
        reply = await self._service.execute(self.identifier, code, timeout=timeout, legacy=legacy)
        self.note_use(sent, reply.seconds)
        if reply.guid == self._guid:
            assert not loses_kernel, (self.identifier, code, reply)
        else:
            assert loses_kernel or self.uncertain, (self.identifier, code, reply, self._guid)
            self._guid = reply.guid
            self.kernels += 1
            self._variables_lost = True
        if code.startswith(self.marking) and reply.status == "Succeeded":
            self._variables_lost = False
        self.uncertain = False
        return reply

    async def check(self, *, lost_kernel: bool = False) -> None:
        """See that variables and files are what they must be; set the variables where they are gone.

        Args:
            lost_kernel: The kernel was ended from outside.
        """
        began = time.monotonic()
        reply = await self.run(CHECK, loses_kernel=lost_kernel)
        self._service.tally.checks.append(time.monotonic() - began)
        expected = ABSENT if self._variables_lost else self.identifier
        assert (reply.status, reply.value) == ("Succeeded", expected), (self.identifier, reply)
        self._service.tally.counts["states gone" if self._variables_lost else "states kept"] += 1
        if self._variables_lost:
            await self.mark()
        await self._check_files()

    async def recover(self) -> None:
        """`check`, where the kernel may be about to die."""
        await self.run("'still there?'")
        await self.check()

    async def mark(self) -> None:
        """Set the variables, and name the worker."""
        reply = await self.run(self.marking)
        assert reply.status == "Succeeded", (self.identifier, reply)

    async def upload(self, name: str, content: bytes) -> None:
        """Put a file there."""
        sent = time.monotonic()
        await self._service.upload(self.identifier, name, content)
        self.note_use(sent)
        self.files[name] = content

    async def download(self, name: str) -> None:
        """Get a file and compare it."""
        sent = time.monotonic()
        content = await self._service.download(self.identifier, name)
        self.note_use(sent)
        if content is None:
            assert self._files_may_be_gone, (self.identifier, name)
        else:
            assert content == self.files[name], (self.identifier, name, len(content))

    async def delete(self) -> None:
        """End it; the identifier can be used on."""
        sent = time.monotonic()
        existed = await self._service.delete(self.identifier)
        self.note_use(sent)
        assert existed or self.uncertain, self.identifier
        self.uncertain = True
        self.files.clear()

    def note_use(self, sent: float, seconds: float = 0) -> None:
        """Note a call that has ended: the session may have expired before it.

        Args:
            sent: When it was sent.
            seconds: For how long it certainly kept the session busy.
        """
        # By the server's account, nobody used the session for no longer than this.
        unused = time.monotonic() - seconds - self._used_at
        if unused >= COOLDOWN:
            self.uncertain = self._files_may_be_gone = True
        self._used_at = sent + seconds

    async def _check_files(self) -> None:
        sent = time.monotonic()
        names = await self._service.list_files(self.identifier)
        self.note_use(sent)
        if self._files_may_be_gone:
            self.files = {name: self.files[name] for name in names & set(self.files)}
        assert names == set(self.files), (self.identifier, names, set(self.files))
        self._files_may_be_gone = self.uncertain
