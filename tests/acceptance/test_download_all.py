"""Download all: one's own pictures of a month as zip files that only one sees, in parts that fit."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.discord.person import Person
from sandbox.discord.reply import ModalForm, Reply
from sandbox.discord.sight import Message
from sandbox.image_api.studio import PaintMode
from tests.acceptance.conftest import House, OpenHouse, eventually, says, with_pictures
from tests.databases import rows

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALL_THERE = says("All there")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(open_house: OpenHouse) -> AsyncIterator[House]:
    async with open_house(variables={"MAX_JOBS_PER_USER": "50"}, paint=PaintMode.REAL) as whole:
        yield whole


async def painted(house: House, person: Person, prompt: str, **options: object) -> Reply:
    reply = await person.command("imagine", prompt=prompt, **options)  # pyright: ignore[reportArgumentType]
    await reply.until(with_pictures)
    # The gallery knows a picture once its delivery is written down, a moment after Discord shows it.
    await eventually(lambda: not rows(house.database, "SELECT id FROM jobs WHERE state <> 'delivered'"))
    return reply


async def opened(person: Person) -> ModalForm:
    """The form that asks for the month."""
    page = await person.command("gallery", mine=True)
    await page.until(lambda message: "Download all" in message.labels)
    form = await person.press(page, "Download all")
    assert isinstance(form, ModalForm)
    return form


async def ask(person: Person, month: str = "", form: ModalForm | None = None) -> Reply:
    """Ask for a month; the private reply that says how far it is."""
    return await person.submit(form or await opened(person), {"month": [month or f"{datetime.now(UTC):%Y-%m}"]})


async def download(
    person: Person, month: str = "", form: ModalForm | None = None
) -> tuple[Message, list[zipfile.ZipFile]]:
    """What is said in the end, and the parts, which nobody else sees."""
    known = {it.id for it in person.sees()}
    reply = await ask(person, month, form)
    assert reply.ephemeral
    said = await reply.until(lambda message: not message.loading and not says("Collecting")(message))
    return said, parts_of(person, known)


def parts_of(person: Person, known: set[int]) -> list[zipfile.ZipFile]:
    found = [it for it in person.sees() if it.id not in known and it.json["attachments"]]
    assert all(it.ephemeral for it in found)
    world = person._world  # pyright: ignore[reportPrivateUsage] - what the client would load
    return [
        zipfile.ZipFile(io.BytesIO(world.cdn.bytes(int(one["id"])))) for it in found for one in it.json["attachments"]
    ]


async def test_one_gets_ones_own_pictures_and_a_text_names_those_that_are_gone(house: House) -> None:
    await painted(house, house.ada, "of Ada's own")
    shown = await painted(house, house.ben, "two foxes / ../and a hat", count=2, format="png")
    lost = await painted(house, house.ben, "deleted by other hands")
    await painted(house, house.ben, "between us", private=True)
    form = await opened(house.ben)
    await house.ada.delete(lost)
    said, parts = await download(house.ben, form=form)
    assert says("All there")(said), said.text
    (whole,) = parts
    assert whole.testzip() is None
    names = sorted(whole.namelist())
    foxes = [name for name in names if "two-foxes-and-a-hat" in name]
    assert len(foxes) == 2
    assert all(name.endswith(".png") and "/" not in name and ".." not in name for name in foxes)
    assert sorted(len(whole.read(name)) for name in foxes) == sorted(it.size for it in shown.pictures)
    assert not any("Ada" in name for name in names)
    missing = whole.read("missing.txt").decode()
    assert "deleted by other hands" in missing
    assert "their message is gone" in missing
    assert not [it for it in house.ada.sees() if it.json["attachments"] and "zip" in str(it.json)]


async def test_a_month_without_pictures_says_so(house: House) -> None:
    said, parts = await download(house.ben, "2025-01")
    assert says("no finished pictures of 2025-01")(said)
    assert parts == []


async def test_what_does_not_fit_into_one_file_comes_in_several(house: House, tmp_path: Path) -> None:
    fan = newcomer(house, "Prolific")
    await asyncio.gather(*(painted(house, fan, f"fox number {number}", format="png") for number in range(6)))
    sizes = [picture.size for it in house.ada.sees() if "fox number" in it.text for picture in it.pictures]
    channel = house.discord.world.channel("pictures")
    channel.upload_limit = 2 * max(sizes) + 70_000
    try:
        said, parts = await download(fan)
    finally:
        channel.upload_limit = None
    assert says("6 pictures")(said)
    assert len(parts) >= 3
    assert sorted(name.split("-")[-3] for part in parts for name in part.namelist()) == [str(it) for it in range(6)]
    assert all(len(part.fp.getbuffer()) <= 2 * max(sizes) + 70_000 for part in parts)  # pyright: ignore


async def test_two_at_once_are_one_and_a_crowd_is_told_to_come_again(house: House) -> None:
    fans = [newcomer(house, f"Collector {number}") for number in range(4)]
    await asyncio.gather(*(painted(house, fan, "a fox to keep") for fan in fans))
    forms = await asyncio.gather(*(opened(fan) for fan in (fans[0], *fans)))
    fault = house.discord.faults.hang("GET /channels/*/messages/*", times=None)
    try:
        first = await ask(fans[0], form=forms[0])
        await first.until(says("Collecting"))
        assert says("downloading already")((await ask(fans[0], form=forms[1])).message)
        second = await ask(fans[1], form=forms[2])
        await second.until(says("Collecting"))
        assert says("Several people", "try again")((await ask(fans[2], form=forms[3])).message)
        # nobody's delivery waits for them
        await painted(house, fans[3], "a fox meanwhile")
    finally:
        house.discord.faults.remove(fault)
    for reply in (first, second):
        await reply.until(says("All there"))
    said, _ = await download(fans[2])
    assert ALL_THERE(said)


async def test_a_host_that_hangs_costs_its_pictures_and_the_disk_is_clean_afterwards(house: House) -> None:
    fan = newcomer(house, "Unlucky")
    await painted(house, fan, "a fox that comes")
    await painted(house, fan, "a fox that does not")
    fault = house.discord.faults.answer("GET /attachments/*", 404, times=1)
    said, parts = await download(fan)
    assert fault.hits == 1
    assert says("1 picture was no longer available")(said)
    (whole,) = parts
    assert "a fox that does not" in whole.read("missing.txt").decode()
    assert any("a-fox-that-comes" in name for name in whole.namelist())
    spool = Path(house.database.removeprefix("sqlite:///")).parent / "spool"
    await eventually(lambda: not list(spool.glob("album-*")))


async def test_a_stop_brings_a_part_and_go_on_the_rest(house: House) -> None:
    fan = newcomer(house, "Interrupted")
    await asyncio.gather(*(painted(house, fan, f"chapter {number}") for number in range(3)))
    form = await opened(fan)
    house.discord.faults.slow("GET /channels/*/messages/*", 1.5, times=2)
    known = {it.id for it in fan.sees()}
    reply = await ask(fan, form=form)
    await reply.until(says("Collecting"))
    await asyncio.sleep(0.5)
    await house.bot.stop()
    said = await reply.until(says("Go on"))
    first = parts_of(fan, known)
    house.discord.faults.clear()
    await house.start_bot()
    known = {it.id for it in fan.sees()}
    rest = await fan.press(said, "Go on")
    await rest.until(ALL_THERE)
    names = [name for part in (*first, *parts_of(fan, known)) for name in part.namelist()]
    assert sorted(name.split("-")[4] for name in names) == ["0", "1", "2"]


def newcomer(house: House, name: str) -> Person:
    guild = house.discord.world.channel("pictures").guild
    assert guild is not None
    house.discord.world.add_member(guild, house.discord.world.add_user(name))
    return house.discord.person(name)
