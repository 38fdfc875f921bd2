"""A real discord.py bot uses the local Discord, and people use the bot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import discord
import pytest
from discord import ui

from sandbox.discord.clients import InvalidCommand
from sandbox.discord.permissions import Permission
from tests.integration.sandbox_discord import Interaction, Studio, card, picture, png, studio, upload


@pytest.fixture(name="easel")
async def easel_fixture() -> AsyncGenerator[Studio]:
    async with studio() as running:
        yield running


async def test_a_bot_logs_in_and_registers_its_commands(easel: Studio) -> None:
    names = [command["name"] for command in easel.ada.commands()]
    assert names == ["do", "manage", "style", "Edit image", "Wave"]
    await asyncio.wait_for(easel.bot.wait_until_ready(), 30)
    assert [guild.name for guild in easel.bot.guilds] == ["Easel Studio"]
    assert {channel.name for channel in easel.bot.guilds[0].text_channels} == {"pictures", "general"}
    assert [thread.name for thread in easel.bot.guilds[0].threads] == ["moodboard", "first light"]
    assert [forum.name for forum in easel.bot.guilds[0].forums] == ["showcase"]


async def test_syncing_again_keeps_the_ids(easel: Studio) -> None:
    before = {command["name"]: command["id"] for command in easel.ada.commands()}
    await easel.bot.tree.sync()
    assert {command["name"]: command["id"] for command in easel.ada.commands()} == before


async def test_a_command_carries_its_options_and_its_file(easel: Studio) -> None:
    read: asyncio.Queue[bytes] = asyncio.Queue()

    async def do(interaction: Interaction) -> None:
        await interaction.response.send_message("ok")
        read.put_nowait(await easel.bot.given["image"].read())

    easel.when("do", do)
    reply = await easel.ada.command("do", prompt="a fox", count=3, shape="16:9", image=upload(), private=True)
    assert reply.text == "ok"
    given = easel.bot.given
    assert (given["prompt"], given["count"], given["shape"], given["private"]) == ("a fox", 3, "16:9", True)
    assert (given["image"].filename, given["image"].width, given["image"].height) == ("fox.png", 64, 48)
    assert given["image"].content_type == "image/png"
    assert given["image"].ephemeral
    assert await asyncio.wait_for(read.get(), 30) == png()


async def test_the_client_refuses_what_discords_client_would(easel: Studio, tmp_path: Path) -> None:
    for options, sentence in (
        ({}, "prompt is required"),
        ({"prompt": "x" * 41}, "at most 40 characters"),
        ({"prompt": "x", "count": 5}, "count is at most 4"),
        ({"prompt": "x", "count": "two"}, "takes a number"),
        ({"prompt": "x", "shape": "2:1"}, "one of: 1:1, 16:9"),
        ({"prompt": "x", "private": "maybe"}, "true or false"),
        ({"prompt": "x", "colour": "red"}, "no option colour"),
        ({"prompt": "x", "image": tmp_path / "gone.png"}, "no file"),
    ):
        given: dict[str, Any] = dict(options)
        with pytest.raises(InvalidCommand, match=sentence):
            await easel.ada.command("do", **given)
    with pytest.raises(InvalidCommand, match="no command /paint"):
        await easel.ada.command("paint")


async def test_a_deferred_reply_becomes_progress_and_then_pictures(easel: Studio) -> None:
    seen: dict[str, Any] = {}

    async def do(interaction: Interaction) -> None:
        response = await interaction.response.defer(thinking=True)
        assert response is not None
        seen["id"] = response.message_id
        await interaction.edit_original_response(view=card("painting", "cancel"))
        files = [picture(), picture("owl.png", "blue", "an owl")]
        hook = discord.Webhook.partial(interaction.application_id, interaction.token, client=easel.bot)
        assert response.message_id is not None
        await hook.edit_message(response.message_id, view=card("done", "again", pictures=files), attachments=files)

    easel.when("do", do)
    reply = await easel.ada.command("do", prompt="a fox")
    await reply.until(lambda message: message.pictures)
    waiting, painting, done = reply.states
    assert (waiting.loading, waiting.text) == (True, "")
    assert (painting.loading, painting.text, painting.labels) == (False, "painting", ["Cancel"])
    assert (done.text, done.labels) == ("done", ["Again"])
    assert done.json["attachments"] == []
    fox, owl = reply.pictures
    assert (fox.filename, fox.alt, fox.width, fox.height, fox.size) == ("fox.png", "a red fox", 64, 48, len(png()))
    assert owl.alt == "an owl"
    assert await reply.download(owl) == png("blue")
    assert reply.message.id == seen["id"]
    assert waiting.at <= painting.at <= done.at


async def test_an_immediate_reply_can_hold_a_layout_with_files(easel: Studio) -> None:
    async def do(interaction: Interaction) -> None:
        file = picture()
        await interaction.response.send_message(view=card("here", pictures=[file]), file=file)

    easel.when("do", do)
    reply = await easel.ada.command("do", prompt="a fox")
    assert [one.filename for one in reply.pictures] == ["fox.png"]
    assert reply.message.json["interaction_metadata"]["user"]["username"] == "ada"


async def test_a_private_reply_is_seen_by_its_reader_alone(easel: Studio) -> None:
    interaction = await easel.deferred(ephemeral=True)
    await interaction.edit_original_response(content="secret")
    assert [message.text for message in easel.ada.sees()] == ["secret"]
    assert easel.ben.sees() == []
    message_id = easel.ada.sees()[0].id
    channel = f"/channels/{interaction.channel_id}/messages"
    for method in ("GET", "PATCH", "DELETE"):
        answer = await easel.rest(method, f"{channel}/{message_id}", {"content": "x"} if method == "PATCH" else None)
        assert (answer.status, answer.code) == (404, 10008)
    assert (await easel.rest("GET", channel)).body == []


async def test_a_button_works_from_its_custom_id_alone(easel: Studio) -> None:
    async def do(interaction: Interaction) -> None:
        await interaction.response.send_message(view=card("painting", "cancel", "details"))

    async def cancel(interaction: Interaction) -> None:
        await interaction.response.edit_message(view=card("cancelled"))

    async def details(interaction: Interaction) -> None:
        await interaction.response.send_message("all about it", ephemeral=True)

    for name, doing in (("do", do), ("cancel", cancel), ("details", details)):
        easel.when(name, doing)
    reply = await easel.ada.command("do", prompt="a fox")
    told = await easel.ben.press(reply, "Details")
    assert (told.text, told.ephemeral) == ("all about it", True)
    changed = await easel.ben.press(reply, "press:cancel")
    assert [state.text for state in changed.states] == ["cancelled"]
    assert reply.message.labels == []
    with pytest.raises(InvalidCommand, match="no button Cancel"):
        await easel.ada.press(reply, "Cancel")


async def test_a_menu_in_a_message_is_chosen_from_by_label(easel: Studio) -> None:
    chosen: list[list[str]] = []

    async def do(interaction: Interaction) -> None:
        select: ui.Select[Any] = ui.Select(custom_id="which", placeholder="Which one", max_values=2)
        for number in (1, 2, 3):
            select.add_option(label=f"Picture {number}", value=str(number))

        async def picked(interaction: Interaction) -> None:
            chosen.append(select.values)
            await interaction.response.defer()
            await interaction.followup.send("taken", ephemeral=True)

        select.callback = picked
        view = ui.LayoutView(timeout=60)
        view.add_item(ui.ActionRow(select))
        await interaction.response.send_message(view=view)

    easel.when("do", do)
    reply = await easel.ada.command("do", prompt="a fox")
    after = await easel.ada.choose(reply, "which", ["Picture 1", "3"])
    assert chosen == [["1", "3"]]
    assert (await after.until_follow_up()).text == "taken"
    with pytest.raises(InvalidCommand, match="1 to 2 choices"):
        await easel.ada.choose(reply, "Which one", ["1", "2", "3"])


async def test_suggestions_come_while_typing(easel: Studio) -> None:
    choices = await easel.ada.autocomplete("do", "preset", "water", prompt="a fox")
    assert [choice.value for choice in choices] == ["watercolour", "waterlily"]


async def test_a_subcommand_is_used_by_both_its_names(easel: Studio) -> None:
    async def save(interaction: Interaction) -> None:
        await interaction.response.send_message(f"saved {easel.bot.given['name']}")

    easel.when("style save", save)
    assert (await easel.ada.command("style save", name="ink")).text == "saved ink"
    assert (await easel.ada.say("/style save name:ink wash")).text == "saved ink wash"


async def test_a_typed_line_is_a_command(easel: Studio, tmp_path: Path) -> None:
    async def do(interaction: Interaction) -> None:
        given = easel.bot.given
        await interaction.response.send_message(f"{given['prompt']}|{given['count']}|{given['image'].filename}")

    easel.when("do", do)
    (tmp_path / "a.png").write_bytes(png())
    reply = await easel.ada.say(f"/do prompt:a fox: red, count:2 image:{tmp_path / 'a.png'}")
    assert reply.text == "a fox: red,|2|a.png"


async def test_an_unanswered_command_fails_after_its_time(easel: Studio) -> None:
    late: asyncio.Queue[int] = asyncio.Queue()

    async def do(interaction: Interaction) -> None:
        await asyncio.sleep(0.15)
        try:
            await interaction.response.send_message("too late")
        except discord.NotFound as refusal:
            late.put_nowait(refusal.code)

    easel.discord.rules = replace(easel.discord.rules, response_s=0.1)
    easel.when("do", do)
    reply = await easel.ada.command("do", prompt="a fox")
    assert reply.error == "The application did not respond"
    with pytest.raises(LookupError, match="did not respond"):
        _ = reply.message
    assert await asyncio.wait_for(late.get(), 30) == 10062


async def test_permissions_and_limits_are_told_with_the_interaction(easel: Studio) -> None:
    seen: list[Interaction] = []

    async def do(interaction: Interaction) -> None:
        seen.append(interaction)
        await interaction.response.send_message("ok")

    easel.when("do", do)
    easel.discord.world.deny("pictures", Permission.ATTACH_FILES)
    easel.discord.world.channel("pictures").upload_limit = 1234
    easel.discord.world.user("Ada").locale = "de"
    await easel.ada.command("do", prompt="a fox")
    await easel.ben.command("do", prompt="a fox")
    ada, ben = seen
    assert isinstance(ada.user, discord.Member)
    assert isinstance(ben.user, discord.Member)
    assert ada.user.resolved_permissions is not None
    assert ben.user.resolved_permissions is not None
    assert ada.user.resolved_permissions.manage_messages
    assert not ben.user.resolved_permissions.manage_messages
    assert not ada.app_permissions.attach_files
    assert ada.app_permissions.send_messages
    assert ada.filesize_limit == 1234
    assert (ada.locale, ben.locale, ada.guild_locale) == (
        discord.Locale.german,
        discord.Locale.american_english,
        discord.Locale.american_english,
    )


async def test_commands_for_managers_are_offered_to_managers_only(easel: Studio) -> None:
    assert "manage" in [command["name"] for command in easel.ada.commands()]
    with pytest.raises(InvalidCommand, match="no command /manage"):
        await easel.ben.command("manage")


@pytest.mark.parametrize(
    ("place", "context", "guild_install", "member"),
    [
        ("pictures", "guild", True, True),
        ("thread", "guild", True, True),
        ("post", "guild", True, True),
        ("dm", "dm_channel", True, False),
        ("group", "private_channel", False, False),
        ("elsewhere", "guild", False, False),
    ],
)
async def test_every_place_tells_its_context(
    easel: Studio, place: str, context: str, *, guild_install: bool, member: bool
) -> None:
    seen: list[Interaction] = []

    async def do(interaction: Interaction) -> None:
        seen.append(interaction)
        await interaction.response.send_message("ok")

    easel.when("do", do)
    reply = await easel.ada.at(place).command("do", prompt="a fox")
    assert reply.text == "ok"
    interaction = seen[0]
    assert getattr(interaction.context, context)
    assert interaction.is_user_integration()
    assert (not reply.interaction.only_user_installed) is guild_install
    assert (interaction.guild_id is not None and easel.bot.get_guild(interaction.guild_id) is not None) is member


async def test_a_user_without_the_app_has_no_commands_elsewhere(easel: Studio) -> None:
    assert easel.ben.at("elsewhere").commands() == []
    assert easel.ben.at("group").commands() == []
    assert easel.ben.at("dm").commands() != []


async def test_people_see_events_live_and_only_their_own_secrets(easel: Studio) -> None:
    ada, ben = easel.discord.world.subscribe("Ada"), easel.discord.world.subscribe("Ben")
    interaction = await easel.deferred(ephemeral=True)
    await interaction.edit_original_response(content="secret")
    await easel.ben.post("hello")
    await interaction.delete_original_response()
    ada.close()
    ben.close()
    assert [event["type"] async for event in ada] == [
        "message_created",
        "message_changed",
        "message_created",
        "message_deleted",
    ]
    events = [event async for event in ben]
    assert [(event["type"], event["message"]["content"], event["place"]) for event in events] == [
        ("message_created", "hello", "pictures")
    ]
