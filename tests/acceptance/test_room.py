"""Finished pictures that Discord does not take yet wait at the image API: they never fill the disk of the data."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from sandbox.image_api.studio import PaintMode
from tests.acceptance.conftest import eventually, house_in, with_pictures
from tests.acceptance.disks import small_disk

EDITS = "PATCH /webhooks/*/messages/*"
JOBS = 6


@pytest.mark.skipif(os.name != "posix", reason="mount is a command of Unix")
async def test_while_discord_takes_no_pictures_they_do_not_fill_the_disk_and_all_come_afterwards(
    tmp_path: Path,
) -> None:
    """A disk of 40 MB, on which no room for results is ever left, and six jobs of 12 MB each."""
    variables = {"MAX_JOBS_PER_USER": "50"}
    async with (
        small_disk(tmp_path / "disk", megabytes=40) as disk,
        house_in(disk, paint=PaintMode.LARGE, variables=variables) as house,
    ):
        house.discord.faults.answer(EDITS, 503, times=None)
        asked = [house.ada.command("imagine", prompt=f"{n}", resolution="2k", count=2) for n in range(JOBS)]
        replies = await asyncio.gather(*asked)
        await eventually(lambda: len(house.submissions()) == JOBS)
        await eventually(lambda: len(list(disk.rglob("picture-*"))) == 2)
        await asyncio.sleep(3)
        assert len(list(disk.rglob("picture-*"))) == 2
        house.discord.faults.clear()
        for reply in replies:
            assert len((await reply.until(with_pictures, 60)).pictures) == 2
        assert len(house.submissions()) == JOBS
