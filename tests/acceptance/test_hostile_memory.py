"""The worst pictures of many people at once, in 300 MB for all processes: the bot lives, nobody waits long."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from tests.acceptance.conftest import OpenHouse, final
from tests.acceptance.hostile import MOST_DELAY_S, MOST_MEMORY, honest, stranger, watched
from tests.acceptance.hostile_files import ATTACKS, HEAVY
from tests.acceptance.memory_limits import limited

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.lengthy, pytest.mark.timeout(300)]

#: What takes the most memory before it is refused, or although it is taken.
WORST = (
    "a JPEG of 90 scans over 16 megapixels",
    "a PNG of 50 megapixels in a few bytes",
    "a progressive CMYK of 49 megapixels",
)
PEOPLE = 3


async def test_many_of_the_worst_pictures_at_once_in_300_megabytes(open_house: OpenHouse, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    Image.effect_noise((1200, 900), 60).convert("RGB").save(photo)
    makers = [*(ATTACKS[what][0] for what in WORST), *HEAVY.values()]
    files = [tmp_path / f"{number}.png" for number in range(len(makers))]
    for path, make in zip(files, makers, strict=True):
        path.write_bytes(make())
    async with open_house() as house:
        house.discord.rules = replace(house.discord.rules, upload_limit=100_000_000)
        alone = await honest(house, photo)
        with limited(house.bot.pid, MOST_MEMORY) as limit:
            async with watched(house):
                people = [stranger(house, number) for number in range(PEOPLE)]
                replies = await asyncio.gather(
                    *(
                        person.command("edit", prompt="harm", image=files[(n + k) % len(files)])
                        for n, person in enumerate(people)
                        for k in range(3)
                    )
                )
                beside = await honest(house, photo)
                assert beside - alone < MOST_DELAY_S
                for reply in replies:
                    await reply.until(final, 100)
            # The group also counts files that the kernel keeps in memory: those it lets go, and nobody is killed.
            assert limit.kills == 0
            assert limit.most > 0
