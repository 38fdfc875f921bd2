"""The menu of a message: Edit image and Imagine this."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from sandbox.discord.reply import ModalForm
from sandbox.discord.sight import COMPONENTS_V2
from sandbox.discord.stored import Draft
from tests.acceptance.conftest import House, says, typed, with_pictures

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_imagine_this_paints_the_text_of_anyones_message(house: House) -> None:
    message = await house.ben.post("a castle in the clouds")
    reply = await house.ada.message_menu("Imagine this", message)
    await reply.until(with_pictures)
    assert house.image_api.accepted[-1].submission.prompt == "a castle in the clouds"


async def test_imagine_this_reads_forwarded_messages(house: House) -> None:
    message = await house.ben.at("general").post("a lighthouse at dawn")
    forwarded = await house.ben.at("general").forward(message, "pictures")
    reply = await house.ada.message_menu("Imagine this", forwarded)
    await reply.until(with_pictures)
    assert house.image_api.accepted[-1].submission.prompt == "a lighthouse at dawn"


async def test_imagine_this_reads_the_cards_of_other_bots(house: House) -> None:
    world = house.discord.world
    text = {"type": 10, "content": "a harbour in fog", "id": 2}
    card = Draft(components=({"type": 17, "id": 1, "components": [text]},), flags=COMPONENTS_V2)
    stored = world.messages.add(world.channel("pictures"), world.add_user("Weather", bot=True), card)
    reply = await house.ada.message_menu("Imagine this", world.messages.look(stored))
    await reply.until(with_pictures)
    assert house.image_api.accepted[-1].submission.prompt == "a harbour in fog"


async def test_imagine_this_never_paints_a_part_of_a_text_unasked(house: House) -> None:
    world = house.discord.world
    embed = {"type": "rich", "description": f"{'a very long story ' * 227}ends"}
    long = world.messages.add(world.channel("pictures"), world.add_user("Stories", bot=True), Draft(embeds=(embed,)))
    refused = await house.ada.message_menu("Imagine this", world.messages.look(long))
    assert refused.ephemeral
    assert says("The prompt is 4090 characters long")(refused.message)
    form = await house.ada.press(refused, "Change and try again")
    assert isinstance(form, ModalForm), form.text
    await (await house.ada.submit(form, {"Prompt": "a short story"})).until(with_pictures)
    assert house.image_api.accepted[-1].submission.prompt == "a short story"


async def test_mentions_and_emoji_become_words(house: House) -> None:
    general = house.discord.world.channel("general").id
    message = await house.ben.post(f"<:kek:123456> a party in <#{general}> <@&999> at <t:1700000000:R>")
    reply = await house.ada.message_menu("Imagine this", message)
    await reply.until(with_pictures)
    assert house.image_api.accepted[-1].submission.prompt == "kek a party in #general at"


async def test_edit_image_reads_forwarded_messages_and_files_of_an_untold_type(house: House, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "teal").save(tmp_path / "a.png")
    Image.new("RGB", (64, 64), "teal").save(tmp_path / "b.jfif", "JPEG")
    house.discord.rules = replace(house.discord.rules, tells_content_types=False)
    try:
        message = await house.ada.at("general").post("look", files=[tmp_path / "a.png", tmp_path / "b.jfif"])
        forwarded = await house.ada.at("general").forward(message, "pictures")
        form = await house.ada.message_menu("Edit image", forwarded)
        assert isinstance(form, ModalForm), form.text
        answers = {"Prompt": "in snow", "Picture": ["Picture 2"]}
        await (await house.ada.submit(form, answers)).until(with_pictures)
    finally:
        house.discord.rules = replace(house.discord.rules, tells_content_types=True)
    body = house.submissions()[-1].json
    assert isinstance(body, dict)
    assert "/b.jfif" in body["image"]


async def test_imagine_this_on_a_message_without_text_says_so(house: House, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "teal").save(tmp_path / "a.png")
    message = await house.ben.post(files=[tmp_path / "a.png"])
    reply = await house.ada.message_menu("Imagine this", message)
    assert reply.ephemeral
    assert says("no text")(reply.message)


async def test_edit_image_opens_the_form_on_the_pictures_of_a_message(house: House, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        Image.new("RGB", (64, 64), "teal").save(tmp_path / name)
    message = await house.ada.post("look", files=[tmp_path / "a.png", tmp_path / "b.png"])
    form = await house.ada.message_menu("Edit image", message)
    assert isinstance(form, ModalForm)
    answers = {"Prompt": "in snow", "Picture": ["Picture 2"]}
    await (await house.ada.submit(form, answers)).until(with_pictures)
    body = house.submissions()[-1].json
    assert isinstance(body, dict)
    assert (body["task_type"], body["aspect_ratio"], body["prompt"]) == ("image2image", "auto", "in snow")
    assert "/b.png" in body["image"]


async def test_edit_image_works_on_the_bots_own_pictures(house: House) -> None:
    reply = await house.ben.command("imagine", prompt="a red fox")
    await reply.until(with_pictures)
    form = await house.ada.message_menu("Edit image", reply)
    await (await house.ada.submit(form, Prompt="in snow")).until(with_pictures)
    body = house.submissions()[-1].json
    assert isinstance(body, dict)
    assert "picture-1" in body["image"]


async def test_edit_image_on_a_message_without_pictures_says_so(house: House) -> None:
    message = await house.ben.post("only words")
    reply = await house.ada.message_menu("Edit image", message)
    assert reply.ephemeral
    assert says("no picture")(reply.message)


async def test_a_form_that_was_open_during_a_restart_still_works(house: House, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "teal").save(tmp_path / "c.png")
    message = await house.ada.post("look", files=[tmp_path / "c.png"])
    form = await house.ada.message_menu("Edit image", message)
    await house.restart_bot()
    await (await house.ada.submit(form, Prompt="in snow")).until(with_pictures)
    body = house.submissions()[-1].json
    assert isinstance(body, dict)
    assert "/c.png" in body["image"]


async def test_the_form_remembers_what_each_person_chose_the_last_time(house: House, tmp_path: Path) -> None:
    for name in ("d.png", "more.png"):
        Image.new("RGB", (64, 64), "teal").save(tmp_path / name)
    message = await house.ada.post("look", files=[tmp_path / "d.png"])
    form = await house.ada.message_menu("Edit image", message)
    answers = {"Prompt": "in snow", "Model": ["Quality"], "Resolution": ["2k"], "Aspect ratio": ["16:9 – wide"]}
    reply = await house.ada.submit(form, {**answers, "Reference pictures": [tmp_path / "more.png"]})
    await reply.until(with_pictures)
    assert "Edit of a picture in [this message](https://discord.com/channels/" in reply.message.text
    form = await house.ada.message_menu("Edit image", message)
    assert isinstance(form, ModalForm)
    held = {field.label: field.value for field in form.fields}
    assert held["Model"] == ("grok-imagine-image-quality",)
    assert (held["Resolution"], held["Aspect ratio"]) == (("2k",), ("16:9",))
    others = await house.ben.message_menu("Edit image", message)
    assert isinstance(others, ModalForm)
    assert {field.label: field.value for field in others.fields}["Resolution"] == ("1k",)


async def test_a_form_of_somebody_else_is_refused(house: House, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "teal").save(tmp_path / "e.png")
    message = await house.ben.post("look", files=[tmp_path / "e.png"])
    form = await house.ada.message_menu("Edit image", message)
    before = len(house.submissions())
    stolen = await house.ben.submit(form, Prompt="in snow")
    assert says("can no longer read this form")(stolen.message)
    assert len(house.submissions()) == before


async def test_pictures_of_others_are_edited_only_where_they_or_the_server_allow_it(
    house: House, tmp_path: Path
) -> None:
    Image.new("RGB", (64, 64), "teal").save(tmp_path / "f.png")
    message = await house.ben.post("my holiday", files=[tmp_path / "f.png"])
    form = await house.ada.message_menu("Edit image", message)
    before = len(house.submissions())
    refused = await house.ada.submit(form, Prompt="in snow")
    assert refused.ephemeral
    assert says("your own pictures and easel's")(refused.message)
    assert not refused.message.labels
    assert len(house.submissions()) == before
    own = await house.ben.message_menu("Edit image", message)
    await (await house.ben.submit(own, Prompt="in snow")).until(with_pictures)


async def test_a_refused_request_is_repeated_and_can_be_changed(house: House) -> None:
    assert (await typed(house, "/settings max_count:2")).ephemeral
    try:
        refused = await house.ben.command("imagine", prompt="a very long story", count=4)
        assert refused.ephemeral
        assert says("a very long story")(refused.message)
        await house.restart_bot()  # what was typed lies in the database
        form = await house.ben.press(refused, "Change and try again")
        assert isinstance(form, ModalForm)
        held = {field.label: field.value for field in form.fields}
        assert (held["Prompt"], held["Count"]) == ("a very long story", ("2",))
        reply = await house.ben.submit(form)
        await reply.until(with_pictures)
        assert len(reply.message.pictures) == 2
    finally:
        await typed(house, "/settings reset:max_count")
