"""Answers of the image API in every dialect, and any bytes at all."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import (
    BadInput,
    Busy,
    ImageApiError,
    OutOfBalance,
    Refused,
    TaskLost,
    Uncertain,
    Unexpected,
    Unreachable,
)
from bot.image_api.wire.answers import ApiAnswer
from bot.image_api.wire.envelope import Submission, TaskReport, read_report, read_submission
from bot.image_api.wire.result_addresses import MAX_RESULTS
from bot.image_api.wire.task_state import TaskState
from bot.model import Charged
from tests.each import each

URL = "https://example.com/result-1.jpeg"


def answer(body: object, status: int = 200, **headers: str) -> ApiAnswer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ApiAnswer(status, raw, {name.replace("_", "-"): value for name, value in headers.items()})


def wrapped(**task: object) -> ApiAnswer:
    return answer({"code": "success", "message": "", "data": {"task_id": "task_1", **task}})


def submission_or_error(given: ApiAnswer, *, tasks: bool = True) -> Submission | ImageApiError:
    try:
        return read_submission(given, tasks=tasks)
    except ImageApiError as error:
        return error


def report_or_error(given: ApiAnswer) -> TaskReport | ImageApiError:
    try:
        return read_report(given)
    except ImageApiError as error:
        return error


# --- submissions


def test_the_documented_submission_gives_its_task() -> None:
    body = {
        "task_id": "task_xxx",
        "status": "queued",
        "progress": "0%",
        "result_url": "",
        "metadata": {"task_type": "text2image"},
        "error": None,
    }
    assert read_submission(answer(body), tasks=True) == Submission("task_xxx", None)


@pytest.mark.parametrize(
    "body",
    [
        {"code": "success", "data": {"task_id": "task_9", "status": "queued"}},
        {"code": "success", "data": "task_9"},
        {"id": "task_9", "status": "IN_QUEUE"},
        {"code": 0, "data": {"id": "task_9"}},
        {"code": "200", "data": [{"task_id": "task_9"}]},
        {"request_id": "task_9", "status": "IN_QUEUE"},
        {"task_id": "task_9", "status": "failed", "error": {"message": "told again when asked"}},
    ],
)
def test_a_task_is_found_wherever_its_id_stands(body: object) -> None:
    assert read_submission(answer(body, status=202), tasks=True).task_id == "task_9"


def test_a_synchronous_answer_gives_every_picture_in_order() -> None:
    body = {"created": 1, "id": "img_1", "data": [{"url": URL, "revised_prompt": ""}, {"url": "", "b64_json": "QUJD"}]}
    found = read_submission(answer(body, x_oneapi_request_id="req-1"), tasks=False)
    assert found == Submission(None, "req-1", (URL, "data:image/*;base64,QUJD"))


def test_white_space_of_a_heartbeat_before_the_body_does_no_harm() -> None:
    body = b"\n \n\t\n" + json.dumps({"task_id": "task_1"}).encode()
    assert read_submission(answer(body), tasks=True).task_id == "task_1"


@each(
    "body",
    [
        b"",
        b"   ",
        b"<!doctype html><title>Welcome</title>",
        b'{"task_id": "task_1", "sta',
        {"code": "success", "message": "", "data": None},
        {},
        [],
        "ok",
        None,
        {"task_id": ""},
        {"task_id": ".."},
        {"task_id": "two\nlines"},
        {"data": [{"url": "", "b64_json": ""}]},
        {"data": [{"url": "file:///etc/passwd"}]},
    ],
)
def test_a_success_that_cannot_be_understood_is_uncertain(body: object) -> None:
    with pytest.raises(Uncertain) as caught:
        read_submission(answer(body), tasks=True)
    assert caught.value.charged is Charged.MAYBE


def test_a_picture_that_moderation_kept_back_is_a_refusal() -> None:
    with pytest.raises(Refused) as caught:
        read_submission(answer({"data": [{"url": "", "respect_moderation": False}]}), tasks=False)
    assert caught.value.charged is Charged.MAYBE


# --- reports


def test_the_documented_report_gives_its_pictures() -> None:
    found = read_report(
        wrapped(
            status="succeeded",
            progress="100%",
            result_url=URL,
            metadata={"task_type": "text2image", "result_count": 1, "result_urls": [URL]},
            error=None,
        )
    )
    assert found == TaskReport(TaskState.SUCCEEDED, 100, (URL,))


@each(
    ("word", "state"),
    [
        ("queued", TaskState.PENDING),
        ("NOT_START", TaskState.PENDING),
        ("In Queue", TaskState.PENDING),
        ("in-progress", TaskState.RUNNING),
        (" Processing ", TaskState.RUNNING),
        ("SUCCESS", TaskState.SUCCEEDED),
        ("completed", TaskState.SUCCEEDED),
        ("FAILURE", TaskState.FAILED),
        ("canceled", TaskState.CANCELLED),
        ("timed_out", TaskState.EXPIRED),
        ("unknown", TaskState.UNKNOWN),
        ("a word from the future", TaskState.UNKNOWN),
        ("", TaskState.UNKNOWN),
    ],
)
def test_every_spelling_of_a_status_has_its_state(word: str, state: TaskState) -> None:
    assert read_report(wrapped(status=word)).state is state


def test_an_unwrapped_report_is_read_as_well() -> None:
    body = {"id": "v", "object": "video.generation.job", "status": "completed", "progress": 100, "error": None}
    found = read_report(answer({**body, "result": {"outputs": [URL, "/v1/videos/v/content"]}}))
    assert found.result_urls == (URL, "/v1/videos/v/content")


def test_full_progress_of_a_failed_task_is_still_a_failure() -> None:
    found = read_report(wrapped(status="failed", progress="100%", fail_reason="upstream gave up"))
    assert found.state is TaskState.FAILED
    assert isinstance(found.failure, Unexpected)
    assert found.failure.charged is Charged.NO


def test_an_unknown_status_with_pictures_and_full_progress_is_a_success() -> None:
    assert read_report(wrapped(status="uploaded", progress=100, result_url=URL)).state is TaskState.SUCCEEDED
    assert read_report(wrapped(status="uploaded", progress=99, result_url=URL)).state is TaskState.UNKNOWN


def test_pictures_of_an_unfinished_task_are_not_given_away() -> None:
    assert read_report(wrapped(status="in_progress", result_url=URL)).result_urls == ()


def test_a_success_without_addresses_is_told_as_it_is() -> None:
    assert read_report(wrapped(status="succeeded", metadata={"result_urls": []})).result_urls == ()


def test_a_success_whose_every_picture_was_blocked_is_a_refusal() -> None:
    found = read_report(wrapped(status="succeeded", data=[{"url": "", "respect_moderation": False}]))
    assert found.state is TaskState.FAILED
    assert isinstance(found.failure, Refused)


@each(
    ("task", "kind", "charged"),
    [
        ({"error": None, "fail_reason": "task timed out (10 minutes)"}, Unexpected, Charged.NO),
        ({"error": "Generated image rejected by content moderation."}, Refused, Charged.MAYBE),
        ({"error": {"code": "content_policy_violation", "message": "no"}}, Refused, Charged.MAYBE),
        ({"error": {"code": "violation_fee.grok.csam", "message": "no"}}, Refused, Charged.YES),
        ({"metadata": {"error": {"type": "upstream_error", "message": "moderated"}}}, Refused, Charged.MAYBE),
        (
            {"error": {"code": "imagine:content-moderated"}, "usage": {"cost_in_usd_ticks": 900000000}},
            Refused,
            Charged.YES,
        ),
        ({"error": {"code": "invalid_request", "message": "size"}}, BadInput, Charged.NO),
        ({"error_message": "当前分组上游负载已饱和，请稍后再试"}, Busy, Charged.NO),
        ({"error": {"code": "insufficient_user_quota"}}, OutOfBalance, Charged.NO),
        ({"error": [{"msg": "x", "type": "content_policy_violation"}]}, Refused, Charged.MAYBE),
        ({}, Unexpected, Charged.NO),
    ],
)
def test_a_failed_task_says_why_in_any_of_its_fields(
    task: dict[str, object], kind: type[ImageApiError], charged: Charged
) -> None:
    failure = read_report(wrapped(status="failed", **task)).failure
    assert failure is not None
    assert (type(failure), failure.charged) == (kind, charged)


@pytest.mark.parametrize(("word", "kind"), [("cancelled", Unexpected), ("expired", TaskLost)])
def test_whether_a_cancelled_or_expired_task_was_charged_is_not_known(word: str, kind: type[ImageApiError]) -> None:
    failure = read_report(wrapped(status=word)).failure
    assert failure is not None
    assert (type(failure), failure.charged) == (kind, Charged.MAYBE)


def test_a_waiting_task_in_an_error_answer_is_believed() -> None:
    assert read_report(answer({"task_id": "t", "status": "queued"}, status=404)).state is TaskState.PENDING


def test_an_answer_that_says_success_and_nothing_else_means_ask_again() -> None:
    assert read_report(answer({"code": "success", "data": None})).state is TaskState.UNKNOWN


def test_the_pause_before_the_next_question_is_read_from_either_header() -> None:
    assert read_report(answer({"status": "queued"}, retry_after="3")).retry_after == 3
    assert read_report(answer({"status": "queued"}, openai_poll_after_ms="1500")).retry_after == 1.5
    assert read_report(answer({"status": "queued"}, openai_poll_after_ms="soon")).retry_after is None


# --- anything at all

_FIELDS = """
    code message data status state task_id id error errors detail success metadata result_urls result_url url
    b64_json images outputs output result progress fail_reason usage cost_in_usd_ticks respect_moderation type
"""
_KEYS = st.sampled_from(_FIELDS.split())
_WORDS = st.sampled_from(
    ["success", "queued", "succeeded", "failed", "expired", "100%", "NaN%", URL, "/x", "data:image/png;base64,AA", "["]
)
_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | _WORDS | st.text(max_size=20)
_JSON = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=6), max_leaves=25
)
_STATUS = st.sampled_from([200, 201, 202, 204, 302, 400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 451]) | (
    st.integers(500, 530)
)
_BODIES = st.binary(max_size=200) | _JSON.map(lambda body: json.dumps(body).encode())


@given(_BODIES, _STATUS, st.booleans())
def test_any_answer_to_a_submission_is_a_submission_or_a_typed_error(body: bytes, status: int, tasks: bool) -> None:
    found = submission_or_error(ApiAnswer(status, body), tasks=tasks)
    if isinstance(found, ImageApiError):
        if isinstance(found, Busy | Unreachable):
            assert status in {429, 503}, "only these certainly started nothing, so that they are tried again"
        assert len(str(found)) < 200
    else:
        assert 200 <= status < 300
        assert found.task_id or found.result_urls
        assert len(found.result_urls) <= MAX_RESULTS


@given(_BODIES, _STATUS)
def test_any_answer_about_a_task_is_a_report_or_a_typed_error(body: bytes, status: int) -> None:
    found = report_or_error(ApiAnswer(status, body))
    if isinstance(found, ImageApiError):
        assert isinstance(found, Busy | Unreachable) or found.charged is not Charged.NO
    else:
        assert (found.failure is not None) == found.state.is_failure
        assert found.percent is None or 0 <= found.percent <= 100


#: Made when they are asked for: they are large.
HOSTILE: Mapping[str, Callable[[], str | bytes]] = {
    "open lists": lambda: b"[" * 5_000_000,
    "open objects": lambda: b'{"data":' * 600_000,
    "a long number": lambda: b'{"progress":' + b"9" * 5_000_000 + b"}",
    "a long number in a short text": lambda: b'{"task_id":"a","progress":' + b"9" * 1_000_000 + b"}",
    "no numbers": lambda: b'{"status":"queued","progress":NaN,"error":Infinity}',
    "a long error": lambda: b'{"error":"' + b"a" * 1_900_000 + b'"}',
    "known words again and again": lambda: b'{"error":"' + b"image download " * 100_000 + b'"}',
    "a long error of accents": lambda: '{"error":"' + "\u00e9" * 900_000 + '"}',
    "many empty objects": lambda: b"[" + b"{}," * 600_000 + b"{}]",
    "many addresses": lambda: json.dumps({"images": [{"data": [{"url": "x"}] * 100}] * 4000}),
    "many errors": lambda: json.dumps({"status": "failed", "errors": [{"message": "cannot fetch "}] * 50_000}),
    "long codes": lambda: json.dumps(
        {"code": "insufficient_" * 100_000, "error": [{"code": "insufficient_" * 9000}] * 9}
    ),
    "an address of spaces": lambda: json.dumps(
        {"status": "succeeded", "result_url": "http://a" + " " * 1_900_000 + "b"}
    ),
    "addresses in a row": lambda: json.dumps({"status": "succeeded", "result_url": "http://a," * 200_000}),
    "an address of brackets": lambda: json.dumps({"status": "succeeded", "result_url": "[" * 90_000}),
    "no text": lambda: b'"\xff\xfe\xfd"',
    "half signs": lambda: b'{"task_id":"\\ud800","status":"\\u0000failed","error":"\\udfff"}',
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_body_is_answered_in_bounded_time(kind: str) -> None:
    made = HOSTILE[kind]()
    body = made.encode() if isinstance(made, str) else made
    started = time.process_time()
    for status in (200, 400):
        for found in (submission_or_error(ApiAnswer(status, body)), report_or_error(ApiAnswer(status, body))):
            assert not isinstance(found, ImageApiError) or str(found).isprintable()
    # Seconds of the processor; usually below one. What grows with the square of a body takes hours.
    assert time.process_time() - started < 60


def test_a_text_from_outside_never_reaches_the_message() -> None:
    body = {"error": {"message": "a red fox with a hat (request id: 2026-abc)", "code": "a red fox", "type": "x_error"}}
    with pytest.raises(BadInput) as caught:
        read_submission(answer(body, status=400), tasks=True)
    assert "fox" not in str(caught.value)
    assert "x_error" in str(caught.value)
    assert caught.value.request_id == "2026-abc"
