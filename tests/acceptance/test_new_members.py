"""New members wait, blocking needs a higher role, and a server decides whose pictures may be edited."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from sandbox.discord.permissions import Permission
from sandbox.discord.person import Person
from sandbox.discord.places import Guild, Role
from sandbox.discord.reply import ModalForm
from tests.acceptance.conftest import House, says, with_pictures

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def guild(house: House) -> Guild:
    there = house.discord.world.channel("pictures").guild
    assert there is not None
    return there


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def nothing_set(house: House) -> AsyncIterator[None]:
    yield
    reply = await house.ada.say("/settings reset:Everything")
    await reply.until(says("Saved"))


def member(house: House, guild: Guild, name: str, *roles: Role, days: float = 900) -> Person:
    """Somebody who joined so many days ago."""
    house.discord.world.add_member(guild, house.discord.world.add_user(name), *roles)
    person = house.discord.person(name)
    guild.members[person.user.id].joined_at = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    return person


async def test_new_members_wait_until_a_moment_that_is_told_and_exempt_roles_do_not(house: House, guild: Guild) -> None:
    role = house.discord.world.add_role(guild, "Guest of honour")
    panel = await house.ada.command("settings")
    form = await house.ada.press(panel, "Change waiting time")
    assert isinstance(form, ModalForm)
    await house.ada.submit(form, {"member_days": "3"})
    await panel.until(says("Saved", "New members wait**: 3 days"))
    refusal = await member(house, guild, "Two days", days=2).command("imagine", prompt="a fox")
    assert refusal.ephemeral
    assert says("New members", "<t:", ":R>")(refusal.message)
    assert refusal.labels == []
    await (await member(house, guild, "Four days", days=4).command("imagine", prompt="a fox")).until(with_pictures)
    await (await house.ada.say("/settings exempt_role:@Guest of honour")).until(says("Saved"))
    honoured = member(house, guild, "Honoured", role, days=0)
    await (await honoured.command("imagine", prompt="a fox")).until(with_pictures)
    lifted = await house.ada.say("/settings reset:New members wait")
    await lifted.until(says("New members wait**: not at all"))


async def test_waiting_days_are_typed_and_a_wrong_number_is_told(house: House) -> None:
    reply = await house.ada.say("/settings rule:New members wait value:soon")
    assert says("whole number from 1 to 3,650", "soon")(reply.message), reply.text
    reply = await house.ada.say("/settings rule:member_days value:14")
    await reply.until(says("Saved", "New members wait**: 14 days"))


async def test_whose_pictures_may_be_edited_is_set_in_the_panel_and_typed(house: House) -> None:
    panel = await house.ada.press(await house.ada.command("settings"), "Safety")
    assert says("Whose pictures may be edited**: One's own and Easel's")(panel.message)
    for choice in ("Anyone's", "None"):
        await house.ada.choose(panel, "Whose pictures may be edited", choice)
        await panel.until(says("Saved", f"may be edited**: {choice}"))
    typed = await house.ada.say("/settings rule:Whose pictures may be edited value:One's own and Easel's")
    await typed.until(says("Saved", "may be edited**: One's own and Easel's"))
    wrong = await house.ada.say("/settings rule:Whose pictures may be edited value:mine")
    assert says("one of these: Anyone's", "“mine”")(wrong.message)
    assert says("no setting “colour”")((await house.ada.say("/settings rule:colour value:red")).message)


async def test_blocking_needs_a_higher_role_and_reaches_no_manager(house: House, guild: Guild) -> None:
    world = house.discord.world
    lower = world.add_role(guild, "Helper", Permission.MODERATE_MEMBERS)
    higher = world.add_role(guild, "Head helper", Permission.MODERATE_MEMBERS)
    manager = world.add_role(guild, "Manager", Permission.MANAGE_GUILD)
    helper, head = member(house, guild, "Helper", lower), member(house, guild, "Head", higher)
    member(house, guild, "Boss", manager)
    for name, words in (("Ada", "decides what holds"), ("Boss", "decides what holds"), ("Head", "a higher role than")):
        refusal = await helper.user_menu("Block from Easel", name)
        await refusal.until(says(words))
    for name in ("Boss", "Ada"):  # not even by the owner, or by somebody with a higher role
        await (await head.user_menu("Block from Easel", name)).until(says("decides what holds"))
    await (await house.ada.user_menu("Block from Easel", "Boss")).until(says("decides what holds"))
    await (await head.user_menu("Block from Easel", "Helper")).until(says("no longer use"))
    await (await helper.user_menu("Unblock from Easel", "Helper")).until(says("cannot unblock yourself"))
    assert (await helper.command("imagine", prompt="a fox")).ephemeral
    await (await head.user_menu("Unblock from Easel", "Helper")).until(says("again"))
    panel = await house.ada.command("settings")
    await house.ada.choose(panel, "Block members", ["@Boss", "@Helper"])
    await panel.until(says("decides what holds", "no longer use"))
    await (await house.ada.say("/settings block_member:@Helper remove:True")).until(says("again"))
