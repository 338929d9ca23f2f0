"""A real pool, and a real browser that looks at its inspector."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from dynamic_sessions_local import LocalSessionPool

# A machine that has much else to do is slow, and not wrong.
PATIENCE_MILLISECONDS = 60_000
expect.set_options(timeout=PATIENCE_MILLISECONDS)


@pytest.fixture(scope="session")
def pool() -> Iterator[LocalSessionPool]:
    with LocalSessionPool(inspector=True) as pool:
        yield pool


@pytest.fixture(scope="module")
def shell_pool() -> Iterator[LocalSessionPool]:
    with LocalSessionPool(kind="shell", inspector=True) as pool:
        yield pool


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium, "the tests of the inspector need Chromium: run ./scripts/browser"
    # Chromium's own sandbox refuses to run as root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield browser
        await browser.close()


@pytest.fixture
async def page(browser: Browser, pool: LocalSessionPool) -> Page:
    """The inspector, opened as its URL opens it."""
    page = await browser.new_page()
    await page.goto(pool.inspector_url)
    return page
