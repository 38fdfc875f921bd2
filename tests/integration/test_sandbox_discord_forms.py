"""Forms and menus in the local Discord, opened and filled in as in Discord's client."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import discord
import pytest
from discord import ui

from sandbox.discord.clients import InvalidCommand
from sandbox.discord.reply import ModalForm
from tests.integration.sandbox_discord import EditForm, Interaction, Studio, card, picture, png, studio, upload


@pytest.fixture(name="easel")
async def easel_fixture() -> AsyncGenerator[Studio]:
    async with studio() as running:
        yield running


async def test_a_form_is_opened_filled_in_and_submitted(easel: Studio, tmp_path: Path) -> None:
    async def do(interaction: Interaction) -> None:
        await interaction.response.send_modal(EditForm())

    easel.when("do", do)
    form = await easel.ada.command("do", prompt="a fox")
    assert isinstance(form, ModalForm)
    assert form.title == "Edit"
    assert [field.label for field in form.fields] == ["Prompt", "Aspect ratio", "Pictures", "Which", "Spoiler"]
    assert form.field("Prompt").value == "a fox"
    assert form.field("Aspect ratio").options == (("Square", "1:1"), ("Wide", "16:9"))
    path = tmp_path / "owl.png"
    path.write_bytes(png())
    unchanged = await easel.ada.submit(form)
    assert unchanged.text == "a fox | 1:1 | None | False"

    form = await easel.ada.command("do", prompt="a fox")
    reply = await easel.ada.submit(
        form, {"Pictures": [path, upload()]}, Prompt="an owl", Aspect_ratio="Wide", Which="No. 2", Spoiler=True
    )
    assert reply.text == "an owl | 16:9 | owl.png | fox.png | 2 | True"


async def test_a_form_refuses_what_the_client_would(easel: Studio) -> None:
    async def do(interaction: Interaction) -> None:
        await interaction.response.send_modal(EditForm())

    easel.when("do", do)
    form = await easel.ada.command("do", prompt="a fox")
    for values, sentence in (
        ({"Prompt": ""}, "Prompt is required"),
        ({"Prompt": "x" * 21}, "0 to 20 characters"),
        ({"Aspect ratio": "Tall"}, "no choice Tall"),
        ({"Pictures": [upload(), upload(), upload()]}, "0 to 2 files"),
        ({"Colour": "red"}, "no field Colour"),
    ):
        given: dict[str, Any] = dict(values)
        with pytest.raises(InvalidCommand, match=sentence):
            await easel.ada.submit(form, given)


async def test_a_form_from_a_button_can_change_the_buttons_message(easel: Studio) -> None:
    class Rename(ui.Modal, title="Remix"):
        text: ui.Label[Any] = ui.Label(text="Prompt", component=ui.TextInput())

        async def on_submit(self, interaction: Interaction) -> None:
            await interaction.response.edit_message(view=card("remixed"))

    async def do(interaction: Interaction) -> None:
        await interaction.response.send_message(view=card("done", "remix"))

    async def remix(interaction: Interaction) -> None:
        await interaction.response.send_modal(Rename())

    easel.when("do", do)
    easel.when("remix", remix)
    reply = await easel.ada.command("do", prompt="a fox")
    form = await easel.ada.press(reply, "Remix")
    await easel.ada.submit(form, Prompt="an owl")
    assert reply.text == "remixed"


async def test_a_message_menu_gets_the_message_with_its_pictures(easel: Studio) -> None:
    async def edit_image(interaction: Interaction) -> None:
        message: discord.Message = easel.bot.given["message"]
        await interaction.response.send_message(f"{message.content}: {message.attachments[0].filename}")

    easel.when("edit image", edit_image)
    posted = await easel.ben.post("look", [upload("cat.png")])
    reply = await easel.ada.message_menu("Edit image", posted)
    assert reply.text == "look: cat.png"


async def test_a_message_menu_on_a_reply_finds_pictures_in_its_gallery(easel: Studio) -> None:
    async def do(interaction: Interaction) -> None:
        file = picture()
        await interaction.response.send_message(view=card("here", pictures=[file]), file=file)

    async def edit_image(interaction: Interaction) -> None:
        message: discord.Message = easel.bot.given["message"]
        view = ui.LayoutView.from_message(message)
        galleries = [item for item in view.walk_children() if isinstance(item, ui.MediaGallery)]
        media = galleries[0].items[0].media
        await interaction.response.send_message(f"{message.attachments} {media.width} {media.attachment_id}")

    easel.when("do", do)
    easel.when("edit image", edit_image)
    reply = await easel.ada.command("do", prompt="a fox")
    told = await easel.ben.message_menu("Edit image", reply)
    assert told.text == f"[] 64 {reply.pictures[0].attachment_id}"


async def test_a_user_menu_gets_the_user(easel: Studio) -> None:
    async def wave(interaction: Interaction) -> None:
        await interaction.response.send_message(f"hello {easel.bot.given['user'].display_name}")

    easel.when("wave", wave)
    assert (await easel.ada.user_menu("Wave", "Ben")).text == "hello Ben"
