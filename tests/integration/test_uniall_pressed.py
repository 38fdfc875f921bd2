"""The image API client when much is asked at once, or much comes back."""

from __future__ import annotations

import asyncio
import base64
import gzip
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from bot.errors import ImageApiError, Uncertain, Unexpected, Unreachable
from bot.image_api.client import ImageApi, Mode
from bot.model import PictureFormat
from tests.integration.uniall_servers import FOX, HURRY, KEY, PNG, TASK, Reply, always, client, playing, reply

MOST_TEXT = 2 * 1024 * 1024 - 1000
#: Without turns for others between two pieces of such an answer it is 60 ms, with them 4.
MOST_TURN_S = 0.03


async def test_an_open_breaker_keeps_submissions_and_questions_off_the_network() -> None:
    limits = replace(HURRY, breaker_threshold=2, breaker_pause_s=60)
    async with playing(always(502, b"<html>")) as server, client(server.url, limits=limits) as image_api:
        with pytest.raises(Unreachable):
            await image_api.report("task_1")
        with pytest.raises(Uncertain):
            await image_api.submit(FOX)
        assert image_api.breaker.is_open
        with pytest.raises(Unreachable) as caught:
            await image_api.submit(FOX)
        with pytest.raises(Unreachable):
            await image_api.report("task_1")
    assert 50 < (caught.value.retry_after or 0) <= 60
    assert len(server.seen) == 2


async def test_a_fault_about_one_task_does_not_open_the_breaker() -> None:
    limits = replace(HURRY, breaker_threshold=2)
    fault = always(500, {"code": "get_task_failed", "message": "x", "data": None})
    async with playing(fault) as server, client(server.url, limits=limits) as image_api:
        for _ in range(4):
            with pytest.raises(Unreachable):
                await image_api.report("task_1")
        assert not image_api.breaker.is_open
    assert len(server.seen) == 4


@pytest.mark.parametrize("status", [None, 502], ids=["cut", "page"])
async def test_questions_about_tasks_open_the_breaker_only_with_one_that_is_about_none(status: int | None) -> None:
    is_down = False

    async def api(request: web.Request) -> Reply:
        if is_down or "/tasks/" in request.path:
            return None if status is None else reply(status, b"<html>")
        return reply(200, {"data": []})

    limits = replace(HURRY, breaker_threshold=3)
    async with playing(api) as server, client(server.url, limits=limits) as image_api:
        for _ in range(2):
            for number in range(4):
                with pytest.raises(Unreachable):
                    await image_api.report(f"task_{number}")
            assert not image_api.breaker.is_open
            await image_api.probe()
        is_down = True
        for number in range(4):
            with pytest.raises(Unreachable):
                await image_api.report(f"task_{number}")
        with pytest.raises((Unreachable, Unexpected)):
            await image_api.probe()
        assert image_api.breaker.is_open


async def test_the_breaker_closes_again_by_one_trial() -> None:
    healthy = False

    async def api(request: web.Request) -> Reply:
        return reply(200, TASK) if healthy else None

    limits = replace(HURRY, breaker_threshold=1, breaker_pause_s=0.05)
    async with playing(api) as server, client(server.url, limits=limits) as image_api:
        with pytest.raises(Unreachable):
            await image_api.probe()
        assert image_api.breaker.is_open
        healthy = True
        await asyncio.sleep(0.06)
        with pytest.raises(Unreachable):
            await image_api.report("task_1")  # may fail for itself, so it is not what is tried
        assert (await image_api.submit(FOX)).task_id == "task_1"
        assert image_api.breaker.retry_at is None


async def test_two_hundred_slow_answers_do_not_wait_for_each_other() -> None:
    """A limit on connections would let questions wait inside their own timeout."""
    waiting, all_here = 0, asyncio.Event()

    async def api(request: web.Request) -> Reply:
        nonlocal waiting
        waiting += 1
        if waiting == 200:
            all_here.set()
        await all_here.wait()
        return reply(200, TASK)

    async with playing(api) as server, client(server.url, limits=replace(HURRY, get_s=20)) as image_api:
        await asyncio.gather(*(image_api.report(f"task_{number}") for number in range(200)))


async def test_a_bomb_in_gzip_is_not_unpacked_beyond_its_bound() -> None:
    bomb = gzip.compress(b"[" + b" " * 100_000_000)
    limits = replace(HURRY, submit_s=20)
    async with playing(always(200, bomb, Content_Encoding="gzip")) as server, client(server.url, limits=limits) as api:
        tracemalloc.start()
        with pytest.raises(Uncertain, match="AnswerTooLong"):
            await api.submit(FOX)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize(
    "text", [b'"' * MOST_TEXT, b'["' * (MOST_TEXT // 2), b"\\" * MOST_TEXT], ids=["quotes", "lists", "escapes"]
)
async def test_two_megabytes_of_signs_keep_nobody_else_waiting(text: bytes) -> None:
    """Two kilobytes on their way. What is measured is this thread's work between two turns of the event loop."""
    longest, reading = 0.0, True
    answer = always(200, gzip.compress(text), Content_Encoding="gzip")

    async def others() -> None:
        nonlocal longest
        while reading:
            began = time.thread_time()
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - began)

    async with playing(answer) as server, client(server.url, limits=replace(HURRY, get_s=20)) as image_api:
        watching = asyncio.create_task(others())
        with pytest.raises(ImageApiError):
            await image_api.report("task_1")
        reading = False
        await watching
    assert longest < MOST_TURN_S


async def test_pictures_inside_an_answer_are_never_held_in_memory(tmp_path: Path) -> None:
    picture = PNG + bytes(6_000_000)
    encoded = base64.b64encode(picture)

    async def api(request: web.Request) -> Reply:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"created": 1, "data": [')
        for number in range(2):
            await response.write(b'{"b64_json": "')
            for at in range(0, len(encoded), 100_000):
                await response.write(encoded[at : at + 100_000])
            await response.write(b'"}' + b"," * (number == 0))
        await response.write(b"]}")
        return response

    limits = replace(HURRY, sync_s=20)
    async with playing(api) as server, client(server.url, Mode.SYNC, limits) as image_api:
        tracemalloc.start()
        made = await image_api.submit(replace(FOX, count=2))
        saved = [
            await image_api.download(url, tmp_path / str(number), max_bytes=7_000_000)
            for number, url in enumerate(made.result_urls)
        ]
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 4_000_000
    assert all(len(url) < 50 for url in made.result_urls)
    assert [(download.format, download.bytes) for download in saved] == [(PictureFormat.PNG, len(picture))] * 2
    assert (tmp_path / "1").read_bytes() == picture


async def test_held_pictures_outlive_the_process_in_a_folder_of_their_own(tmp_path: Path) -> None:
    answer = {"data": [{"b64_json": base64.b64encode(PNG + bytes(100_000)).decode()}]}
    folder = tmp_path / "held"
    async with playing(always(200, answer)) as server:
        first = ImageApi(base_url=server.url, api_key=KEY, mode=Mode.SYNC, limits=HURRY, held_folder=folder)
        async with first:
            (address,) = (await first.submit(FOX)).result_urls
        async with ImageApi(base_url=server.url, api_key=KEY, held_folder=folder) as second:
            found = await second.download(address, tmp_path / "picture", max_bytes=1_000_000)
    assert found.format is PictureFormat.PNG
