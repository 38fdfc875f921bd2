"""What a bot puts into messages is shown as in Discord's client, in every tab, and no text gets past its drawing."""

from __future__ import annotations

import json
import time

import pytest
from playwright.async_api import Browser, expect

from sandbox.discord.stored import Draft
from tests.acceptance.page_browser import screen
from tests.acceptance.page_client.stage import V2, Client
from tests.integration.sandbox_discord import card, upload

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_component_that_the_page_does_not_know_is_named(client: Client) -> None:
    client.show({"type": 10, "content": "before"}, {"type": 99}, {"type": 10, "content": "after"})
    await expect(client.ada.last).to_contain_text("The page does not know this component (type 99).")
    await expect(client.ada.last).to_contain_text("after")


async def test_no_text_becomes_markup_or_a_dangerous_link(client: Client) -> None:
    hostile = (
        "<img src=x onerror=alert(1)> <script>alert(2)</script> "
        "[click](javascript:alert(3)) [fine](https://example.com/a) ||<b>hidden</b>||"
    )
    client.show({"type": 10, "content": hostile})
    await client.ada.send(hostile)
    await expect(client.ada.articles).to_have_count(2)
    for article in (client.ada.articles.first, client.ada.last):
        await expect(article.get_by_role("img")).to_have_count(0)
        await expect(article.get_by_role("link")).to_have_count(1)
        link = article.get_by_role("link", name="fine")
        await expect(link).to_have_attribute("rel", "noopener noreferrer")
        await expect(article).to_contain_text("<script>alert(2)</script>")


async def test_a_picture_from_elsewhere_is_a_link_and_is_not_fetched(client: Client) -> None:
    media = {"url": "https://example.com/far.png", "proxy_url": "https://example.com/far.png"}
    client.show({"type": 12, "items": [{"media": media, "description": "far away"}]})
    await expect(client.ada.last).to_contain_text("A picture from elsewhere")
    await expect(client.ada.last.get_by_role("img")).to_have_count(0)


async def test_markdown_mentions_and_timestamps_read_as_in_discord(client: Client) -> None:
    world = client.studio.discord.world
    ada, place = world.user("Ada"), world.channel("general")
    text = (
        f"# Title\n-# small\n- one\n- two\n> said\n**bold** `code` <@{ada.id}> <#{place.id}> </do:1> <t:1000000000:R>"
    )
    client.show({"type": 10, "content": text})
    last = client.ada.last
    await expect(last.get_by_role("heading", name="Title")).to_be_visible()
    await expect(last.get_by_role("listitem")).to_have_count(2)
    await expect(last.get_by_role("blockquote")).to_have_text("said")
    await expect(last).to_contain_text("@Ada")
    await expect(last).to_contain_text("#general")
    await expect(last.get_by_role("time").last).to_contain_text("years ago")
    await last.get_by_role("button", name="/do").click()
    await expect(client.ada.box).to_have_value("/do")


async def test_a_relative_timestamp_ticks(client: Client) -> None:
    client.show({"type": 10, "content": f"<t:{int(time.time())}:R>"})
    stamp = client.ada.last.get_by_role("time").last
    first = await stamp.inner_text()
    await expect(stamp).not_to_have_text(first)


async def test_what_a_person_is_doing_in_a_reply_survives_its_change(client: Client) -> None:
    held = await client.studio.deferred()
    await held.edit_original_response(view=card("10 %", "wait"))
    button = client.ada.last.get_by_role("button", name="Wait")
    await button.focus()
    await held.edit_original_response(view=card("20 %", "wait"))
    await expect(client.ada.last).to_contain_text("20 %")
    await expect(button).to_be_focused()


async def test_two_tabs_of_two_people_see_each_other_at_once(client: Client, browser: Browser) -> None:
    async with screen(browser, client.page.url, "Ben") as ben:
        await client.ada.send("hello Ben")
        await expect(ben.last).to_contain_text("hello Ben")
        await ben.send("hello Ada")
        await expect(client.ada.last).to_contain_text("hello Ada")


async def test_a_message_elsewhere_marks_its_place(client: Client) -> None:
    await client.studio.ada.at("general").post("psst", [upload()])
    places = client.ada.tab.get_by_role("navigation", name="Places")
    await expect(places.get_by_text("Something new")).to_have_count(1)
    await client.ada.go("general")
    await expect(client.ada.last).to_contain_text("psst")
    await expect(places.get_by_text("Something new")).to_have_count(0)


async def test_a_tab_finds_back_when_the_page_was_away(client: Client, browser: Browser) -> None:
    # each try to connect again is an error on the console
    async with screen(browser, client.page.url, excused="ERR_CONNECTION_REFUSED") as tab:
        await client.ada.tab.close()
        port = client.page.port
        await client.page.stop()
        await expect(tab.tab.get_by_role("status")).to_contain_text("does not answer")
        await client.studio.ada.post("meanwhile")
        await client.page.start(port)
        await expect(tab.last).to_contain_text("meanwhile")


async def test_every_control_has_a_name_and_every_module_is_the_pages_own(client: Client) -> None:
    client.show({"type": 17, "accent_color": 255, "components": [{"type": 10, "content": "hello"}]})
    await expect(client.ada.last).to_contain_text("hello")
    nameless = await client.ada.tab.evaluate(
        """() => [...document.querySelectorAll("button, input, select, textarea, a[href]")]
            .filter((one) => one.checkVisibility() && !(one.ariaLabel || one.textContent.trim() || one.labels?.length
                || one.getAttribute("aria-labelledby")))
            .map((one) => one.outerHTML)"""
    )
    assert nameless == [], json.dumps(nameless)


async def test_nothing_runs_over_the_edge_of_a_small_screen(client: Client) -> None:
    world = client.studio.discord.world
    channel = world.channel("pictures")
    stored = [world.cdn.store(upload(f"{it}.png", "red"), folder=channel.id) for it in range(4)]
    gallery = {"type": 12, "items": [{"media": {"$attachment": it.id}} for it in stored]}
    text = {"type": 10, "content": "a long word " + "x" * 300 + "\n```\n" + "y" * 300 + "\n```"}
    draft = Draft(components=({"type": 17, "components": [text, gallery]},), attachments=tuple(stored), flags=V2)
    world.messages.add(channel, world.bot, draft)
    await client.studio.ada.post("z" * 400)
    tab = client.ada.tab
    for width in (360, 768, 1440):
        await tab.set_viewport_size({"width": width, "height": 740})
        await client.ada.box.fill("/do prompt:a fox")
        await expect(client.ada.articles).to_have_count(2)
        over = await tab.evaluate(
            """() => [...document.querySelectorAll("main *, .options *")]
                .filter((one) => one.checkVisibility() && !one.closest(".sr-only, .picture"))
                .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
                .map((one) => one.className || one.nodeName)"""
        )
        assert over == [], width
