"""A bot and a worker on one PostgreSQL: neither spoils what the other did."""

from __future__ import annotations

import asyncio
import re
from typing import Any, cast

import pytest

from sandbox.discord.reply import ModalForm
from sandbox.image_api.latency import Latency
from tests.acceptance.abreast import abreast
from tests.acceptance.conftest import LONG_AGO, OpenHouse, eventually, picture, says, with_pictures
from tests.acceptance.workers import a_worker
from tests.databases import execute, rows

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENCE_S = 60.0
ONE_PLACE = {"MAX_ACTIVE_JOBS": "1", "MAX_JOBS_PER_USER": "20"}
LONGEST_PAUSE_S = 10.0  # between two edits of one reply


@abreast
async def test_pictures_stay_whatever_another_process_still_had_to_say(
    open_house: OpenHouse, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The bot shows the places in line of jobs that a worker then delivers."""
    async with (
        open_house("postgresql", variables=ONE_PLACE, latency=Latency.fixed(1.0)) as house,
        a_worker(house, tmp_path_factory, **ONE_PLACE),
    ):
        replies = [await house.ada.command("imagine", prompt=f"wish {number}") for number in range(8)]
        for reply in replies:
            await reply.until(with_pictures, PATIENCE_S)
        await asyncio.sleep(LONGEST_PAUSE_S + 1)
        assert [reply.text for reply in replies if not reply.pictures] == []


@abreast
async def test_a_job_in_line_that_any_process_may_take_is_edited_by_none(open_house: OpenHouse) -> None:
    """An edit with its place that came late would stand over the pictures that another process has delivered."""
    async with open_house("postgresql", variables=ONE_PLACE, latency=Latency.fixed(60.0)) as house:
        await house.ada.command("imagine", prompt="first")
        await eventually(lambda: house.image_api.accepted)
        second = await house.ada.command("imagine", prompt="second")
        third = await house.ada.command("imagine", prompt="third")
        await house.ada.press(second, "Cancel")  # so that the third would move up
        await asyncio.sleep(LONGEST_PAUSE_S)
        assert len(third.states) == 1


@abreast
async def test_a_time_that_passed_in_line_is_taken_away_and_spoils_no_pictures(
    open_house: OpenHouse, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The published times say that three in line take half a minute; here each takes that long."""
    async with open_house("postgresql", variables=ONE_PLACE, latency=Latency.fixed(26.0)) as house:
        replies = [await house.ada.command("imagine", prompt=f"wish {number}") for number in range(3)]
        (passed,) = re.findall(r"expected <t:\d+:R>", replies[2].states[0].text)
        corrected = await replies[2].until(lambda state: passed not in state.text, 45)
        assert says("place")(corrected), corrected.text  # still in line
        async with a_worker(house, tmp_path_factory, **ONE_PLACE):
            for reply in replies:
                await reply.until(with_pictures, PATIENCE_S)
        assert len(house.submissions()) == 3
        assert [reply.text for reply in replies if not reply.pictures] == []


@abreast
async def test_a_worker_takes_over_what_a_killed_bot_left(
    open_house: OpenHouse, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """With no help: the leases of the dead run out within half a minute."""
    async with open_house("postgresql", latency=Latency.fixed(3.0)) as house:
        replies = [await house.ada.command("imagine", prompt=f"wish {number}") for number in range(3)]
        await eventually(lambda: rows(house.database, "SELECT state FROM jobs") == [("painting",)] * 3)
        async with a_worker(house, tmp_path_factory, **ONE_PLACE):
            await house.bot.kill()
            messages = [await reply.until(with_pictures, PATIENCE_S) for reply in replies]
        assert len({message.id for message in messages}) == len(house.with_pictures()) == 3
        assert len(house.submissions()) == 3


@pytest.mark.parametrize("arrived", [False, True])
@abreast
async def test_killed_while_a_presets_pictures_go_into_the_reply_another_buys_once(
    open_house: OpenHouse, tmp_path_factory: pytest.TempPathFactory, arrived: bool
) -> None:
    photo = picture(tmp_path_factory.mktemp("photo") / "a.png")
    async with open_house("postgresql") as house:
        panel = await house.ada.command("presets")
        form = await house.ada.press(panel, "New preset")
        assert isinstance(form, ModalForm)
        shown = await house.ada.submit(form, {"Name": "Brand"})
        form = await house.ada.press(shown, "Add pictures")
        assert isinstance(form, ModalForm)
        await house.ada.submit(form, {"Pictures": [photo]})
        await shown.until(lambda message: bool(message.pictures))
        fault = house.discord.faults.hang("PATCH /webhooks/*/messages/*", processed=arrived)
        reply = await house.ada.command("imagine", prompt="a fox", preset="Brand")
        await fault.struck.wait()
        assert house.submissions() == []
        await house.bot.kill()
        house.discord.faults.clear()
        await asyncio.to_thread(execute, house.database, f"UPDATE jobs SET lease_until = '{LONG_AGO}'")
        async with a_worker(house, tmp_path_factory):
            await reply.until(with_pictures, PATIENCE_S)
        [submission] = house.submissions()
        assert cast("dict[str, Any]", submission.json)["task_type"] == "image2image"
        # Ben does not see the panel, whose card has the preset's picture.
        assert [it.id for it in house.ben.sees() if it.pictures] == [reply.message.id]


@abreast
async def test_a_click_reaches_the_process_that_has_the_job(
    open_house: OpenHouse, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with (
        open_house("postgresql", variables=ONE_PLACE, latency=Latency.fixed(60.0)) as house,
        a_worker(house, tmp_path_factory, **ONE_PLACE),
    ):
        replies = [await house.ada.command("imagine", prompt=f"wish {number}") for number in range(2)]
        await eventually(lambda: len(house.image_api.accepted) == 2)
        for reply in replies:
            await house.ada.press(reply, "Cancel")
        for reply in replies:
            await reply.until(says("cancelled"), 30)
