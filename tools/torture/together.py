"""A fleet on one PostgreSQL in fine weather: `python -m tools.torture.together` (`make fleet`).

Two bots, each with one shard, and three workers share the jobs. One worker is killed for good, one is stopped for
longer than its leases last and then goes on. Every job must be delivered once and bought once; the load must spread.
Exit code 0 when that held, 1 otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from sandbox.discord.rules import DiscordRules
from sandbox.discord.server import LocalDiscord
from sandbox.image_api.latency import Latency
from sandbox.image_api.server import LocalImageApi
from sandbox.image_api.studio import PaintMode
from tests.databases import postgres_server, rows, why_no_postgres
from tools.torture.fleet import Fleet, Member
from tools.torture.users import NAMES, populate

SHARDS, WORKERS = 2, 3
LEASE_S = 30.0
ANSWERED_S = 30.0  # how late the first answer may come: not what is tried here, and the machine is full
STARTED = "state=submitting"
UNFINISHED = "SELECT COUNT(*) FROM jobs WHERE NOT told"
WORK = "SELECT active_time / 1000, xact_commit FROM pg_stat_database WHERE datname = current_database()"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went. `started` is how many submissions each process made."""

    jobs: int
    delivered: int
    posted: int
    bought: int
    states: Counter[str]
    started: list[int]
    seconds: float
    database_s: float
    commits: float

    @property
    def holds(self) -> bool:
        """Whether every job was bought once and delivered once."""
        return self.jobs == self.delivered == self.posted == self.bought

    @property
    def is_spread(self) -> bool:
        """Whether every process did a share, the killed one too."""
        return min(self.started) > 0

    def table(self) -> str:
        """For people."""
        return "\n".join(
            (
                f"jobs {self.jobs}, delivered {self.delivered}, messages {self.posted}, bought {self.bought}",
                f"states {dict(self.states)}",
                f"started by each process (bots first): {self.started}",
                f"{self.seconds:.0f} s, {self.jobs / self.seconds:.1f} jobs per second",
                f"database {self.database_s:.1f} s busy: {1000 * self.database_s / self.jobs:.1f} ms and "
                f"{self.commits / self.jobs:.1f} commits per job, {self.database_s / self.seconds:.1%} of the time",
            )
        )


async def together(
    jobs: int, within_s: float, paused_s: float, database: str, folder: Path, *, forked: bool = False
) -> Outcome:
    """Carry it out on an empty PostgreSQL. Raises TimeoutError when jobs do not come to an end."""
    chance = random.Random(7)
    local_api = LocalImageApi(latency=Latency.published(), paint=PaintMode.TINY, seed=7)
    discord = LocalDiscord(settings=DiscordRules(shards=SHARDS, response_s=ANSWERED_S))
    async with discord, local_api as image_api:
        members = [
            *(
                Member("run", {"DISCORD_SHARD_IDS": str(it), "DISCORD_SHARD_COUNT": str(SHARDS)})
                for it in range(SHARDS)
            ),
            *(Member("work") for _ in range(WORKERS)),
        ]
        shared = {
            "DISCORD_TOKEN": discord.token,
            "DISCORD_API_URL": discord.api_url,
            "DATABASE_URL": database,
            "UNIALL_API_KEY": "sandbox",
            "UNIALL_BASE_URL": image_api.base_url,
            "TMPDIR": str(folder),
            "MAX_JOBS_PER_USER": "5000",
        }
        # A log of its own for each: that is where their shares are read.
        logs = [folder / str(number) for number in range(len(members))]
        for log in logs:
            log.mkdir()
        fleets = [Fleet([member], shared, log, forked=forked) for member, log in zip(members, logs, strict=True)]
        places = [it for it in populate(discord.world, SHARDS) if it != "dm"]
        try:
            for fleet in fleets:
                await fleet.start()
            await discord.wait_for_bot(60)
            await asyncio.sleep(3)  # the workers have no connection that could be waited for
            began = time.monotonic()
            people = [discord.person(chance.choice(NAMES), chance.choice(places)) for _ in range(jobs)]
            async with asyncio.TaskGroup() as group:
                group.create_task(_kill(members[-1], within_s / 3))
                group.create_task(_pause(members[-2], within_s / 4, paused_s))
                for number, person in enumerate(people):
                    await asyncio.sleep(max(began + within_s * number / jobs - time.monotonic(), 0))
                    group.create_task(person.command("imagine", prompt=f"wish {number}"))
            async with asyncio.timeout(240):
                while await asyncio.to_thread(rows, database, UNFINISHED) != [(0,)]:
                    await asyncio.sleep(0.5)
            seconds = time.monotonic() - began
        finally:
            for fleet in fleets:
                await fleet.stop()
        await asyncio.sleep(1)  # PostgreSQL's counters come late
        alts = Counter(
            picture.alt for place in places for it in discord.person("Ada", place).sees() for picture in it.pictures
        )
        (busy, commits), *_ = await asyncio.to_thread(rows, database, WORK)
        states = Counter(str(state) for (state,) in await asyncio.to_thread(rows, database, "SELECT state FROM jobs"))
        return Outcome(
            jobs=jobs,
            delivered=states["delivered"],
            posted=alts.total() if max(alts.values()) == 1 else -1,
            bought=len(image_api.accepted),
            states=states,
            started=[fleet.logs[0].read_text("utf-8", "replace").count(STARTED) for fleet in fleets],
            seconds=seconds,
            database_s=float(str(busy)),
            commits=float(str(commits)),
        )


async def _kill(member: Member, after_s: float) -> None:
    await asyncio.sleep(after_s)
    assert member.process is not None
    member.process.kill()


async def _pause(member: Member, after_s: float, paused_s: float) -> None:
    await asyncio.sleep(after_s)
    assert member.process is not None
    os.kill(member.process.pid, signal.SIGSTOP)
    await asyncio.sleep(paused_s)
    os.kill(member.process.pid, signal.SIGCONT)


def main() -> int:
    """Read the command line, do it, tell."""
    parser = argparse.ArgumentParser(prog="python -m tools.torture.together", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2000, help="commands that people use (2000)")
    parser.add_argument("--within", type=float, default=180.0, metavar="S", help="seconds for all of them (180)")
    options = parser.parse_args()
    if missing := why_no_postgres():
        sys.stderr.write(f"This needs PostgreSQL, but {missing}.\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="easel-fleet-") as name, postgres_server() as server:
        database = server.create_database()
        outcome = asyncio.run(together(options.jobs, options.within, LEASE_S + 15, database, Path(name)))
    sys.stdout.write(f"{outcome.table()}\n")
    return 0 if outcome.holds and outcome.is_spread else 1


if __name__ == "__main__":
    sys.exit(main())
