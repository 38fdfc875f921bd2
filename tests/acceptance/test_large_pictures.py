"""Large pictures go through the bot in small pieces, and a slow line to Discord brings them all."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.image_api.studio import PaintMode
from tests.acceptance.conftest import House, OpenHouse, eventually, with_pictures

pytestmark = pytest.mark.asyncio(loop_scope="module")

JOBS = 8  # of four pictures, 188 MB together
MAY_GROW_MB = 24.0
LARGE_JOBS = 12


async def test_large_pictures_do_not_pass_through_memory(open_house: OpenHouse) -> None:
    async with open_house(paint=PaintMode.LARGE, variables={"MAX_JOBS_PER_USER": "50"}) as house:
        first = await house.ada.command("imagine", prompt="the first", count=1)
        await first.until(with_pictures)  # it pays for what happens only once
        bot = Path("/proc", str(house.bot.pid))
        (bot / "clear_refs").write_text("5")  # the peak begins anew
        idle = memory_mb(bot, "VmRSS")
        people = [house.ada, house.ben] * (JOBS // 2)
        asked = [person.command("imagine", prompt=f"{n}", resolution="2k", count=4) for n, person in enumerate(people)]
        replies = await asyncio.gather(*asked)
        for message in await asyncio.gather(*(reply.until(with_pictures, 60) for reply in replies)):
            assert [picture.size > 5_800_000 for picture in message.pictures] == [True] * 4
        assert len(house.uploads()) == JOBS + 1
        grew = memory_mb(bot, "VmHWM") - idle
        assert grew < MAY_GROW_MB


async def test_a_small_picture_does_not_wait_for_large_ones_on_a_slow_line(open_house: OpenHouse) -> None:
    async with open_house(paint=PaintMode.LARGE, variables={"MAX_JOBS_PER_USER": "50"}) as house:
        house.discord.rules = replace(house.discord.rules, line_bytes_per_s=300_000)
        large = [house.ada.command("imagine", prompt=f"{n}", resolution="2k", count=4) for n in range(LARGE_JOBS)]
        await asyncio.gather(*large)
        await asyncio.sleep(0)
        await eventually(lambda: uploading(house) >= 4)
        reply = await house.ben.command("imagine", prompt="a small one")
        assert (await reply.until(with_pictures, 40)).pictures


def uploading(house: House) -> int:
    """How many requests with pictures are under way: their bodies are not all here."""
    edits = house.discord.requests.matching("PATCH /webhooks/*")
    return len([it for it in edits if it.status is None])


def memory_mb(process: Path, name: str) -> float:
    """A line of /proc/PID/status, in MB of 1,048,576 bytes."""
    line = next(it for it in (process / "status").read_text().splitlines() if it.startswith(f"{name}:"))
    return int(line.split()[1]) / 1024
