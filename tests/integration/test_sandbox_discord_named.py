"""People, roles and channels that are named in options, menus and forms of the local Discord."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import discord
import pytest
import pytest_asyncio
from discord import app_commands, ui

from sandbox.discord.clients import InvalidCommand
from sandbox.discord.reply import ModalForm, Reply
from tests.integration.sandbox_discord import Interaction, Studio, studio

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[Studio]:
    async with studio() as running:
        await add_name_command(running)
        yield running


async def add_name_command(running: Studio) -> None:
    """/name tells the bot about a user, a role, a channel and a mentionable."""

    @running.bot.tree.command(name="name")
    async def name(  # pyright: ignore[reportUnusedFunction] registered by the decorator
        interaction: Interaction,
        who: discord.Member | None = None,
        role: discord.Role | None = None,
        channel: discord.TextChannel | None = None,
        anyone: discord.Role | discord.Member | None = None,
    ) -> None:
        """Name something."""
        given = [who, role, channel, anyone]
        names = [one.name for one in given if isinstance(one, discord.Role | discord.TextChannel)]
        names += [one.display_name for one in given if isinstance(one, discord.Member)]
        await interaction.response.send_message(", ".join(names), ephemeral=True)

    assert isinstance(name, app_commands.Command)
    await running.bot.tree.sync()


async def shown(house: Studio, *items: ui.Item[Any]) -> tuple[Reply, list[dict[str, Any]]]:
    """A message with these menus, and what the bot is sent when one is used."""
    sent: list[dict[str, Any]] = []

    async def show(interaction: Interaction) -> None:
        view = ui.View(timeout=None)
        for item in items:
            view.add_item(item)
        await interaction.response.send_message("choose", view=view)

    async def take(interaction: Interaction) -> None:
        if interaction.type is discord.InteractionType.component:
            sent.append(dict(interaction.data or {}))
            await interaction.response.defer()

    house.bot.on_interaction = take  # pyright: ignore[reportAttributeAccessIssue] an event of discord.py
    house.when("do", show)
    return await house.ada.command("do", prompt="a fox"), sent


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("/name channel:#general", "general"),
        ("/name channel:general who:@Ben", "general, Ben"),
        ("/name role:@Curator who:Ada", "Curator, Ada"),
        ("/name anyone:Ben", "Ben"),
        ("/name anyone:Curator", "Curator"),
    ],
)
async def test_options_name_people_roles_and_channels_as_they_are_typed(house: Studio, line: str, answer: str) -> None:
    assert (await house.ada.say(line)).text == answer


@pytest.mark.parametrize("line", ["/name channel:#nowhere", "/name who:Zoe", "/name channel:#moodboard"])
async def test_options_refuse_what_is_not_there_or_of_another_kind(house: Studio, line: str) -> None:
    with pytest.raises(InvalidCommand, match="There is no"):
        await house.ada.say(line)


async def test_menus_send_what_was_picked_with_what_it_means(house: Studio) -> None:
    menus = (
        ui.UserSelect[Any](custom_id="who", min_values=0, max_values=2),
        ui.RoleSelect[Any](custom_id="role"),
        ui.ChannelSelect[Any](custom_id="channel", channel_types=[discord.ChannelType.text]),
    )
    reply, sent = await shown(house, *menus)
    world = house.discord.world
    await house.ada.choose(reply, "who", ["Ben", "@Ada"])
    await house.ada.choose(reply, "role", "Curator")
    await house.ada.choose(reply, "channel", "#general")
    await house.ada.choose(reply, "who", [])
    assert sent[0]["values"] == [str(world.user("Ben").id), str(world.user("Ada").id)]
    assert set(sent[0]["resolved"]) == {"users", "members"}
    assert [one["name"] for one in sent[1]["resolved"]["roles"].values()] == ["Curator"]
    assert sent[2]["values"] == [str(world.channel("general").id)]
    assert sent[3]["values"] == []
    with pytest.raises(InvalidCommand, match="no channel moodboard"):
        await house.ada.choose(reply, "channel", "moodboard")


async def test_menus_show_what_is_chosen_already(house: Studio) -> None:
    general = house.discord.world.channel("general")
    chosen = discord.SelectDefaultValue(id=general.id, type=discord.SelectDefaultValueType.channel)
    reply, _ = await shown(house, ui.ChannelSelect[Any](custom_id="where", default_values=[chosen]))
    assert reply.message.menus[0].chosen == (str(general.id),)


async def test_more_defaults_than_may_be_chosen_are_refused(house: Studio) -> None:
    roles = house.discord.world.guilds[house.discord.world.channel("pictures").guild.id].roles  # pyright: ignore[reportOptionalMemberAccess]
    defaults = [discord.SelectDefaultValue(id=one, type=discord.SelectDefaultValueType.role) for one in roles]
    caught: list[int] = []

    async def show(interaction: Interaction) -> None:
        view = ui.View(timeout=None)
        view.add_item(ui.RoleSelect[Any](custom_id="role", max_values=1, default_values=defaults))
        try:
            await interaction.response.send_message("choose", view=view)
        except discord.HTTPException as exc:
            caught.append(exc.code)
            await interaction.response.send_message("refused")

    house.when("do", show)
    assert (await house.ada.command("do", prompt="a fox")).text == "refused"
    assert caught == [50035]


async def test_forms_send_people_and_channels_too(house: Studio) -> None:
    general, ben = house.discord.world.channel("general"), house.discord.world.user("Ben")
    sent: list[dict[str, Any]] = []

    class Form(ui.Modal, title="Name"):
        who: ui.Label[Any] = ui.Label(text="Who", component=ui.UserSelect[Any](custom_id="who", max_values=2))
        where: ui.Label[Any] = ui.Label(
            text="Where",
            component=ui.ChannelSelect[Any](
                custom_id="where",
                default_values=[discord.SelectDefaultValue(id=general.id, type=discord.SelectDefaultValueType.channel)],
            ),
        )

        async def on_submit(self, interaction: Interaction) -> None:
            sent.append(dict(interaction.data or {}))
            await interaction.response.send_message("thanks")

    async def ask(interaction: Interaction) -> None:
        await interaction.response.send_modal(Form())

    house.when("do", ask)
    form = await house.ada.command("do", prompt="a fox")
    assert isinstance(form, ModalForm)
    assert form.field("Where").value == (str(general.id),)
    assert (await house.ada.submit(form, Who=["Ben"])).text == "thanks"
    picked = [part["component"]["values"] for part in sent[0]["components"]]
    assert picked == [[str(ben.id)], [str(general.id)]]
    assert set(sent[0]["resolved"]) == {"users", "members", "channels"}
