"""What the tests of attacks share: all memory of a bot and its processes, and how long an honest person waits."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from sandbox.discord.person import Person
from tests.acceptance.conftest import House, with_pictures

MIB = 1024 * 1024
#: Of the bot and all its processes together. The smallest machine that Easel is made for has 512.
MOST_MEMORY = 300 * MIB
#: How many tests share one core. A bot that gets a part of a core takes that much longer:
#: `make test-lengthy ARGS="-n 1"` holds it to the promise itself.
SHARING = max(int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) / (os.cpu_count() or 1), 1.0)
#: How much later an honest person's picture may come than alone.
MOST_DELAY_S = 10.0 * SHARING
#: What an honest person asks for.
HONEST = "an honest wish"


def tree_of(pid: int) -> Iterator[int]:
    """A process and all that it started."""
    yield pid
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from tree_of(int(child))


def memory_of(pid: int) -> int:
    """Bytes that a process and all that it started hold; what they share counts once (proportional set size)."""
    total = 0
    for one in tree_of(pid):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


def stranger(house: House, number: int) -> Person:
    """One more member of the first server."""
    world, name = house.discord.world, f"stranger {number}"
    guild = next(it for it in world.guilds.values() if it.name == "Easel Studio")
    world.add_member(guild, world.add_user(name))
    return house.discord.person(name)


def spool_of(house: House) -> Path:
    """Where a bot on SQLite keeps pictures on their way."""
    return Path(house.database.removeprefix("sqlite:///") + ".spool")


def files(folder: Path) -> list[Path]:
    """All files in a folder and below."""
    return [it for it in folder.rglob("*") if it.is_file()]


class Watch:
    """The most memory that was seen."""

    peak = 0


@asynccontextmanager
async def watched(house: House) -> AsyncGenerator[Watch]:
    """Look at the bot's memory all the time; at the end it lives and has not taken too much."""
    watch, pid = Watch(), house.bot.pid

    async def look() -> None:
        while True:
            watch.peak = max(watch.peak, await asyncio.to_thread(memory_of, pid))
            await asyncio.sleep(0.05)

    looking = asyncio.create_task(look())
    try:
        yield watch
    finally:
        looking.cancel()
        sys.stderr.write(f"The most memory of the bot and its processes: {watch.peak / MIB:.0f} MiB\n")
    assert house.bot.is_running
    assert house.bot.pid == pid
    assert 0 < watch.peak < MOST_MEMORY, f"{watch.peak / MIB:.0f} MiB"


async def wished(person: Person, within_s: float = 60) -> float:
    """Seconds that an honest person waits for a picture of a few words."""
    began = time.monotonic()
    await (await person.command("imagine", prompt=HONEST)).until(with_pictures, within_s)
    return time.monotonic() - began


@asynccontextmanager
async def unhindered(person: Person, alone_s: float) -> AsyncGenerator[None]:
    """An honest person asks for a picture as the block begins, and waits hardly longer than alone."""
    wish = asyncio.create_task(wished(person))
    try:
        yield
        assert await wish - alone_s < MOST_DELAY_S
    finally:
        wish.cancel()


def wishes_of_others(house: House) -> list[str]:
    """The prompts that were bought, without those of honest people beside an attack."""
    return [it.submission.prompt for it in house.image_api.accepted if it.submission.prompt != HONEST]


async def honest(house: House, picture: Path) -> float:
    """Seconds that an honest person waits for an edit of a picture."""
    began = time.monotonic()
    reply = await house.ben.command("edit", prompt=HONEST, image=picture)
    await reply.until(with_pictures, 60)
    return time.monotonic() - began
