"""What becomes of the sources of an edit later: whose they are is asked again, and what is not kept is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from sandbox.discord.person import Person
from sandbox.discord.reply import ModalForm, Reply
from tests.acceptance.conftest import House, picture, says, with_pictures
from tests.databases import rows

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def may_edit(person: Person, choice: str) -> None:
    await person.choose(await person.command("preferences"), "Who may edit my pictures", choice)


async def refused(person: Person, reply: Reply, house: House) -> bool:
    """Whether neither Again nor Remix does anything for a person, and both say whose picture it is."""
    before = len(house.submissions())
    again = await person.press(reply, "Again")
    form = await person.press(reply, "Remix")
    assert isinstance(form, ModalForm)
    remix = await person.submit(form, {"prompt": "in autumn"})
    refusals = [it for it in (again, remix) if it.ephemeral and says("let others edit")(it.message)]
    assert len(refusals) in {0, 2}
    for it in (again, remix):
        if it not in refusals:
            await it.until(with_pictures)
    assert len(house.submissions()) == before + 2 - len(refusals)
    return bool(refusals)


async def test_again_and_remix_ask_whose_source_it_is_whoever_presses(house: House, tmp_path: Path) -> None:
    """Ben's own picture: others may use the buttons until he shuts them out, also those of an edit of an edit."""
    first = await house.ben.command("edit", prompt="in snow", image=picture(tmp_path / "a.png"))
    await first.until(with_pictures)
    second = await house.ada.press(first, "Again")
    await second.until(with_pictures)
    assert not await refused(house.ada, first, house)
    await may_edit(house.ben, "Nobody")
    try:
        assert await refused(house.ada, first, house)
        assert await refused(house.ada, second, house)
        assert not await refused(house.ben, second, house)
    finally:
        await may_edit(house.ben, "Anyone")
    assert not await refused(house.ada, second, house)


async def test_a_picture_that_its_owner_let_be_edited_once_is_not_edited_again_for_ever(
    house: House, tmp_path: Path
) -> None:
    post = await house.ben.post("look", [picture(tmp_path / "a.png")])
    await may_edit(house.ben, "Anyone")
    try:
        form = await house.ada.message_menu("Edit image", post)
        assert isinstance(form, ModalForm)
        edit = await house.ada.submit(form, {"prompt": "warmer"})
        await edit.until(with_pictures)
        assert not await refused(house.ada, edit, house)
        await may_edit(house.ben, "Nobody")
        assert await refused(house.ada, edit, house)
        assert not await refused(house.ben, edit, house)
    finally:
        await may_edit(house.ben, "Anyone")


async def test_a_reference_in_a_form_is_its_senders(house: House, tmp_path: Path) -> None:
    card = await (await house.ada.command("imagine", prompt="x")).until(with_pictures)
    form = await house.ben.press(card, "Edit")
    assert isinstance(form, ModalForm)
    edit = await house.ben.submit(form, {"prompt": "warmer", "references": [picture(tmp_path / "a.png")]})
    await edit.until(with_pictures)
    [(author,)] = rows(house.database, "SELECT user_id FROM source_authors ORDER BY job_id, position")[-1:] or [(0,)]
    assert author == house.ben.user.id
    await may_edit(house.ben, "Nobody")
    try:
        assert await refused(house.ada, edit, house)
    finally:
        await may_edit(house.ben, "Anyone")


async def test_a_picture_that_is_too_large_to_be_kept_is_named(house: House, tmp_path: Path) -> None:
    """A progressive JPEG of 49 megapixels is taken, and cannot be made small: it is nowhere but at its address."""
    tile = Image.effect_noise((1000, 1000), 40).convert("RGB")
    large = Image.new("RGB", (7000, 7000))
    for place in range(49):
        large.paste(tile, (place % 7 * 1000, place // 7 * 1000))
    large.save(tmp_path / "large.jpg", quality=20, progressive=True)
    assert (tmp_path / "large.jpg").stat().st_size > 3 * 1024 * 1024
    small = picture(tmp_path / "small.png")
    reply = await house.ada.command("edit", prompt="x", image=tmp_path / "large.jpg", image2=small)
    message = await reply.until(with_pictures)
    assert says("1 picture you edited could not be kept", "Again")(message), message.text
    await (await house.ada.press(reply, "Again")).until(with_pictures)
    whole = await (await house.ada.command("edit", prompt="y", image=small)).until(with_pictures)
    assert "could not be kept" not in whole.text
