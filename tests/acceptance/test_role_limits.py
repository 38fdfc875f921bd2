"""Limits by role: set in the panel or typed, held atomically by several processes, told with the role's name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from bot.policy.rules import RoleLimits, Rules
from bot.store.store import Store
from sandbox.discord.person import Person
from sandbox.discord.places import Guild, Role
from sandbox.discord.reply import ModalForm, Reply
from tests.acceptance.conftest import House, OpenHouse, a_day_long_enough, eventually, says, with_pictures
from tests.databases import rows

pytestmark = pytest.mark.asyncio(loop_scope="module")

VARIABLES = {"MAX_JOBS_PER_USER": "100"}


class Club:
    """A house on PostgreSQL, its server, and a second process on its database that sets the rules."""

    def __init__(self, house: House, store: Store) -> None:
        self.house = house
        self.store = store
        self.world = house.discord.world
        guild = self.world.channel("pictures").guild
        assert guild is not None
        self.guild: Guild = guild

    async def rule(self, **values: Any) -> None:
        """Set the rules of the server to these and no others."""
        await self.store.rules.change(self.guild.id, lambda _: Rules(**values), by=1, now=datetime.now(UTC))

    def newcomer(self, name: str, *roles: Role) -> Person:
        """A member with these roles, who has asked for nothing so far."""
        self.world.add_member(self.guild, self.world.add_user(name), *roles)
        return self.house.discord.person(name)

    async def typed(self, line: str) -> Reply:
        reply = await self.house.ada.say(line)
        await reply.until(lambda message: not message.loading)
        return reply

    async def limits(self) -> Reply:
        """The panel at its section for limits."""
        return await self.house.ada.press(await self.house.ada.command("settings"), "Limits")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clubs(open_house: OpenHouse) -> AsyncIterator[Club]:
    async with open_house("postgresql", variables=VARIABLES) as house:
        store = await Store.open(house.database)
        yield Club(house, store)
        await store.close()


@pytest_asyncio.fixture(loop_scope="module")
async def club(clubs: Club) -> AsyncIterator[Club]:
    await a_day_long_enough()
    yield clubs
    await clubs.rule()


async def paints(person: Person, **options: Any) -> None:
    await (await person.command("imagine", **{"prompt": "a fox"} | options)).until(with_pictures)


async def refused(person: Person, *words: str, **options: Any) -> None:
    reply = await person.command("imagine", **{"prompt": "a fox"} | options)
    assert reply.ephemeral, reply.text
    assert says(*words)(reply.message), reply.text


async def test_the_panel_sets_changes_and_takes_away_the_limits_of_a_role(club: Club) -> None:
    role = club.world.add_role(club.guild, "Booster")
    fan = club.newcomer("Panel fan", role)
    panel = await club.limits()
    form = await club.house.ada.choose(panel, "Set the limits of a role", "@Booster")
    assert isinstance(form, ModalForm)
    answers = {"pictures_per_day": "2", "pictures_per_month": "50", "max_count": "2", "models": ["Standard"]}
    await club.house.ada.submit(form, answers)
    await panel.until(says("Saved", f"<@&{role.id}>: 2 pictures a day · 50 pictures a month · up to 2 at a time"))
    again = await club.house.ada.choose(panel, "Set the limits of a role", "@Booster")
    assert isinstance(again, ModalForm)
    assert again.field("Pictures a month").value == "50"
    await refused(fan, "Standard", f"limit for <@&{role.id}>", model="Quality")
    await refused(fan, "at most 2", f"limit for <@&{role.id}>", count=3)
    await paints(fan, count=2)
    await refused(fan, f"<@&{role.id}> has 2 pictures per day", "You have 0 left", ":R>")
    await club.house.ada.choose(panel, "Take limits of a role away", "Booster")
    await panel.until(says("Saved", "Limits by role**: none"))
    await paints(fan, count=3)


async def test_a_wrong_field_keeps_what_was_typed_and_names_every_fault(club: Club) -> None:
    club.world.add_role(club.guild, "Typo")
    panel = await club.limits()
    form = await club.house.ada.choose(panel, "Set the limits of a role", "@Typo")
    answers = {"pictures_per_day": "five", "pictures_per_month": "-1", "max_count": "3"}
    refusal = await club.house.ada.submit(form, answers)
    assert refusal.ephemeral
    assert says("Pictures a day", "five", "Pictures a month", "-1", "Nothing was changed")(refusal.message)
    assert says("Limits by role**: none")((await club.limits()).message)
    again = await club.house.ada.press(refusal, "Correct it")
    assert isinstance(again, ModalForm)
    assert [again.field(label).value for label in ("Pictures a day", "Pictures a month")] == ["five", "-1"]
    done = await club.house.ada.submit(again, {"pictures_per_day": "5", "pictures_per_month": ""})
    await done.until(says("Saved", "5 pictures a day · up to 3 at a time"))


async def test_limits_of_a_role_are_typed_and_reset(club: Club) -> None:
    role = club.world.add_role(club.guild, "Patron")
    line = "/settings role:@Patron pictures_per_member_day:7 pictures_per_member_month:9 max_count:2 resolutions:1k"
    shown = await club.typed(line)
    assert says("✓", f"<@&{role.id}>: 7 pictures a day · 9 pictures a month · up to 2 at a time · 1k")(shown.message)
    shown = await club.typed("/settings role:@Patron reset:Largest count")
    assert says("9 pictures a month · 1k")(shown.message)
    assert says("cannot differ by role")((await club.typed("/settings role:@Patron spend_per_day:3")).message)
    shown = await club.typed("/settings role:@Patron rule:Limits by role value:no limit")
    assert says(f"<@&{role.id}>: no limit on pictures")(shown.message)
    assert says("Limits by role**: none")((await club.typed("/settings role:@Patron remove:True")).message)
    await club.typed("/settings role:@Patron max_count:1")
    assert says("Limits by role**: none")((await club.typed("/settings reset:Limits by role")).message)


async def test_of_two_roles_the_more_generous_holds_and_usage_and_help_name_it(club: Club) -> None:
    small, large = club.world.add_role(club.guild, "Small"), club.world.add_role(club.guild, "Large")
    fan = club.newcomer("Two roles", small, large)
    limits = (RoleLimits(small.id, pictures_per_day=1), RoleLimits(large.id, pictures_per_day=3, pictures_per_month=4))
    await club.rule(role_limits=limits)
    await paints(fan, count=2)
    for command in ("usage", "help"):
        told = await fan.command(command)
        await told.until(lambda message: not message.loading)
        assert says(f"The limit for <@&{large.id}> holds for you")(told.message), told.text
    await refused(fan, f"<@&{large.id}> has 3", count=2)
    await club.rule(role_limits=(RoleLimits(small.id, pictures_per_day=9, pictures_per_month=3), limits[1]))
    await paints(fan, count=2)
    await refused(fan, f"<@&{large.id}> has 4 pictures per month", "0 left")


async def test_everyone_exempt_roles_and_roles_without_limits(club: Club) -> None:
    free, exempt = club.world.add_role(club.guild, "Free"), club.world.add_role(club.guild, "Exempt")
    await club.rule(
        pictures_per_member_day=9,
        role_limits=(RoleLimits(club.guild.id, pictures_per_day=1), RoleLimits(free.id)),
        exempt_roles=(exempt.id,),
    )
    await refused(club.newcomer("Plain"), "Pictures per member and day in this server: 1", count=2)
    for name, role in (("Freed", free), ("Exempted", exempt)):
        fan = club.newcomer(name, role)
        await paints(fan, count=4)
        await paints(fan, count=4)
    assert says("- @everyone: one picture a day")((await club.limits()).message)


async def test_a_deleted_role_holds_for_nobody_and_can_be_taken_away(club: Club) -> None:
    gone = club.world.add_role(club.guild, "Gone")
    fan = club.newcomer("Left behind", gone)
    await club.rule(role_limits=(RoleLimits(gone.id, pictures_per_day=1),))
    await refused(fan, "has 1 pictures per day", count=2)
    club.world.delete_role(club.guild, gone)
    await paints(fan, count=2)
    panel = await club.limits()
    assert says("a deleted role*: one picture a day")(panel.message)
    await club.house.ada.choose(panel, "Take limits of a role away", str(gone.id))
    await panel.until(says("Saved", "Limits by role**: none"))


async def test_one_role_too_many_is_refused_kindly(club: Club) -> None:
    await club.rule(role_limits=tuple(RoleLimits(10**17 + number, pictures_per_day=1) for number in range(25)))
    club.world.add_role(club.guild, "One more")
    refusal = await club.typed("/settings role:@One more max_count:1")
    assert says("at most 25 roles")(refusal.message), refusal.text
    assert len((await club.limits()).message.text) < 4000


async def test_a_crowd_at_the_edge_of_a_roles_limit_never_overruns_it(club: Club) -> None:
    """One member asks thirty times at once, while another process sets the rules anew."""
    role = club.world.add_role(club.guild, "Crowd")
    fan = club.newcomer("In a hurry", role)
    limits = (RoleLimits(role.id, pictures_per_day=7),)
    await club.rule(role_limits=limits)
    asked = asyncio.gather(*(fan.command("imagine", prompt=f"[[slow]] {number}") for number in range(30)))
    await club.rule(role_limits=limits, max_count=4)
    replies = await asked
    taken = [reply for reply in replies if not reply.ephemeral]
    query = f"SELECT coalesce(sum(pictures), 0) FROM ledger WHERE user_id={fan.user.id}"
    assert int(str(rows(club.house.database, query)[0][0])) == len(taken) <= 7
    busy = [reply for reply in replies if says("cannot write down")(reply.message)]
    assert busy or len(taken) == 7
    said = [reply for reply in replies if reply.ephemeral and reply not in busy]
    assert all(says(f"<@&{role.id}> has 7 pictures per day")(reply.message) for reply in said)
    for reply in taken:
        await club.house.ada.press(reply, "Cancel")
    await eventually(lambda: not rows(club.house.database, "SELECT job_id FROM ledger WHERE settled_at IS NULL"))
