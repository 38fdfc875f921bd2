"""Whatever an image API wraps around the documented answers, an address or the prompt: the meaning stays the same.

The examples are generated from fixed seeds. What may go wrong otherwise is a picture bought twice or told as lost, or a
person told the wrong reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ImageApiError
from bot.image_api.wire.answers import ApiAnswer
from bot.image_api.wire.envelope import Submission, TaskReport, read_report, read_submission
from bot.image_api.wire.faults import SourceOutOfReach
from bot.image_api.wire.quoted import Asked
from bot.image_api.wire.task_state import TaskState

pytestmark = pytest.mark.generated

A, B = "https://cdn.example/files/result-1.jpeg?sig=a%2Fb&e=1", "https://cdn.example/files/result-2.jpeg?sig=c&e=1"
QUEUED: dict[str, object] = {
    "task_id": "task_xxx",
    "status": "queued",
    "progress": "0%",
    "result_url": "",
    "metadata": {"task_type": "text2image"},
    "error": None,
}
DONE: dict[str, object] = {
    "task_id": "task_xxx",
    "status": "succeeded",
    "progress": "100%",
    "result_url": A,
    "metadata": {"task_type": "text2image", "result_count": 2, "result_urls": [A, B]},
    "error": None,
}
PICTURES: dict[str, object] = {"created": 1773980459, "data": [{"url": A, "revised_prompt": ""}, {"url": B}]}

_NAMES = st.sampled_from(["data", "result", "response", "payload", "output", "envelope", "body", "x"])
_BESIDE = st.fixed_dictionaries(
    {},
    optional={
        "code": st.sampled_from(["success", 0, 200, None, ""]),
        "message": st.sampled_from(["", "ok", "success"]),
        "msg": st.just("ok"),
        "ok": st.just(True),
        "success": st.just(True),
        "status": st.sampled_from(["success", "ok"]),
        "trace": st.text(max_size=8),
        "timestamp": st.integers(0, 2_000_000_000),
        "usage": st.just({"total": 1}),
        "error": st.none(),
    },
)
ENVELOPES = st.lists(st.tuples(_NAMES, _BESIDE), max_size=4)


def enveloped(body: object, layers: list[tuple[str, dict[str, object]]]) -> ApiAnswer:
    for name, beside in layers:
        body = {**beside, name: body}
    return ApiAnswer(200, json.dumps(body).encode(), {"content-type": "application/json"})


@given(ENVELOPES)
def test_a_submission_is_accepted_in_any_envelope(layers: list[tuple[str, dict[str, object]]]) -> None:
    assert read_submission(enveloped(QUEUED, layers), tasks=True) == Submission("task_xxx", None)


@given(ENVELOPES)
def test_a_finished_task_is_finished_in_any_envelope(layers: list[tuple[str, dict[str, object]]]) -> None:
    assert read_report(enveloped(DONE, layers)) == TaskReport(TaskState.SUCCEEDED, 100, (A, B))


@given(ENVELOPES, st.sampled_from(["queued", "in_progress", "a word nobody knows"]))
def test_a_task_that_goes_on_is_never_ended_by_its_envelope(
    layers: list[tuple[str, dict[str, object]]], word: str
) -> None:
    report = read_report(enveloped({**QUEUED, "status": word}, layers))
    assert not report.state.is_final
    assert report.result_urls == ()


@given(ENVELOPES)
def test_pictures_that_come_at_once_are_found_in_any_envelope(layers: list[tuple[str, dict[str, object]]]) -> None:
    assert read_submission(enveloped(PICTURES, layers), tasks=False) == Submission(None, None, (A, B))


WRAPPINGS: dict[str, Callable[[str], str]] = {
    "spaces": lambda text: f"  {text}\t ",
    "lines": lambda text: f"\n{text}\r\n",
    "angle brackets": lambda text: f"<{text}>",
    "quotes": lambda text: f'"{text}"',
    "apostrophes": lambda text: f"'{text}'",
    "a code span": lambda text: f"`{text}`",
    "a Markdown picture": lambda text: f"![a fox]({text})",
    "a Markdown link": lambda text: f"[here]({text})",
    "a list": lambda text: f"[{text}]",
    "a sentence": lambda text: f"Your picture is ready: {text} . Have fun!",
    "an HTML picture": lambda text: f'<img src="{text}" alt="a fox">',
}


@given(st.lists(st.sampled_from(sorted(WRAPPINGS)), max_size=3), st.sampled_from([A, B]))
def test_an_address_is_found_in_any_wrapping(wrappings: list[str], address: str) -> None:
    text = address
    for name in wrappings:
        text = WRAPPINGS[name](text)
    body = {**DONE, "result_url": text, "metadata": {"task_type": "text2image"}}
    assert read_report(enveloped(body, [])).result_urls == (address,)


@given(st.lists(st.sampled_from(sorted(WRAPPINGS)), min_size=1, max_size=2))
def test_one_picture_that_is_named_in_two_wrappings_is_one(wrappings: list[str]) -> None:
    text = A
    for name in wrappings:
        text = WRAPPINGS[name](text)
    body = {**DONE, "result_url": text, "metadata": {"result_urls": [A]}}
    assert read_report(enveloped(body, [])).result_urls == (A,)


SOURCE = "https://cdn.discordapp.com/attachments/1/2/fox.png?ex=1"
PLAIN = "zzqx vvkj"  # a prompt that means nothing
_WORDS = st.sampled_from(
    [
        "content moderation",
        "moderator",
        "a quota that is exhausted",
        "insufficient balance",
        "failed to download the source image",
        "invalid api key",
        "task not found",
        "rate limit",
        "敏感词",
        "余额不足",
    ]
)
PROMPTS = st.lists(_WORDS | st.text(max_size=12), min_size=1, max_size=4).map(" ".join).filter(str.strip)
TEXTS = st.sampled_from(
    [
        "The prompt '{}' cannot be painted",
        "invalid request: {}",
        "{}",
        "upstream error while painting {} (request id: 20260101abc)",
        'bad value "{}" for prompt',
    ]
)
ERRORS = st.sampled_from(["error", "message", "fail_reason", "detail"])


def submitted(status: int, field: str, text: str, prompt: str) -> type[ImageApiError] | None:
    answer = ApiAnswer(status, json.dumps({"code": "failed", field: text}).encode())
    try:
        read_submission(answer, tasks=True, asked=Asked(prompt, (SOURCE,)))
    except ImageApiError as error:
        return type(error)
    return None


@given(PROMPTS, TEXTS, ERRORS, st.sampled_from([400, 403, 404, 409, 422, 429, 451, 500, 502, 503]))
def test_what_a_prompt_says_never_changes_what_a_refusal_means(prompt: str, text: str, field: str, status: int) -> None:
    found = submitted(status, field, text.format(prompt), prompt)
    assert found is submitted(status, field, text.format(PLAIN), PLAIN)
    assert found is not SourceOutOfReach, "it would be bought a second time"


@given(PROMPTS, TEXTS, st.sampled_from(["error", "fail_reason", "message"]))
def test_what_a_prompt_says_never_changes_why_a_task_failed(prompt: str, text: str, field: str) -> None:
    kinds: list[object] = []
    for words in (prompt, PLAIN):
        task = {"task_id": "task_xxx", "status": "failed", field: text.format(words)}
        report = read_report(enveloped(task, [("data", {"code": "success"})]), Asked(words))
        assert report.failure is not None
        kinds.append((type(report.failure), report.failure.charged))
    assert kinds[0] == kinds[1]
