"""`/settings` and who may not: whatever a tampered client sends, it reaches no rule that is not its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sandbox.discord.clients import InvalidCommand
from sandbox.discord.interactions import InteractionKind
from sandbox.discord.person import Person
from sandbox.discord.reply import Reply
from tests.acceptance.conftest import House, says, with_pictures

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def forged(house: House, who: Person, message: Reply, kind: InteractionKind, data: Mapping[str, Any]) -> Reply:
    """What a tampered client sends: any custom id, on a message that it sees."""
    stored = house.discord.world.messages.get(message.message.id)
    interaction = house.discord.interactions.open(kind, who.user, who.channel, dict(data), source=stored)
    answer = await house.discord.interactions.outcome(interaction)
    return Reply(house.discord.world, interaction, answer.message if answer else None)


def click(custom_id: str, *values: str) -> Mapping[str, Any]:
    return {"custom_id": custom_id, "component_type": 3 if values else 2, "values": list(values)}


def form(custom_id: str, **fields: str) -> Mapping[str, Any]:
    parts = [
        {"type": 18, "id": number, "component": {"type": 4, "id": 100 + number, "custom_id": name, "value": value}}
        for number, (name, value) in enumerate(fields.items(), 1)
    ]
    return {"custom_id": custom_id, "components": parts}


async def test_members_without_the_right_are_not_offered_any_of_it(house: House) -> None:
    with pytest.raises(InvalidCommand):
        await house.ben.command("settings")
    with pytest.raises(InvalidCommand):
        await house.ben.user_menu("Block from Easel", "Ada")


async def test_forged_clicks_and_forms_of_a_member_are_refused(house: House) -> None:
    public = await house.ben.say("/imagine prompt:a fox")
    await public.until(with_pictures)
    own = await house.ben.command("help")  # seen by nobody else, so that a client may put any button there
    for kind, data in (
        (InteractionKind.COMPONENT, click("easel-settings:offer:0:show")),
        (InteractionKind.COMPONENT, click("easel-settings:offer:0:pick:max_count", "1")),
        (InteractionKind.COMPONENT, click("easel-settings:offer:0:reset-now")),
        (InteractionKind.COMPONENT, click("easel-settings:access:0:block:0", str(house.ada.user.id))),
        (InteractionKind.MODAL, form("easel-settings:limits:0:save:pictures", pictures_per_day="1")),
    ):
        refusal = await forged(house, house.ben, own, kind, data)
        assert refusal.ephemeral
        assert says("Manage Server")(refusal.message)
        refusal = await forged(house, house.ben, public, kind, data)
        assert refusal.ephemeral
        assert says("can no longer read this")(refusal.message)
    assert says("Largest count**: 4")((await house.ada.press(await house.ada.command("settings"), "Offer")).message)
    await (await house.ada.say("/imagine prompt:a fox")).until(with_pictures)


async def test_forged_ids_of_another_server_reach_nothing_there(house: House) -> None:
    world = house.discord.world
    abroad = world.channel("elsewhere").guild
    assert abroad is not None
    world.add_member(abroad, world.bot)
    await house.restart_bot()
    ben = house.ben.at("elsewhere")  # he owns that one
    panel = await ben.command("settings")
    general = world.channel("general").id
    for data in (
        click(f"easel-settings:offer:{general}:pick:max_count", "1"),
        click("easel-settings:access:0:scope", str(general)),
    ):
        refusal = await forged(house, ben, panel, InteractionKind.COMPONENT, data)
        assert says("not in this server")(refusal.message)
    refusal = await forged(
        house,
        ben,
        panel,
        InteractionKind.MODAL,
        form(f"easel-settings:limits:{general}:save:pictures", pictures_per_day="1"),
    )
    assert says("not in this server")(refusal.message)
    # a channel or role of the other server is no choice here
    await forged(
        house, ben, panel, InteractionKind.COMPONENT, click("easel-settings:access:0:pick:channels", str(general))
    )
    await panel.until(says("Saved", "works**: all"))
    await (await house.ben.at("general").say("/imagine prompt:a fox count:2")).until(with_pictures)


@pytest.mark.parametrize(
    "data",
    [
        click("easel-settings"),
        click("easel-settings:nowhere:0:show"),
        click("easel-settings:offer:x:show"),
        click("easel-settings:offer:0:pick:spend_per_day", "1"),
        click("easel-settings:offer:0:pick:max_count", "9"),
        click("easel-settings:look:0:pick:language", "tlh"),
        click("easel-settings:limits:0:form:nothing"),
        click("easel-settings:safety:0:pick:report_channel", "123"),
    ],
)
async def test_a_forged_custom_id_of_a_manager_breaks_nothing(house: House, data: Mapping[str, Any]) -> None:
    panel = await house.ada.command("settings")
    refusal = await forged(house, house.ada, panel, InteractionKind.COMPONENT, data)
    assert says("out of date")(refusal.message)
