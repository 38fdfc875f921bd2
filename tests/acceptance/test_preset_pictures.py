"""Presets with reference pictures: kept small, used as the sources of an edit, and gone with the preset."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import Image

from sandbox.discord.person import Person
from sandbox.discord.reply import ModalForm, Reply
from tests.acceptance.conftest import House, OpenHouse, eventually, final, picture, says, set_rules, with_pictures
from tests.databases import rows

pytestmark = pytest.mark.asyncio(loop_scope="module")

PRICES = (
    "grok-imagine-image:1k=0.02,grok-imagine-image:2k=0.03,grok-imagine-image:input=0.002,"
    "grok-imagine-image-quality:1k=0.05,grok-imagine-image-quality:2k=0.07,grok-imagine-image-quality:input=0.01"
)


async def opened(form: Reply) -> ModalForm:
    assert isinstance(form, ModalForm), form.error or form.message.text
    return form


async def made(person: Person, name: str, *files: Path, words: str = "", whose: str = "mine") -> Reply:
    """Make a preset in the panel and give it pictures; the panel then shows both."""
    panel = await person.command("presets")
    if whose == "server":
        panel = await person.press(panel, "Presets of this server")
    form = await opened(await person.press(panel, "New preset"))
    shown = await person.submit(form, {"Name": name, "Words": words})
    if files:
        await upload(person, shown, *files)
        await shown.until(lambda message: len(message.pictures) == len(files))
    return shown


async def upload(person: Person, shown: Reply, *files: Path) -> Reply:
    label = "Change pictures" if "Change pictures" in shown.message.labels else "Add pictures"
    form = await opened(await person.press(shown, label))
    return await person.submit(form, {"Pictures": list(files)})


def body(house: House) -> dict[str, Any]:
    return cast("dict[str, Any]", house.submissions()[-1].json)


def noisy(path: Path, size: tuple[int, int] = (2400, 1200)) -> Path:
    """A large picture with a note in it of where it was taken."""
    image = Image.effect_noise(size, 90).convert("RGB")
    exif = Image.Exif()
    exif[0x010E] = "at home, Easel Street 1"
    image.save(path, quality=95, exif=exif)
    return path


def stored(house: House) -> list[tuple[object, ...]]:
    return rows(house.database, "SELECT id, data FROM preset_pictures")


async def test_imagine_with_pictures_of_a_preset_is_an_edit_of_them_and_says_so(house: House, tmp_path: Path) -> None:
    first, second = noisy(tmp_path / "logo.jpg"), picture(tmp_path / "mascot.png")
    await made(house.ada, "Brand", first, second, words="in our colours")
    reply = await house.ada.command("imagine", prompt="a fox", preset="Brand")
    await reply.until(with_pictures)
    sent = body(house)
    assert (sent["task_type"], sent["prompt"], sent["aspect_ratio"]) == ("image2image", "a fox, in our colours", "auto")
    assert len(sent["images"]) == 2
    assert all(address.startswith(house.discord.base_url) for address in sent["images"])
    assert says("with the preset **brand** and its 2 pictures, so this is an edit")(reply.message)
    assert reply.message.text.lower().count("picture of the preset") == 2
    assert not says("edited from this picture")(reply.message)


async def test_what_is_kept_is_small_and_says_nothing_of_its_maker(house: House, tmp_path: Path) -> None:
    before = stored(house)
    await made(house.ben, "Small", noisy(tmp_path / "home.jpg"))
    [data] = {bytes(cast("bytes", row[1])) for row in stored(house) if row not in before}
    assert len(data) <= 300_000
    assert b"Easel Street" not in data
    (tmp_path / "kept").write_bytes(data)
    with Image.open(tmp_path / "kept") as kept:
        assert max(kept.size) <= 1536


async def test_with_edit_they_come_after_ones_own_and_what_does_not_fit_is_said(house: House, tmp_path: Path) -> None:
    mine = [picture(tmp_path / f"mine-{number}.png", (40 + number, 30)) for number in range(2)]
    await made(house.ada, "Two", picture(tmp_path / "a.png"), picture(tmp_path / "b.png"))
    reply = await house.ada.command("edit", prompt="put them together", image=mine[0], image2=mine[1], preset="Two")
    await reply.until(with_pictures)
    assert ["mine-0" in it or "mine-1" in it for it in body(house)["images"]] == [True, True, False]
    assert says("and its picture, so this is an edit", "1 picture of it is left out")(reply.message)


async def test_again_remix_and_edit_of_such_a_job_work_also_without_the_preset(house: House, tmp_path: Path) -> None:
    shown = await made(house.ada, "Gone soon", picture(tmp_path / "a.png"))
    reply = await house.ada.command("imagine", prompt="a fox", preset="Gone soon")
    await reply.until(with_pictures)
    asked = await house.ada.press(shown, "Delete")
    await house.ada.press(asked, "Yes, delete")
    again = await house.ben.press(reply, "Again")
    await again.until(with_pictures)
    assert body(house)["image"].startswith(house.discord.base_url)
    assert says("gone soon", "an edit")(again.message)
    form = await opened(await house.ben.press(again, "Remix"))
    remixed = await house.ben.submit(form, {"Prompt": "a wolf"})
    await remixed.until(with_pictures)
    assert (body(house)["prompt"], body(house)["task_type"]) == ("a wolf", "image2image")
    form = await opened(await house.ben.press(remixed, "Edit"))
    edited = await house.ben.submit(form, {"Prompt": "at night"})
    await edited.until(with_pictures)
    assert "picture-1" in body(house)["image"]


async def test_pictures_of_a_result_are_offered_and_none_is_chosen(house: House) -> None:
    reply = await house.ben.command("imagine", prompt="a tiny dragon, ink on paper", count=2)
    await reply.until(with_pictures)
    details = await house.ben.press(reply, "Details")
    form = await opened(await house.ben.press(details, "Save as preset"))
    values = {field.label: field.value for field in form.fields}
    assert values["Words"] == "ink on paper"
    assert not values["Pictures to keep"]
    saved = await house.ben.submit(form, {"Name": "Dragon", "Pictures to keep": ["Picture 2"]})
    await saved.until(lambda message: len(message.pictures) == 1)
    assert saved.ephemeral
    used = await house.ben.command("imagine", prompt="a knight", preset="Dragon")
    await used.until(with_pictures)
    assert (body(house)["prompt"], body(house)["task_type"]) == ("a knight, ink on paper", "image2image")
    form = await opened(await house.ben.press(details, "Save as preset"))
    plain = await house.ben.submit(form, {"Name": "Dragon without"})
    await plain.until(says("dragon without"))
    await (await house.ben.command("imagine", prompt="a knight", preset="Dragon without")).until(with_pictures)
    assert body(house)["task_type"] == "text2image"


async def test_private_pictures_of_a_preset_and_private_results_work_alike(house: House, tmp_path: Path) -> None:
    await made(house.ada, "Quiet", picture(tmp_path / "a.png"))
    reply = await house.ada.command("imagine", prompt="a fox", preset="Quiet", private=True)
    await reply.until(with_pictures)
    assert reply.ephemeral
    assert body(house)["task_type"] == "image2image"
    details = await house.ada.press(reply, "Details")
    assert not says("link to share")(details.message)
    form = await opened(await house.ada.press(details, "Save as preset"))
    saved = await house.ada.submit(form, {"Name": "From a private one", "Pictures to keep": ["Picture 1"]})
    await saved.until(lambda message: len(message.pictures) == 1)


async def test_what_is_no_picture_is_told_and_changes_nothing(house: House, tmp_path: Path) -> None:
    shown = await made(house.ada, "Kept", picture(tmp_path / "a.png"))
    (tmp_path / "not.png").write_bytes(b"words" * 100)
    before = stored(house)
    answer = await upload(house.ada, shown, tmp_path / "not.png")
    told = await answer.until_follow_up()
    assert says("JPEG")(told), told.text
    assert stored(house) == before
    bare = await house.ada.press(shown, "Remove pictures")
    await eventually(lambda: len(stored(house)) == len(before) - 1)
    await bare.until(says("kept"))
    await shown.until(lambda message: not message.pictures and "Add pictures" in message.labels)


async def test_a_servers_pictures_are_its_managers(house: House, tmp_path: Path) -> None:
    await made(house.ada, "House brand", picture(tmp_path / "a.png"), whose="server")
    panel = await house.ben.press(await house.ben.command("presets"), "Presets of this server")
    seen = await house.ben.choose(panel, "Look at a preset", "House brand")
    await seen.until(lambda message: bool(message.pictures))
    assert not {"Change pictures", "Remove pictures", "Change"} & set(seen.message.labels)
    copied = await house.ben.press(seen, "Copy to mine")
    await copied.until(lambda message: "Change pictures" in message.labels)
    used = await house.ben.command("imagine", prompt="a hat", preset="House brand")
    await used.until(with_pictures)
    assert body(house)["task_type"] == "image2image"


async def test_where_no_pictures_may_be_edited_a_named_one_is_refused_and_a_usual_one_goes_without(
    house: House, tmp_path: Path
) -> None:
    await made(house.ada, "Usual brand", picture(tmp_path / "a.png"), words="in teal", whose="server")
    await set_rules(house.ada, channel="general", rule="Preset when none is named", value="usual BRAND")
    said = await set_rules(house.ada, channel="general", rule="Whose pictures may be edited", value="None")
    await said.until(says("**Whose pictures may be edited**: None"))
    try:
        there = house.ben.at("general")
        refused = await there.command("imagine", prompt="a fox", preset="Usual brand")
        assert refused.ephemeral
        assert not refused.message.pictures
        reply = await there.command("imagine", prompt="a fox")
        await reply.until(with_pictures)
        assert (body(house)["prompt"], body(house)["task_type"]) == ("a fox, in teal", "text2image")
        assert says("its pictures are left out")(reply.message)
    finally:
        await set_rules(house.ada, channel="general", reset="everything")


async def test_delete_my_data_takes_them_along_and_privacy_counts_them(house: House, tmp_path: Path) -> None:
    cleo = house.discord.world.add_user("Cleo")
    [studio] = [it for it in house.discord.world.guilds.values() if it.name == "Easel Studio"]
    house.discord.world.add_member(studio, cleo)
    carl = house.discord.person("Cleo")
    await made(carl, "Mine", picture(tmp_path / "a.png"), picture(tmp_path / "b.png"))
    before = len(stored(house))
    panel = await carl.command("privacy")
    assert says("2 pictures", "kept with your presets")(panel.message)
    sure = await carl.press(panel, "Delete my data")
    await carl.press(sure, "Yes, delete it")
    await eventually(lambda: len(stored(house)) == before - 2)


async def test_their_price_is_told_and_budgets_count_it(open_house: OpenHouse, tmp_path: Path) -> None:
    variables = {"PRICE_LIST": PRICES, "MAX_SPEND_PER_SERVER_PER_DAY": "0.05"}
    async with open_house(variables=variables) as house:
        shown = await made(house.ada, "Brand", picture(tmp_path / "a.png"), picture(tmp_path / "b.png"))
        await shown.until(says("they cost $0.004 each time"))
        reply = await house.ada.command("imagine", prompt="a fox", preset="Brand")
        assert says("costs about $0.024")(reply.message)
        await reply.until(with_pictures)
        await (await house.ada.command("imagine", prompt="a fox", preset="Brand")).until(with_pictures)
        third = await house.ada.command("imagine", prompt="a fox", preset="Brand")
        assert third.ephemeral
        assert says("budget")(third.message)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_kill_before_the_submission_buys_once(open_house: OpenHouse, tmp_path: Path, kind: str) -> None:
    async with open_house(kind) as house:
        await made(house.ada, "Brand", picture(tmp_path / "a.png"))
        uploads = len(house.uploads())
        reply = await house.ada.command("imagine", prompt="a fox", preset="Brand")
        await eventually(lambda: len(house.uploads()) > uploads)
        await house.restart_bot()
        await reply.until(final)
        assert len(house.submissions()) <= 1
        if reply.message.pictures:
            assert body(house)["task_type"] == "image2image"
        else:  # killed as the request went out: nobody knows, and nothing is bought twice
            assert says("nobody knows")(reply.message)


async def test_pictures_taken_out_while_a_request_waits_end_it_unbought(open_house: OpenHouse, tmp_path: Path) -> None:
    async with open_house(variables={"MAX_ACTIVE_JOBS": "1"}) as house:
        shown = await made(house.ada, "Brand", picture(tmp_path / "a.png"))
        first = await house.ada.command("imagine", prompt="slowly")
        second = await house.ada.command("imagine", prompt="a fox", preset="Brand")
        await house.ada.press(shown, "Remove pictures")
        await asyncio.gather(first.until(with_pictures), second.until(final))
        assert len(house.submissions()) == 1
        assert says("came with a preset", "nothing was charged")(second.message)
