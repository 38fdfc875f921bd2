"""The local Discord and the bots it carries speak as Discord's official specification says."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import discord
import pytest
from discord import ui

from sandbox.discord.calls import Recorded
from tests.discord_spec import MISSING, answer_faults, check_answer, check_request, request_faults, spec_path
from tests.integration.sandbox_discord import EditForm, Interaction, Studio, card, picture, studio, upload

pytestmark = pytest.mark.skipif(spec_path() is None, reason=MISSING)


@pytest.fixture(name="easel")
async def easel_fixture() -> AsyncGenerator[Studio]:
    async with studio() as running:
        yield running


def check_all(easel: Studio) -> set[str]:
    """Judge everything that was said; the routes that were seen."""
    routes: set[str] = set()
    for record in easel.discord.requests:
        # files are no API routes, and the route for fresh addresses is in no specification
        if (record.method == "GET" and "attachments/" in record.path) or "refresh-urls" in record.path:
            continue
        check_request(record)
        assert record.status is not None
        check_answer(record.method, record.path, record.status, record.answer)
        routes.add(f"{record.method} {record.path.split('/')[1]}")
    return routes


async def test_logging_in_and_registering_commands(easel: Studio) -> None:
    channel = easel.discord.world.channel("pictures")
    assert channel.guild is not None
    ada = easel.discord.world.user("Ada").id
    app = easel.discord.world.application_id
    for path in (
        "/gateway",
        "/applications/@me",
        f"/applications/{app}/commands",
        f"/channels/{channel.id}",
        f"/channels/{easel.discord.world.channel('thread').id}",
        f"/channels/{easel.discord.world.channel('dm:Ada').id}",
        f"/guilds/{channel.guild.id}",
        f"/guilds/{channel.guild.id}/members/{ada}",
        f"/guilds/{channel.guild.id}/channels",
        f"/guilds/{channel.guild.id}/roles",
        f"/users/{ada}",
        f"/guilds/{channel.guild.id}/members/1",
        "/channels/1",
    ):
        await easel.rest("GET", path)
    await easel.rest("GET", "/users/@me", token="wrong")
    await easel.rest("POST", "/users/@me/channels", {"recipient_id": str(ada)})
    assert {"GET gateway", "PUT applications", "GET users", "GET oauth2"} <= check_all(easel)


async def test_a_reply_from_placeholder_to_pictures(easel: Studio) -> None:
    async def do(interaction: Interaction) -> None:
        await interaction.response.defer(thinking=True)
        await interaction.edit_original_response(view=card("painting", "cancel"))
        files = [picture(), picture("owl.png", "blue")]
        await interaction.edit_original_response(view=card("done", "again", pictures=files), attachments=files)
        await interaction.followup.send("one more", ephemeral=True)
        await interaction.original_response()

    async def again(interaction: Interaction) -> None:
        await interaction.response.edit_message(view=card("once more", "form"))

    async def form(interaction: Interaction) -> None:
        await interaction.response.send_modal(EditForm())

    for name, doing in (("do", do), ("again", again), ("form", form)):
        easel.when(name, doing)
    reply = await easel.ada.command("do", prompt="a fox", image=upload())
    await reply.until(lambda message: message.pictures)
    await reply.until_follow_up()
    await easel.ben.press(reply, "Again")
    opened = await easel.ada.press(reply, "Form")
    answered = await easel.ada.submit(opened, Pictures=[upload()])
    assert answered.text
    await easel.ada.autocomplete("do", "preset", "water")
    assert {"POST interactions", "PATCH webhooks", "POST webhooks"} <= check_all(easel)


async def test_every_kind_of_component_and_a_plain_message(easel: Studio) -> None:
    async def do(interaction: Interaction) -> None:
        view = ui.LayoutView(timeout=None)
        file = picture()
        thumbnail: ui.Thumbnail[Any] = ui.Thumbnail(file, description="alt")
        section: ui.Section[Any] = ui.Section("text", accessory=thumbnail)
        box: ui.Container[Any] = ui.Container(section, ui.Separator(), accent_colour=discord.Colour.red())
        box.add_item(ui.File("attachment://fox.png"))
        row: ui.ActionRow[Any] = ui.ActionRow()
        row.add_item(ui.Button(label="Open", url="https://example.com"))
        row.add_item(ui.Button(emoji="🦊", custom_id="fox", disabled=True))
        box.add_item(row)
        menu: ui.ActionRow[Any] = ui.ActionRow()
        menu.add_item(ui.Select(custom_id="s", options=[discord.SelectOption(label="a", description="b")]))
        box.add_item(menu)
        box.add_item(ui.MediaGallery(discord.MediaGalleryItem("https://example.com/a.png", spoiler=True)))
        view.add_item(box)
        await interaction.response.send_message(view=view, file=file)
        channel = interaction.channel
        assert isinstance(channel, discord.TextChannel)
        embed = discord.Embed(title="t", description="d").add_field(name="n", value="v").set_image(url=file.uri)
        plain = await channel.send("text", embed=embed, file=picture(), nonce="n-1")
        await plain.reply("answer")
        await plain.edit(content="changed")
        await channel.fetch_message(plain.id)
        assert [message async for message in channel.history(limit=5)]
        await plain.delete()
        await interaction.delete_original_response()

    easel.when("do", do)
    reply = await easel.ada.command("do", prompt="a fox")
    await reply.until_deleted()
    assert {"POST channels", "PATCH channels", "GET channels", "DELETE channels", "DELETE webhooks"} <= check_all(easel)


async def test_refusals_and_rate_limits(easel: Studio) -> None:
    interaction = await easel.deferred()
    path = easel.webhook(interaction)
    await easel.rest("PATCH", path, {"content": ""}, token=None)
    bad = {"flags": 1 << 15, "components": [{"type": 10, "content": ""}]}
    answer = await easel.rest("PATCH", path, bad, token=None)
    assert answer.body.pop("errors")  # whose inner codes are words, though the specification says numbers
    assert answer_faults("PATCH", path, answer.status, answer.body) == []
    easel.discord.rules = replace(easel.discord.rules, edits_per_window=0)
    answer = await easel.rest("PATCH", path, {"content": "x"}, token=None)
    assert answer.status == 429
    assert answer_faults("PATCH", path, answer.status, answer.body) == []


def test_wrong_requests_are_told_with_their_place() -> None:
    button = {"type": 2, "style": 1, "label": "x" * 81, "custom_id": "a"}
    body = {"flags": 1 << 15, "components": [{"type": 17, "components": [{"type": 1, "components": [button]}]}]}
    (fault,) = request_faults(Recorded("POST", "/channels/1/messages", json=body))
    assert fault.startswith("components.0.components.0.components.0.label:")
    assert request_faults(Recorded("POST", "/channels/1/nonsense")) == ["there is no such route"]
    assert request_faults(Recorded("POST", "/webhooks/1/a/messages/@original", json={}))
    assert request_faults(Recorded("POST", "/channels/1/messages", json={"content": "fine"})) == []
    with pytest.raises(AssertionError, match="content"):
        check_request(Recorded("POST", "/channels/1/messages", json={"content": 5}))
