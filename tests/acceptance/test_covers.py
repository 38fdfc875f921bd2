"""A cover (spoiler) hides everything that a reply shows: the results, and the sources beside them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from bot.policy.rules import SpoilerRule
from sandbox.discord.sight import Message
from tests.acceptance.conftest import House, set_rules, with_pictures

pytestmark = pytest.mark.asyncio(loop_scope="module")


def picture(path: Path) -> Path:
    Image.effect_noise((80, 60), 90).convert("RGB").save(path)
    return path


def covers(message: Message) -> dict[str, bool]:
    return {it.filename.partition(".")[0]: it.spoiler for it in message.pictures}


COVERED = {"source-1": True, "picture-1": True}


async def test_a_covered_request_covers_the_source_too(house: House, tmp_path: Path) -> None:
    reply = await house.ada.command("edit", prompt="in snow", image=picture(tmp_path / "a.png"), spoiler=True)
    assert covers(await reply.until(with_pictures)) == COVERED
    again = await (await house.ada.press(reply, "Again")).until(with_pictures)
    assert covers(again) == COVERED


@pytest.mark.parametrize("said", [None, True, False])
async def test_a_covered_source_covers_the_whole_reply_whatever_the_option_says(
    house: House, tmp_path: Path, said: bool | None
) -> None:
    options = {} if said is None else {"spoiler": said}
    reply = await house.ada.command("edit", prompt="x", image=picture(tmp_path / "SPOILER_a.png"), **options)
    assert covers(await reply.until(with_pictures)) == COVERED


async def test_one_covered_source_of_several_covers_all(house: House, tmp_path: Path) -> None:
    files = [picture(tmp_path / "a.png"), picture(tmp_path / "SPOILER_b.png")]
    message = await (await house.ada.command("edit", prompt="x", image=files[0], image2=files[1])).until(with_pictures)
    assert covers(message) == COVERED | {"source-2": True}


async def test_edit_image_on_a_covered_picture_stays_covered(house: House, tmp_path: Path) -> None:
    post = await house.ada.post("careful", [picture(tmp_path / "SPOILER_a.png")])
    form = await house.ada.message_menu("Edit image", post)
    assert covers(await (await house.ada.submit(form, {"prompt": "warmer"})).until(with_pictures)) == COVERED


async def test_edit_image_on_a_covered_card_stays_covered(house: House) -> None:
    card = await (await house.ada.command("imagine", prompt="x", spoiler=True)).until(with_pictures)
    form = await house.ben.message_menu("Edit image", card)
    assert covers(await (await house.ben.submit(form, {"prompt": "warmer"})).until(with_pictures)) == COVERED


async def test_a_covered_reference_in_the_form_covers_the_reply(house: House, tmp_path: Path) -> None:
    card = await (await house.ada.command("imagine", prompt="x")).until(with_pictures)
    form = await house.ada.press(card, "Edit")
    answers = {"prompt": "warmer", "references": [picture(tmp_path / "SPOILER_a.png")]}
    message = await (await house.ada.submit(form, answers)).until(with_pictures)
    assert set(covers(message).values()) == {True}


async def test_a_place_that_covers_everything_covers_the_source_too(house: House, tmp_path: Path) -> None:
    panel = await set_rules(house.ada, spoiler=SpoilerRule.ALWAYS.value)
    try:
        reply = await house.ada.command("edit", prompt="x", image=picture(tmp_path / "a.png"), spoiler=False)
        assert covers(await reply.until(with_pictures)) == COVERED
    finally:
        await set_rules(house.ada, reset="look")
    assert panel.ephemeral


async def test_a_place_without_covers_and_a_preset_without_one_do_not_uncover_a_covered_source(
    house: House, tmp_path: Path
) -> None:
    """Nor does *Post here*: what was covered in private is covered for everybody."""
    await set_rules(house.ada, spoiler=SpoilerRule.NEVER.value)
    try:
        source = picture(tmp_path / "SPOILER_a.png")
        reply = await house.ada.command("edit", prompt="x", image=source, spoiler=False, private=True)
        assert covers(await reply.until(with_pictures)) == COVERED
        posted = await (await house.ada.press(reply, "Post here")).until(with_pictures)
        assert covers(posted) == COVERED
        assert covers(await (await house.ben.press(posted, "Again")).until(with_pictures)) == COVERED
        gallery = await house.ada.command("gallery")
        assert all(it.spoiler for it in gallery.message.pictures if it.alt.startswith("x"))
    finally:
        await set_rules(house.ada, reset="look")
