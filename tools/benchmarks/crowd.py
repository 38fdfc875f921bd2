"""What a crowd in one instant costs until each is acknowledged: `python -m tools.benchmarks.crowd [--jobs 1000] …`.

Every ceiling is set that there is, so that each request is counted by person, server and everyone. It is played on
SQLite and on PostgreSQL, some times each, and the median counts. The image API takes so long that nothing else goes on
meanwhile. The local Discord shares the machine: beside its own processor time no acknowledgement can be quicker.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median

from sandbox.discord.person import Person
from sandbox.discord.reply import Reply
from sandbox.discord.server import LocalDiscord
from sandbox.image_api.latency import Latency
from sandbox.image_api.server import LocalImageApi
from tests.databases import KINDS, SQLITE, kept_server
from tools.benchmarks.burst import new_members
from tools.benchmarks.process import Contestant, MeasuredBot

WARM_UP_JOBS, SETTLE_S, READY_PATIENCE_S, AFTERWARDS_S = 30, 2.5, 30.0, 3.0
CEILINGS = {
    **dict.fromkeys(("MAX_SPEND_PER_DAY", "MAX_SPEND_PER_MONTH"), "100000"),
    **dict.fromkeys(("MAX_SPEND_PER_SERVER_PER_DAY", "MAX_SPEND_PER_SERVER_PER_MONTH"), "100000"),
    **dict.fromkeys(("MAX_PICTURES_PER_USER_PER_DAY", "MAX_JOBS_PER_USER"), "100"),
    **dict.fromkeys(("MAX_PICTURES_PER_SERVER_PER_DAY", "MAX_QUEUE_LENGTH"), "100000"),
    "MODELS": "grok-imagine-image=Standard",
    "PRICE_LIST": ",".join(f"grok-imagine-image:{what}=0.02" for what in ("1k", "2k", "input")),
}


@dataclass(frozen=True, slots=True)
class Crowd:
    """How a crowd fared. Times in ms from the command until the callback arrives; processor time in ms per job."""

    acknowledged: float
    turned_away: float  # with a sentence, and nothing bought
    unanswered: float  # in time
    first_ms: float
    p50_ms: float
    p99_ms: float
    event_loop_ms: float  # until the last answer, as are the next two
    database_thread_ms: float  # with all other threads, which do next to nothing
    discord_ms: float
    afterwards_ms: float  # of the bot, until some seconds later: what waited for the acknowledgements


_LABELS = {
    "acknowledged": "acknowledged in time",
    "turned_away": "turned away with a sentence",
    "unanswered": "without an answer in time",
    "first_ms": "acknowledgement, first, ms",
    "p50_ms": "acknowledgement, p50, ms",
    "p99_ms": "acknowledgement, p99, ms",
    "event_loop_ms": "processor time per job until then: event loop, ms",
    "database_thread_ms": "  database thread, ms",
    "discord_ms": "  the local Discord beside it, ms",
    "afterwards_ms": "processor time per job, some seconds later, ms",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where somebody had no answer in time."""
    options = _parser().parse_args(arguments)
    found: dict[str, list[Crowd]] = {}
    for kind in options.database or KINDS:
        with _database(kind) as url:
            found[kind] = [asyncio.run(measure(url(run), options.jobs)) for run in range(options.runs)]
    print(f"{options.jobs:,} requests in one instant with every ceiling set, median of {options.runs}")
    print(" " * 52 + "".join(kind.rjust(12) for kind in found))
    for it in fields(Crowd):
        cells = [median(getattr(run, it.name) for run in runs) for runs in found.values()]
        digits = 2 if "processor" in _LABELS[it.name] or _LABELS[it.name].startswith(" ") else 0
        print(_LABELS[it.name].ljust(52) + "".join(f"{cell:,.{digits}f}".rjust(12) for cell in cells))
    return 1 if any(run.unanswered for runs in found.values() for run in runs) else 0


async def measure(url: str, jobs: int) -> Crowd:
    """Play it once, on a database with nothing in it. Raises TimeoutError when the bot does not start."""
    with tempfile.TemporaryDirectory(prefix="easel-crowd-") as folder:
        async with LocalDiscord() as discord, LocalImageApi(latency=Latency.fixed(60.0)) as api:
            variables = {
                "DISCORD_TOKEN": discord.token,
                "DISCORD_API_URL": discord.api_url,
                "DATABASE_URL": url,
                "UNIALL_API_KEY": "sandbox",
                "UNIALL_BASE_URL": api.base_url,
                "TMPDIR": folder,
            }
            bot = MeasuredBot(Contestant.EASEL, variables | CEILINGS, Path(folder) / "bot.log")
            try:
                await bot.start()
                await discord.wait_for_bot(READY_PATIENCE_S)
                await asyncio.gather(*(_ask(it) for it in new_members(discord, WARM_UP_JOBS, "Early bird")))
                await asyncio.sleep(SETTLE_S)
                return await _play(discord, bot, jobs)
            finally:
                await bot.stop()


async def _play(discord: LocalDiscord, bot: MeasuredBot, jobs: int) -> Crowd:
    asking = new_members(discord, jobs)
    discord.requests.clear()
    before = bot.event_loop_s(), bot.cpu().own_s, time.thread_time()
    replies = await asyncio.gather(*map(_ask, asking))
    after = bot.event_loop_s(), bot.cpu().own_s, time.thread_time()
    loop_ms, all_ms, discord_ms = ((now - was) / jobs * 1000 for now, was in zip(after, before, strict=True))
    to_wall_s = time.time() - time.monotonic()
    arrived = {it.path.split("/")[2]: it.at for it in discord.requests if it.path.startswith("/interactions/")}
    at = {it.interaction.id: arrived.get(str(it.interaction.id)) for it in replies}
    told = [it for it in replies if not it.error]
    taken = [it for it in told if "Cancel" in it.message.labels]
    times_ms = sorted(
        (moment - to_wall_s - it.interaction.opened_at) * 1000 for it in told if (moment := at[it.interaction.id])
    )
    await asyncio.sleep(AFTERWARDS_S)
    return Crowd(
        acknowledged=len(taken),
        turned_away=len(told) - len(taken),
        unanswered=jobs - len(told),
        first_ms=times_ms[0],
        p50_ms=times_ms[len(times_ms) // 2],
        p99_ms=times_ms[int(len(times_ms) * 0.99)],
        event_loop_ms=loop_ms,
        database_thread_ms=all_ms - loop_ms,
        discord_ms=discord_ms,
        afterwards_ms=(bot.cpu().own_s - before[1]) / jobs * 1000,
    )


async def _ask(person: Person) -> Reply:
    return await person.command("imagine", prompt=f"a red fox for {person.user.name}")


@contextmanager
def _database(kind: str) -> Generator[Callable[[int], str]]:
    """Addresses of fresh databases of a kind, one for each run. Both flush to the disk, as they do in earnest."""
    with tempfile.TemporaryDirectory(prefix="easel-crowd-") as name:
        folder = Path(name)
        if kind == KINDS[0]:
            yield lambda run: f"{SQLITE}{folder / f'{run}.db'}"
            return
        with kept_server(folder, "-c fsync=on") as server:

            def fresh(run: int) -> str:
                server.execute(f"CREATE DATABASE crowd_{run}")
                return server.url(f"crowd_{run}")

            yield fresh


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.benchmarks.crowd",
        description="Many requests in one instant with every ceiling set, until each is acknowledged.",
    )
    add = parser.add_argument
    add("--jobs", type=int, default=1000, metavar="N", help="how many (1000)")
    add("--database", choices=KINDS, action="append", help="may be repeated (both)")
    add("--runs", type=int, choices=range(1, 10), default=3, help="of which the median counts (3)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
