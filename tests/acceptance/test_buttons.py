"""The buttons under a reply: what each does, who may press it, and that a restart takes nothing from them."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
from PIL import Image

from sandbox.discord.person import Person
from sandbox.discord.reply import ModalForm, Reply
from tests.acceptance.conftest import House, final, house_in, says, with_pictures

pytestmark = pytest.mark.asyncio(loop_scope="module")

RESULT_BUTTONS = ["Again", "Remix", "Edit", "Details", "Delete"]


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "photo.png"
    Image.new("RGB", (320, 200), "teal").save(path)
    return path


async def finished(house: House, **options: Any) -> Reply:
    """A job of Ada's with its pictures."""
    reply = await house.ada.command("imagine", **({"prompt": "a red fox"} | options))
    await reply.until(with_pictures)
    return reply


async def delete(person: Person, reply: Reply) -> None:
    """Press Delete and answer its question with yes."""
    await person.press(await person.press(reply, "Delete"), "Yes, delete")
    await reply.until_deleted()


def last_body(house: House) -> dict[str, Any]:
    return cast("dict[str, Any]", house.submissions()[-1].json)


async def test_again_repeats_everything_private_included(house: House) -> None:
    options = {"prompt": "a red fox", "model": "Quality", "aspect_ratio": "4:3", "resolution": "2k", "count": 2}
    reply = await finished(house, **options, format="png", spoiler=True, private=True)
    asked = last_body(house)
    again = await house.ada.press(reply, "Again")
    message = await again.until(with_pictures)
    assert last_body(house) == asked
    assert message.id != reply.message.id
    assert message.ephemeral
    assert all(picture.spoiler for picture in message.pictures)


async def test_anyone_may_press_again_and_then_it_is_theirs(house: House) -> None:
    reply = await finished(house)
    again = await house.ben.press(reply, "Again")
    message = await again.until(with_pictures)
    assert f"<@{house.ben.user.id}>" in message.text


async def test_remix_shows_the_whole_request_and_keeps_what_is_not_changed(house: House) -> None:
    reply = await finished(house, model="Quality", aspect_ratio="9:16", resolution="2k", count=3, format="webp")
    form = await house.ada.press(reply, "Remix")
    assert isinstance(form, ModalForm)
    assert [field.label for field in form.fields] == ["Prompt", "Model", "Aspect ratio", "Resolution", "Count"]
    message = await (await house.ada.submit(form, Prompt="a blue fox", Count=["1 picture"])).until(with_pictures)
    assert len(message.pictures) == 1
    assert last_body(house) == {
        "model": "grok-imagine-image-quality",
        "task_type": "text2image",
        "prompt": "a blue fox",
        "aspect_ratio": "9:16",
        "resolution": "2k",
        "output_format": "webp",
        "num_images": 1,
        "response_format": "url",
    }


async def test_edit_works_on_the_picture_with_one_picture_and_auto(house: House) -> None:
    reply = await finished(house, model="Quality", resolution="2k", format="png")
    form = await house.ada.press(reply, "Edit")
    assert isinstance(form, ModalForm)
    assert [field.label for field in form.fields] == [
        "Prompt",
        "Reference pictures",
        "Model",
        "Aspect ratio",
        "Resolution",
    ]
    message = await (await house.ada.submit(form, Prompt="now in snow")).until(with_pictures)
    body = last_body(house)
    assert body.pop("image").startswith(house.discord.base_url)
    assert body == {
        "model": "grok-imagine-image-quality",
        "task_type": "image2image",
        "prompt": "now in snow",
        "aspect_ratio": "auto",
        "resolution": "2k",
        "output_format": "png",
        "num_images": 1,
        "response_format": "url",
    }
    assert [picture.filename for picture in message.pictures] == ["source-1.png", "picture-1.png"]


async def test_edit_on_several_pictures_asks_which_and_takes_more_references(house: House, photo: Path) -> None:
    reply = await finished(house, count=3)
    form = await house.ada.press(reply, "Edit")
    assert isinstance(form, ModalForm)
    assert [field.label for field in form.fields] == [
        "Prompt",
        "Picture",
        "Reference pictures",
        "Model and resolution",
        "Aspect ratio",
    ]
    answers: dict[str, Any] = {
        "Prompt": "together",
        "Picture": ["Picture 2"],
        "Reference pictures": [photo],
        "Model and resolution": ["Quality, 2k"],
    }
    await (await house.ada.submit(form, answers)).until(with_pictures)
    body = last_body(house)
    assert (body["model"], body["resolution"], body["num_images"]) == ("grok-imagine-image-quality", "2k", 1)
    assert len(body["images"]) == 2
    assert "picture-2" in body["images"][0]


async def test_details_are_for_the_clicker_alone_and_tell_all(house: House) -> None:
    reply = await finished(house, prompt="a *red* fox", count=2)
    details = await house.ben.press(reply, "Details")
    assert details.ephemeral
    task = house.image_api.accepted[-1].task_id
    for expected in ("a *red* fox", "Standard", "1:1", "2 pictures", task, "Time taken", "Cost"):
        assert expected in details.text
    assert details.message.id not in [message.id for message in house.ada.sees()]


async def test_details_of_a_very_long_prompt_bring_it_as_a_file(house: House) -> None:
    prompt = "very long " * 400
    reply = await finished(house, prompt=prompt.strip())
    details = await house.ada.press(reply, "Details")
    file = details.message.files[0]
    assert (await details.download(file)).decode() == prompt.strip()


async def test_delete_is_refused_to_others_and_done_for_the_requester(house: House) -> None:
    reply = await (await house.ben.command("imagine", prompt="mine")).until(with_pictures)
    stranger = house.ben.at("group")
    assert stranger.user is house.ben.user
    own = await finished(house)
    refused = await house.ben.press(own, "Delete")
    assert refused.ephemeral
    assert says("Only the person who asked")(refused.message)
    assert not own.deleted
    question = await house.ada.press(own, "Delete")
    assert question.ephemeral
    assert says("delete this picture?")(question.message)
    assert question.message.labels == ["Yes, delete", "Keep"]
    assert says("nothing was deleted")((await house.ada.press(question, "Keep")).message)
    assert not own.deleted
    await delete(house.ada, own)
    assert reply.pictures


async def test_a_question_that_was_open_during_a_restart_deletes_a_public_reply_all_the_same(house: House) -> None:
    own = await finished(house, prompt="kept over a restart")
    private = await finished(house, prompt="seen by one", private=True)
    questions = [await house.ada.press(it, "Delete") for it in (own, private)]
    await house.restart_bot()
    assert says("deleted")(await (await house.ada.press(questions[0], "Yes, delete")).until(says("deleted")))
    await own.until_deleted()
    # the token that reached the private one is gone with the process: its requester is told what to do
    told = await (await house.ada.press(questions[1], "Yes, delete")).until(says("once more"))
    assert says("under it once more")(told)
    await delete(house.ada, private)


async def test_a_reply_that_failed_and_one_that_was_cancelled_can_be_deleted_too(house: House) -> None:
    failed = await house.ada.command("imagine", prompt="no [[refuse]]")
    assert (await failed.until(final)).labels[-1] == "Delete"
    await delete(house.ada, failed)


async def test_a_member_with_manage_messages_may_delete_anyones(house: House) -> None:
    reply = await house.ben.command("imagine", prompt="mine")
    await reply.until(with_pictures)
    await delete(house.ada, reply)


async def test_a_private_reply_can_be_deleted(house: House) -> None:
    reply = await finished(house, private=True)
    await delete(house.ada, reply)


async def test_cancel_is_refused_to_others_and_done_for_the_requester(house: House) -> None:
    reply = await house.ada.command("imagine", prompt="a red fox [[very-slow]]")
    await reply.until(says("painting"))
    refused = await house.ben.press(reply, "Cancel")
    assert says("Only the person who asked")(refused.message)
    await house.ada.press(reply, "Cancel")
    message = await reply.until(final)
    assert says("Cancelled", "may have been charged")(message)
    assert message.labels == ["Again", "Remix", "Details", "Delete"]


async def test_a_job_in_line_is_cancelled_without_any_charge(tmp_path: Path) -> None:
    async with house_in(tmp_path, variables={"MAX_ACTIVE_JOBS": "1"}) as house:
        first = await house.ada.command("imagine", prompt="first [[very-slow]]")
        await first.until(says("painting"))
        second = await house.ada.command("imagine", prompt="second")
        await house.ada.press(second, "Cancel")
        message = await second.until(final)
        assert says("Cancelled", "Nothing was charged")(message)
        assert len(house.submissions()) == 1


async def test_every_button_works_after_a_restart(tmp_path: Path) -> None:
    async with house_in(tmp_path) as house:
        reply = await finished(house)
        form = await house.ada.press(reply, "Remix")
        await house.restart_bot()
        assert reply.labels == RESULT_BUTTONS
        assert (await (await house.ada.press(reply, "Again")).until(with_pictures)).pictures
        # A form that was open during the restart can still be sent.
        assert (await (await house.ada.submit(form, Prompt="after")).until(with_pictures)).pictures
        assert isinstance(await house.ada.press(reply, "Remix"), ModalForm)
        assert isinstance(await house.ada.press(reply, "Edit"), ModalForm)
        assert says("Details")((await house.ada.press(reply, "Details")).message)
        await delete(house.ada, reply)


async def test_again_on_an_edit_works_after_the_sources_address_has_expired(tmp_path: Path, photo: Path) -> None:
    async with house_in(tmp_path) as house:
        house.discord.rules = dataclasses.replace(house.discord.rules, cdn_lifetime_s=4.0)
        reply = await house.ada.command("edit", prompt="in snow", image=photo)
        await reply.until(with_pictures)
        used = last_body(house)["image"]
        await house.restart_bot()
        assert not await still_there(house, used)
        message = await (await house.ben.press(reply, "Again")).until(with_pictures)
        assert message.pictures
        assert last_body(house)["image"] != used
        assert last_body(house)["prompt"] == "in snow"


async def still_there(house: House, url: str) -> bool:
    """Whether a signed address still works, once it must have expired."""
    async with aiohttp.ClientSession() as session:
        for _ in range(60):
            async with session.get(url) as response:
                if response.status == 404:
                    return False
            await asyncio.sleep(0.1)
    return True
