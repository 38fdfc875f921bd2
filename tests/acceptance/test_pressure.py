"""Slow, busy and inconsistent surroundings: what was paid for comes, and nobody is failed for a crowd."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bot.jobs.polling.slow_start import FIRST
from sandbox.image_api.latency import Latency
from sandbox.image_api.studio import PaintMode
from tests.acceptance.conftest import eventually, final, house_in, says, with_pictures
from tests.databases import rows


async def test_a_task_that_is_unknown_for_a_while_late_in_its_life_is_delivered(tmp_path: Path) -> None:
    """Older than 15 s, and asked about often enough: one 404 ended it before."""
    async with house_in(tmp_path, latency=Latency.fixed(22.0)) as house:
        reply = await house.ada.command("imagine", prompt="a red fox")
        await reply.until(says("painting"))
        await eventually(lambda: len([it for it in house.image_api.requests if it.method == "GET"]) >= 10)
        house.image_api.behaviour.switch_on("status-404", 2)
        assert (await reply.until(with_pictures, 60)).pictures


async def test_a_private_reply_that_nothing_reaches_counts_in_nobodys_limit(tmp_path: Path) -> None:
    async with house_in(tmp_path, latency=Latency.fixed(1.0), variables={"MAX_JOBS_PER_USER": "1"}) as house:
        house.discord.faults.answer("PATCH /webhooks/*/messages/*", 403, code=50001, times=None)
        await house.ada.command("imagine", prompt="a red fox", private=True)
        query = "SELECT state FROM jobs WHERE failure IS NOT NULL"
        await eventually(lambda: rows(house.database, query) == [("delivering",)])
        house.discord.faults.clear()
        again = await house.ada.command("imagine", prompt="a blue fox")
        assert (await again.until(final)).pictures


async def test_an_outage_that_begins_with_a_crowd_takes_few_submissions_with_it(tmp_path: Path) -> None:
    """Connections are taken, kept for a while and broken. All twenty are out by then where nothing bounds them."""
    async with house_in(tmp_path, variables={"MAX_JOBS_PER_USER": "20"}) as house:
        house.image_api.go_away(60.0, refused=False, held_s=0.5)
        await asyncio.sleep(0.2)
        asked = (house.ada.command("imagine", prompt=f"fox {number}") for number in range(20))
        taken = sum(not reply.error for reply in await asyncio.gather(*asked))
        uncertain = "SELECT id FROM jobs WHERE state = 'uncertain'"
        await eventually(lambda: len(rows(house.database, uncertain)) >= 1)
        house.image_api.go_away(0.1)
        await eventually(lambda: len(house.image_api.accepted) + len(rows(house.database, uncertain)) == taken)
        assert len(rows(house.database, uncertain)) <= FIRST < taken


async def test_prompts_that_the_api_refuses_for_themselves_slow_nobody_else(tmp_path: Path) -> None:
    """429 with a pause of 2 s, each time: about these three prompts, not about too many of them."""
    async with house_in(tmp_path, variables={"MAX_JOBS_PER_USER": "20"}) as house:
        ben = house.discord.person("Ben")
        first = [await ben.command("imagine", prompt=f"fox {number}") for number in range(4)]
        await eventually(lambda: len(house.image_api.accepted) == len(first), 20)
        for number in range(3):
            await house.ada.command("imagine", prompt=f"[[busy]] {number}")
            await ben.command("imagine", prompt=f"wolf {number}")
        await eventually(lambda: len(house.submissions()) >= len(first) + 6, 20)
        later = await asyncio.gather(*(ben.command("imagine", prompt=f"owl {number}") for number in range(12)))
        began = asyncio.get_running_loop().time()
        await eventually(lambda: len(house.image_api.accepted) == len(first) + 3 + len(later), 20)
        # Where each refusal closes the line this takes more than 20 s.
        assert asyncio.get_running_loop().time() - began < 5.0
        for reply in later:
            await reply.until(with_pictures, 30)


async def test_a_picture_that_came_inside_an_answer_leaves_the_disk_with_its_job(tmp_path: Path) -> None:
    async with house_in(tmp_path, paint=PaintMode.LARGE) as house:
        reply = await house.ada.command("imagine", prompt="a red fox [[results-b64]]")
        await reply.until(with_pictures, 30)
        (folder,) = tmp_path.glob("*.held")  # made for the first of them
        await eventually(lambda: not list(folder.iterdir()), 10)
