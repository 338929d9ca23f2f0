"""What came of one execution, and of finding a kernel for it."""

from dataclasses import dataclass

from dynamic_sessions_local.kernel import KernelReply


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one execution.

    Attributes:
        reply: The kernel's own account.
        canceled: The session was deleted before the code had ended.
        guid: Stands for the kernel that is behind the identifier from now on.
        new_allocation: A kernel had to be found for this execution.
        waiting_seconds: Time spent in the session's queue.
        allocation_seconds: Time spent finding the kernel.
    """

    reply: KernelReply
    canceled: bool
    guid: str
    new_allocation: bool
    waiting_seconds: float
    allocation_seconds: float
