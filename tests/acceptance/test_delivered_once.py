"""Uploads that arrived, although the answer said something else: a job ends in exactly one message."""

from __future__ import annotations

import shutil

import pytest

from sandbox.image_api.latency import Latency
from tests.acceptance.abreast import abreast
from tests.acceptance.conftest import OpenHouse, eventually, says, with_pictures
from tests.databases import SQLITE, rows

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(("status", "code"), [(403, 50001), (403, 50013), (404, 10003), (400, 30046), (400, 50035)])
@abreast
async def test_pictures_that_arrived_before_their_upload_was_refused_are_not_posted_anew(
    open_house: OpenHouse, status: int, code: int
) -> None:
    """The answer to the first try is lost, and the library's second one meets what has changed meanwhile."""
    async with open_house(latency=Latency.fixed(2.0)) as house:
        reply = await house.ada.command("imagine", prompt="a red fox")
        await reply.until(says("painting"))
        uploads = f"PATCH /webhooks/*/{reply.interaction.token}/messages/*"
        faults = house.discord.faults
        struck = (faults.answer(uploads, 502, processed=True), faults.answer(uploads, status, code=code))
        for fault in struck:
            fault.files = True
        await eventually(lambda: rows(house.database, "SELECT state FROM jobs") == [("delivered",)])
        assert [fault.hits for fault in struck] == [1, 1]
        assert [it.id for it in house.with_pictures()] == [reply.states[0].id]
        assert len(house.image_api.accepted) == 1


@abreast
async def test_pictures_that_were_lost_before_their_upload_and_whose_host_has_none_can_be_asked_for_again(
    open_house: OpenHouse,
) -> None:
    """They are paid for, and the task still knows them."""
    async with open_house() as house:
        fault = house.discord.faults.hang("PATCH /webhooks/*/messages/*", files=True)
        reply = await house.ada.command("imagine", prompt="a red fox")
        await fault.struck.wait()
        await house.kill_bot()
        shutil.rmtree(f"{house.database.removeprefix(SQLITE)}.spool")
        house.discord.faults.clear()
        house.image_api.behaviour.switch_on("download-404-once", 1000)
        await house.start_bot()
        await reply.until(lambda message: "Check again" in message.labels, 90)
        house.image_api.behaviour.switch_off("download-404-once")
        await house.ada.press(reply, "Check again")
        assert (await reply.until(with_pictures)).pictures
        assert len(house.image_api.accepted) == 1


@pytest.mark.parametrize("page", [True, False], ids=["a page", "an empty object"])
@abreast
async def test_pictures_whose_answer_cannot_be_understood_are_found_and_not_uploaded_again(
    open_house: OpenHouse, *, page: bool
) -> None:
    """Something between Discord and the bot answers 200 for it; edits on the way there and looks meet the same.

    The channel itself lists the message, too.
    """
    async with open_house(latency=Latency.fixed(2.0)) as house:
        house.discord.faults.answer("GET /webhooks/*/messages/*", 200, times=None, html=page)
        edits = house.discord.faults.answer("PATCH /webhooks/*/messages/*", 200, processed=True, html=page)
        uploads = house.discord.faults.answer("PATCH /webhooks/*/messages/*", 200, processed=True, html=page)
        uploads.files = True
        reply = await house.ada.command("imagine", prompt="a red fox")
        await reply.until(with_pictures)
        await eventually(lambda: rows(house.database, "SELECT state FROM jobs") == [("delivered",)])
        assert uploads.hits == edits.hits == len(house.uploads()) == 1
