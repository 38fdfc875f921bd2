"""Pictures that mean harm, sent by several people at once: the bot lives, and an honest person hardly waits."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from tests.acceptance.conftest import OpenHouse, final, says
from tests.acceptance.hostile import MOST_DELAY_S, honest, stranger, watched
from tests.acceptance.hostile_files import ATTACKS, scans

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.lengthy, pytest.mark.timeout(300)]


@pytest.mark.parametrize("what", ATTACKS)
async def test_hostile_pictures_of_three_people_hold_up_nobody(
    open_house: OpenHouse, tmp_path: Path, what: str
) -> None:
    make, words = ATTACKS[what]
    attack, photo = tmp_path / "attack.png", tmp_path / "photo.jpg"
    attack.write_bytes(make())
    Image.effect_noise((1200, 900), 60).convert("RGB").save(photo)
    async with open_house() as house:
        # The files go through this process, which is late itself meanwhile: only a much later answer is too late here.
        house.discord.rules = replace(house.discord.rules, upload_limit=100_000_000, response_s=30.0)
        alone = await honest(house, photo)
        async with watched(house):
            people = [stranger(house, number) for number in range(3)]
            replies = await asyncio.gather(
                *(person.command("edit", prompt="harm", image=attack) for person in people for _ in range(3))
            )
            beside = await honest(house, photo)
            assert beside - alone < MOST_DELAY_S
            for reply in replies:
                message = await reply.until(final, 60)
                assert says(*words)(message), message.text
                assert bool(message.pictures) != bool(words)
        assert (len(house.submissions()) - 2 == 0) == bool(words)


async def test_whoever_sends_bad_pictures_again_and_again_waits_and_others_do_not(
    open_house: OpenHouse, tmp_path: Path
) -> None:
    bad, photo = tmp_path / "bad.jpg", tmp_path / "photo.jpg"
    bad.write_bytes(scans(20_000))
    Image.effect_noise((1200, 900), 60).convert("RGB").save(photo)
    async with open_house() as house:
        alone = await honest(house, photo)
        attacking = True

        async def attack() -> int:
            sent = 0
            while attacking:
                reply = await house.ada.command("edit", prompt="harm", image=bad)
                await reply.until(final, 60)
                sent += 1
            return sent

        async with watched(house):
            tasks = [asyncio.create_task(attack()) for _ in range(3)]
            waits = [await honest(house, photo) for _ in range(4)]
            attacking = False
            sent = sum(await asyncio.gather(*tasks))
        assert max(waits) - alone < MOST_DELAY_S
        assert sent < 12
