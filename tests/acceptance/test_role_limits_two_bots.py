"""Crowds at the edge of a role's limit while two bots with a shard each write to one PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from sandbox.discord.clients import InvalidCommand
from sandbox.discord.person import Person
from sandbox.discord.reply import Reply
from sandbox.image_api.latency import Latency
from tests.acceptance.conftest import a_day_long_enough, eventually, final, says
from tests.acceptance.towns import PATIENCE_S, Town, a_town
from tests.databases import PostgresServer, rows

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLACES = ("pictures", "server-2")  # a server of each bot
MEMBERS, LIMIT, ASKS = 4, 3, 7  # people, pictures per member, server and day, requests of each at once
LARGEST = "SELECT coalesce(max(taken), 0) FROM (SELECT sum(pictures) AS taken FROM ledger GROUP BY guild_id, user_id) t"
TAKEN = "SELECT coalesce(sum(pictures), 0) FROM ledger"
#: What was cancelled in line; at the image API it may be paid for, and counts.
UNCHARGED = """SELECT count(*) FROM jobs WHERE state = 'cancelled' AND failure LIKE '%"charged":"no"%'"""
UNSETTLED = "SELECT count(*) FROM ledger WHERE settled_at IS NULL"


class Fans:
    """Members of both servers, whose role in each has a limit, and the most that one of them ever had in a server."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.most = 0
        self.roles: dict[str, int] = {}
        self.people: list[Person] = []

    async def arrive(self) -> None:
        """Everybody joins both servers, and their owner sets the limit there."""
        world = self.town.discord.world
        users = [world.add_user(f"fan {number}") for number in range(MEMBERS)]
        for place in PLACES:
            guild = world.channel(place).guild
            assert guild is not None
            role = world.add_role(guild, "Fan")
            self.roles[place] = role.id
            for user in users:
                world.add_member(guild, user, role)
            owner = self.town.discord.person("Ada", place)
            reply = await owner.say(f"/settings role:@Fan pictures_per_member_day:{LIMIT}")
            await reply.until(says("✓", f"{LIMIT} pictures a day"))
            self.people += [self.town.discord.person(user.name, place) for user in users]

    def number(self, query: str) -> int:
        return int(str(rows(self.town.database, query)[0][0]))

    async def watch(self) -> None:
        """The limit holds at every moment, not only in the end. Until cancelled."""
        while True:
            self.most = max(self.most, await asyncio.to_thread(self.number, LARGEST))
            await asyncio.sleep(0.02)

    async def ask(self, prompt: str, times: int) -> list[tuple[Person, Reply]]:
        """Everybody asks so often, all at once; what was taken. What was not was told why, with the role's name."""
        asking = [person for person in self.people for _ in range(times)]
        replies = await asyncio.gather(*(person.command("imagine", prompt=prompt) for person in asking))
        asked = list(zip(asking, replies, strict=True))
        for person, reply in asked:
            if reply.ephemeral:
                limit = f"<@&{self.roles[person.place]}> has {LIMIT} pictures per day"
                assert says(limit)(reply.message), reply.text
        return [(person, reply) for person, reply in asked if not reply.ephemeral]


async def ends(replies: Sequence[tuple[Person, Reply]]) -> list[str]:
    return [(await reply.until(final, PATIENCE_S)).text.lower() for _, reply in replies]


async def test_crowds_in_two_servers_never_overrun_a_roles_limit_and_all_that_fits_is_taken(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    await a_day_long_enough()
    database = await asyncio.to_thread(postgres.ready_database)
    more = {"MAX_SPEND_PER_DAY": "100", "MAX_JOBS_PER_USER": "100", "MAX_ACTIVE_JOBS": "6"}
    async with a_town(database, tmp_path, **more) as town:
        fans = Fans(town)
        await fans.arrive()
        watching = asyncio.create_task(fans.watch())
        room = LIMIT * len(fans.people)

        failing = await fans.ask("no money [[balance]]", LIMIT)
        assert len(failing) == room
        await ends(failing)
        await eventually(lambda: fans.number(TAKEN) == 0)

        town.api.latency = Latency.fixed(8.0)  # so that some are in line still when they are cancelled
        taken = await fans.ask("a red fox", ASKS)
        assert len(taken) == room
        assert fans.number(TAKEN) == room
        for person, reply in reversed([it for it in taken if says("in line")(it[1].message)]):
            with suppress(InvalidCommand):  # it may have been painted meanwhile
                await person.press(reply, "Cancel")
        town.api.latency = Latency.fixed(1.0)
        await ends(taken)
        given_back = fans.number(UNCHARGED)
        assert given_back
        assert fans.number(TAKEN) == room - given_back

        again = await fans.ask("another fox", ASKS)
        assert len(again) == given_back
        await town.kill_and_restart(town.bots[1])
        await ends(again)
        await eventually(lambda: fans.number(UNSETTLED) == 0)
        watching.cancel()
        assert fans.number(TAKEN) == room
        assert fans.most == fans.number(LARGEST) == LIMIT
        assert len(town.api.accepted) <= room
