"""A walk in a real browser, with the real bot behind the page: what a newcomer does, without one wrong turn."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from sandbox.image_api.latency import Latency
from sandbox.image_api.records import TaskState
from sandbox.page.page import Page
from tests.acceptance.conftest import House, eventually, house_in
from tests.acceptance.page_browser import PATIENCE_MS, Screen, chromium, empty, page_of, screen

pytestmark = pytest.mark.asyncio(loop_scope="module")
expect.set_options(timeout=PATIENCE_MS)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def walked(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A house whose pictures take long enough to be watched, and longer than the shortest time-out."""
    async with house_in(tmp_path_factory.mktemp("house"), latency=Latency.fixed(2.0)) as whole:
        yield whole


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(walked: House) -> AsyncIterator[Page]:
    async with page_of(walked) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def ada(browser: Browser, page: Page, walked: House) -> AsyncGenerator[Screen]:
    """Ada in front of an empty channel. What was painted before is in the gallery no longer."""
    empty(walked)
    async with screen(browser, page.url) as one:
        yield one


async def painted(one: Screen, line: str) -> None:
    """Send a line and wait for its pictures."""
    await one.send(line)
    await expect(one.last.get_by_role("button", name="Again", exact=True)).to_be_visible()


async def restarted(house: House, pid: int) -> int:
    """Wait until another process than this one is the bot; its id."""
    await eventually(lambda: house.bot.pid != pid and house.bot.is_running)
    await house.discord.wait_for_bot(PATIENCE_MS / 1000)
    return house.bot.pid


async def test_the_first_five_minutes(ada: Screen, walked: House) -> None:
    keyboard = ada.tab.keyboard
    await expect(ada.tab.get_by_role("region", name="First steps")).to_be_visible()
    await keyboard.type("/ima")  # nothing was clicked: the box has the keyboard
    await expect(ada.tab.get_by_role("option", name="/imagine")).to_be_visible()
    await keyboard.press("Enter")
    await keyboard.type("a heron at dawn")
    await keyboard.press("Tab")
    hint = ada.tab.locator(".command-title .hint")
    await expect(hint).not_to_contain_text("Paint a picture")  # but what the option is for
    await ada.tab.get_by_role("spinbutton", name="count").focus()
    await keyboard.type("2")
    await keyboard.press("Enter")

    await expect(ada.last).to_contain_text("Painting")
    await expect(ada.last.get_by_role("button", name="Cancel")).to_be_visible()
    await expect(ada.last.get_by_role("img", name="a heron at dawn")).to_have_count(2)
    await expect(ada.articles).to_have_count(1)

    await ada.press("Again")
    await expect(ada.articles).to_have_count(2)
    await expect(ada.last.get_by_role("img", name="a heron at dawn")).to_have_count(2)

    await ada.press("Edit")
    await ada.dialog.get_by_label("Prompt").fill("in the rain")
    await expect(ada.dialog.get_by_role("status").filter(has_text="left")).to_be_visible()
    await ada.dialog.get_by_label("Picture", exact=True).select_option("Picture 2")
    await expect(ada.dialog.get_by_role("status").filter(has_text="right")).to_be_visible()
    await ada.dialog.get_by_role("button", name="Submit").click()
    await expect(ada.articles).to_have_count(3)
    await expect(ada.last.get_by_role("img", name="in the rain")).to_have_count(1)
    edited, bought = walked.ada.sees()[-1], len(walked.submissions())
    assert "Edited from this picture" in edited.text

    await ada.press("Details")
    await expect(ada.last).to_contain_text("in the rain")
    await expect(ada.last).to_contain_text("Time taken")
    await ada.press("Dismiss")
    await expect(ada.articles).to_have_count(3)
    assert len(walked.submissions()) == bought == 3  # nothing was bought by the way


async def test_a_refusal_keeps_the_words_and_the_way_on(browser: Browser, page: Page, ada: Screen) -> None:
    await ada.send("/settings max_count:2")
    await expect(ada.last).to_contain_text("Saved")
    async with screen(browser, page.url, "Ben") as ben:
        await ben.send("/imagine prompt:a dragon over the sea count:4")
        await expect(ben.last).to_contain_text("Only you can see this")
        await expect(ben.last).to_contain_text("a dragon over the sea")
        await ben.press("Change and try again")
        await expect(ben.dialog.get_by_label("Prompt")).to_have_value("a dragon over the sea")
        count = ben.dialog.get_by_label("Count")
        assert await count.locator("option").all_inner_texts() == ["1 picture", "2 pictures"]
        await expect(count.locator("option:checked")).to_have_text("2 pictures")
        await ben.dialog.get_by_role("button", name="Submit").click()
        await expect(ben.last.get_by_role("img", name="a dragon over the sea")).to_have_count(2)
    await ada.send("/settings reset:Offer")
    await expect(ada.last).to_contain_text("Settings for")


async def test_a_private_picture_is_posted_and_found_again_by_its_words(
    browser: Browser, page: Page, ada: Screen, walked: House
) -> None:
    async with screen(browser, page.url, "Ben") as ben:
        await painted(ada, "/imagine prompt:a turquoise teapot private:True")
        await expect(ben.articles).to_have_count(0)
        bought = len(walked.submissions())
        await ada.press("Post here")
        await expect(ben.last.get_by_role("img", name="a turquoise teapot")).to_have_count(1)
        await expect(ada.articles.first.get_by_role("button", name="Post here")).to_have_count(0)
        assert len(walked.submissions()) == bought
        await painted(ben, "/imagine prompt:a crooked chimney")
        await ben.send("/gallery search:TEAPOT")
        await expect(ben.last.get_by_role("img")).to_have_count(1)
        await expect(ben.last).to_contain_text("a turquoise teapot")
        await expect(ben.last).not_to_contain_text("chimney")
        await expect(ben.last.get_by_role("link", name="Open")).to_be_visible()


async def test_a_reload_takes_private_replies_along_and_says_so(ada: Screen) -> None:
    await ada.send("/help")
    await expect(ada.last).to_contain_text("paints what you describe")
    await painted(ada, "/imagine prompt:a lamp")
    await ada.tab.reload()
    await expect(ada.last.get_by_role("img", name="a lamp")).to_be_visible()
    await expect(ada.articles).to_have_count(1)
    await expect(ada.tab.get_by_role("status").filter(has_text="1 private reply from before")).to_be_visible()
    await ada.send("/help")
    await expect(ada.articles).to_have_count(2)
    await ada.go("general")
    await ada.go("pictures")
    await expect(ada.articles).to_have_count(2)  # to look elsewhere takes none away


async def test_faults_that_are_on_are_seen_with_the_panel_closed_and_requests_can_time_out_at_once(
    ada: Screen, walked: House
) -> None:
    toggle, usual = ada.tab.get_by_role("button", name="Developer", exact=True), walked.bot.pid
    await toggle.click()
    await ada.tab.get_by_role("tab", name="Faults").click()
    await ada.tab.get_by_role("switch", name="balance", exact=True).check()
    await toggle.click()
    line = ada.tab.get_by_role("status").filter(has_text="1 fault is on: balance")
    await expect(line).to_be_visible()
    await line.get_by_role("button", name="Switch off").click()
    await expect(line).to_have_count(0)
    assert not walked.image_api.behaviour.active

    await toggle.click()
    await ada.tab.get_by_role("switch", name="Requests time out at once").check()
    await toggle.click()
    hasty = await restarted(walked, usual)
    await ada.send("/imagine prompt:a slow snail")
    await expect(ada.last).to_contain_text("Timed out")
    task = list(walked.image_api.tasks.values())[-1]
    await eventually(lambda: task.state is TaskState.SUCCEEDED)
    await ada.press("Check again")
    await expect(ada.articles.first.get_by_role("img", name="a slow snail")).to_have_count(1)
    await ada.tab.get_by_role("button", name="Switch off").click()
    await restarted(walked, hasty)
