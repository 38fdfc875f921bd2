"""An error text may repeat the request. What the request says must not change what the error means."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from itertools import product
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import BadInput, Busy, ImageApiError, OutOfBalance, Refused, Uncertain, Unexpected
from bot.image_api.wire.answers import ApiAnswer
from bot.image_api.wire.envelope import read_report, read_submission
from bot.image_api.wire.faults import SourceOutOfReach
from bot.image_api.wire.quoted import Asked
from tests.each import each

SOURCE = "https://cdn.discordapp.com/attachments/1/2/moderation_failed_to_download_image.png?ex=1"

#: Words that mean something in an error, as a user may write them.
LOADED = [
    "content moderation",
    "a moderator in a chair, rejected by content moderation",
    "moderation",
    "quota is exhausted",
    "insufficient balance on a sign",
    "failed to download the source image",
    "unable to fetch image from url",
    "invalid api key",
    "no available channel",
    "task not found",
    "敏感词",
    "余额不足",
    "usage guidelines, painted on a wall of an old factory",
    r"content modera\tor",
    r"M\U006Fderation",
]

SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "upper case": str.upper,
    "lower case": str.lower,
    "escaped as JSON": lambda text: json.dumps(text)[1:-1],
    "escaped twice": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    "escaped as HTML": html.escape,
    "escaped as an address": quote,
    "spaces squeezed": lambda text: " ".join(text.split()),
    "cut after a few letters": lambda text: text[: max(4, len(text) // 2)] + "...",
    "cut in front": lambda text: "…" + text[len(text) // 3 :],
}
FRAMES = ['Invalid prompt: "{}"', "The prompt '{}' is too odd", "prompt “{}” was not understood", "input: {}"]


def to_submission(status: int, body: object, asked: Asked) -> ImageApiError:
    answer = ApiAnswer(status, json.dumps(body).encode())
    with pytest.raises(ImageApiError) as caught:
        read_submission(answer, tasks=True, asked=asked)
    return caught.value


def to_question(text: str, asked: Asked) -> ImageApiError | None:
    task = {"task_id": "task_1", "status": "failed", "error": {"code": "", "message": text}}
    return read_report(ApiAnswer(200, json.dumps(task).encode()), asked).failure


@each("prompt", LOADED)
def test_a_quoted_prompt_decides_nothing(prompt: str) -> None:
    asked = Asked(prompt, (SOURCE,))
    for frame, (name, spelled) in product(FRAMES, SPELLINGS.items()):
        text = frame.format(spelled(prompt))
        for status, body in ((400, {"error": {"message": text}}), (422, {"detail": text}), (400, {"error": text})):
            assert type(to_submission(status, body, asked)) is BadInput, (name, body)
        assert type(to_question(text, asked)) is Unexpected, (name, text)


@given(
    prompt=st.text(min_size=1, max_size=60)
    | st.lists(st.sampled_from(LOADED) | st.text(max_size=9), min_size=1, max_size=4).map(" ".join),
    frame=st.sampled_from(FRAMES[:3]),
    spelling=st.sampled_from(list(SPELLINGS)),
    status=st.sampled_from([400, 422]),
)
@settings(max_examples=400)
def test_an_arbitrary_prompt_decides_nothing(prompt: str, frame: str, spelling: str, status: int) -> None:
    text = frame.format(SPELLINGS[spelling](prompt))
    error = to_submission(status, {"code": "", "message": text}, Asked(prompt, (SOURCE,)))
    assert type(error) is BadInput, text


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Generated image rejected by content moderation", Refused),
        ("该图片审核未通过", Refused),
        ("The account's quota is exhausted", OutOfBalance),
        ("Failed to download the source image", SourceOutOfReach),
        ("could not fetch reference image 1", SourceOutOfReach),
        ("the input image is not accessible", SourceOutOfReach),
        ("image_url could not be downloaded", SourceOutOfReach),
    ],
)
@pytest.mark.parametrize("prompt", ["a red fox", "moderation", "image", "a moderator", "is exhausted", "the"])
def test_the_own_words_of_the_api_keep_their_meaning(text: str, kind: type[ImageApiError], prompt: str) -> None:
    if kind is SourceOutOfReach and prompt in {"image", "the"}:
        return  # doubtful words are no sign of a source: rather no second submission than one too many
    error = to_submission(400, {"error": {"message": f"{text}: '{prompt}'"}}, Asked(prompt, (SOURCE,)))
    assert type(error) is kind


@each(
    "text",
    [
        "failed to download generated image from upstream url",
        "could not fetch the result image",
        "unable to retrieve output file from upstream",
        "image download failed: generation finished but storage did not answer",
        "failed to fetch image from the bucket",
        "error while downloading rendered picture",
        "下载生成的图片失败: failed to download image",
        f"cannot decode {SOURCE}",
        "the prompt asks to download an image",
    ],
)
def test_only_words_about_the_source_allow_a_second_submission(text: str) -> None:
    for status in (400, 403, 404, 413, 422, 429, 500, 503, 200):
        error = to_submission(status, {"error": {"message": text, "code": ""}}, Asked("a fox", (SOURCE,)))
        assert not isinstance(error, SourceOutOfReach), status


def test_a_picture_from_text_has_no_source_to_upload() -> None:
    error = to_submission(400, {"error": "failed to download image"}, Asked("a fox"))
    assert type(error) is BadInput


@each(
    ("status", "body", "kind"),
    [
        (429, {"message": "please moderate your request rate"}, Busy),
        (429, {"error": {"message": "quota is exhausted for this minute", "code": "rate_limit_exceeded"}}, Busy),
        (429, {"error": "content moderation of your traffic"}, Busy),
        (503, {"message": "moderation service temporarily unavailable"}, Busy),
        (503, {"error": {"message": "x", "code": "moderation_service_unavailable"}}, Busy),
        (503, {"error": "insufficient credit to schedule now"}, Busy),
        (500, {"error": "content moderation crashed"}, Uncertain),
        (502, {"error": "quota exhausted"}, Uncertain),
        (413, {"error": "failed to download image: too large"}, BadInput),
        (429, {"error": {"code": "insufficient_quota", "message": "x"}}, OutOfBalance),
        (400, {"error": {"type": "invalid_request_error", "message": "blocked by our moderation"}}, Refused),
        (400, {"error": "content moderation service is unavailable"}, BadInput),
    ],
)
def test_codes_and_status_go_before_words(status: int, body: object, kind: type[ImageApiError]) -> None:
    assert type(to_submission(status, body, Asked("a fox", (SOURCE,)))) is kind
