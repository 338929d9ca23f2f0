"""What is closed on leaving a with statement, of either kind."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Closing(ABC):
    """Can be used in `with` and in `async with`."""

    @abstractmethod
    def close(self) -> None:
        """Give back what this holds."""

    @abstractmethod
    async def aclose(self) -> None:
        """Give back what this holds; see close()."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()
