"""Large pictures go through the bot in small pieces, and a slow line to Discord brings them all."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sandbox.image_api.studio import PaintMode
from tests.acceptance.conftest import OpenHouse, with_pictures

pytestmark = pytest.mark.asyncio(loop_scope="module")

JOBS = 8  # of four pictures, 188 MB together
MAY_GROW_MB = 24.0


async def test_large_pictures_do_not_pass_through_memory(open_house: OpenHouse) -> None:
    async with open_house(paint=PaintMode.LARGE, variables={"MAX_JOBS_PER_USER": "50"}) as house:
        first = await house.ada.command("imagine", prompt="the first", count=1)
        await first.until(with_pictures, 30)  # it pays for what happens only once
        bot = Path("/proc", str(house.bot.pid))
        (bot / "clear_refs").write_text("5")  # the peak begins anew
        idle = memory_mb(bot, "VmRSS")
        people = [house.ada, house.ben] * (JOBS // 2)
        asked = [person.command("imagine", prompt=f"{n}", count=4) for n, person in enumerate(people)]
        replies = await asyncio.gather(*asked)
        for message in await asyncio.gather(*(reply.until(with_pictures, 60) for reply in replies)):
            assert [picture.size > 5_800_000 for picture in message.pictures] == [True] * 4
        assert len(house.uploads()) == JOBS + 1
        print("grew", memory_mb(bot, "VmHWM") - idle, "idle", idle)
        assert memory_mb(bot, "VmHWM") - idle < MAY_GROW_MB


def memory_mb(process: Path, name: str) -> float:
    """A line of /proc/PID/status, in MB of 1,048,576 bytes."""
    line = next(it for it in (process / "status").read_text().splitlines() if it.startswith(f"{name}:"))
    return int(line.split()[1]) / 1024
