"""On PostgreSQL the jobs of a dead process go on within fifteen seconds, at its next start or with a worker."""

from __future__ import annotations

import time

import pytest

from sandbox.image_api.latency import Latency
from tests.acceptance.abreast import abreast
from tests.acceptance.conftest import OpenHouse, eventually, with_pictures
from tests.acceptance.workers import a_worker
from tests.databases import rows

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROMISED_S = 15.0
#: Jobs that a death could catch between a request and its answer.
ON_THE_WAY = "SELECT 1 FROM jobs WHERE state IN ('received', 'waiting', 'submitting')"
SLOW_MACHINE_S = 15.0  # a start and a delivery on a machine that does much else


@abreast
async def test_the_next_start_goes_on_soon_after_the_death(open_house: OpenHouse) -> None:
    async with open_house("postgresql", latency=Latency.fixed(3.0)) as house:
        reply = await house.ada.command("imagine", prompt="a red fox")
        # Bought, and known to be: a submission without an answer would be told as uncertain.
        await eventually(lambda: rows(house.database, "SELECT 1 FROM jobs WHERE state = 'painting'"))
        await house.bot.kill()
        died = time.monotonic()
        await house.start_bot()
        await reply.until(with_pictures, PROMISED_S + SLOW_MACHINE_S)
        assert time.monotonic() - died < PROMISED_S + SLOW_MACHINE_S
        assert len(house.image_api.accepted) == 1
        assert [message.id for message in house.with_pictures()] == [reply.message.id]


@abreast
async def test_a_worker_takes_over_from_a_dead_bot(
    open_house: OpenHouse, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with (
        open_house("postgresql", latency=Latency.fixed(4.0)) as house,
        a_worker(house, tmp_path_factory, MAX_ACTIVE_JOBS="1"),
    ):
        replies = [await house.ada.command("imagine", prompt=f"fox {number}") for number in range(3)]
        await eventually(lambda: not rows(house.database, ON_THE_WAY))
        await house.bot.kill()
        for reply in replies:
            await reply.until(with_pictures, PROMISED_S + SLOW_MACHINE_S)
        assert len(house.image_api.accepted) == len(house.with_pictures()) == len(replies)
        await house.start_bot()
