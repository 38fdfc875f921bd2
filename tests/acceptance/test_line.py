"""The line: how many at once, who comes first, and that acknowledgements never wait for it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from PIL import Image

from sandbox.discord.reply import Reply
from sandbox.discord.rules import DEFAULT_RULES
from sandbox.image_api.latency import Latency
from tests import discord_spec
from tests.acceptance.conftest import House, house_in, says, with_pictures

JOBS_IN_FLIGHT, WAVE = 200, 10


async def test_the_fourth_job_of_a_user_is_refused_privately_and_others_are_not(tmp_path: Path) -> None:
    async with house_in(tmp_path) as house:
        running = [await house.ada.command("imagine", prompt=f"{n} [[very-slow]]") for n in range(3)]
        fourth = await house.ada.command("imagine", prompt="fourth")
        assert fourth.ephemeral
        assert says("3 requests running")(fourth.message)
        other = await house.ben.command("imagine", prompt="mine")
        assert (await other.until(with_pictures)).pictures
        await house.ada.press(running[0], "Cancel")
        await running[0].until(says("cancelled"))
        assert (await (await house.ada.command("imagine", prompt="now")).until(with_pictures)).pictures


async def test_no_more_jobs_are_at_the_image_api_than_allowed(tmp_path: Path) -> None:
    variables = {"MAX_ACTIVE_JOBS": "2", "MAX_JOBS_PER_USER": "10"}
    async with house_in(tmp_path, variables=variables, latency=Latency.fixed(1.0)) as house:
        replies = [await house.ada.command("imagine", prompt=f"{n}") for n in range(6)]
        most = 0
        while not all(reply.message.pictures for reply in replies):
            finished = sum(task.ready_at is not None for task in house.image_api.tasks.values())
            most = max(most, len(house.image_api.accepted) - finished)
            await asyncio.sleep(0.02)
        assert 1 <= most <= 2


async def test_five_jobs_of_one_user_do_not_hold_back_anothers_first(tmp_path: Path) -> None:
    variables = {"MAX_ACTIVE_JOBS": "1", "MAX_JOBS_PER_USER": "10"}
    async with house_in(tmp_path, variables=variables) as house:
        ada = [await house.ada.command("imagine", prompt=f"ada {n}") for n in range(5)]
        ben = await house.ben.command("imagine", prompt="ben 0")
        await ben.until(with_pictures)
        order = [it.submission.prompt for it in house.image_api.accepted]
        assert order.index("ben 0") <= 2, order
        assert says("place")(ada[4].states[0])


async def test_the_place_in_line_is_shown_and_moves_up(tmp_path: Path) -> None:
    variables = {"MAX_ACTIVE_JOBS": "1", "MAX_JOBS_PER_USER": "10"}
    async with house_in(tmp_path, variables=variables, latency=Latency.fixed(5.0)) as house:
        replies = [await house.ada.command("imagine", prompt=f"{n}") for n in range(3)]
        assert says("place 3")(replies[2].states[0]) or says("place 2")(replies[2].states[0])
        await replies[2].until(says("place 1"))


@pytest.mark.lengthy
async def test_two_hundred_jobs_in_flight_are_each_acknowledged_in_time_and_delivered_once(tmp_path: Path) -> None:
    variables = {"MAX_ACTIVE_JOBS": "200", "MAX_JOBS_PER_USER": "200"}
    async with house_in(tmp_path, variables=variables, rules=DEFAULT_RULES, latency=Latency.fixed(12.0)) as house:
        people = [house.ada, house.ben]
        replies: list[Reply] = []
        for wave in range(0, JOBS_IN_FLIGHT, WAVE):
            asked = (people[n % 2].command("imagine", prompt=f"fox {n}") for n in range(wave, wave + WAVE))
            replies += await asyncio.gather(*asked)
        # Discord's own rule of three seconds: an acknowledgement that came later would stand here as an error.
        assert [reply.error for reply in replies if reply.error] == []
        messages = await asyncio.gather(*(reply.until(with_pictures, 90) for reply in replies))
        assert len({message.id for message in messages}) == JOBS_IN_FLIGHT
        assert len(house.image_api.accepted) == JOBS_IN_FLIGHT


@pytest.mark.skipif(discord_spec.spec_path() is None, reason=discord_spec.MISSING)
async def test_every_request_is_valid_by_discords_official_specification(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    Image.new("RGB", (64, 64), "teal").save(photo)
    async with house_in(tmp_path) as house:
        await use_everything(house, photo)
        judged = [it for it in house.discord.requests if not it.path.startswith(("/attachments", "/ephemeral"))]
        for request in judged:
            discord_spec.check_request(request)
        assert len([it for it in judged if it.method in {"POST", "PATCH", "PUT"}]) > 15


async def use_everything(house: House, photo: Path) -> None:
    """Each kind of request that the bot makes, at least once."""
    reply = await house.ada.command("imagine", prompt="a red fox", count=2, spoiler=True)
    await reply.until(with_pictures)
    edit = await house.ada.command("edit", prompt="in snow", image=photo, private=True)
    await edit.until(with_pictures)
    await (await house.ada.press(reply, "Again")).until(with_pictures)
    form = await house.ada.press(reply, "Remix")
    await (await house.ada.submit(form, Prompt="a blue fox")).until(with_pictures)
    form = await house.ada.press(reply, "Edit")
    await (await house.ada.submit(form, {"Prompt": "in snow", "Reference pictures": [photo]})).until(with_pictures)
    await house.ada.press(reply, "Details")
    refused = await house.ada.command("imagine", prompt="a red fox [[refuse]]")
    await refused.until(says("refused"))
    slow = await house.ada.command("imagine", prompt="a red fox [[very-slow]]")
    await house.ada.press(slow, "Cancel")
    await slow.until(says("cancelled"))
    await house.ada.press(await house.ada.press(reply, "Delete"), "Yes, delete")
    await reply.until_deleted()
