"""The sandbox page as Discord's client: all that a bot can put into it, and that no text gets past its drawing."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import discord
import pytest
import pytest_asyncio
from discord import ui
from playwright.async_api import Browser, expect

from sandbox.discord.stored import Draft
from sandbox.page.page import Page
from tests.acceptance.page_browser import PATIENCE_MS, Screen, chromium, screen
from tests.integration.sandbox_discord import Interaction, Studio, card, picture, png, studio, upload

pytestmark = pytest.mark.asyncio(loop_scope="module")
expect.set_options(timeout=PATIENCE_MS)
V2 = 1 << 15


@dataclass(frozen=True, slots=True)
class Client:
    """Ada's tab, and the bot that a test drives."""

    ada: Screen
    studio: Studio
    page: Page

    def show(self, *components: dict[str, Any], content: str = "") -> None:
        """Put a message of the bot into the channel, past all of Discord's checks."""
        world = self.studio.discord.world
        draft = Draft(content=content, components=components, flags=V2 if components else 0)
        world.messages.add(world.channel("pictures"), world.bot, draft)

    async def use(self, do: Any) -> None:
        """Let the bot do this at /do, and use /do."""
        self.studio.when("do", do)
        await self.ada.send("/do prompt:a fox")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(browser: Browser) -> AsyncIterator[tuple[Studio, Page]]:
    async with studio() as running:
        page = Page(running.discord)
        await page.start()
        try:
            yield running, page
        finally:
            await page.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def client(browser: Browser, house: tuple[Studio, Page]) -> AsyncGenerator[Client]:
    running, page = house
    messages = running.discord.world.messages
    for history in list(messages.history.values()):
        for stored in list(history):
            messages.delete(stored)
    async with screen(browser, page.url) as one:
        yield Client(one, running, page)


async def test_the_commands_listed_are_those_this_person_may_use(client: Client) -> None:
    await client.ada.box.fill("/")
    options = client.ada.tab.get_by_role("listbox", name="Commands").get_by_role("option")
    await expect(options.filter(has_text="/manage")).to_have_count(1)
    await expect(options.filter(has_text="/style save")).to_contain_text("Save a style")
    await client.ada.become("Ben")
    await client.ada.box.fill("/")
    await expect(options.filter(has_text="/do")).to_have_count(1)
    await expect(options.filter(has_text="/manage")).to_have_count(0)


async def test_the_form_of_a_command_and_its_line_say_the_same(client: Client) -> None:
    tab, box = client.ada.tab, client.ada.box
    await box.fill('/do prompt:"count:7 foxes" count:3 private:true')
    await expect(tab.get_by_role("textbox", name="prompt")).to_have_value("count:7 foxes")
    await expect(tab.get_by_role("spinbutton", name="count")).to_have_value("3")
    await expect(tab.get_by_role("combobox", name="private")).to_have_value("True")
    await tab.get_by_role("combobox", name="shape").select_option("16:9")
    await tab.get_by_role("spinbutton", name="count").fill("")
    await expect(box).to_have_value('/do prompt:"count:7 foxes" shape:16:9 private:true')


async def test_suggestions_come_from_the_bot_while_an_option_is_typed(client: Client) -> None:
    await client.ada.box.fill("/do prompt:a fox")
    field = client.ada.tab.get_by_role("textbox", name="preset")
    await field.press_sequentially("water")
    await client.ada.tab.get_by_role("option", name="watercolour").click()
    await expect(client.ada.box).to_have_value("/do prompt:a fox preset:watercolour")
    given: list[str] = []

    async def note(interaction: Interaction) -> None:
        given.append(client.studio.bot.given["preset"])
        await interaction.response.send_message("noted")

    client.studio.when("do", note)
    await client.ada.box.press("Enter")
    await expect(client.ada.last).to_contain_text("noted")
    assert given == ["watercolour"]


async def test_the_bot_suggests_for_an_option_of_the_typed_line_too(client: Client) -> None:
    await client.ada.box.fill("/do prompt:a fox preset:")
    await client.ada.box.press_sequentially("water")
    await client.ada.tab.get_by_role("option", name="watercolour").click()
    await expect(client.ada.box).to_have_value("/do prompt:a fox preset:watercolour")


async def test_a_subcommand_is_used_as_one_line(client: Client) -> None:
    async def saved(interaction: Interaction) -> None:
        await interaction.response.send_message(f"saved {client.studio.bot.given['name']}")

    client.studio.when("style save", saved)
    await client.ada.send("/style save name:ink and wash")
    await expect(client.ada.last).to_contain_text("saved ink and wash")


async def test_silence_of_the_bot_is_told_as_in_discord(client: Client) -> None:
    async def nothing(_: Interaction) -> None:
        return None

    await client.use(nothing)
    await expect(client.ada.last).to_contain_text("The application did not respond")
    await client.ada.press("Dismiss")
    await expect(client.ada.articles).to_have_count(0)

    client.studio.when("wait", nothing)

    async def show(interaction: Interaction) -> None:
        await interaction.response.send_message(view=card("press me", "wait"))

    await client.use(show)
    await client.ada.press("Wait")
    await expect(client.ada.last).to_contain_text("The application did not respond")


async def test_thinking_turns_into_the_reply_and_a_deleted_reply_goes(client: Client) -> None:
    held = await client.studio.deferred()
    await expect(client.ada.last).to_contain_text("Easel is thinking")
    await held.edit_original_response(view=card("**painted**", pictures=[picture()]), attachments=[picture()])
    await expect(client.ada.last.get_by_role("img", name="a red fox")).to_be_visible()
    await expect(client.ada.last).to_contain_text("painted")
    await held.delete_original_response()
    await expect(client.ada.articles).to_have_count(0)


async def test_an_ordinary_message_with_a_picture_is_taken_up_by_a_message_menu(client: Client, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(png())
    await client.ada.tab.get_by_label("Attach files").set_input_files(photo)
    await client.ada.send("look at *this*")
    await expect(client.ada.last.get_by_role("img", name="photo.png")).to_be_visible()
    await expect(client.ada.last.get_by_role("emphasis")).to_have_text("this")

    async def ask(interaction: Interaction) -> None:
        modal = ui.Modal(title="Edit image", custom_id="edit")
        modal.add_item(ui.Label(text="Prompt", component=ui.TextInput[Any](custom_id="prompt")))
        await interaction.response.send_modal(modal)

    client.studio.when("edit image", ask)
    await client.ada.press("More")
    await client.ada.tab.get_by_role("menuitem", name="Edit image").click()
    await expect(client.ada.dialog).to_be_visible()
    await expect(client.ada.dialog.get_by_role("heading", name="Edit image")).to_be_visible()
    assert len(client.studio.bot.given["message"].attachments) == 1


async def test_files_are_pasted_and_dropped_into_the_box(client: Client) -> None:
    make = """async ([event, name]) => {
        const bytes = Uint8Array.from(atob("iVBORw0KGgo="), (letter) => letter.charCodeAt(0));
        const transfer = new DataTransfer();
        transfer.items.add(new File([bytes], name, {type: "text/plain"}));
        const options = {bubbles: true, cancelable: true};
        const made = event === "paste"
            ? new ClipboardEvent("paste", {...options, clipboardData: transfer})
            : new DragEvent("drop", {...options, dataTransfer: transfer});
        document.querySelector("textarea").dispatchEvent(made);
    }"""
    await client.ada.tab.evaluate(make, ["paste", "notes.txt"])
    await client.ada.tab.evaluate(make, ["drop", "notes.txt"])
    await expect(client.ada.tab.get_by_role("button", name="Remove notes.txt")).to_have_count(1)
    await client.ada.tab.get_by_role("button", name="Remove notes-2.txt").click()
    await client.ada.send("here")
    await expect(client.ada.last.get_by_role("link", name="notes.txt")).to_have_attribute("download", "notes.txt")


async def test_every_kind_of_field_of_a_modal_is_filled_in_and_sent(client: Client, tmp_path: Path) -> None:
    answers: list[dict[str, Any]] = []

    class Form(ui.Modal, title="All kinds"):
        words = ui.Label(text="Words", description="A few", component=ui.TextInput[Any](custom_id="words"))
        shape = ui.Label(
            text="Shape",
            component=ui.Select[Any](
                custom_id="shape", options=[discord.SelectOption(label=it) for it in ("Wide", "Tall")]
            ),
        )
        colours = ui.Label(
            text="Colours",
            component=ui.CheckboxGroup[Any](
                custom_id="colours", options=[discord.CheckboxGroupOption(label=it) for it in ("Red", "Blue", "Green")]
            ),
        )
        size = ui.Label(
            text="Size",
            component=ui.RadioGroup[Any](
                custom_id="size", options=[discord.RadioGroupOption(label=it) for it in ("Small", "Large")]
            ),
        )
        files = ui.Label(text="Files", component=ui.FileUpload[Any](custom_id="files", min_values=0, required=False))

        async def on_submit(self, interaction: Interaction) -> None:
            data: Any = interaction.data
            answers.append({part["component"]["custom_id"]: part["component"] for part in data["components"]})
            await interaction.response.send_message("thanks")

    async def ask(interaction: Interaction) -> None:
        await interaction.response.send_modal(Form())

    await client.use(ask)
    form = client.ada.dialog
    await form.get_by_label("Words").fill("ink")
    await form.get_by_label("Shape").select_option("Tall")
    await form.get_by_role("checkbox", name="Blue").check()
    await form.get_by_role("radio", name="Large").check()
    (tmp_path / "fox.png").write_bytes(png())
    await form.get_by_label("Files").set_input_files(tmp_path / "fox.png")
    await form.get_by_role("button", name="Submit").click()
    await expect(client.ada.last).to_contain_text("thanks")
    sent = answers[0]
    assert sent["words"]["value"] == "ink"
    assert sent["shape"]["values"] == ["Tall"]
    assert sent["colours"]["values"] == ["Blue"]
    assert sent["size"]["value"] == "Large"
    assert len(sent["files"]["values"]) == 1


async def test_select_menus_send_what_is_chosen(client: Client) -> None:
    chosen: list[list[str]] = []

    class Menus(ui.View):
        @ui.select(placeholder="One style", options=[discord.SelectOption(label=it) for it in ("Ink", "Oil")])
        async def one(self, interaction: Interaction, select: ui.Select[Any]) -> None:
            chosen.append(select.values)
            await interaction.response.send_message("one taken")

        @ui.select(
            placeholder="Several", max_values=3, options=[discord.SelectOption(label=it) for it in ("A", "B", "C")]
        )
        async def several(self, interaction: Interaction, select: ui.Select[Any]) -> None:
            chosen.append(select.values)
            await interaction.response.send_message("several taken")

    async def show(interaction: Interaction) -> None:
        await interaction.response.send_message("choose", view=Menus())

    await client.use(show)
    reply = client.ada.articles.first
    await reply.get_by_role("combobox", name="One style").select_option("Oil")
    await expect(client.ada.last).to_contain_text("one taken")
    await reply.get_by_text("Several").click()
    await reply.get_by_role("checkbox", name="A").check()
    await reply.get_by_role("checkbox", name="C").check()
    await reply.get_by_role("button", name="Choose").click()
    await expect(client.ada.last).to_contain_text("several taken")
    assert chosen == [["Oil"], ["A", "C"]]


async def test_menus_of_people_roles_and_channels_offer_those_of_this_server(client: Client) -> None:
    chosen: list[list[str]] = []
    general = client.studio.discord.world.channel("general")

    class Menus(ui.View):
        @ui.select(
            cls=ui.ChannelSelect[Any],
            placeholder="Channels",
            channel_types=[discord.ChannelType.text],
            min_values=0,
            max_values=5,
            default_values=[discord.SelectDefaultValue(id=general.id, type=discord.SelectDefaultValueType.channel)],
        )
        async def channels(self, interaction: Interaction, select: ui.ChannelSelect[Any]) -> None:
            chosen.append([one.name for one in select.values])
            await interaction.response.send_message("channels taken")

        @ui.select(cls=ui.UserSelect[Any], placeholder="Member")
        async def member(self, interaction: Interaction, select: ui.UserSelect[Any]) -> None:
            chosen.append([one.display_name for one in select.values])
            await interaction.response.send_message("member taken")

    async def show(interaction: Interaction) -> None:
        await interaction.response.send_message("choose", view=Menus())

    await client.use(show)
    reply = client.ada.articles.first
    summary = reply.locator("summary")
    await expect(summary).to_have_text("#general")
    await summary.click()
    await expect(reply.get_by_role("checkbox")).to_have_count(2)  # neither the thread nor another server's channel
    await expect(reply.get_by_role("checkbox", name="#general")).to_be_checked()
    await reply.get_by_role("checkbox", name="#pictures").check()
    await reply.get_by_role("checkbox", name="#general").uncheck()
    await reply.get_by_role("button", name="Choose").click()
    await expect(client.ada.last).to_contain_text("channels taken")
    await reply.get_by_role("combobox", name="Member").select_option("@Ben")
    await expect(client.ada.last).to_contain_text("member taken")
    assert chosen == [["pictures"], ["Ben"]]


async def test_a_name_opens_the_user_menus(client: Client) -> None:
    waved: list[str] = []

    async def wave(interaction: Interaction) -> None:
        waved.append(client.studio.bot.given["user"].display_name)
        await interaction.response.send_message("hello", ephemeral=True)

    client.studio.when("wave", wave)
    await client.ada.send("here I am")
    await client.ada.last.get_by_role("button", name="Ada", exact=True).click()
    await client.ada.tab.get_by_role("menuitem", name="Wave").click()
    await expect(client.ada.last).to_contain_text("hello")
    assert waved == ["Ada"]


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
