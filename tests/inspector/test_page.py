"""What a person sees of agents' sessions, in a real browser."""

import asyncio
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from autogen_agentchat.agents import AssistantAgent, CodeExecutorAgent
from autogen_agentchat.conditions import MaxMessageTermination
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_core.models import ModelFamily, ModelInfo
from autogen_ext.models.replay import ReplayChatCompletionClient
from playwright.async_api import Browser, Page, expect

from autogen_ext_dynamic_sessions import ACADynamicSessionsCodeExecutor
from dynamic_sessions import AsyncSessionPool
from dynamic_sessions_local import LocalSessionPool

MODEL = ModelInfo(
    vision=False,
    function_calling=False,
    json_output=False,
    family=ModelFamily.UNKNOWN,
    structured_output=False,
)
HOSTILE = """<script>top.hacked = 1</script><img src=x onerror="top.hacked = 1">\
<a href="javascript:top.hacked = 1">a link</a>"""


def client_of(pool: LocalSessionPool) -> AsyncSessionPool:
    return AsyncSessionPool(pool.endpoint, pool.credential)


async def choose(page: Page, identifier: str) -> None:
    await page.get_by_role("navigation").get_by_text(identifier, exact=True).first.click()


@pytest.mark.filterwarnings("ignore:No approval function set")
async def test_an_agent_is_seen_at_work(page: Page, pool: LocalSessionPool) -> None:
    async with ACADynamicSessionsCodeExecutor(
        pool.endpoint, pool.credential, session_id="agent-at-work"
    ) as executor:
        code = "import time\nprint('first line', flush=True)\ntime.sleep(60)"
        answer = f"```python\n{code}\n```"
        model = ReplayChatCompletionClient([answer], model_info=MODEL)
        coder = AssistantAgent("coder", model)
        runner = CodeExecutorAgent("runner", code_executor=executor)
        ends = MaxMessageTermination(3)
        team = RoundRobinGroupChat([coder, runner], termination_condition=ends)
        running = asyncio.create_task(team.run(task="Take your time."))

        await choose(page, "agent-at-work")
        cell = page.get_by_role("article", name="running")
        await expect(cell.locator(".stdout")).to_contain_text("first line")
        await page.get_by_role("button", name="Interrupt").click()
        failed = page.get_by_role("article", name="failed")
        await expect(failed).to_contain_text("KeyboardInterrupt")
        await asyncio.wait_for(running, 30)


async def test_hostile_output_is_text_and_runs_nothing(page: Page, pool: LocalSessionPool) -> None:
    connections: list[str] = []

    async def listen(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append("one")
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    elsewhere = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    identifier = "<img/src=x/onerror=top.hacked=1>"
    representation = (
        HOSTILE
        + f'<meta http-equiv="refresh" content="0;url={elsewhere}">'
        + f'<img src="{elsewhere}"><link rel="stylesheet" href="{elsewhere}">'
        + f'<iframe src="{elsewhere}"></iframe><link rel="preconnect" href="{elsewhere}"><form action="{elsewhere}"></form>'
        + f'<template shadowrootmode="open"><link rel="preconnect" href="{elsewhere}"></template>'
        + f'<svg><style><a title="</style><link rel=preconnect href={elsewhere}>"></svg>'
        + f'<style>@import "{elsewhere}"; body {{ background: url({elsewhere}) }}</style>'
        + f'<p style="background: url({elsewhere})">a paragraph</p>'
        + f'<a href="{elsewhere}">another</a><p>the end of it</p>'
    )
    async with client_of(pool) as client:
        session = client.session(identifier)
        await session.execute(f"print({HOSTILE!r})")
        await session.execute(
            f"class Hostile:\n    def _repr_html_(self):\n        return {representation!r}\nHostile()"
        )
        await session.execute(f"raise ValueError({HOSTILE!r})")
        await session.execute("open('<img src=x onerror=top.hacked=1>.txt', 'w').write('<b>')")
        await choose(page, identifier)
        frame = page.frame_locator("iframe")
        await expect(frame.get_by_text("the end of it")).to_be_visible()
        assert await page.locator("iframe").get_attribute("sandbox") == ""
        await frame.get_by_text("a link").click()
        await frame.get_by_text("another").click()
        await expect(page.locator(".stdout").first).to_contain_text(HOSTILE)
        await expect(page.locator(".traceback")).to_contain_text(HOSTILE)
        await page.get_by_role("button", name="Files").click()
        await expect(page.get_by_text("<img src=x onerror=top.hacked=1>.txt")).to_be_visible()
        await page.get_by_role("button", name="Look").click()
        await expect(page.get_by_label("Preview")).to_contain_text("<b>")
        await session.delete()
    assert await page.evaluate("window.hacked") is None
    assert connections == []
    server.close()
    await server.wait_closed()


async def test_a_person_tries_a_cell_exports_and_deletes_with_the_keyboard_alone(
    page: Page, pool: LocalSessionPool, tmp_path: Path
) -> None:
    async with client_of(pool) as client:
        await client.session("keyboard").execute("a = 20")
        name = page.get_by_role("navigation").get_by_role("button", name="keyboard")
        await name.focus()
        await page.keyboard.press("Enter")
        await page.get_by_label("Code to try").focus()
        await page.keyboard.type("a + 1")
        await page.keyboard.press("Shift+Enter")
        await expect(page.locator(".value").last).to_have_text("21")

        await page.get_by_role("button", name="Notebook").focus()
        async with page.expect_download() as download:
            await page.keyboard.press("Enter")
        await (await download.value).save_as(tmp_path / "keyboard.ipynb")
        notebook: Any = json.loads((tmp_path / "keyboard.ipynb").read_text())
        nbformat.validate(notebook)  # pyright: ignore[reportUnknownMemberType] - it has no types
        assert notebook["cells"][-1]["outputs"][0]["data"] == {"text/plain": "21"}

        await page.get_by_role("button", name="Delete", exact=True).focus()
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="Delete session").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("This session has ended")).to_be_visible()
        await expect(page.locator(".value").last).to_have_text("21")


async def test_the_token_leaves_the_address_and_without_it_there_is_a_form(
    page: Page, browser: Browser, pool: LocalSessionPool
) -> None:
    assert page.url == f"{pool.endpoint}inspect"
    stranger = await browser.new_page()
    await stranger.goto(f"{pool.endpoint}inspect")
    await stranger.get_by_label("Token").fill("wrong")
    await stranger.keyboard.press("Enter")
    await expect(stranger.get_by_role("alert")).to_contain_text("token")


async def test_what_a_client_runs_of_its_own_accord_is_folded_away(
    page: Page, pool: LocalSessionPool
) -> None:
    def double(number: int) -> int:
        return 2 * number

    async with client_of(pool) as client:
        session = client.session("folded", functions=[double])
        await session.execute("double(21)")
        await session.execute("\n".join(f"line_{number} = 1" for number in range(60)))
        await choose(page, "folded")
        set_up = page.get_by_text("Looks like a client's set-up")
        await expect(page.locator(".value")).to_have_text("42")
        await expect(page.get_by_text("def set_up")).to_be_hidden()
        await set_up.focus()
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="more").first.focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("def set_up")).to_be_visible()

        await expect(page.get_by_text("line_59 = 1")).to_have_count(0)
        await page.get_by_role("button", name="Show 36 lines more").click()
        await expect(page.get_by_text("line_59 = 1")).to_be_visible()
        await session.delete()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_tables_are_as_high_as_they_are_and_keep_their_colours(
    browser: Browser, pool: LocalSessionPool, scheme: Any
) -> None:
    styled = """
import pandas as pd
pd.DataFrame({"a": [1, 2]}).style.map(lambda n: "background-color: rgb(1, 2, 3)")"""
    written = (
        "from IPython.display import HTML\nHTML('<p style=\"color: rgb(4, 5, 6)\">a word</p>')"
    )
    async with client_of(pool) as client:
        session = client.session("tables")
        await session.execute("import pandas as pd; pd.DataFrame({'a': range(8)})")
        await session.execute(styled)
        await session.execute(written)
        page = await browser.new_page(color_scheme=scheme)
        await page.goto(pool.inspector_url)
        await choose(page, "tables")
        plain, coloured, text = (page.frame_locator("iframe").nth(n) for n in range(3))
        paper = "rgb(23, 24, 27)" if scheme == "dark" else "rgb(251, 250, 248)"
        await expect(plain.locator("body")).to_have_css("background-color", paper)
        await expect(coloured.locator("td").first).to_have_css("background-color", "rgb(1, 2, 3)")
        await expect(coloured.locator("body")).to_have_css("background-color", "rgb(255, 255, 255)")
        await expect(text.get_by_text("a word")).to_have_css("color", "rgb(4, 5, 6)")
        for frame in (plain, coloured, text):
            body = frame.locator("body")
            await expect(body).not_to_be_empty()
            await page.wait_for_function(
                "frame => frame.clientHeight > 20", arg=await frame.owner.element_handle()
            )
            assert await body.evaluate(
                "({ ownerDocument: { documentElement: root } }) =>"
                " root.scrollHeight <= root.clientHeight + 1 && root.clientHeight < 400"
            )
        await session.delete()


async def test_an_interpreter_that_broke_down_is_told_apart_from_the_next(
    page: Page, pool: LocalSessionPool
) -> None:
    async with client_of(pool) as client:
        session = client.session("broken")
        await session.execute("import os; os._exit(1)")
        await session.execute("'another'")
        await choose(page, "broken")
        await expect(page.get_by_role("article", name="aborted")).to_have_count(1)
        await expect(page.get_by_text("A new interpreter from here on")).to_be_attached()
        await session.delete()


async def test_a_shell_pool_has_commands_and_exit_codes(
    browser: Browser, shell_pool: LocalSessionPool, tmp_path: Path
) -> None:
    async with client_of(shell_pool) as client:
        session = client.session("shell")
        await session.run_command("echo kept > file.txt; exit 3")
        page = await browser.new_page()
        await page.goto(shell_pool.inspector_url)
        await expect(page.get_by_role("article", name="failed")).to_contain_text("Exit code 3")
        await page.get_by_label("Code to try").fill("cat file.txt")
        await page.get_by_role("button", name="Run", exact=True).click()
        tried = page.get_by_role("article", name="done")
        await expect(tried.locator(".stdout")).to_have_text("kept\n")
        await expect(tried).not_to_contain_text("Exit code")
        async with page.expect_download() as download:
            await page.get_by_role("button", name="Script").click()
        assert (await download.value).suggested_filename == "shell.sh"
        await (await download.value).save_as(tmp_path / "shell.sh")
        assert "cat file.txt" in (tmp_path / "shell.sh").read_text()
        await session.delete()


async def test_code_that_the_pool_does_not_take_stays_in_the_cell(
    page: Page, pool: LocalSessionPool
) -> None:
    async with client_of(pool) as client:
        session = client.session("refused")
        await session.execute("1")
        await choose(page, "refused")
        await page.route("**/executions?*", lambda route: route.abort())
        cell = page.get_by_label("Code to try")
        await cell.fill("precious = 1")
        await cell.press("Control+Enter")
        await expect(page.get_by_role("alert")).to_be_visible()
        await expect(cell).to_have_value("precious = 1")
        await session.delete()


async def test_in_a_narrow_window_the_focus_goes_where_the_view_goes(
    browser: Browser, pool: LocalSessionPool
) -> None:
    async with client_of(pool) as client:
        session = client.session("narrow")
        await session.execute("1")
        page = await browser.new_page(viewport={"width": 360, "height": 700})
        await page.goto(pool.inspector_url)
        entry = page.get_by_role("navigation").get_by_role("button", name="narrow")
        await entry.press("Enter")
        await expect(page.get_by_role("heading", name="narrow")).to_be_focused()
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("button", name="Notebook")).to_be_focused()
        await page.get_by_role("button", name="Sessions").press("Enter")
        await expect(entry).to_be_focused()
        await session.delete()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1180, 360])
async def test_nothing_sticks_out_in_either_scheme_on_any_window(
    browser: Browser, pool: LocalSessionPool, scheme: Any, width: int
) -> None:
    async with client_of(pool) as client:
        session = client.session("screens")
        await session.execute("print('x' * 500)")
        page = await browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        await page.goto(pool.inspector_url)
        await choose(page, "screens")
        await expect(page.locator(".stdout").first).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") == width
        dark = (
            await page.evaluate("getComputedStyle(document.body).backgroundColor")
            == "rgb(23, 24, 27)"
        )
        assert dark == (scheme == "dark")
        await session.delete()
