"""Every way in which servers of this family have been seen to answer, by name, over real sockets.

A submission ends in its class, says whether it was charged, and is sent exactly once. `accepted` is what the server
really took: wherever that may be more than nothing, the error must say so.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from aiohttp import web

from bot.errors import (
    AnswerLost,
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
from bot.image_api.client import Submission, TaskReport, TaskState
from bot.model import Charged
from tests.integration.uniall_servers import FOX, PNG, Played, Reply, client, playing, raw, reply

NO, MAYBE, YES = Charged.NO, Charged.MAYBE, Charged.YES
TASK = {"task_id": "task_1", "status": "queued", "progress": "0%", "result_url": "", "error": None}
PAGE = b"<html><head><title>error</title></head></html>"
BUSY = {"error": {"message": "当前分组上游负载已饱和，请稍后再试", "type": "new_api_error", "code": ""}}


@dataclass
class Shop:
    """Counts what it sells."""

    sold: int = 0

    def sell(self) -> None:
        self.sold += 1


Act = Callable[[Shop, web.Request], Awaitable[Reply]]


def says(status: int, body: object = b"", *, sells: bool = False, **headers: str) -> Act:
    async def act(shop: Shop, request: web.Request) -> Reply:
        if sells:
            shop.sell()
        return reply(status, body, **headers)

    return act


def sends(data: bytes, *, sells: bool = False) -> Act:
    async def act(shop: Shop, request: web.Request) -> Reply:
        if sells:
            shop.sell()
        return raw(request, data)

    return act


def hangs(*, sells: bool = False) -> Act:
    async def act(shop: Shop, request: web.Request) -> Reply:
        if sells:
            shop.sell()
        await asyncio.sleep(5)
        return None

    return act


def flat(code: str, message: str = "") -> dict[str, object]:
    return {"code": code, "message": message or code, "data": None}


SUBMISSIONS: dict[str, tuple[Act, type[Submission | ImageApiError], Charged]] = {
    "accepted, bare": (says(200, TASK, sells=True), Submission, NO),
    "accepted, wrapped, 202": (says(202, {"code": "success", "data": TASK}, sells=True), Submission, NO),
    "accepted, id in data": (says(200, {"code": "success", "data": "task_1"}, sells=True), Submission, NO),
    "accepted after a heartbeat": (says(200, b"\n\n \n" + json.dumps(TASK).encode(), sells=True), Submission, NO),
    "accepted, done already": (
        says(200, {**TASK, "status": "succeeded", "result_url": "https://cdn.example/1.png"}, sells=True),
        Submission,
        NO,
    ),
    "400 invalid_request": (says(400, flat("invalid_request")), BadInput, NO),
    "400 moderated, flat strings": (
        says(400, {"code": "imagine:content-moderated", "error": "rejected by content moderation."}),
        Refused,
        MAYBE,
    ),
    "400 moderated and paid": (
        says(400, {"code": "imagine:content-moderated", "error": "x", "usage": {"cost_in_usd_ticks": 9e8}}, sells=True),
        Refused,
        YES,
    ),
    "401": (says(401, {"error": {"message": "无效的令牌", "type": "new_api_error", "code": ""}}), BadKey, NO),
    "402": (says(402, b""), OutOfBalance, NO),
    "403 insufficient_user_quota": (says(403, flat("insufficient_user_quota")), OutOfBalance, NO),
    "403 page": (says(403, PAGE), Unexpected, NO),
    "404 invalid url": (says(404, {"error": {"message": "Invalid URL", "code": ""}}), Unexpected, NO),
    "413": (says(413, flat("read_request_body_failed")), BadInput, NO),
    "422 details": (
        says(422, {"detail": [{"loc": ["body", "prompt"], "msg": "x", "type": "content_policy_violation"}]}),
        Refused,
        MAYBE,
    ),
    "429 bare": (says(429), Busy, NO),
    "429 with seconds": (says(429, BUSY, Retry_After="2"), Busy, NO),
    "451": (says(451, b""), Refused, MAYBE),
    "500 nothing bought": (says(500, flat("do_request_failed", "请求上游地址失败")), Uncertain, MAYBE),
    "500 bought": (says(500, flat("do_request_failed"), sells=True), Uncertain, MAYBE),
    "502 page": (says(502, PAGE), Uncertain, MAYBE),
    "503 no channel": (says(503, {"error": {"code": "model_not_found", "message": "无可用渠道"}}), BadInput, NO),
    "503 busy": (says(503, BUSY), Busy, NO),
    "503 page": (says(503, PAGE), Uncertain, MAYBE),
    "504 bought": (says(504, PAGE, sells=True), Uncertain, MAYBE),
    "524 bought": (says(524, PAGE, sells=True), Uncertain, MAYBE),
    "200 with an error": (says(200, {"error": {"message": "upstream error"}}, sells=True), Unexpected, MAYBE),
    "200 with nothing": (says(200, {"code": "success", "data": None}, sells=True), Uncertain, MAYBE),
    "200 empty": (says(200, b"", sells=True), Uncertain, MAYBE),
    "200 page": (says(200, PAGE), Uncertain, MAYBE),
    "307": (says(307, b"", Location="http://127.0.0.1:9/"), Unexpected, NO),
    "half the JSON": (
        sends(b'HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"task_id": "task_1", "sta', sells=True),
        AnswerLost,
        MAYBE,
    ),
    "half the JSON, end of connection": (
        sends(b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"task_id": "task_1", "sta', sells=True),
        Uncertain,
        MAYBE,
    ),
    "dropped": (sends(b""), AnswerLost, MAYBE),
    "dropped after buying": (sends(b"", sells=True), AnswerLost, MAYBE),
    "hangs": (hangs(), AnswerLost, MAYBE),
    "hangs after buying": (hangs(sells=True), AnswerLost, MAYBE),
    "hangs inside the answer": (
        sends(b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{", sells=True),
        AnswerLost,
        MAYBE,
    ),
}


@pytest.mark.parametrize("name", SUBMISSIONS)
async def test_a_submission_in_every_dialect(name: str) -> None:
    act, kind, charged = SUBMISSIONS[name]
    shop = Shop()

    async def api(request: web.Request) -> Reply:
        return await act(shop, request)

    async with playing(api) as server, client(server.url) as image_api:
        try:
            found: Submission | ImageApiError = await image_api.submit(FOX)
        except ImageApiError as error:
            found = error
    assert server.count("POST") == 1
    assert type(found) is kind
    if isinstance(found, ImageApiError):
        assert found.charged is charged
        assert shop.sold == 0 or found.charged is not NO
        assert not (shop.sold and isinstance(found, Busy | Unreachable))
    else:
        assert (found.task_id, shop.sold) == ("task_1", 1)


async def test_a_connection_that_is_refused_sells_nothing() -> None:
    async with playing(lambda request: says(200, TASK)(Shop(), request)) as server:
        address = server.url
    async with client(address) as image_api:
        with pytest.raises(Unreachable):
            await image_api.submit(FOX)


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_the_pause_a_busy_api_asks_for_is_passed_on(form: str) -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)

    async def api(request: web.Request) -> Reply:
        return reply(429, BUSY, Retry_After="30" if form == "seconds" else moment)

    async with playing(api) as server, client(server.url) as image_api:
        with pytest.raises(Busy) as caught:
            await image_api.submit(FOX)
    assert 27 < (caught.value.retry_after or 0) <= 30


def told(**task: object) -> Act:
    return says(200, {"code": "success", "message": "", "data": {"task_id": "task_1", **task}})


REPORTS: dict[str, tuple[Act, TaskState | type[ImageApiError]]] = {
    "queued": (told(status="queued", progress="0%"), TaskState.PENDING),
    "in progress": (told(status="in_progress", progress="30%"), TaskState.RUNNING),
    "unknown in the middle": (told(status="unknown", progress="NaN%"), TaskState.UNKNOWN),
    "bare": (says(200, {"task_id": "task_1", "status": "processing", "progress": 0.4}), TaskState.RUNNING),
    "SUCCESS": (told(status="SUCCESS", progress="100%", result_url="/v1/x"), TaskState.SUCCEEDED),
    "completed, bare": (says(200, {"id": "task_1", "status": "completed", "progress": 100}), TaskState.SUCCEEDED),
    "failed at 100%": (told(status="failed", progress="100%", fail_reason="x"), TaskState.FAILED),
    "cancelled": (told(status="canceled"), TaskState.CANCELLED),
    "expired": (told(status="EXPIRED"), TaskState.EXPIRED),
    "waiting, odd status": (says(404, {"task_id": "task_1", "status": "queued"}), TaskState.PENDING),
    "heartbeat": (says(200, b'   \n{"status": "queued"}'), TaskState.PENDING),
    "nothing": (says(200, {"code": "success", "data": None}), TaskState.UNKNOWN),
    "400 task_not_exist": (says(400, flat("task_not_exist")), TaskLost),
    "404": (says(404, {"error": {"code": "IMAGE_TASK_NOT_FOUND"}}), TaskLost),
    "404 page": (says(404, PAGE), Unreachable),
    "401": (says(401, {"error": {"message": "无效的令牌"}}), BadKey),
    "429 bare": (says(429), Busy),
    "500": (says(500, flat("get_task_failed")), Unreachable),
    "502 page": (says(502, PAGE), Unreachable),
    "503": (says(503, BUSY), Busy),
    "504": (says(504, PAGE), Unreachable),
    "524": (says(524, PAGE), Unreachable),
    "page": (says(200, PAGE), Unreachable),
    "half": (sends(b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"), Unreachable),
    "half, end of connection": (sends(b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"status": "q'), Unreachable),
    "dropped": (sends(b""), Unreachable),
    "hangs": (hangs(), Unreachable),
}


@pytest.mark.parametrize("name", REPORTS)
async def test_a_question_in_every_dialect(name: str) -> None:
    act, expected = REPORTS[name]

    async def api(request: web.Request) -> Reply:
        return await act(Shop(), request)

    async with playing(api) as server, client(server.url) as image_api:
        try:
            found: TaskReport | ImageApiError = await image_api.report("task_1")
        except ImageApiError as error:
            found = error
    if isinstance(expected, TaskState):
        assert isinstance(found, TaskReport)
        assert found.state is expected
    else:
        assert type(found) is expected
    assert server.count("POST") == 0


async def test_the_whole_life_of_a_task(tmp_path: Path) -> None:
    """As the documentation shows it: submit bare, ask wrapped, fetch from another port."""
    states: list[dict[str, object]] = [
        {"status": "queued", "progress": "0%"},
        {"status": "in_progress", "progress": "30%"},
        {"status": "succeeded", "progress": "100%", "metadata": {"result_urls": ""}},
    ]
    answers = iter(states)
    cdn: list[Played] = []

    async def files(request: web.Request) -> Reply:
        return reply(200, PNG)

    async def api(request: web.Request) -> Reply:
        if request.method == "POST":
            return reply(200, TASK)
        urls = [f"{cdn[0].url}/{number}.jpeg" for number in (1, 2)]
        finished = {"status": "succeeded", "progress": "100%", "metadata": {"result_urls": urls}, "result_url": urls[0]}
        return reply(200, {"code": "success", "message": "", "data": next(answers, finished)})

    async with playing(files) as cdn_server, playing(api) as server, client(server.url) as image_api:
        cdn.append(cdn_server)
        task_id = (await image_api.submit(FOX)).task_id or ""
        reports = [await image_api.report(task_id) for _ in range(4)]
        for number, url in enumerate(reports[-1].result_urls):
            await image_api.download(url, tmp_path / str(number), max_bytes=10_000)
    assert [report.percent for report in reports] == [0, 30, 100, 100]
    assert [len(report.result_urls) for report in reports] == [0, 0, 0, 2]
    assert [request.path for request in cdn_server.seen] == ["/1.jpeg", "/2.jpeg"]
