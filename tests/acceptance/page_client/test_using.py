"""What a person types, attaches, fills in and chooses on the page reaches the bot as from Discord's client."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import discord
import pytest
from discord import ui
from playwright.async_api import expect

from tests.acceptance.page_client.stage import Client
from tests.integration.sandbox_discord import Interaction, card, picture, png

pytestmark = pytest.mark.asyncio(loop_scope="module")


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
