"""A town: two bots with a shard each, on one PostgreSQL, and a server for each of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from sandbox.bot_process import BotProcess
from sandbox.discord.person import Person
from sandbox.discord.reply import Reply
from sandbox.discord.server import LocalDiscord
from sandbox.image_api.latency import Latency
from sandbox.image_api.server import LocalImageApi
from sandbox.image_api.studio import PaintMode
from tests.acceptance.conftest import LONG_AGO, PATIENT, eventually, says
from tests.bots.forked import ForkedBot
from tests.databases import execute, rows
from tools.torture.users import populate

PRICE, ROOM, CROWD = 20_000, 20, 50  # micros of a dollar, requests that the budget has room for, people
FAILS, CANCELS = 5, 4
PATIENCE_S = 60.0


class Town:
    """Both bots, their servers, and what is seen of the money."""

    def __init__(self, discord: LocalDiscord, api: LocalImageApi, bots: Sequence[BotProcess], database: str) -> None:
        self.discord = discord
        self.api = api
        self.bots = bots
        self.database = database
        places = [place for place in populate(discord.world, len(bots)) if place in {"pictures", "server-2"}]
        self.crowd = [self._member(number, places[number % 2]) for number in range(CROWD)]
        self.most_spent = 0

    def _member(self, number: int, place: str) -> Person:
        user = self.discord.world.add_user(f"member {number}")
        guild = self.discord.world.channel(place).guild
        assert guild is not None
        self.discord.world.add_member(guild, user)
        return self.discord.person(user.name, place)

    def spent(self) -> int:
        return int(str(rows(self.database, "SELECT coalesce(sum(cost_micros), 0) FROM ledger")[0][0]))

    async def watch(self) -> None:
        """The budget holds at every moment, not only in the end. Until cancelled."""
        while True:
            self.most_spent = max(self.most_spent, await asyncio.to_thread(self.spent))
            await asyncio.sleep(0.02)

    async def ask(self, people: Sequence[Person], prompt: str) -> list[tuple[Person, Reply]]:
        """All at once; those who got in, and their replies. Everybody else was told why."""
        answered: list[tuple[Person, Reply]] = []
        waiting = list(people)
        while waiting:
            asked = await asyncio.gather(*(self._ask(person, prompt) for person in waiting))
            # Where the machine does many things at once, some are asked to come again.
            waiting = [person for person, reply in asked if says("cannot write down")(reply.message)]
            answered += [one for one in asked if not says("cannot write down")(one[1].message)]
        assert all(says("$0.40", "per day")(reply.message) for _, reply in answered if reply.ephemeral)
        return [one for one in answered if not one[1].ephemeral]

    async def _ask(self, person: Person, prompt: str) -> tuple[Person, Reply]:
        return person, await person.command("imagine", prompt=prompt)

    async def kill_and_restart(self, bot: BotProcess) -> None:
        before = len(self.discord.gateway.connected)
        await bot.kill()
        await eventually(lambda: len(self.discord.gateway.connected) < before)
        await asyncio.to_thread(execute, self.database, f"UPDATE jobs SET lease_until = '{LONG_AGO}'")
        await bot.start()
        await eventually(lambda: len(self.discord.gateway.connected) == before, PATIENCE_S)


#: A budget wants a price for all that is on offer; the crowd asks for the first.
PRICES = ",".join(
    f"{model}:{resolution}=0.02"
    for model in ("grok-imagine-image", "grok-imagine-image-quality")
    for resolution in ("1k", "2k")
)


@asynccontextmanager
async def a_town(database: str, folder: Path, **variables: str) -> AsyncGenerator[Town]:
    discord = LocalDiscord(settings=replace(PATIENT, shards=2))
    async with discord, LocalImageApi(latency=Latency.fixed(2.0), paint=PaintMode.TINY) as api:
        shared = {
            "DISCORD_TOKEN": discord.token,
            "DISCORD_API_URL": discord.api_url,
            "DISCORD_SHARD_COUNT": "2",
            "DATABASE_URL": database,
            "UNIALL_API_KEY": "sandbox",
            "UNIALL_BASE_URL": api.base_url,
            "TMPDIR": str(folder),
            "PRICE_LIST": PRICES,
            "MAX_SPEND_PER_DAY": "0.40",
            "MAX_ACTIVE_JOBS": "4",
            **variables,
        }
        bots = [ForkedBot(shared | {"DISCORD_SHARD_IDS": str(shard)}) for shard in range(2)]
        town = Town(discord, api, bots, database)
        try:
            for bot in bots:
                await bot.start()
            await eventually(lambda: len(discord.gateway.connected) == 2, PATIENCE_S)
            await discord.wait_for_bot(PATIENCE_S)
            yield town
        finally:
            for bot in bots:
                await bot.stop()
