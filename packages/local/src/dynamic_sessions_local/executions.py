"""What one session was asked to run, for those who ask later what came of it."""

from dataclasses import dataclass, field

from dynamic_sessions_local.errors import LocalPoolError
from dynamic_sessions_local.limits import Limits
from dynamic_sessions_local.outcome import Outcome
from dynamic_sessions_local.runs import Run


class ExecutionNotFoundError(LocalPoolError):
    """The session never ran this, or has forgotten it."""


class ExecutionIdTakenError(LocalPoolError):
    """The caller's id stands for another execution of this session."""


class TooManyExecutionsError(LocalPoolError):
    """Too many executions of this session wait for their turn."""

    retry_after = 1


@dataclass(kw_only=True, eq=False)
class Execution:
    """One execution, from the request on.

    Attributes:
        id: The caller's name for it, or one that was made up.
        run: What was asked for.
        begun: Its turn in the session has come.
        outcome: What came of it; None until it has ended, and where it never began.
        error: Why it could not begin.
        seconds: How long all of it took.
    """

    id: str
    run: Run
    begun: bool = False
    outcome: Outcome | None = None
    error: LocalPoolError | None = None
    seconds: float = field(default=0)

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to wait for."""
        return self.outcome is not None or self.error is not None

    @property
    def size(self) -> int:
        """About how many characters its outcome holds."""
        if self.outcome is None:
            return 0
        reply = self.outcome.reply
        return len(reply.stdout) + len(reply.stderr) + len(str(reply.value.data))


class Executions:
    """A session's executions: all that wait and run, and the latest of those that have ended.

    Args:
        limits: How many, and how large, they may be.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._known: dict[str, Execution] = {}

    def add(self, execution: Execution) -> None:
        """Enter one that is about to wait for its turn.

        Raises:
            ExecutionIdTakenError: Its id is another one's, which may not even have ended.
            TooManyExecutionsError: As many as may are waiting.
        """
        if execution.id in self._known:
            raise ExecutionIdTakenError(f"the operation-id {execution.id!r} was used before")
        if sum(not each.ended for each in self._known.values()) >= self._limits.queued_executions:
            raise TooManyExecutionsError(
                f"{self._limits.queued_executions} executions of this session wait already"
            )
        self._known[execution.id] = execution

    def find(self, execution_id: str) -> Execution:
        """The execution of this id.

        Raises:
            ExecutionNotFoundError: There is none.
        """
        try:
            return self._known[execution_id]
        except KeyError:
            raise ExecutionNotFoundError(
                f"the session has no execution {execution_id!r}, or not any more"
            ) from None

    def remove(self, execution: Execution) -> None:
        """Forget one that nobody will ask for."""
        del self._known[execution.id]

    def forget_oldest(self) -> None:
        """Keep of those that have ended the latest, as far as the limits let them."""
        ended = [each for each in self._known.values() if each.ended]
        room = self._limits.remembered_characters
        for number, each in enumerate(reversed(ended)):
            room -= each.size
            # The latest stays whatever its size, or nobody could ever ask for it.
            if number and (number >= self._limits.remembered_executions or room < 0):
                del self._known[each.id]
