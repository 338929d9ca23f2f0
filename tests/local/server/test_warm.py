"""How many kernels are kept ready, and who gets them."""

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from dynamic_sessions_local import LocalSessionPool
from dynamic_sessions_local.errors import KernelStartError, LocalPoolError
from dynamic_sessions_local.kernel import Kernel
from dynamic_sessions_local.warm import DEMAND_SECONDS, WarmKernels

from .steered import SteeredClock, SteeredLauncher, settle, until

Open = Callable[..., AbstractAsyncContextManager[WarmKernels]]


@pytest.fixture
async def launcher() -> AsyncIterator[SteeredLauncher]:
    launcher = SteeredLauncher()
    yield launcher
    for kernel in launcher.kernels:
        await kernel.close()


@pytest.fixture
def clock() -> SteeredClock:
    return SteeredClock()


@pytest.fixture
def stock_of(launcher: SteeredLauncher, clock: SteeredClock) -> Open:
    """Opens a stock that is filled as far as it goes by itself."""

    @contextlib.asynccontextmanager
    async def open_stock(*, least: int = 0, most: int = 8) -> AsyncGenerator[WarmKernels]:
        stock = WarmKernels(launcher, least=least, most=most, clock=clock)
        refilling = asyncio.create_task(stock.refill())
        await settle()
        try:
            yield stock
        finally:
            await stop(stock, refilling)

    async def stop(stock: WarmKernels, refilling: "asyncio.Task[None]") -> None:
        refilling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await refilling
        await stock.close()

    return open_stock


def alive(launcher: SteeredLauncher) -> int:
    return sum(kernel.alive for kernel in launcher.kernels)


async def take(stock: WarmKernels, count: int) -> list[Kernel]:
    return [await stock.take() for _ in range(count)]


async def pass_time(clock: SteeredClock, seconds: float) -> None:
    await clock.advance(seconds)
    await settle()


async def test_the_least_number_is_ready_before_anybody_asks(
    stock_of: Open, launcher: SteeredLauncher
) -> None:
    async with stock_of(least=2):
        assert alive(launcher) == 2
    assert all(kernel.closed for kernel in launcher.kernels)


async def test_without_a_least_number_nothing_is_ready_before_anybody_asks(
    stock_of: Open, launcher: SteeredLauncher, clock: SteeredClock
) -> None:
    async with stock_of(least=0):
        await pass_time(clock, 100)
        assert launcher.attempts == 0


async def test_as_many_are_kept_ready_as_were_taken_lately(
    stock_of: Open, launcher: SteeredLauncher
) -> None:
    async with stock_of(least=1) as stock:
        for number in range(1, 6):
            await stock.take()
            await settle()
            assert alive(launcher) - number == number


async def test_no_more_are_kept_ready_than_the_most(
    stock_of: Open, launcher: SteeredLauncher
) -> None:
    async with stock_of(least=1, most=3) as stock:
        taken = await take(stock, 20)
        await settle()
        assert alive(launcher) - len(taken) == 3


async def test_none_are_kept_ready_where_the_most_is_none(
    stock_of: Open, launcher: SteeredLauncher
) -> None:
    async with stock_of(least=0, most=0) as stock:
        await take(stock, 3)
        await settle()
        assert launcher.attempts == 3


async def test_what_is_too_much_is_closed_as_demand_falls(
    stock_of: Open, launcher: SteeredLauncher, clock: SteeredClock
) -> None:
    async with stock_of(least=1) as stock:
        taken = await take(stock, 4)
        await pass_time(clock, DEMAND_SECONDS / 2)
        taken += await take(stock, 2)
        await settle()
        assert alive(launcher) - len(taken) == 6
        await pass_time(clock, DEMAND_SECONDS / 2)
        assert alive(launcher) - len(taken) == 2
        await pass_time(clock, DEMAND_SECONDS / 2)
        assert alive(launcher) - len(taken) == 1
        assert all(kernel.alive for kernel in taken)
        assert sum(kernel.closed for kernel in launcher.kernels) == 5


async def test_a_steady_demand_keeps_its_kernels(
    stock_of: Open, launcher: SteeredLauncher, clock: SteeredClock
) -> None:
    async with stock_of(least=1) as stock:
        for _ in range(50):
            await stock.take()
            await pass_time(clock, DEMAND_SECONDS / 5)
        assert alive(launcher) - 50 in {4, 5}
        assert not any(kernel.closed for kernel in launcher.kernels)


async def test_the_stock_is_filled_one_by_one(stock_of: Open, launcher: SteeredLauncher) -> None:
    async with stock_of(least=4) as stock:
        assert alive(launcher) == 4
        launcher.open.clear()
        for _ in range(4):
            await stock.take()
            await settle()
            assert launcher.starting == 1
        launcher.open.set()
        await settle()
        assert alive(launcher) - 4 == 4
        assert launcher.most_starting == 1


async def test_callers_start_no_more_at_once_than_there_are_processors(
    stock_of: Open, launcher: SteeredLauncher
) -> None:
    async with stock_of() as stock:
        launcher.open.clear()
        callers = [asyncio.create_task(stock.take()) for _ in range(3 * (os.cpu_count() or 1))]
        await settle()
        launcher.open.set()
        assert len(set(await asyncio.gather(*callers))) == len(callers)
        assert launcher.most_starting == os.cpu_count()


async def test_nothing_is_started_for_the_stock_while_somebody_waits(
    stock_of: Open, launcher: SteeredLauncher
) -> None:
    async with stock_of(least=0) as stock:
        launcher.open.clear()
        caller = asyncio.create_task(stock.take())
        await settle()
        assert launcher.attempts == 1
        launcher.open.set()
        await caller
        await settle()
        assert launcher.attempts == 2


async def test_a_caller_gets_the_kernel_that_was_being_started_for_the_stock(
    stock_of: Open, launcher: SteeredLauncher
) -> None:
    launcher.open.clear()
    async with stock_of(least=1) as stock:
        caller = asyncio.create_task(stock.take())
        await settle()
        assert launcher.attempts == 1
        launcher.open.set()
        assert await caller is launcher.kernels[0]


async def test_callers_are_served_in_the_order_in_which_they_came(
    stock_of: Open, launcher: SteeredLauncher
) -> None:
    served: list[int] = []

    async def call(number: int) -> None:
        await stock.take()
        served.append(number)

    async with stock_of() as stock:
        launcher.open.clear()
        callers = [asyncio.create_task(call(number)) for number in range(6)]
        await settle()
        launcher.open.set()
        await asyncio.gather(*callers)
        assert served == list(range(6))


async def test_a_kernel_that_died_in_the_stock_is_not_handed_out(
    stock_of: Open, launcher: SteeredLauncher
) -> None:
    async with stock_of(least=2) as stock:
        launcher.kernels[0].die()
        assert await stock.take() is launcher.kernels[1]
        await settle()
        assert launcher.kernels[0].closed
        assert alive(launcher) - 1 == 2


async def test_a_kernel_that_died_in_the_stock_is_replaced_though_nobody_asks(
    stock_of: Open, launcher: SteeredLauncher, clock: SteeredClock
) -> None:
    async with stock_of(least=1):
        launcher.kernels[0].die()
        await pass_time(clock, DEMAND_SECONDS)
        assert launcher.kernels[0].closed
        assert alive(launcher) == 1


async def test_a_failed_start_is_logged_once_and_tried_again_at_the_next_demand(
    stock_of: Open,
    launcher: SteeredLauncher,
    clock: SteeredClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with stock_of(least=2) as stock:
        launcher.failure = KernelStartError("no more of them")
        await stock.take()
        for _ in range(20):
            await pass_time(clock, DEMAND_SECONDS)
        assert launcher.attempts == 3
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert "no more of them" in caplog.text
        launcher.failure = None
        await stock.take()
        await settle()
        assert alive(launcher) - 2 == 2
        assert len(caplog.records) == 1


async def test_a_caller_is_told_why_no_kernel_came_up(
    stock_of: Open, launcher: SteeredLauncher, caplog: pytest.LogCaptureFixture
) -> None:
    async with stock_of() as stock:
        for failure in (KernelStartError("no"), OSError("nor that"), RuntimeError("unheard of")):
            launcher.failure = failure
            with pytest.raises(type(failure)) as told:
                await stock.take()
            assert told.value is failure
            await settle()
        assert launcher.attempts == 3
        assert caplog.records == []


async def test_one_failure_is_told_to_one_caller(stock_of: Open, launcher: SteeredLauncher) -> None:
    async with stock_of(most=0) as stock:
        launcher.open.clear()
        launcher.failure = KernelStartError("no")
        callers = [asyncio.create_task(stock.take()) for _ in range(5)]
        await settle()
        launcher.open.set()
        results = await asyncio.gather(*callers, return_exceptions=True)
        assert results == [launcher.failure] * 5
        assert launcher.attempts == 5


async def test_a_kernel_that_its_caller_did_not_wait_for_goes_to_the_next(
    stock_of: Open, launcher: SteeredLauncher
) -> None:
    async with stock_of(most=0) as stock:
        launcher.open.clear()
        leaving = asyncio.create_task(stock.take())
        await settle()
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        staying = asyncio.create_task(stock.take())
        await settle()
        launcher.open.set()
        assert await staying is launcher.kernels[0]
        assert launcher.attempts == 1


async def test_a_kernel_that_comes_as_its_caller_goes_is_closed(
    stock_of: Open, launcher: SteeredLauncher
) -> None:
    async with stock_of(most=0) as stock:
        launcher.open.clear()
        leaving = asyncio.create_task(stock.take())
        await settle()
        launcher.open.set()
        await until(lambda: bool(launcher.kernels))
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        await settle()
        assert [kernel.closed for kernel in launcher.kernels] == [True]


async def test_a_kernel_that_comes_as_its_caller_has_just_gone_is_kept_for_the_next(
    stock_of: Open, launcher: SteeredLauncher
) -> None:
    async with stock_of(least=0) as stock:
        launcher.open.clear()
        leaving = asyncio.create_task(stock.take())
        await settle()
        launcher.open.set()
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        await settle()
        assert await stock.take() is launcher.kernels[0]


async def test_stopping_tells_those_who_wait_and_ends_what_starts(
    stock_of: Open, launcher: SteeredLauncher
) -> None:
    async with stock_of(least=1) as stock:
        await stock.take()
        await settle()
        launcher.open.clear()
        await stock.take()
        callers = [asyncio.create_task(stock.take()) for _ in range(5)]
        await settle()
        assert launcher.starting
    assert launcher.starting == 0
    for result in await asyncio.gather(*callers, return_exceptions=True):
        assert isinstance(result, LocalPoolError)
    with pytest.raises(LocalPoolError):
        await stock.take()
    assert [kernel.closed for kernel in launcher.kernels] == [False, False]


def test_a_most_below_the_least_is_refused() -> None:
    with pytest.raises(ValueError, match="max_warm"):
        LocalSessionPool(warm=3, max_warm=2)


def test_a_great_least_needs_no_most() -> None:
    assert not LocalSessionPool(warm=100).running
