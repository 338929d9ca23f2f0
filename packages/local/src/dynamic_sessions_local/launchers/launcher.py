"""What every way to start kernels offers."""

from collections.abc import Sequence
from typing import Protocol

from dynamic_sessions_local.kernel import Kernel


class Launcher(Protocol):
    """Starts kernels.

    Attributes:
        name: How: "fork", from a process with the libraries loaded; "spawn", each anew; "plain",
            likewise without a sandbox.
        isolation: What isolates them: "bubblewrap"; "bubblewrap-setpriv" where the server is root's;
            "bubblewrap-reduced" with the host's /proc, read-only; or "none".
    """

    name: str
    isolation: str

    def prepare(self, preload: Sequence[str]) -> None:
        """Have these modules imported in every session from now on; called once."""
        ...

    async def launch(self) -> Kernel:
        """Return a ready kernel, in which nothing of a user's has run.

        Raises:
            KernelStartError: The worker did not come up.
        """
        ...

    async def close(self) -> None:
        """Give up what the launcher holds; kernels are closed by those who have them."""
        ...
