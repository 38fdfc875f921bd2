"""The sandbox page in a real browser, with the real bot behind it: what a newcomer does in the first minutes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from PIL import Image
from playwright.async_api import Browser, expect

from sandbox.discord.rules import DEFAULT_RULES
from sandbox.image_api.latency import Latency
from sandbox.page.page import Page
from tests.acceptance.conftest import House, house_in
from tests.acceptance.page_browser import PATIENCE_MS, Screen, chromium, empty, page_of, screen

pytestmark = pytest.mark.asyncio(loop_scope="module")
expect.set_options(timeout=PATIENCE_MS)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def slow_house(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A house whose pictures take long enough to be watched. Made only where there is a browser to look at it."""
    folder = tmp_path_factory.mktemp("house")
    jobs = {"MAX_JOBS_PER_USER": "50"}
    async with house_in(folder, variables=jobs, rules=DEFAULT_RULES, latency=Latency.fixed(1.5)) as whole:
        yield whole


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(slow_house: House) -> AsyncIterator[Page]:
    async with page_of(slow_house) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def ada(browser: Browser, page: Page, slow_house: House) -> AsyncGenerator[Screen]:
    """Ada in front of an empty channel."""
    empty(slow_house)
    async with screen(browser, page.url) as one:
        yield one


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "photo.png"
    Image.new("RGB", (320, 200), "teal").save(path)
    return path


async def painted(one: Screen, line: str = "/imagine prompt:a red fox count:2") -> None:
    """Send a line and wait for its pictures."""
    await one.send(line)
    await expect(one.last.get_by_role("button", name="Again", exact=True)).to_be_visible()


async def test_a_typed_line_is_acknowledged_shows_progress_and_ends_in_pictures(ada: Screen) -> None:
    await ada.send("/imagine prompt:a red fox count:2")
    await expect(ada.last).to_contain_text("Painting")
    await expect(ada.last.get_by_role("button", name="Cancel")).to_be_visible()
    pictures = ada.last.get_by_role("img")
    await expect(pictures).to_have_count(2)
    assert (await pictures.first.get_attribute("alt") or "").startswith("a red fox")
    assert await pictures.first.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    await expect(ada.articles).to_have_count(1)


async def test_a_command_is_chosen_filled_in_and_sent_with_the_keyboard_alone(ada: Screen, slow_house: House) -> None:
    keyboard = ada.tab.keyboard
    await ada.box.focus()
    await keyboard.type("/")
    await expect(ada.tab.get_by_role("option", name="/imagine")).to_contain_text("words")
    await keyboard.type("ima")
    await keyboard.press("Enter")
    await expect(ada.tab.get_by_role("textbox", name="prompt")).to_be_focused()
    await keyboard.type("a heron at dawn")
    await keyboard.press("Tab")
    await expect(ada.tab.get_by_role("combobox", name="model")).to_be_focused()
    await keyboard.type("Qual")
    await ada.tab.get_by_role("spinbutton", name="count").focus()
    await keyboard.type("2")
    await expect(ada.box).to_have_value("/imagine prompt:a heron at dawn model:Quality count:2")
    await keyboard.press("Enter")
    await expect(ada.last.get_by_role("img")).to_have_count(2)
    body = slow_house.submissions()[-1].json
    assert isinstance(body, dict)
    assert body["model"] == "grok-imagine-image-quality"


async def test_a_line_without_its_prompt_asks_for_it_and_sends_nothing(ada: Screen, slow_house: House) -> None:
    before = len(slow_house.submissions())
    await ada.send("/imagine count:2")
    await expect(ada.tab.get_by_role("alert")).to_have_text("prompt is still missing.")
    await expect(ada.tab.get_by_role("textbox", name="prompt")).to_be_focused()
    await ada.send("/imagine prompt:a fox count:9")
    await expect(ada.tab.get_by_role("alert")).to_have_text("count is at most 4.")
    await expect(ada.box).to_have_value("/imagine prompt:a fox count:9")
    await expect(ada.articles).to_have_count(0)
    assert len(slow_house.submissions()) == before


@pytest.mark.parametrize("typed", ["/imagine promt:a cat", "/imagine promt:a cat count:2"])
async def test_a_line_with_an_option_that_there_is_not_is_refused_and_kept(ada: Screen, typed: str) -> None:
    await ada.send(typed)
    await expect(ada.tab.get_by_role("alert")).to_contain_text("There is no option promt; there are prompt, ")
    await expect(ada.box).to_have_value(typed)
    await expect(ada.articles).to_have_count(0)


async def test_an_empty_channel_offers_three_examples_to_begin_with(ada: Screen) -> None:
    examples = ada.tab.get_by_role("region", name="First steps").get_by_role("button")
    await expect(examples).to_have_count(3)
    await examples.first.click()
    await expect(ada.box).to_have_value("/imagine prompt:a red fox in fresh snow count:2")
    await ada.box.press("Enter")
    await expect(ada.last.get_by_role("img")).to_have_count(2)
    await expect(examples).to_have_count(0)


async def test_every_button_of_a_finished_reply_does_what_it_says(ada: Screen) -> None:
    await painted(ada)
    await ada.press("Again")
    await expect(ada.articles).to_have_count(2)
    await expect(ada.last.get_by_role("img")).to_have_count(2)

    await ada.press("Details")
    await expect(ada.last).to_contain_text("Only you can see this")
    await expect(ada.last).to_contain_text("For support: task_")
    await ada.press("Dismiss")
    await expect(ada.articles).to_have_count(2)

    await ada.press("Remix")
    await expect(ada.dialog.get_by_label("Prompt")).to_have_value("a red fox")
    await ada.dialog.get_by_label("Prompt").fill("a blue fox")
    await ada.dialog.get_by_label("Count").select_option("1 picture")
    await ada.dialog.get_by_role("button", name="Submit").click()
    await expect(ada.dialog).to_have_count(0)
    await expect(ada.articles).to_have_count(3)
    await expect(ada.last.get_by_role("img", name="a blue fox")).to_have_count(1)

    await ada.press("Delete")
    await expect(ada.last).to_contain_text("Delete this picture?")
    await ada.press("Yes, delete")
    await expect(ada.last).to_contain_text("Deleted.")
    await expect(ada.articles).to_have_count(3)


async def test_a_finished_picture_is_edited_in_a_form_with_a_reference(
    ada: Screen, photo: Path, slow_house: House
) -> None:
    await painted(ada)
    await ada.press("Edit")
    await ada.dialog.get_by_label("Prompt").fill("at night")
    await ada.dialog.get_by_label("Picture", exact=True).select_option("Picture 2")
    await ada.dialog.get_by_label("Reference pictures").set_input_files(photo)
    await ada.dialog.get_by_role("button", name="Submit").click()
    await expect(ada.articles).to_have_count(2)
    await expect(ada.last.get_by_role("img", name="at night")).to_have_count(1)
    body = slow_house.submissions()[-1].json
    assert isinstance(body, dict)
    assert body["prompt"] == "at night"


async def test_an_attached_picture_is_edited_by_command(ada: Screen, photo: Path) -> None:
    await ada.box.fill("/edit prompt:in winter")
    await ada.tab.get_by_label("image", exact=True).set_input_files(photo)
    await expect(ada.box).to_have_value("/edit prompt:in winter image:photo.png")
    await ada.box.press("Enter")
    await expect(ada.last.get_by_role("img", name="in winter")).to_have_count(1)


async def test_a_picture_attached_beside_the_box_becomes_the_picture_to_edit(ada: Screen, photo: Path) -> None:
    await ada.box.fill("/edit prompt:in spring")
    await ada.tab.get_by_label("Attach files").set_input_files(photo)
    await ada.box.press("Enter")
    await expect(ada.last.get_by_role("img", name="in spring")).to_have_count(1)


async def test_a_path_in_a_typed_line_reads_no_file_of_this_machine(ada: Screen, photo: Path) -> None:
    await ada.send(f"/edit prompt:x image:{photo}")
    await expect(ada.tab.get_by_role("alert")).to_have_text("image takes a file. Please attach one.")


async def test_the_message_menus_paint_a_text_and_edit_a_picture(ada: Screen) -> None:
    await ada.send("a castle in the clouds")
    await expect(ada.last).to_contain_text("a castle in the clouds")
    await ada.last.get_by_role("button", name="More", exact=False).click()
    await ada.tab.get_by_role("menuitem", name="Imagine this").click()
    await expect(ada.last.get_by_role("img")).to_have_attribute("alt", "a castle in the clouds")
    await ada.last.get_by_role("button", name="More", exact=False).click()
    await ada.tab.get_by_role("menuitem", name="Edit image").click()
    await ada.tab.get_by_role("textbox", name="Prompt").fill("in snow")
    await ada.tab.get_by_role("button", name="Submit").click()
    await expect(ada.articles).to_have_count(3)
    await expect(ada.last.get_by_role("button", name="Again", exact=True)).to_be_visible()


async def test_a_message_is_answered_from_its_menu(ada: Screen) -> None:
    await painted(ada)
    await ada.last.get_by_role("button", name="More", exact=False).click()
    await ada.tab.get_by_role("menuitem", name="Reply").click()
    await expect(ada.tab.get_by_role("status").filter(has_text="Answers Easel")).to_be_visible()
    await expect(ada.tab.get_by_role("textbox", name="Message")).to_have_value("@Easel ")
    await ada.tab.get_by_role("textbox", name="Message").press_sequentially("in snow")
    await ada.tab.get_by_role("textbox", name="Message").press("Enter")
    await expect(ada.last).to_contain_text("answers a message")
    await expect(ada.last).to_contain_text("in snow")
    await expect(ada.tab.get_by_role("status").filter(has_text="Answers Easel")).to_have_count(0)


async def test_somebody_else_may_not_delete_and_is_told_so_alone(browser: Browser, page: Page, ada: Screen) -> None:
    await painted(ada)
    async with screen(browser, page.url, "Ben") as ben:
        await ben.press("Delete")
        await expect(ben.last).to_contain_text("Only you can see this")
        await expect(ben.articles).to_have_count(2)
    await expect(ada.articles).to_have_count(1)


async def test_a_private_reply_is_seen_by_the_one_who_asked_only(browser: Browser, page: Page, ada: Screen) -> None:
    async with screen(browser, page.url, "Ben") as ben:
        await painted(ada, "/imagine prompt:a secret garden private:True")
        await expect(ada.last).to_contain_text("Only you can see this")
        await expect(ben.articles).to_have_count(0)
        await painted(ada, "/imagine prompt:an open garden")
        await expect(ben.articles).to_have_count(1)


async def test_a_reload_keeps_who_and_where_one_is_and_shows_the_same_history(ada: Screen) -> None:
    await ada.go("general")
    await painted(ada)
    await ada.become("Ben")
    await expect(ada.articles).to_have_count(1)
    before = await ada.last.inner_text()
    await ada.tab.reload()
    await expect(ada.tab.get_by_role("heading", name="#general")).to_be_visible()
    await expect(ada.last.get_by_role("img")).to_have_count(2)
    assert await ada.last.inner_text() == before
    people = ada.tab.get_by_role("navigation", name="People")
    await expect(people.get_by_role("link", name="Ben", exact=True)).to_have_attribute("aria-current", "true")


async def test_a_picture_opens_large_and_its_neighbour_is_one_key_away(ada: Screen) -> None:
    await painted(ada)
    await ada.last.get_by_role("img").first.click()
    await expect(ada.dialog).to_contain_text("1 of 2")
    await ada.tab.keyboard.press("ArrowRight")
    await expect(ada.dialog).to_contain_text("2 of 2")
    await expect(ada.dialog.get_by_role("img", name="a red fox")).to_be_visible()
    await ada.tab.keyboard.press("Escape")
    await expect(ada.dialog).to_have_count(0)


async def test_a_spoiler_stays_covered_until_it_is_clicked(ada: Screen) -> None:
    await painted(ada, "/imagine prompt:the ending spoiler:True")
    cover = ada.last.get_by_role("button", name="Spoiler")
    await cover.click()
    await expect(cover).to_have_count(0)
    await ada.last.get_by_role("img").click()
    await expect(ada.dialog).to_be_visible()


async def test_the_foreign_server_and_the_direct_message_work_too(ada: Screen) -> None:
    for place in ("lobby", "Easel"):
        await ada.go(place)
        await painted(ada)
        await expect(ada.last.get_by_role("img")).to_have_count(2)


async def test_the_developer_panel_shows_requests_and_costs_and_makes_faults(ada: Screen, slow_house: House) -> None:
    toggle = ada.tab.get_by_role("button", name="Developer", exact=True)
    await expect(toggle).to_have_attribute("aria-expanded", "false")
    await toggle.click()
    await ada.tab.get_by_role("tab", name="Faults").click()
    switch = ada.tab.get_by_role("switch", name="balance", exact=True)
    await switch.check()
    await ada.send("/imagine prompt:a fox")
    await expect(ada.last).to_contain_text("Nothing was charged")
    assert "balance" in slow_house.image_api.behaviour.active
    await switch.uncheck()
    await painted(ada, "/imagine prompt:a paid fox")
    await ada.tab.get_by_role("tab", name="Image API").click()
    await expect(ada.tab.get_by_role("tabpanel", name="Image API")).to_contain_text("a paid fox")
    await ada.tab.get_by_role("tab", name="Requests").click()
    await expect(ada.tab.get_by_role("tabpanel", name="Requests")).to_contain_text("/v1/images/tasks")


async def test_a_job_survives_the_killing_of_the_bot_from_the_panel(ada: Screen, slow_house: House) -> None:
    await ada.tab.get_by_role("button", name="Developer", exact=True).click()
    await ada.tab.get_by_role("tab", name="Faults").click()
    await ada.send("/imagine prompt:a phoenix")
    await expect(ada.last).to_contain_text("Painting")
    await ada.tab.get_by_role("button", name="Kill the bot", exact=True).click()
    await expect(ada.tab.get_by_text("Stopped")).to_be_visible()
    await ada.send("/imagine prompt:nobody listens")
    await expect(ada.last).to_contain_text("The application did not respond")
    await ada.press("Dismiss")
    await ada.tab.get_by_role("button", name="Start the bot", exact=True).click()
    await expect(ada.last.get_by_role("img", name="a phoenix")).to_have_count(1)


async def test_strangers_are_refused_and_every_answer_is_strict(page: Page) -> None:
    strangers = [
        ("", {"Host": "easel.example"}),
        ("tab", {"Origin": "http://easel.example"}),
        ("uploads", {"Origin": "null"}),
        ("static/js/main.js", {"Host": "easel.example:8200"}),
    ]
    async with aiohttp.ClientSession() as session:
        for path, headers in strangers:
            async with session.get(page.url + path, headers=headers) as answer:
                assert answer.status == 403, path
        async with session.get(page.url) as answer:
            assert answer.status == 200
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
        async with session.get(page.url + "static/../page.py") as answer:
            assert answer.status == 404
