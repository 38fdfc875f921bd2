"""Error answers of three families of servers, to a submission and to a question about a task."""

from __future__ import annotations

import json

import pytest

from bot.errors import (
    BadInput,
    BadKey,
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
from bot.image_api.wire.envelope import read_report, read_submission
from bot.image_api.wire.faults import SourceOutOfReach
from bot.image_api.wire.quoted import Asked
from bot.model import Charged
from tests.each import each

NO, MAYBE, YES = Charged.NO, Charged.MAYBE, Charged.YES
HTML = b"<html><title>502 Bad Gateway</title></html>"
MODERATED = {"code": "imagine:content-moderated", "error": "Generated image rejected by content moderation."}
EDIT = Asked("a fox in the snow", ("https://cdn.discordapp.com/attachments/1/2/fox.png?ex=1",))
PAID = {"usage": {"cost_in_usd_ticks": 900000000}}


def openai(code: object, message: str = "", type_: str = "new_api_error") -> dict[str, object]:
    return {"error": {"message": message, "type": type_, "param": "", "code": code}}


def flat(code: str, message: str = "") -> dict[str, object]:
    return {"code": code, "message": message or code, "data": None}


def answer(status: int, body: object, **headers: str) -> ApiAnswer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ApiAnswer(status, raw, {name.replace("_", "-"): value for name, value in headers.items()})


@each(
    ("status", "body", "kind", "charged"),
    [
        # the gateway's flat errors
        (400, flat("invalid_request", "prompt is required"), BadInput, NO),
        (400, flat("model_price_error"), BadInput, NO),
        (403, flat("insufficient_user_quota", "用户额度不足"), OutOfBalance, NO),
        (403, flat("pre_consume_token_quota_failed"), OutOfBalance, NO),
        (413, flat("read_request_body_failed"), BadInput, NO),
        (500, flat("do_request_failed", "请求上游地址失败"), Uncertain, MAYBE),
        (500, flat("insufficient_user_quota"), OutOfBalance, NO),
        (501, flat("not_implemented"), BadInput, NO),
        # OpenAI's shape
        (401, openai("", "无效的令牌 (request id: 2026)"), BadKey, NO),
        (401, openai(None, "该令牌额度已用尽"), OutOfBalance, NO),
        (402, openai(402, "pay"), OutOfBalance, NO),
        (403, openai("", "IP not allowed"), BadKey, NO),
        (400, openai("invalid_api_key", "Incorrect API key provided"), BadKey, NO),
        (404, openai("", "Invalid URL (POST /v1/images/tasks)", "invalid_request_error"), Unexpected, NO),
        (404, openai("model_not_found", "no"), BadInput, NO),
        (429, openai("insufficient_quota", "You exceeded your current quota"), OutOfBalance, NO),
        (429, openai("rate_limit_exceeded", "slow down"), Busy, NO),
        (429, flat("fail", "当前分组上游负载已饱和，请稍后再试"), Busy, NO),
        (429, b"", Busy, NO),
        (503, openai("", "system is busy"), Busy, NO),
        (503, openai("model_not_found", "分组 default 下模型 x 无可用渠道（distributor）"), BadInput, NO),
        (503, HTML, Uncertain, MAYBE),
        # dashboards
        (403, {"success": False, "message": "no"}, BadKey, NO),
        (401, {"success": False, "message": "no", "code": "AUTH_INVALID"}, BadKey, NO),
        # xAI's shape
        (400, MODERATED, Refused, MAYBE),
        (400, MODERATED | PAID, Refused, YES),
        (400, {"code": "Client specified an invalid argument", "error": MODERATED["error"]}, Refused, MAYBE),
        (400, openai("violation_fee.grok.csam", "Content violates usage guidelines"), Refused, YES),
        (400, openai("sensitive_words_detected", "敏感词"), Refused, NO),
        (422, {"error": "Argument not supported: size", "code": "x"}, BadInput, NO),
        # fal's shape
        (422, {"detail": [{"loc": ["body"], "msg": "x", "type": "content_policy_violation"}]}, Refused, MAYBE),
        (422, {"detail": [{"loc": ["body", "n"], "msg": "x", "type": "value_error"}]}, BadInput, NO),
        (422, {"detail": "nope"}, BadInput, NO),
        (422, {"detail": [{"msg": "x", "type": "file_download_error"}]}, SourceOutOfReach, NO),
        (400, openai("", "Failed to download the image from url"), SourceOutOfReach, NO),
        (500, openai("", "Failed to download the image from url"), Uncertain, MAYBE),
        (451, HTML, Refused, MAYBE),
        # what is before the API
        (403, HTML, Unexpected, NO),
        (405, HTML, Unexpected, NO),
        (408, b"", Uncertain, MAYBE),
        (409, {}, Unexpected, MAYBE),
        (502, HTML, Uncertain, MAYBE),
        (504, HTML, Uncertain, MAYBE),
        (524, HTML, Uncertain, MAYBE),
        (307, b"", Unexpected, NO),
        (418, {}, Unexpected, NO),
        # an error inside a success: never Busy, since then it would be sent again
        (200, openai("content_policy_violation"), Refused, MAYBE),
        (200, flat("fail_to_fetch_task", "bad"), Unexpected, MAYBE),
        (200, openai("rate_limit_exceeded", "rate limit"), Unexpected, MAYBE),
        (200, flat("invalid_request", "n"), BadInput, NO),
        (200, flat("insufficient_user_quota"), OutOfBalance, NO),
        (200, {"success": False, "message": "no"}, Unexpected, MAYBE),
    ],
)
def test_an_error_to_a_submission_has_its_class_and_its_price(
    status: int, body: object, kind: type[ImageApiError], charged: Charged
) -> None:
    with pytest.raises(ImageApiError) as caught:
        read_submission(answer(status, body), tasks=True, asked=EDIT)
    assert (type(caught.value), caught.value.charged) == (kind, charged)


@each(
    ("status", "body", "kind"),
    [
        (400, flat("task_not_exist"), TaskLost),
        (404, {"error": {"code": "IMAGE_TASK_NOT_FOUND", "message": "x"}}, TaskLost),
        (404, {}, TaskLost),
        (200, flat("task_not_exist"), TaskLost),
        (404, HTML, Unreachable),
        (403, HTML, Unreachable),
        (401, openai("", "无效的令牌"), BadKey),
        (403, openai("", "no"), BadKey),
        (403, openai("insufficient_user_quota"), OutOfBalance),
        (400, MODERATED, Refused),
        (400, flat("invalid_request"), Unexpected),
        (408, b"", Busy),
        (409, {}, Busy),
        (425, {}, Busy),
        (429, b"", Busy),
        (500, flat("get_task_failed"), Unreachable),
        (502, HTML, Unreachable),
        (503, openai("model_not_found", "无可用渠道"), Busy),
        (524, HTML, Unreachable),
        (302, b"", Unreachable),
        (200, HTML, Unreachable),
        (200, b"", Unreachable),
        (200, flat("get_task_failed"), Unreachable),
        (200, openai("", "upstream error", "upstream_error"), Unreachable),
    ],
)
def test_an_error_to_a_question_is_final_only_where_it_speaks_of_the_task(
    status: int, body: object, kind: type[ImageApiError]
) -> None:
    with pytest.raises(ImageApiError) as caught:
        read_report(answer(status, body))
    assert type(caught.value) is kind
    assert (caught.value.charged is NO) == (kind in {Busy, Unreachable})


def test_the_pause_and_the_request_id_come_along() -> None:
    with pytest.raises(Busy) as caught:
        read_submission(answer(429, {}, retry_after="7", x_request_id="edge-1", x_oneapi_request_id="r-1"), tasks=True)
    assert (caught.value.retry_after, caught.value.request_id) == (7, "r-1")
    with pytest.raises(BadInput) as refused:
        read_submission(answer(400, openai("x", "no (request id: 2026-1)"), x_request_id="edge-1"), tasks=True)
    assert refused.value.request_id == "2026-1"


def test_the_message_is_short_and_names_status_and_code_only() -> None:
    with pytest.raises(OutOfBalance) as caught:
        read_submission(answer(403, flat("insufficient_user_quota", "prompt: a fox {json}")), tasks=True)
    assert str(caught.value) == "the account at the image API has no balance left (HTTP 403, insufficient_user_quota)"
