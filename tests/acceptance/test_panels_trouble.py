"""Lists, presets and reports where pictures are gone, Discord refuses, or somebody was faster: told in a sentence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.discord.forms import FieldValue
from sandbox.discord.person import Person
from sandbox.discord.reply import ModalForm, Reply
from sandbox.discord.sight import Message
from tests.acceptance.conftest import House, eventually, house_in, picture, says, typed, with_pictures
from tests.acceptance.showcases import newcomers, painted

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house_in(tmp_path_factory.mktemp("house"), variables={"MAX_JOBS_PER_USER": "50"}) as whole:
        yield whole


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fox(house: House) -> Reply:
    return await painted(house.ben, "a fox in a panel")


async def filled(person: Person, form: Reply, **values: FieldValue) -> Reply:
    assert isinstance(form, ModalForm), form.error or form.message.text
    return await person.submit(form, values)


async def made(person: Person, name: str) -> Reply:
    """A preset of one's own, in its panel."""
    return await filled(person, await person.press(await person.command("presets"), "New preset"), Name=name, Words="x")


async def saved(house: House, fox: Reply, name: str) -> str:
    """What Save as preset says, with the first picture kept."""
    form = await house.ben.press(await house.ben.press(fox, "Details"), "Save as preset")
    reply = await filled(house.ben, form, Name=name, Pictures_to_keep=["Picture 1"])
    return (await reply.until(lambda it: not it.loading)).text


async def reported(person: Person, fox: Reply) -> str:
    """What somebody reads who reports a picture."""
    form = await person.press(await person.press(fox, "Details"), "Report")
    return (await (await filled(person, form, reason="It is a fox.")).until(lambda it: not it.loading)).text


def reports(house: House, prompt: str) -> list[Message]:
    return [it for it in house.ada.at("general").sees() if says("was reported", prompt)(it)]


def gone(house: House, *, gone: bool) -> None:
    """Whether the image API still has what it painted, wherever it lay."""
    for task in house.image_api.tasks.values():
        task.fate = replace(task.fate, gone=gone, address_life_s=0.0 if gone else None)


async def test_pictures_that_jobs_cannot_show_now_are_told_apart_from_those_that_are_gone(house: House) -> None:
    private = await house.ben.command("imagine", prompt="a private fox", private=True)
    await private.until(with_pictures)
    panel, api = await house.ben.command("jobs"), house.image_api.behaviour

    async def said() -> Message:
        return await (await house.ben.press(panel, "Show pictures")).until(lambda it: not it.loading)

    house.discord.faults.answer("PATCH /webhooks/*/messages/*", 403, code=50013)
    assert says("Discord did not take the pictures")(await said())
    assert with_pictures(await said())
    api.switch_on("download-drop")
    assert says("try again")(await said())
    api.switch_off("download-drop")
    gone(house, gone=True)
    assert says("no longer has these pictures")(await said())


async def test_whom_discord_keeps_an_answer_from_is_told_so(house: House) -> None:
    faults = house.discord.faults
    faults.answer("POST /interactions/*/callback", 403, html=True)
    assert says("Discord did not take Easel's answer")((await house.ben.command("jobs")).message)
    faults.answer("PATCH /webhooks/*/messages/*", 403, html=True)
    waiting = await house.ben.command("gallery")
    assert says("Discord did not take Easel's answer")(await waiting.until(lambda it: not it.loading))


async def test_a_preset_keeps_a_picture_wherever_it_can_still_be_had(house: House, fox: Reply) -> None:
    look = f"GET /channels/{fox.message.channel_id}/messages/{fox.message.id}"
    fault = house.discord.faults.answer(look, 403, code=50001, times=None)
    gone(house, gone=True)
    assert "could not be fetched" in await saved(house, fox, "Lost")
    house.image_api.behaviour.switch_on("status-401")
    assert "could not be fetched" in await saved(house, fox, "Lost")
    house.image_api.behaviour.switch_off("status-401")
    for task in house.image_api.tasks.values():
        task.fate = replace(task.fate, gone=False, address_life_s=None)
    assert "Found anew" in await saved(house, fox, "Found anew")
    house.discord.faults.remove(fault)
    assert "could not be fetched" not in await saved(house, fox, "Kept")


async def test_a_preset_that_somebody_else_has_deleted_or_named_so_is_told(house: House, tmp_path: Path) -> None:
    await made(house.ada, "Ink")
    first = await made(house.ada, "Oil")
    taken = await filled(house.ada, await house.ada.press(first, "Change"), Name="Ink", Words="soft light")
    assert says("already", "soft light")(taken.message)  # what was typed is not lost
    nameless = await filled(house.ada, await house.ada.press(first, "Change"), Name="\u200b", Words="y")
    assert says("needs a name")(nameless.message)
    change, pictures = await house.ada.press(first, "Change"), await house.ada.press(first, "Add pictures")
    second = await house.ada.choose(await house.ada.command("presets"), "Look at a preset", "Oil")
    await house.ada.press(await house.ada.press(second, "Delete"), "Yes, delete")
    for late in (
        await filled(house.ada, change, Name="Oil", Words="y"),
        await house.ada.press(first, "Change"),
        await house.ada.press(first, "Share with the server"),
    ):
        assert says("no longer there")(late.message)
    uploaded = await filled(house.ada, pictures, Pictures=[picture(tmp_path / "a.png")])
    assert says("no longer there")(uploaded.message)


async def test_a_report_that_the_channel_does_not_take_says_so(house: House, fox: Reply) -> None:
    faults, general = house.discord.faults, house.discord.world.channel("general").id
    await typed(house, "/settings report_channel:#general")
    faults.answer(f"POST /channels/{general}/messages", 403)
    assert "could not be posted" in await reported(house.ada, fox)
    faults.answer(f"GET /channels/{general}/messages", 429, retry_after=600.0)
    assert "could not be posted" in await reported(house.ada, fox)
    # What cannot be read is no reason to report nothing.
    faults.answer(f"GET /channels/{general}/messages", 403, code=50001)
    faults.answer(f"GET /channels/{fox.message.channel_id}/messages/{fox.message.id}", 403, code=50001)
    assert "Thank you" in await reported(house.ada, fox)
    (report,) = reports(house, "a fox in a panel")
    assert report.pictures == []
    faults.answer(f"DELETE /channels/{fox.message.channel_id}/messages/{fox.message.id}", 403, code=50013)
    pressed = await house.ada.at("general").press(report, "Delete picture")
    assert says("could not be deleted")(await pressed.until_follow_up())
    faults.answer(f"GET /guilds/*/members/{house.ben.user.id}", 403, code=50001)
    pressed = await house.ada.at("general").press(report, "Block requester")
    assert says("does not say which roles")(await pressed.until_follow_up())


async def test_a_report_that_hangs_holds_up_no_other(house: House) -> None:
    await typed(house, "/settings report_channel:#general")
    slow, swift = await asyncio.gather(painted(house.ben, "a slow fox"), painted(house.ben, "a swift fox"))
    fault = house.discord.faults.hang(f"POST /channels/{house.discord.world.channel('general').id}/messages")
    hanging = asyncio.create_task(reported(house.ada, slow))
    async with asyncio.timeout(5):  # half of what one may take
        await fault.struck.wait()
        assert "Thank you" in await reported(house.ada, swift)
    house.discord.faults.remove(fault)
    await hanging


async def test_reports_on_words_that_automod_refuses_come_together_without_them(house: House) -> None:
    fox, (fan,) = await painted(house.ben, "a zounds fox"), newcomers(house, 1)
    before = len(house.ada.at("general").sees())
    forms = [(it, await it.press(await it.press(fox, "Details"), "Report")) for it in (house.ada, fan)]
    house.discord.rules = replace(house.discord.rules, blocked_words=("zounds",))
    try:
        assert says("AutoMod of this server refuses")((await fan.press(fox, "Details")).message)
        for reporter, form in forms:
            answer = await filled(reporter, form, reason="It is a fox.")
            assert says("Thank you")(await answer.until(lambda it: not it.loading))
        (report,) = house.ada.at("general").sees()[before:]
        assert says(f"<@{house.ada.user.id}> <@{fan.user.id}>")(report)
        await house.ada.at("general").press(report, "All fine")
        await eventually(lambda: "All fine" not in house.ada.at("general").seen(report.id).labels)
        assert "zounds" not in house.ada.at("general").seen(report.id).text
    finally:
        house.discord.rules = replace(house.discord.rules, blocked_words=())
