"""`/edit`: sources are checked by their bytes before anything is spent, and reach the API as addresses it can fetch."""

from __future__ import annotations

import asyncio
import dataclasses
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
from PIL import Image

from tests.acceptance.conftest import House, final, picture, says, with_pictures

pytestmark = pytest.mark.asyncio(loop_scope="module")


def huge_png(path: Path) -> Path:
    """20,000 × 10,000 pixels in a file of a few kilobytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 20_000, 10_000, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((20_000 // 8 + 1) * 10_000), 9)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    return path


def text_file(path: Path) -> Path:
    path.write_text("This is no picture, whatever it is called.")
    return path


def animated(path: Path) -> Path:
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "green", "blue")]
    frames[0].save(path, format="WEBP", save_all=True, append_images=frames[1:], duration=100)
    return path


def truncated(path: Path) -> Path:
    Image.effect_noise((400, 400), 80).convert("RGB").save(path, format="JPEG")
    path.write_bytes(path.read_bytes()[:-9000])
    return path


def too_large(path: Path) -> Path:
    picture(path)
    path.write_bytes(path.read_bytes() + bytes(26_000_000))
    return path


async def test_one_source_goes_as_image_and_its_address_can_be_fetched(house: House, tmp_path: Path) -> None:
    reply = await house.ada.command("edit", prompt="in snow", image=picture(tmp_path / "a.png"))
    message = await reply.until(with_pictures)
    body = cast("dict[str, Any]", house.submissions()[-1].json)
    async with aiohttp.ClientSession() as session, session.get(body.pop("image")) as response:
        assert await response.read() == (tmp_path / "a.png").read_bytes()
    assert body == {
        "model": "grok-imagine-image",
        "task_type": "image2image",
        "prompt": "in snow",
        "aspect_ratio": "auto",
        "resolution": "1k",
        "output_format": "jpeg",
        "num_images": 1,
        "response_format": "url",
    }
    assert [it.filename for it in message.pictures] == ["source-1.png", "picture-1.jpg"]


async def test_several_sources_go_as_images_in_their_order(house: House, tmp_path: Path) -> None:
    files = [picture(tmp_path / name) for name in ("a.png", "b.jpg", "c.webp")]
    reply = await house.ada.command(
        "edit",
        prompt="together",
        image=files[0],
        image2=files[1],
        image3=files[2],
        aspect_ratio="16:9",
        model="Quality",
        count=2,
    )
    message = await reply.until(with_pictures)
    body = cast("dict[str, Any]", house.submissions()[-1].json)
    assert "image" not in body
    assert [Path(url.partition("?")[0]).name for url in body["images"]] == ["a.png", "b.jpg", "c.webp"]
    assert (body["aspect_ratio"], body["num_images"]) == ("16:9", 2)
    assert len(message.pictures) == 5


@pytest.mark.parametrize(
    ("make", "name", "words"),
    [
        (text_file, "photo.png", ["not a JPEG, PNG or WebP"]),
        (huge_png, "huge.png", ["too many pixels", "50 megapixels", "200"]),
        (animated, "moving.webp", ["animated"]),
        (truncated, "cut.jpg", ["damaged or cut off"]),
        (too_large, "large.png", ["too large", "25 MB", "26.0 MB"]),
    ],
)
async def test_an_unusable_source_gets_a_clear_sentence_and_nothing_is_submitted(
    house: House, tmp_path: Path, make: Callable[[Path], Path], name: str, words: list[str]
) -> None:
    before = len(house.image_api.requests)
    rules = house.discord.rules
    house.discord.rules = dataclasses.replace(rules, upload_limit=100_000_000)  # a member with Nitro
    try:
        reply = await house.ada.command("edit", prompt="x", image=make(tmp_path / name))
        message = await reply.until(final)
    finally:
        house.discord.rules = rules
    assert says(*words)(message), message.text
    assert not message.pictures
    assert not house.image_api.requests[before:]


async def test_the_second_source_is_checked_like_the_first(house: House, tmp_path: Path) -> None:
    before = len(house.image_api.requests)
    fine, bad = picture(tmp_path / "a.png"), text_file(tmp_path / "b.png")
    reply = await house.ada.command("edit", prompt="x", image=fine, image2=bad)
    message = await reply.until(final)
    assert says("not a JPEG, PNG or WebP", "Nothing was charged")(message)
    assert not house.image_api.requests[before:]


async def test_a_private_edit_can_be_repeated_too(house: House, tmp_path: Path) -> None:
    reply = await house.ada.command("edit", prompt="in snow", image=picture(tmp_path / "a.png"), private=True)
    await reply.until(with_pictures)
    again = await (await house.ada.press(reply, "Again")).until(with_pictures)
    assert again.ephemeral


async def test_ten_edits_at_once_check_their_sources_and_all_arrive(house: House, tmp_path: Path) -> None:
    file = picture(tmp_path / "a.png")
    replies = await asyncio.gather(*(house.ben.command("edit", prompt=f"{n}", image=file) for n in range(10)))
    for reply in replies:
        assert (await reply.until(with_pictures)).pictures
