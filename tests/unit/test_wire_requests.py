"""What is sent to the image API. What it would refuse is refused before, see test_admission.py."""

from __future__ import annotations

from dataclasses import replace

from bot.image_api.wire.bodies import form_fields, sync_body, task_body
from bot.model import QUALITY, AspectRatio, ImageRequest, PictureFormat, Resolution, Source

FOX = ImageRequest("a red fox")
ONE = Source("https://cdn.example/1.png")
TWO = Source("https://cdn.example/2.png")
EDIT = ImageRequest("make it blue", aspect_ratio=AspectRatio.AUTO, sources=(ONE,))


def test_a_task_from_text_says_everything_and_holds_no_image_field() -> None:
    asked = ImageRequest("a red fox", QUALITY, AspectRatio.WIDE, Resolution.TWO_K, count=3, format=PictureFormat.WEBP)
    assert task_body(asked) == {
        "model": "grok-imagine-image-quality",
        "task_type": "text2image",
        "prompt": "a red fox",
        "aspect_ratio": "16:9",
        "resolution": "2k",
        "output_format": "webp",
        "num_images": 3,
        "response_format": "url",
    }


def test_an_edit_has_exactly_one_image_field() -> None:
    single, several = task_body(EDIT), task_body(replace(EDIT, sources=(ONE, TWO)))
    assert (single["task_type"], single["image"]) == ("image2image", ONE.url)
    assert several["images"] == [ONE.url, TWO.url]
    for body in (single, several):
        assert len({"image", "images", "image_url", "image_urls"} & body.keys()) == 1


def test_the_synchronous_routes_get_their_own_fields_only() -> None:
    plain = {"model": "grok-imagine-image", "prompt": "a red fox", "n": 1, "response_format": "url"}
    assert sync_body(FOX) == plain
    assert sync_body(EDIT) == plain | {"prompt": "make it blue", "image": ONE.url}
    assert form_fields(FOX) == plain | {"n": "1"}
