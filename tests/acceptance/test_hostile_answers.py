"""An image API and hosts of pictures that mean harm: whatever they answer, others go on, and memory and disk hold."""

from __future__ import annotations

import asyncio
import gzip
import io
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from pathlib import Path

import pytest
from aiohttp import web
from PIL import Image

from tests.acceptance.conftest import OpenHouse
from tests.acceptance.hostile import MIB, MOST_DELAY_S, stranger, watched, wished
from tests.integration.uniall_servers import Reply, playing, reply

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Two answers at a time are on their way to the disk, of which nothing is kept.
MOST_DISK = 300 * MIB
PEOPLE, JOBS, HONEST = 6, 3, 3
_TWO_MB = 2 * 1024 * 1024 - 1000


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(out, "PNG")
    return out.getvalue()


async def poured(request: web.Request, head: bytes, piece: bytes, times: int, pause_s: float = 0.0) -> Reply:
    """Bytes of our own on the connection; then it is cut."""
    transport = request.transport
    assert transport is not None
    transport.write(head)
    for _ in range(times):
        if transport.is_closing():
            break
        transport.write(piece)
        await asyncio.sleep(pause_s)
    return None


def packed(body: Callable[[], bytes]) -> Callable[[web.Request], Awaitable[Reply]]:
    """An answer that is small on its way. It is made when it is first asked for: making all takes seconds."""
    small = cache(lambda: gzip.compress(body()))

    async def answer(_request: web.Request) -> Reply:
        return reply(200, await asyncio.to_thread(small), Content_Encoding="gzip")

    return answer


OK = b"HTTP/1.1 200 OK\r\n"
Answers = Mapping[str, Callable[[web.Request], Awaitable[Reply]]]
#: What is answered.
ANSWERS: Answers = {
    "60 MB of headers": lambda request: poured(request, OK, b"X: " + b"y" * 60_000 + b"\r\n", 1000),
    "interim answers without end": lambda request: poured(
        request, b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 1000, 10_000
    ),
    "headers that drip": lambda request: poured(request, OK + b"X: ", b"y", 1000, 0.2),
    "a body that drips": lambda request: poured(request, OK + b"Content-Length: 9999\r\n\r\n{", b" ", 1000, 0.2),
    "2 MB of quotes in 2 kB": packed(lambda: b'"' * _TWO_MB),
    "2 MB of numbers": packed(lambda: b"[" + b"1," * (_TWO_MB // 2) + b"1]"),
    "2 MB of objects": packed(lambda: b'{"data": [' + b"{}," * (_TWO_MB // 3) + b"1]}"),
    "200 MB of blanks in 200 kB": packed(lambda: b"{" + b" " * 200_000_000),
    "100 MB of base64 that is no result": packed(lambda: b'{"note": "' + b"A" * 100_000_000 + b'"}'),
}

#: What comes at once, again and again, and looks as if the whole API were down.
DOWN: Answers = {
    "a web page": lambda _request: _answered(reply(502, b"<html>")),
    "a cut": lambda _request: _answered(None),
}


async def _answered(answer: Reply) -> Reply:
    return answer


class Harm:
    """An image API that answers people who mean harm in all these ways at once, and everybody else as it should."""

    def __init__(self, answers: Answers, *, in_results: bool) -> None:
        self.in_results = in_results
        self.kinds = list(answers.values())
        self.is_over = False
        self._picture = picture()

    async def __call__(self, request: web.Request) -> Reply:
        """Tasks and pictures of harm have the number of their kind in their addresses."""
        if request.method == "POST":
            prompt = (await request.json())["prompt"]
            return reply(200, {"task_id": prompt.replace(" ", "-") + f"-{time.monotonic_ns()}"})
        number = re.search(r"harm-(\d+)", request.path)
        if number and not self.is_over and self.in_results != ("/tasks/" in request.path):
            return await self.kinds[int(number[1]) % len(self.kinds)](request)
        if "/tasks/" in request.path:
            name = f"harm-{number[1]}" if number else "fox"
            return reply(200, {"task_id": "x", "status": "succeeded", "result_url": f"/{name}.png"})
        return reply(200, self._picture)


@pytest.mark.parametrize(
    ("answers", "in_results"),
    [(ANSWERS, False), (DOWN, False), (ANSWERS, True)],
    ids=["of tasks", "of tasks at once", "of results"],
)
async def test_answers_that_mean_harm_take_neither_memory_nor_disk(
    open_house: OpenHouse, answers: Answers, *, in_results: bool
) -> None:
    """Others wait for their own tasks and their own hosts alone, for as long as it lasts."""
    harm = Harm(answers, in_results=in_results)
    async with playing(harm) as server, open_house(variables={"UNIALL_BASE_URL": server.url}) as house:
        alone = await wished(house.ben, 30)
        folder = Path(house.database.removeprefix("sqlite:///")).parent
        async with watched(house):
            people = [stranger(house, number) for number in range(PEOPLE)]
            replies = await asyncio.gather(
                *(people[number // JOBS].command("imagine", prompt=f"harm {number}") for number in range(PEOPLE * JOBS))
            )
            most = 0
            for _ in range(40):
                await asyncio.sleep(0.2)
                most = max(most, sum(it.stat().st_size for it in folder.rglob("*") if it.is_file()))
            assert most < MOST_DISK
            for _ in range(HONEST):
                assert await wished(house.ben, 30) - alone < MOST_DELAY_S
        harm.is_over = True
        assert await wished(house.ben)
        assert len(house.ada.sees()) > len(replies)
