"""What all cases of one run have in common."""

import asyncio
from contextlib import AbstractContextManager
from dataclasses import dataclass

from benchmarks.pool import LauncherName, PoolUnderTest, running_pool


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How a run is to be.

    Attributes:
        quick: Measure little, only to see that it can be measured.
        launcher: Of the pools; None leaves it to them.
        runner: The event loop of all asynchronous work.
    """

    quick: bool
    launcher: LauncherName | None
    runner: asyncio.Runner

    def pool(self, **arguments: object) -> AbstractContextManager[PoolUnderTest]:
        """Run a pool with these arguments of LocalSessionPool for the length of a with-block."""
        return running_pool(launcher=self.launcher, **arguments)

    def pool_without_stock(self) -> AbstractContextManager[PoolUnderTest]:
        """Run a pool that starts each session when it is asked for."""
        return self.pool(warm=0, max_warm=0)

    def many(self, full: int, quick: int) -> int:
        """How many, depending on whether it is to be quick."""
        return quick if self.quick else full
