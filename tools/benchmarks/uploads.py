"""What large pictures cost, and whom they hold up: `python -m tools.benchmarks.uploads [--jobs 200] [--line 10]`.

Everybody asks at once for four large pictures; every few seconds somebody else asks for one small one. `--line` is how
many Mbit a second the line to Discord carries, 0 as many as the machine. Pictures of the default side are 12.6 MB and
have to be encoded anew to fit into a message, which takes a processor one to two seconds each; four of `--side 1400`
fit as they are.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from sandbox.discord.person import Person
from sandbox.discord.server import LocalDiscord
from sandbox.discord.sight import Message
from sandbox.image_api.latency import Latency
from tools.benchmarks.gallery import LargeGallery, StockedImageApi
from tools.benchmarks.process import Contestant, MeasuredBot, Peak

READY_PATIENCE_S, SETTLE_S = 60.0, 3.0
PICTURES = 4
LATENCY_S = 1.0
SMALL_EVERY_S = 5.0
LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class Plan:
    """`line_mbit` is how much the line to Discord carries a second; `side` is that of a large picture, in pixels."""

    jobs: int
    side: int
    line_mbit: float
    patience_s: float


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that one measurement works with."""

    plan: Plan
    discord: LocalDiscord
    bot: MeasuredBot
    spool: Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where something was not delivered, or twice."""
    parser = argparse.ArgumentParser(prog="python -m tools.benchmarks.uploads", description=__doc__)
    parser.add_argument("--jobs", type=int, default=200, help="of four large pictures, all at once (200)")
    parser.add_argument("--side", type=int, default=2048, help="of a large picture, in pixels (2048)")
    parser.add_argument("--line", type=float, default=0.0, metavar="MBIT", help="a second towards Discord (no bound)")
    parser.add_argument("--patience", type=float, default=3600.0, metavar="S", help="until all is there (3600)")
    options = parser.parse_args(arguments)
    return asyncio.run(measure(Plan(options.jobs, options.side, options.line, options.patience)))


async def measure(plan: Plan) -> int:
    """Play one measurement and print what it took."""
    async with _raised(plan) as stage:
        people = [_member(stage.discord, f"Painter {number + 1}") for number in range(plan.jobs)]
        await _ask(_member(stage.discord, "Early bird"), "the first", plan.patience_s)
        await asyncio.sleep(SETTLE_S)
        idle_mb, before = stage.bot.memory().now_mb, stage.bot.cpu()
        stage.bot.forget_peak()
        disk, children = Peak(), Peak()
        if plan.line_mbit:
            stage.discord.rules = replace(stage.discord.rules, line_bytes_per_s=plan.line_mbit * 1e6 / 8)
        small: list[float] = []
        beside = [
            asyncio.create_task(it)
            for it in (_others(stage, small), _watch(stage.spool, disk), stage.bot.watch_children(children))
        ]
        began = time.monotonic()
        asked = (_ask(it, f"large {n}", plan.patience_s, large=True) for n, it in enumerate(people))
        ends = sorted(it - began for it in await asyncio.gather(*asked) if it is not None)
        for task in beside:
            task.cancel()
        await asyncio.wait(beside)
        spent = stage.bot.cpu() - before
        prompts = [message.pictures[0].alt for message in people[0].sees() if message.pictures]
        twice, missing = len(prompts) - len(set(prompts)), plan.jobs - len(ends)
        sent = sum(file.size for it in stage.discord.requests for file in it.files) / 1e6
        print(f"{plan.jobs} jobs of {PICTURES} pictures, {plan.side} px; line {plan.line_mbit:g} Mbit/s (0: no bound)")
        print(f"  delivered {len(ends)}, missing {missing}, twice {twice}, {sent:,.0f} MB sent to Discord")
        if ends:
            print(f"  there after {ends[0]:.0f} s the first, {median(ends):.0f} s half, {ends[-1]:.0f} s all")
        print(
            f"  memory {idle_mb:.1f} MB idle, {stage.bot.memory().peak_mb:.1f} at most; pictures {children.value:.0f}"
        )
        print(
            f"  processor {spent.own_s:.1f} s, in picture processes {spent.children_s:.1f} s; disk {disk.value:,.0f} MB"
        )
        if small:
            print(f"  {len(small)} small ones beside: {median(small):.1f} s half, {max(small):.1f} s at most")
        return 1 if missing or twice else 0


@asynccontextmanager
async def _raised(plan: Plan) -> AsyncGenerator[Stage]:
    with tempfile.TemporaryDirectory(prefix="easel-uploads-") as folder:
        gallery = LargeGallery(plan.side)
        async with LocalDiscord() as discord, StockedImageApi(gallery, Latency.fixed(LATENCY_S), 1) as api:
            variables = {
                "DISCORD_TOKEN": discord.token,
                "DISCORD_API_URL": discord.api_url,
                "DATABASE_URL": f"sqlite:///{Path(folder, 'easel.db')}",
                "UNIALL_API_KEY": "sandbox",
                "UNIALL_BASE_URL": api.base_url,
                "MAX_ACTIVE_JOBS": str(plan.jobs),
            }
            bot = MeasuredBot(Contestant.EASEL, variables, Path(folder, "bot.log"))
            try:
                await bot.start()
                await discord.wait_for_bot(READY_PATIENCE_S)
                yield Stage(plan, discord, bot, Path(folder))
            finally:
                await bot.stop()


def _member(discord: LocalDiscord, name: str) -> Person:
    guild = discord.world.channel("pictures").guild
    assert guild is not None
    discord.world.add_member(guild, discord.world.add_user(name))
    return discord.person(name)


async def _ask(person: Person, prompt: str, patience_s: float, *, large: bool = False) -> float | None:
    """Ask and wait; the moment at which the pictures were there, None where they did not come."""
    options = {"resolution": "2k", "format": "png", "count": PICTURES} if large else {}
    reply = await person.command("imagine", prompt=prompt, **options)
    try:
        await reply.until(_has_pictures, patience_s)
    except (TimeoutError, LookupError):
        return None
    return time.monotonic()


def _has_pictures(message: Message) -> bool:
    return bool(message.pictures) and "Cancel" not in message.labels


async def _others(stage: Stage, small: list[float]) -> None:
    """Until it is cancelled: every few seconds somebody else asks for one small picture, whatever others wait for.

    How long each took beyond its painting, in seconds, goes into `small`; one that waits as it is cancelled, too.
    """

    async def ask(number: int) -> None:
        began = time.monotonic()
        try:
            await _ask(_member(stage.discord, f"Passer-by {number}"), f"small {number}", stage.plan.patience_s)
        finally:
            small.append(time.monotonic() - began - LATENCY_S)

    async with asyncio.TaskGroup() as asked:
        for number in itertools.count():
            await asyncio.sleep(SMALL_EVERY_S)
            asked.create_task(ask(number))


async def _watch(folder: Path, disk: Peak) -> None:
    """Until it is cancelled: how much the bot's files took at most, in MB."""
    while True:
        sizes = await asyncio.to_thread(_sizes, folder)
        disk.see(sizes / 1e6)
        await asyncio.sleep(LOOK_S)


def _sizes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # it has gone meanwhile
            continue
    return total


if __name__ == "__main__":
    sys.exit(main())
