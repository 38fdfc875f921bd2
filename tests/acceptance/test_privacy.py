"""`/privacy`: what is stored, and that deleting it leaves nothing behind and loses nothing that was paid for."""

from __future__ import annotations

import asyncio

import pytest

from sandbox.discord.person import Person
from sandbox.discord.reply import Reply
from sandbox.image_api.latency import Latency
from tests.acceptance.abreast import abreast
from tests.acceptance.conftest import (
    House,
    OpenHouse,
    a_day_long_enough,
    eventually,
    final,
    says,
    set_rules,
    with_pictures,
)
from tests.databases import execute, rows

pytestmark = pytest.mark.asyncio(loop_scope="module")
kinds = pytest.mark.parametrize("kind", ["sqlite", "postgresql"])


async def deleted(person: Person) -> Reply:
    """Delete the person's data, as they would: the panel asks once more."""
    panel = await person.command("privacy")
    assert panel.ephemeral
    await person.press(panel, "Delete my data")
    assert says("Delete your data?", "cannot be undone")(panel.message)
    await person.press(panel, "Yes, delete it")
    await panel.until(says("Your data is deleted"))
    return panel


def count(house: House, where: str) -> int:
    return int(str(rows(house.database, f"SELECT COUNT(*) FROM {where}")[0][0]))


@kinds
@abreast
async def test_nothing_is_deleted_without_a_second_yes(open_house: OpenHouse, kind: str) -> None:
    async with open_house(kind) as house:
        reply = await house.ben.command("imagine", prompt="kept")
        await reply.until(with_pictures)
        panel = await house.ben.command("privacy")
        assert says("1 request that has ended", "1 entry in the record of costs")(panel.message)
        await house.ben.press(panel, "Delete my data")
        await house.ben.press(panel, "Keep it")
        assert says("1 request that has ended")(panel.message)
        assert count(house, "jobs") == 1


@kinds
@abreast
async def test_deleting_takes_what_is_over_and_cancels_what_waits(open_house: OpenHouse, kind: str) -> None:
    variables = {"MAX_ACTIVE_JOBS": "1"}
    async with open_house(kind, variables=variables, latency=Latency.fixed(3.0)) as house:
        over = await house.ben.command("imagine", prompt="over")
        await over.until(with_pictures)
        painted = await house.ben.command("imagine", prompt="being painted")
        waiting = await house.ben.command("imagine", prompt="in line")
        await painted.until(says("painting"))
        others = await house.ada.command("imagine", prompt="of somebody else")
        panel = await deleted(house.ben)
        assert says("then deleted by itself")(panel.message) or says("then deleted by themselves")(panel.message)
        assert says("cancelled", "nothing was charged")(await waiting.until(final))
        await painted.until(with_pictures)
        await others.until(with_pictures)
        assert [it.submission.prompt for it in house.image_api.accepted] == [
            "over",
            "being painted",
            "of somebody else",
        ]
        assert says("no longer knows this picture")((await house.ben.press(over, "Details")).message)
        # What ran is cleared up within a minute; a start does it at once.
        await house.restart_bot()
        await eventually(lambda: count(house, f"jobs WHERE user_id = {house.ben.user.id}") == 0)
        assert says("no longer knows this picture")((await house.ben.press(painted, "Again")).message)
        assert says("Details")((await house.ada.press(others, "Details")).message)
        assert count(house, "ledger") == 3


@kinds
@abreast
async def test_deleting_ones_data_and_asking_again_gives_no_fresh_quota(open_house: OpenHouse, kind: str) -> None:
    """The ledger forgets at once, and the limits of the day and the month, the server's and the operator's, go on."""
    await a_day_long_enough()
    async with open_house(kind, variables={"MAX_PICTURES_PER_USER_PER_DAY": "5"}) as house:
        await set_rules(house.ada, pictures_per_member_month=3)
        await (await house.ben.command("imagine", prompt="before", count=2)).until(with_pictures)
        assert says("Nothing is left")((await deleted(house.ben)).message)
        await eventually(lambda: count(house, f"ledger WHERE user_id = {house.ben.user.id}") == 0)
        assert count(house, "ledger") == 1
        await eventually(lambda: count(house, "meta WHERE name LIKE 'forget:%'") == 0)
        await house.restart_bot()
        refused = await house.ben.command("imagine", prompt="after", count=2)
        assert says("You have 1 left")(refused.message), refused.text
        abroad = house.ben.at("dm")
        assert says("You have 3 left")((await abroad.command("imagine", prompt="abroad", count=4)).message)
        await (await house.ben.command("imagine", prompt="the last", count=1)).until(with_pictures)
        assert says("You have 0 left")((await house.ben.command("imagine", prompt="one more")).message)
        assert (await house.ada.command("imagine", prompt="of somebody else", count=3)).error is None


@kinds
@abreast
async def test_old_data_goes_where_the_operator_wants_it(open_house: OpenHouse, kind: str) -> None:
    async with open_house(kind, variables={"KEEP_DATA_DAYS": "7"}) as house:
        for prompt in ("old", "young"):
            await (await house.ben.command("imagine", prompt=prompt)).until(with_pictures)
        assert says("7 days")((await house.ben.command("privacy")).message)
        await house.kill_bot()
        old = "UPDATE jobs SET finished_at = '2026-01-01 12:00:00.000000' WHERE request LIKE '%old%'"
        await asyncio.to_thread(execute, house.database, old)
        await house.start_bot()
        await eventually(lambda: count(house, "jobs") == 1)
        assert count(house, "jobs WHERE request LIKE '%young%'") == 1
        assert count(house, "ledger") == 2


@kinds
@abreast
async def test_the_data_of_a_server_goes_after_the_bot_and_stays_when_it_returns(
    open_house: OpenHouse, kind: str
) -> None:
    async with open_house(kind, variables={"SERVER_GRACE_DAYS": "3"}) as house:
        await (await house.ben.command("imagine", prompt="in the server")).until(with_pictures)
        await (await house.ben.at("dm").command("imagine", prompt="elsewhere")).until(with_pictures)
        guild = house.discord.world.channel("pictures").guild
        assert guild is not None
        house.discord.gateway.outage(guild)
        house.discord.world.remove_bot(guild)
        await eventually(lambda: count(house, "departures") == 1)
        house.discord.gateway.add_bot(guild)
        await eventually(lambda: count(house, "departures") == 0)
        # While the bot is away nobody tells it: the next start sees it by itself.
        await house.kill_bot()
        house.discord.world.remove_bot(guild)
        await house.start_bot()
        await eventually(lambda: count(house, "departures") == 1)
        await house.restart_bot()
        assert count(house, "jobs") == 2
        await house.kill_bot()
        for change in ("departures SET left_at", "jobs SET received_at", "ledger SET reserved_at"):
            long_ago = f"UPDATE {change} = '2026-01-01 12:00:00.000000'"
            await asyncio.to_thread(execute, house.database, long_ago)
        await house.start_bot()
        await eventually(lambda: count(house, "departures") == 0)
        assert count(house, "jobs") == count(house, "jobs WHERE guild_id IS NULL") == 1
        assert count(house, "ledger") == count(house, "ledger WHERE guild_id IS NULL") == 2


@abreast
async def test_a_server_that_is_out_of_reach_was_not_left(open_house: OpenHouse) -> None:
    async with open_house() as house:
        await (await house.ben.command("imagine", prompt="in the server")).until(with_pictures)
        guild = house.discord.world.channel("pictures").guild
        assert guild is not None
        house.discord.gateway.outage(guild)
        # What comes after the outage has been handled after it.
        await (await house.ben.at("dm").command("imagine", prompt="elsewhere")).until(with_pictures)
        assert count(house, "departures") == 0
