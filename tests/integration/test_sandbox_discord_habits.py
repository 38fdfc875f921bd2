"""Habits of the real Discord that bots trip over, as the local Discord has them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

import discord
import pytest

from sandbox.discord.ids import snowflake
from sandbox.discord.permissions import Permission
from sandbox.discord.places import Channel, ChannelKind
from sandbox.discord.refusals import EDITED_TOO_OFTEN
from sandbox.discord.server import LocalDiscord
from tests.integration.sandbox_discord import Interaction, Studio, studio, upload


@pytest.fixture
async def easel() -> AsyncGenerator[Studio]:
    async with studio() as running:
        yield running


async def seen_by(easel: Studio, place: str = "pictures") -> Interaction:
    """The interaction that the bot gets for a command of Ada's."""

    async def do(interaction: Interaction) -> None:
        easel.caught.put_nowait(interaction)
        await interaction.response.send_message("ok")

    easel.when("do", do)
    await easel.ada.at(place).command("do", prompt="a fox")
    return await asyncio.wait_for(easel.caught.get(), 30)


def new_channel(easel: Studio, key: str, kind: ChannelKind) -> Channel:
    pictures = easel.discord.world.channel("pictures")
    return easel.discord.world.open_channel(Channel(snowflake(), key, key, kind, pictures.guild))


async def test_only_a_community_server_has_a_language(easel: Studio) -> None:
    guild = easel.discord.world.channel("pictures").guild
    assert guild is not None
    guild.locale = "de"
    assert (await seen_by(easel)).guild_locale is discord.Locale.american_english
    easel.discord.world.choose_language(guild, "de")
    interaction = await seen_by(easel)
    assert interaction.guild_locale is discord.Locale.german
    assert interaction.guild is not None
    assert interaction.guild.features == ["COMMUNITY"]
    assert interaction.guild.preferred_locale is discord.Locale.german


@pytest.mark.parametrize("kind", [ChannelKind.VOICE, ChannelKind.STAGE, ChannelKind.ANNOUNCEMENT])
async def test_commands_and_messages_work_where_people_talk(easel: Studio, kind: ChannelKind) -> None:
    channel = new_channel(easel, "lounge", kind)
    interaction = await seen_by(easel, "lounge")
    assert interaction.channel is not None
    assert interaction.channel.type.value == kind
    listing = await easel.rest("GET", f"/channels/{channel.id}/messages")
    assert len(listing.body) == 1


async def test_reading_in_a_voice_channel_takes_connect(easel: Studio) -> None:
    channel = new_channel(easel, "lounge", ChannelKind.VOICE)
    await seen_by(easel, "lounge")
    easel.discord.world.deny("lounge", Permission.CONNECT)
    assert (await easel.rest("GET", f"/channels/{channel.id}/messages")).body == []


async def test_a_history_that_may_not_be_read_is_empty_and_no_error(easel: Studio) -> None:
    await easel.ada.post("hello")
    easel.discord.world.deny("pictures", Permission.READ_MESSAGE_HISTORY)
    channel = easel.discord.world.channel("pictures")
    listing = await easel.rest("GET", f"/channels/{channel.id}/messages")
    assert (listing.status, listing.body) == (200, [])


async def test_a_forwarded_message_holds_snapshots_and_nothing_of_its_own(easel: Studio) -> None:
    given: list[discord.Message] = []

    async def edit_image(interaction: Interaction) -> None:
        given.append(easel.bot.given["message"])
        await interaction.response.send_message("ok")

    easel.when("edit image", edit_image)
    posted = await easel.ada.at("general").post("look", [upload("cat.png")])
    forwarded = await easel.ada.at("general").forward(posted, "pictures")
    await easel.ada.message_menu("Edit image", forwarded)
    message = given[0]
    assert (message.content, message.attachments) == ("", [])
    assert message.reference is not None
    assert message.reference.type is discord.MessageReferenceType.forward
    snapshot = message.message_snapshots[0]
    assert (snapshot.content, snapshot.attachments[0].filename) == ("look", "cat.png")


async def test_an_attachment_may_come_without_its_type(easel: Studio) -> None:
    easel.discord.rules = replace(easel.discord.rules, tells_content_types=False)
    posted = await easel.ada.post("look", [upload("cat.png")])
    assert "content_type" not in posted.json["attachments"][0]
    assert posted.json["attachments"][0]["width"] == 64


async def test_a_token_does_not_outlive_its_channel(easel: Studio) -> None:
    new_channel(easel, "short-lived", ChannelKind.TEXT)
    interaction = await seen_by(easel, "short-lived")
    easel.discord.world.delete_channel("short-lived")
    edit = await easel.rest("PATCH", easel.webhook(interaction), {"content": "late"}, token=None)
    assert (edit.status, edit.body["code"]) == (404, 10003)


async def test_a_locked_thread_takes_edits_only_of_who_manages_threads(easel: Studio) -> None:
    thread = easel.discord.world.channel("thread")
    posted = await easel.rest("POST", f"/channels/{thread.id}/messages", {"content": "hello"})
    thread.locked = True
    path = f"/channels/{thread.id}/messages/{posted.body['id']}"
    assert (await easel.rest("PATCH", path, {"content": "more"})).body["code"] == 160005
    easel.discord.world.allow("thread", Permission.MANAGE_THREADS)
    assert (await easel.rest("PATCH", path, {"content": "more"})).status == 200


async def test_the_edge_in_front_of_discord_answers_with_pages(easel: Studio) -> None:
    easel.discord.faults.answer("GET /channels/*", 403, html=True)
    channel = easel.discord.world.channel("pictures")
    async with easel.session.get(f"{easel.discord.api_url}/channels/{channel.id}") as response:
        assert (response.status, response.content_type) == (403, "text/html")


async def test_a_limit_may_come_with_a_code_of_its_own(easel: Studio) -> None:
    status, code, message = EDITED_TOO_OFTEN
    easel.discord.faults.answer("GET /channels/*", status, code=code, message=message)
    channel = easel.discord.world.channel("pictures")
    refused = await easel.rest("GET", f"/channels/{channel.id}")
    assert (refused.status, refused.body["code"]) == (429, 30046)


@pytest.mark.parametrize("of_parent", [False, True])
async def test_a_private_thread_without_the_bot(easel: Studio, of_parent: bool) -> None:
    easel.discord.rules = replace(easel.discord.rules, app_permissions_of_parent=of_parent)
    world = easel.discord.world
    parent = world.channel("pictures")
    world.open_channel(
        Channel(
            *(snowflake(), "whispers", "whispers", ChannelKind.PRIVATE_THREAD, parent.guild, parent),
            recipients=[world.user("Ada")],
        )
    )
    interaction = await seen_by(easel, "whispers")
    assert interaction.app_permissions.view_channel is of_parent
    listing = await easel.rest("GET", f"/channels/{interaction.channel_id}/messages")
    assert listing.status == 403


async def test_servers_may_be_told_late() -> None:
    local = LocalDiscord()
    local.gateway.tells_servers = False
    async with studio(local=local) as easel:
        assert [guild.unavailable for guild in easel.bot.guilds] in ([], [True])
        local.gateway.tell_servers()
        async with asyncio.timeout(30):
            while not any(guild.channels for guild in easel.bot.guilds):
                await asyncio.sleep(0.01)
