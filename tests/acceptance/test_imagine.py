"""`/imagine`, from the command to the pictures in the channel."""

from __future__ import annotations

import asyncio
import io

import pytest
from PIL import Image

from sandbox.discord.clients import InvalidCommand
from tests.acceptance.abreast import abreast
from tests.acceptance.conftest import House, final, says, with_pictures
from tests.acceptance.outcomes import prompt_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
AT_ONCE = 10


async def test_every_option_reaches_the_image_api_as_its_page_says(house: House) -> None:
    before = len(house.image_api.requests)
    reply = await house.ada.command(
        "imagine",
        prompt="a lighthouse at dusk",
        model="Quality",
        aspect_ratio="16:9",
        resolution="2k",
        count=4,
        format="webp",
    )
    message = await reply.until(with_pictures)
    assert [it.json for it in house.submissions(before)] == [
        {
            "model": "grok-imagine-image-quality",
            "task_type": "text2image",
            "prompt": "a lighthouse at dusk",
            "aspect_ratio": "16:9",
            "resolution": "2k",
            "output_format": "webp",
            "num_images": 4,
            "response_format": "url",
        }
    ]
    kinds = [Image.open(io.BytesIO(await reply.download(picture))).format for picture in message.pictures]
    assert kinds == ["WEBP"] * 4


async def test_left_out_options_are_sent_with_their_defaults(house: House) -> None:
    before = len(house.image_api.requests)
    reply = await house.ada.command("imagine", prompt="a red fox")
    await reply.until(with_pictures)
    assert [it.json for it in house.submissions(before)] == [
        {
            "model": "grok-imagine-image",
            "task_type": "text2image",
            "prompt": "a red fox",
            "aspect_ratio": "1:1",
            "resolution": "1k",
            "output_format": "jpeg",
            "num_images": 1,
            "response_format": "url",
        }
    ]


async def test_one_message_goes_from_the_line_over_progress_to_the_pictures(house: House) -> None:
    reply = await house.ada.command("imagine", prompt="a red fox [[slow]]", count=2)
    message = await reply.until(with_pictures)
    first = reply.states[0]
    assert says("waiting in line", "place 1")(first)
    assert first.labels == ["Cancel"]
    assert any(says("painting", "%", "<t:")(state) and state.labels == ["Cancel"] for state in reply.states)
    assert {state.id for state in reply.states} == {message.id}
    assert [picture.alt for picture in message.pictures] == ["a red fox [[slow]]"] * 2
    assert says("Standard", "1:1", "1k", "2 pictures")(message)
    assert f"<@{house.ada.user.id}>" in message.text
    assert message.labels == ["Again", "Remix", "Edit", "Details", "Delete"]


async def test_a_private_reply_is_seen_by_its_user_alone(house: House) -> None:
    reply = await house.ada.command("imagine", prompt="a secret garden", private=True)
    message = await reply.until(with_pictures)
    assert message.ephemeral
    assert message.id in [it.id for it in house.ada.sees()]
    assert message.id not in [it.id for it in house.ben.sees()]


async def test_spoilers_are_covered(house: House) -> None:
    reply = await house.ada.command("imagine", prompt="the last page", count=2, spoiler=True)
    message = await reply.until(with_pictures)
    assert [picture.spoiler for picture in message.pictures] == [True, True]


@pytest.mark.parametrize("place", ["dm", "group", "elsewhere", "thread", "post"])
async def test_it_works_in_every_place(house: House, place: str) -> None:
    reply = await house.ada.at(place).command("imagine", prompt="a red fox")
    assert (await reply.until(with_pictures)).pictures


async def test_hostile_text_is_shown_harmlessly_and_sent_whole(house: House) -> None:
    prompt = ("@everyone <@1234567890123456789> **bold** [click](https://evil.example) ```block``` \u202e ⚡ " * 60)[
        :4000
    ]
    before = len(house.image_api.requests)
    reply = await house.ada.command("imagine", prompt=prompt)
    message = await reply.until(with_pictures)
    assert "@everyone" not in message.text
    assert "**bold**" not in message.text
    body = house.submissions(before)[0].json
    assert isinstance(body, dict)
    assert body["prompt"] == prompt
    assert message.pictures[0].alt == prompt[:1024]


async def test_a_count_out_of_range_is_refused_with_a_sentence(house: House) -> None:
    with pytest.raises(InvalidCommand, match="at most 4"):
        await house.ada.command("imagine", prompt="x", count=9)


@pytest.mark.parametrize(
    ("scenario", "headline", "charge", "again", "accepted"),
    [
        ("refuse", "Refused by moderation", "may have been charged", True, 1),
        ("refuse-at-once", "Refused by moderation", "It was charged", True, 0),
        ("balance", "Out of balance", "Nothing was charged", True, 0),
        ("bad-key", "key was not accepted", "Nothing was charged", True, 0),
        ("drop-after-accept", "Nobody knows", "may have been charged", True, 1),
        ("error-500", "Nobody knows", "may have been charged", True, 0),
        ("html-in-200", "Nobody knows", "may have been charged", True, 0),
        ("fail-silent", "Something went wrong", "charged", True, 1),
        ("vanish", "lost", "charged", True, 1),
        ("gone", "lost", "It was charged", True, 1),
    ],
)
@abreast
async def test_each_failure_has_its_own_sentence(
    house: House, scenario: str, headline: str, charge: str, again: bool, accepted: int
) -> None:
    prompt = f"a red fox [[{scenario}]] and its sentence"
    reply = await house.ada.command("imagine", prompt=prompt)
    message = await reply.until(final)
    assert says(headline, charge)(message), message.text
    assert ("Again" in message.labels) is again
    assert not message.pictures
    assert [it.submission.prompt for it in house.image_api.accepted].count(prompt) == accepted
    assert [prompt_of(it) for it in house.submissions()].count(prompt) == 1


async def test_fewer_pictures_than_asked_for_are_delivered_and_told(house: House) -> None:
    reply = await house.ada.command("imagine", prompt="a red fox [[fewer]]", count=3)
    message = await reply.until(with_pictures)
    assert len(message.pictures) == 2
    assert says("2 of 3 pictures")(message)


async def test_a_busy_api_is_asked_again_and_only_one_task_is_bought(house: House) -> None:
    bought = len(house.image_api.accepted)
    reply = await house.ada.command("imagine", prompt="a red fox [[busy-bare 2]]")
    message = await reply.until(with_pictures)
    assert message.pictures
    assert len(house.image_api.accepted) - bought == 1


async def test_the_same_prompt_twice_at_once_gives_two_jobs(house: House) -> None:
    replies = await asyncio.gather(*(house.ada.command("imagine", prompt="twins") for _ in range(2)))
    messages = [await reply.until(with_pictures) for reply in replies]
    assert messages[0].id != messages[1].id
