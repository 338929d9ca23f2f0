"""What can go wrong in the local pool, as a tree.

    LocalPoolError
    ├── SandboxUnavailableError   no sandbox works on this machine; .cause and .cure say more
    ├── InterpreterError          the Python that was named cannot host sessions
    ├── KernelStartError          a session's worker did not come up
    └── PoolClosedError           the pool is going down

Code that fails is a reply, never one of these.
"""


class LocalPoolError(Exception):
    """Any error of the local session pool."""


class SandboxUnavailableError(LocalPoolError):
    """User code cannot be isolated here, so none is run.

    Attributes:
        cause: What was tried and how it failed, in the words of the tool that refused.
        cure: What to install or to change.
    """

    def __init__(self, cause: str, cure: str) -> None:
        super().__init__(f"No sandbox for user code works here.\nCause: {cause}\nCure: {cure}")
        self.cause = cause
        self.cure = cure


class KernelStartError(LocalPoolError):
    """A session's worker ended, or said nothing, before it was ready."""


class PoolClosedError(LocalPoolError):
    """The pool is going down, so nothing new begins in it."""


class InterpreterError(LocalPoolError):
    """The Python that was named cannot host sessions."""
