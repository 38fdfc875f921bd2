"""A host that does not give its pictures is the trouble of those who wait for them alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.acceptance.conftest import eventually, house_in, with_pictures

WAITING = 20  # more jobs than may download at once


async def test_jobs_whose_pictures_cannot_be_fetched_do_not_hold_up_others(tmp_path: Path) -> None:
    async with house_in(tmp_path, variables={"MAX_JOBS_PER_USER": "50"}) as house:
        wishes = (house.ada.command("imagine", prompt=f"{n} [[download-drop]]") for n in range(WAITING))
        stuck = await asyncio.gather(*wishes)
        await eventually(lambda: all("cannot be fetched yet" in reply.text for reply in stuck[:16]), 60)
        other = await house.ben.command("imagine", prompt="a red fox")
        assert (await other.until(with_pictures, 40)).pictures
