"""The image API client against real sockets: what it sends, and that nothing is ever bought twice."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from bot.errors import BadInput, BadKey, Uncertain, Unexpected, Unreachable
from bot.image_api.client import ImageApi, Mode, SourceOutOfReach, Submission, TaskState, base_address
from bot.model import AspectRatio, Charged, ImageRequest, Source
from sandbox.serving import free_port
from tests.integration.uniall_servers import (
    FOX,
    HURRY,
    JPEG,
    KEY,
    PNG,
    TASK,
    WEBP,
    Reply,
    always,
    client,
    playing,
    raw,
    reply,
)


def edit(*addresses: str) -> ImageRequest:
    return ImageRequest("bluer", aspect_ratio=AspectRatio.AUTO, sources=tuple(Source(url) for url in addresses))


# --- what is sent


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/"])
async def test_a_task_is_submitted_and_asked_about_whatever_the_base_address_ends_in(ending: str) -> None:
    async def api(request: web.Request) -> Reply:
        if request.method == "POST":
            return reply(200, TASK, X_Oneapi_Request_Id="r-1")
        return reply(200, {"code": "success", "data": {**TASK, "status": "in_progress", "progress": "30%"}})

    async with playing(api) as server, client(server.url + ending) as image_api:
        assert await image_api.submit(FOX) == Submission("task_1", "r-1")
        report = await image_api.report("task_1")
    assert (report.state, report.percent) == (TaskState.RUNNING, 30)
    submitted, asked = server.seen
    assert (submitted.method, submitted.path) == ("POST", "/v1/images/tasks")
    assert (asked.method, asked.path) == ("GET", "/v1/images/tasks/task_1")
    assert submitted.headers["authorization"] == asked.headers["authorization"] == f"Bearer {KEY}"
    assert submitted.headers["content-type"] == "application/json"
    assert submitted.json["num_images"] == 1
    assert "n" not in submitted.json


async def test_a_prefix_before_v1_is_kept_and_a_strange_task_id_is_quoted() -> None:
    async with playing(always(200, TASK)) as server, client(server.url + "/openai/v1") as image_api:
        await image_api.report("a/b?c#d%2F")
    assert server.seen[0].path == "/openai/v1/images/tasks/a%2Fb%3Fc%23d%252F"


@pytest.mark.parametrize("address", ["", "images.example", "ftp://images.example", "https://", "http://[::1"])
def test_an_address_that_cannot_work_is_told_in_a_sentence(address: str) -> None:
    with pytest.raises(ValueError, match="address of the image API"):
        base_address(address)


def test_a_key_with_a_line_break_is_refused() -> None:
    with pytest.raises(ValueError, match="key of the image API") as caught:
        ImageApi(base_url="https://images.example", api_key="sk-1\r\nX: y")
    assert "sk-1" not in str(caught.value)


async def test_synchronous_mode_gets_the_pictures_at_once() -> None:
    answer = {"created": 1, "data": [{"url": "https://cdn.example/1.png", "revised_prompt": ""}]}
    async with playing(always(200, answer)) as server, client(server.url, Mode.SYNC) as image_api:
        made = await image_api.submit(replace(FOX, count=2))
        await image_api.submit(edit("https://cdn.example/source.png"))
    assert made == Submission(None, None, ("https://cdn.example/1.png",))
    assert [request.path for request in server.seen] == ["/v1/images/generations", "/v1/images/edits"]
    assert server.seen[0].json == {
        "model": "grok-imagine-image",
        "prompt": "a red fox",
        "n": 2,
        "response_format": "url",
    }
    assert server.seen[1].json["image"] == "https://cdn.example/source.png"


async def test_synchronous_mode_uploads_several_sources() -> None:
    async def api(request: web.Request) -> Reply:
        if request.method == "GET":
            assert "Authorization" not in request.headers
            return reply(200, PNG if request.path == "/a" else WEBP)
        return reply(200, {"data": [{"url": "https://cdn.example/1.png"}]})

    async with playing(api) as server, client(server.url, Mode.SYNC, HURRY, "127.0.0.1") as image_api:
        await image_api.submit(edit(f"{server.url}/a", f"{server.url}/b"))
    (upload,) = (request for request in server.seen if request.method == "POST")
    assert upload.path == "/v1/images/edits"
    assert b'name="image[]"; filename="source-1.png"' in upload.body
    assert b'name="image[]"; filename="source-2.webp"' in upload.body
    assert PNG in upload.body
    assert WEBP in upload.body


async def test_a_source_that_cannot_be_fetched_for_its_upload_costs_nothing() -> None:
    async with playing(always(404)) as server, client(server.url, Mode.SYNC, HURRY, "127.0.0.1") as image_api:
        with pytest.raises(SourceOutOfReach) as caught:
            await image_api.submit(edit(f"{server.url}/a", f"{server.url}/b"))
    assert caught.value.charged is Charged.NO
    assert server.count("POST") == 0


async def test_the_bytes_of_a_source_can_be_uploaded_where_its_address_was_refused(tmp_path: Path) -> None:
    source = tmp_path / "kept"
    source.write_bytes(JPEG)

    async def api(request: web.Request) -> Reply:
        if request.path == "/v1/images/tasks":
            return reply(400, {"code": "invalid_request", "message": "failed to download image"})
        return reply(200, {"data": [{"url": "https://cdn.example/1.png"}]})

    async with playing(api) as server, client(server.url) as image_api:
        with pytest.raises(SourceOutOfReach):
            await image_api.submit(edit("https://cdn.example/source.png"))
        made = await image_api.submit(edit("https://cdn.example/source.png"), files=[source])
    assert made.result_urls == ("https://cdn.example/1.png",)
    upload = server.seen[1]
    assert upload.path == "/v1/images/edits"
    assert upload.headers["content-type"].startswith("multipart/form-data")
    assert b'name="image"; filename="source-1.jpg"' in upload.body
    assert JPEG in upload.body


@pytest.mark.parametrize("name", ["page", "missing"])
async def test_a_source_that_is_no_picture_is_not_uploaded(tmp_path: Path, name: str) -> None:
    (tmp_path / "page").write_bytes(b"<html>")
    source = tmp_path / name
    async with playing(always(200, TASK)) as server, client(server.url) as image_api:
        with pytest.raises(BadInput):
            await image_api.submit(edit("https://cdn.example/source.png"), files=[source])
    assert server.seen == []


# --- nothing is bought twice


async def test_a_submission_never_rides_on_a_connection_that_was_kept() -> None:
    async with playing(always(200, TASK)) as server, client(server.url) as image_api:
        await image_api.report("task_1")
        await image_api.report("task_1")
        await image_api.submit(FOX)
        await image_api.submit(FOX)
    ports = [request.client_port for request in server.seen]
    assert ports[0] == ports[1], "questions share a connection"
    assert len({*ports[1:]}) == 3, "each submission has its own"


async def test_a_redirected_submission_is_not_sent_elsewhere() -> None:
    async with playing(always(200, TASK)) as other:
        redirect = always(307, Location=f"{other.url}/v1/images/tasks")
        async with playing(redirect) as server, client(server.url) as image_api:
            with pytest.raises(Unexpected) as caught:
                await image_api.submit(FOX)
    assert caught.value.charged is Charged.NO
    assert other.seen == []


async def test_no_connection_means_that_certainly_nothing_was_started() -> None:
    async with client(f"http://127.0.0.1:{free_port()}") as image_api:
        with pytest.raises(Unreachable) as caught:
            await image_api.submit(FOX)
        with pytest.raises(Unreachable):
            await image_api.report("task_1")
    assert caught.value.charged is Charged.NO


async def test_a_failed_tls_handshake_means_that_certainly_nothing_was_started() -> None:
    async with playing(always(200, TASK)) as server, client(f"https://127.0.0.1:{server.port}") as image_api:
        with pytest.raises(Unreachable):
            await image_api.submit(FOX)
    assert server.seen == []


@pytest.mark.parametrize("connect_s", [0.1, 30], ids=["time to connect", "time for all"])
async def test_a_connection_that_never_comes_about_in_time_means_that_nothing_was_started(connect_s: float) -> None:
    with socket.socket() as deaf, socket.socket() as first, socket.socket() as second:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)  # nobody accepts: once its line is full, the system answers no further knock
        for visitor in (first, second):
            visitor.setblocking(False)
            visitor.connect_ex(deaf.getsockname())
        limits = replace(HURRY, connect_s=connect_s)
        async with client(f"http://127.0.0.1:{deaf.getsockname()[1]}", limits=limits) as image_api:
            with pytest.raises(Unreachable):
                await image_api.submit(FOX)


async def test_a_cancelled_submission_passes_the_cancellation_on_and_leaves_the_client_usable() -> None:
    arrived = asyncio.Event()

    async def api(request: web.Request) -> Reply:
        if request.method == "GET":
            return reply(200, TASK)
        arrived.set()
        await asyncio.sleep(5)
        return None

    async with playing(api) as server, client(server.url) as image_api:
        submission = asyncio.create_task(image_api.submit(FOX))
        await arrived.wait()
        submission.cancel()
        with pytest.raises(asyncio.CancelledError):
            await submission
        assert (await image_api.report("task_1")).state is TaskState.PENDING
    assert server.count("POST") == 1


# --- hostile and large answers


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Security-Policy": "default-src " + "https://cdn.example " * 1500},
        {"Set-Cookie": "session=" + "s" * 9000},
        {"traceparent": "t" * 8191, "X-Trace": "u" * 60_000},
        {f"X-Part-{number}": "v" * 300 for number in range(100)},
    ],
    ids=["policy", "cookie", "tracing", "many"],
)
async def test_large_headers_of_an_edge_cost_nothing(tmp_path: Path, headers: dict[str, str]) -> None:
    async def api(request: web.Request) -> Reply:
        answer = reply(200, PNG if request.path == "/a.png" else TASK)
        answer.headers.update(headers)
        return answer

    async with playing(api) as server, client(server.url, Mode.TASKS, HURRY, "127.0.0.1") as image_api:
        assert (await image_api.submit(FOX)).task_id == "task_1"
        assert (await image_api.report("task_1")).state is TaskState.PENDING
        await image_api.download(f"{server.url}/a.png", tmp_path / "p", max_bytes=10_000)
        await image_api.fetch_source(f"{server.url}/a.png", tmp_path / "q", max_bytes=10_000)


async def test_a_long_signed_location_is_followed(tmp_path: Path) -> None:
    async def api(request: web.Request) -> Reply:
        return reply(302, Location="/a.png?sig=" + "s" * 8000) if request.path == "/go" else reply(200, PNG)

    async with playing(api) as server, client(server.url) as image_api:
        await image_api.download(f"{server.url}/go", tmp_path / "p", max_bytes=10_000)


@pytest.mark.parametrize(
    "data",
    [
        b"garbage\r\n\r\n",
        b"HTTP/1.1 999999 \r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: nonsense\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nX-Request-Id: \xff\xfe\r\nRetry-After: \xff\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 50_000 + b"\r\n{}",
        b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: \xff\xfe\r\nContent-Length: 0\r\n\r\n",
        b"",
    ],
)
async def test_bytes_that_are_no_http_are_a_typed_error(data: bytes) -> None:
    async def api(request: web.Request) -> Reply:
        return raw(request, data)

    async with playing(api) as server, client(server.url) as image_api:
        with pytest.raises((Uncertain, Unexpected)):
            await image_api.submit(FOX)
        try:
            report = await image_api.report("task_1")
        except Unreachable:
            pass
        else:
            assert report.state is TaskState.UNKNOWN
    assert server.count("POST") == 1


async def test_a_refusal_whose_text_breaks_off_is_still_a_refusal() -> None:
    async def api(request: web.Request) -> Reply:
        return raw(request, b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 500\r\n\r\n{")

    async with playing(api) as server, client(server.url) as image_api:
        with pytest.raises(BadKey):
            await image_api.submit(FOX)


# --- check
