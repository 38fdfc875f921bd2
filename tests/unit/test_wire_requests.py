"""What is sent, and what is refused before anything is sent."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from bot.errors import InvalidRequest
from bot.image_api.validation import validate
from bot.image_api.wire.bodies import form_fields, sync_body, task_body
from bot.model import QUALITY, AspectRatio, ImageRequest, Kept, Model, PictureFormat, Resolution, Slot, Source

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


@pytest.mark.parametrize(
    "asked",
    [
        FOX,
        EDIT,
        replace(FOX, prompt="x" * 4000),
        replace(EDIT, sources=(ONE, TWO, ONE)),
        replace(EDIT, sources=(Source("", kept=Kept(1, 2, Slot.SOURCE, 0)),)),
    ],
)
def test_what_the_page_allows_passes(asked: ImageRequest) -> None:
    validate(asked)


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        (replace(FOX, prompt=" \n"), "empty"),
        (replace(FOX, prompt="x" * 4001), "4000"),
        (replace(FOX, model=Model("grok-imagine")), "videos"),
        (replace(FOX, aspect_ratio=AspectRatio.AUTO), "edits only"),
        (replace(FOX, aspect_ratio=cast("AspectRatio", "21:9")), "9:16"),
        (replace(FOX, resolution=cast("Resolution", "4k")), "1k, 2k"),
        (replace(FOX, format=cast("PictureFormat", "gif")), "jpeg, png, webp"),
        (replace(FOX, count=0), "1 and 4"),
        (replace(FOX, count=5), "1 and 4"),
        (replace(FOX, count=True), "1 and 4"),
        (replace(EDIT, sources=(ONE,) * 4), "3"),
        (replace(EDIT, sources=(Source("attachment://1.png"),)), "address"),
        (replace(EDIT, sources=(Source(""),)), "address"),
    ],
)
def test_what_the_page_forbids_is_refused_with_a_sentence(asked: ImageRequest, hint: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        validate(asked)
    sentence = str(caught.value)
    assert hint in sentence
    assert sentence[0].isupper()
    assert sentence.endswith(".")


def test_auto_is_offered_only_where_it_can_be_chosen() -> None:
    with pytest.raises(InvalidRequest) as caught:
        validate(replace(FOX, aspect_ratio=cast("AspectRatio", "21:9")))
    assert "auto" not in str(caught.value)
    with pytest.raises(InvalidRequest) as caught:
        validate(replace(EDIT, aspect_ratio=cast("AspectRatio", "21:9")))
    assert "auto" in str(caught.value)
