"""One torture from the first command to the count."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncGenerator, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.discord.rules import DiscordRules
from sandbox.discord.server import LocalDiscord
from sandbox.image_api.latency import Latency
from sandbox.image_api.server import LocalImageApi
from sandbox.image_api.studio import PaintMode
from tests.databases import PostgresServer, rows
from tools.torture import ordeals, weather
from tools.torture.count import Count, count
from tools.torture.fates import read_fates
from tools.torture.fleet import Fleet, Member
from tools.torture.stillness import Stillness
from tools.torture.users import Crowd, populate

START_PATIENCE_S = 30.0
LONGEST_ABSENCE_S = 1.5
SETTLE_S = 120.0
SUBMISSIONS_PER_S = 5  # of a hard plan
UNFINISHED = "SELECT COUNT(*) FROM jobs WHERE told = {false}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done. Times are in seconds; `settle_s` is how long jobs may take to end once all is well again."""

    jobs: int = 300
    kills: int = 10
    seed: int = 0
    shards: int = 1
    workers: int = 0
    within_s: float = 90.0
    settle_s: float = SETTLE_S
    hard: bool = False
    forked: bool = False
    logs: Path | None = None  # where the ends of the bots' logs are kept

    def members(self) -> Sequence[Member]:
        """The processes: one bot for each shard, and the workers."""
        bots = [
            Member("run", {"DISCORD_SHARD_IDS": str(shard), "DISCORD_SHARD_COUNT": str(self.shards)})
            for shard in range(self.shards)
        ]
        return [*(bots if self.shards > 1 else [Member("run")]), *(Member("work") for _ in range(self.workers))]


async def torture(plan: Plan, database: str, folder: Path, server: PostgresServer | None = None) -> Count:
    """Carry out a plan on an empty database, with files in `folder`. Raises TimeoutError when the bot never starts."""
    chance = random.Random(plan.seed)
    local_api = LocalImageApi(latency=Latency(1.5, 4.0), paint=PaintMode.TINY, seed=plan.seed)
    discord = LocalDiscord(settings=DiscordRules(shards=plan.shards))
    async with discord, local_api as image_api:
        variables = {
            "DISCORD_TOKEN": discord.token,
            "DISCORD_API_URL": discord.api_url,
            "DATABASE_URL": database,
            "UNIALL_API_KEY": "sandbox",
            "UNIALL_BASE_URL": image_api.base_url,
            "LOG_LEVEL": "WARNING",
            "TMPDIR": str(folder),  # on PostgreSQL the spools of killed processes stay there
            "MAX_JOBS_PER_USER": "1000",
        }
        crowd = Crowd(discord, populate(discord.world, plan.shards), chance, hard=plan.hard)
        members = plan.members()
        if plan.hard:
            image_api.behaviour.submissions_per_s = SUBMISSIONS_PER_S
            ordeals.set_clocks_apart(members)
            variables |= ordeals.slow_disk(folder)
        fleet, stillness = Fleet(members, variables, folder, forked=plan.forked), Stillness()
        try:
            await fleet.start()
            await discord.wait_for_bot(START_PATIENCE_S)
            async with _meanwhile(*_ordeals(plan, fleet, database, server, folder, chance, stillness)):
                await _storm(plan, fleet, crowd, discord, image_api, chance)
            await _calm(plan, fleet, crowd, discord, database)
            fates = await asyncio.to_thread(read_fates, database)
            clicked = await crowd.ask_what_became({prompt for prompt, fate in fates.items() if fate.announced})
        finally:
            await fleet.stop()
            if plan.logs is not None:
                fleet.keep_logs(plan.logs)
        ordeals.count_flushes(folder, stillness)
        return count(
            crowd.wishes,
            image_api,
            stillness,
            kills=fleet.kills,
            faults=fleet.faults(),
            fates=fates,
            at_a_click=clicked,
        )


def _ordeals(
    plan: Plan,
    fleet: Fleet,
    database: str,
    server: PostgresServer | None,
    folder: Path,
    chance: random.Random,
    stillness: Stillness,
) -> Sequence[Coroutine[Any, Any, None]]:
    """What a hard plan has besides."""
    if not plan.hard:
        return ()
    found = [ordeals.standstills(database, server, chance, stillness), ordeals.slow_flushes(folder, chance)]
    if server is not None:
        found.append(ordeals.deafness(database, chance))
    # One that is alone is not frozen for as long as a lease: nobody is there to take over, and nobody is answered.
    frozen_s = ordeals.NAP_S if len(fleet.members) < 2 else ordeals.FROZEN_S
    found.append(ordeals.freezing(fleet, chance, frozen_s, stillness))
    return found


async def _storm(
    plan: Plan, fleet: Fleet, crowd: Crowd, discord: LocalDiscord, image_api: LocalImageApi, chance: random.Random
) -> None:
    trouble = (weather.over_discord(discord, chance), weather.over_image_api(image_api, chance), crowd.fetch())
    async with _meanwhile(*trouble), asyncio.TaskGroup() as group:
        group.create_task(crowd.ask(plan.jobs, plan.within_s))
        group.create_task(_kill(fleet, plan, chance))


async def _kill(fleet: Fleet, plan: Plan, chance: random.Random) -> None:
    moments = sorted(chance.uniform(1.0, plan.within_s) for _ in range(plan.kills))
    began = time.monotonic()
    for moment in moments:
        await asyncio.sleep(max(began + moment - time.monotonic(), 0.0))
        await fleet.kill_one(chance, away_s=chance.uniform(0.0, LONGEST_ABSENCE_S))


async def _calm(plan: Plan, fleet: Fleet, crowd: Crowd, discord: LocalDiscord, database: str) -> None:
    """All is well again: every job must come to an end now. What has not by then is counted as lost."""
    discord.faults.clear()
    await fleet.start()
    with contextlib.suppress(TimeoutError):
        async with _meanwhile(crowd.fetch()), asyncio.timeout(plan.settle_s):
            while await asyncio.to_thread(_unfinished, database):
                await asyncio.sleep(0.2)


def _unfinished(database: str) -> int:
    query = UNFINISHED.format(false="0" if database.startswith("sqlite") else "FALSE")
    return int(str(rows(database, query)[0][0]))


@contextlib.asynccontextmanager
async def _meanwhile(*works: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
    """Do these beside what stands in the block."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result
