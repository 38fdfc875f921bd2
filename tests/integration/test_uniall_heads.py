"""Hosts that never come to their point: heads that drip, or never end, cost neither memory nor a place for ever."""

from __future__ import annotations

import asyncio
import contextlib
import time
import tracemalloc
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from bot.errors import DownloadUnreachable, ImageApiError, Uncertain
from bot.image_api.client import ImageApi, Mode
from tests.integration.uniall_servers import FOX, HURRY, KEY, PNG

pytestmark = pytest.mark.asyncio

PATIENT = replace(HURRY, get_s=8.0, submit_s=8.0, head_s=8.0, silence_s=2.0)
MOST_MEMORY = 4_000_000  # of one answer; the local server writes pieces of 64 KiB and holds some of them
Pieces = Callable[[], AsyncIterator[bytes]]


async def interim() -> AsyncIterator[bytes]:
    """Interim answers (RFC 9110, section 15.2) and no other, as fast as they go."""
    for _ in count():
        yield b"HTTP/1.1 102 Processing\r\nX: y\r\n\r\n" * 1000


async def headers() -> AsyncIterator[bytes]:
    """As many headers as anybody would take, each as long as may be."""
    yield b"HTTP/1.1 200 OK\r\n"
    for number in range(1000):
        yield b"X-%d: " % number + b"y" * 60_000 + b"\r\n"
    yield b"Content-Length: 2\r\n\r\n{}"


async def short_headers() -> AsyncIterator[bytes]:
    """Short headers without end."""
    yield b"HTTP/1.1 200 OK\r\n"
    for number in count():
        yield b"X-%d: y\r\n" % number * 100


async def trailers() -> AsyncIterator[bytes]:
    """A body that ends, and then headers behind it."""
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    yield b"%x\r\n" % len(PNG) + PNG + b"\r\n0\r\n"
    for number in range(1000):
        yield b"X-%d: " % number + b"y" * 60_000 + b"\r\n"


async def drip() -> AsyncIterator[bytes]:
    """One byte of a header now and then, so that nobody can say that it is silent."""
    yield b"HTTP/1.1 200 OK\r\nX: "
    for _ in count():
        await asyncio.sleep(0.2)
        yield b"y"


async def slow_interim() -> AsyncIterator[bytes]:
    """The same with interim answers."""
    for _ in count():
        await asyncio.sleep(0.2)
        yield b"HTTP/1.1 102 Processing\r\n\r\n"


@asynccontextmanager
async def saying(pieces: Pieces) -> AsyncGenerator[str]:
    """A server that says the same to everybody."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):  # cancelled as the test ends
            await reader.readuntil(b"\r\n\r\n")
            async for piece in pieces():
                writer.write(piece)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@pytest.mark.parametrize("pieces", [interim, headers, short_headers, trailers], ids=lambda it: it.__name__)
async def test_the_head_of_an_answer_is_bounded_whoever_sends_it(pieces: Pieces, tmp_path: Path) -> None:
    async with saying(pieces) as url, ImageApi(base_url=url, api_key=KEY, mode=Mode.TASKS, limits=PATIENT) as api:
        tracemalloc.start()
        began = time.monotonic()
        with pytest.raises(Uncertain):
            await api.submit(FOX)
        with contextlib.suppress(ImageApiError):
            await api.report("task_1")
        with contextlib.suppress(DownloadUnreachable):
            await api.download(f"{url}/a.png", tmp_path / "a", max_bytes=1_000_000)
        took, (_, peak) = time.monotonic() - began, tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < MOST_MEMORY
    assert took < PATIENT.head_s  # it is ended for what it says, not for how long


@pytest.mark.parametrize("pieces", [drip, slow_interim], ids=lambda it: it.__name__)
async def test_a_head_that_drips_holds_a_place_for_a_while_only(pieces: Pieces, tmp_path: Path) -> None:
    hurry = replace(HURRY, head_s=1.0)
    async with (
        saying(pieces) as url,
        ImageApi(base_url=url, api_key=KEY, limits=hurry, attachment_hosts=["127.0.0.1"]) as api,
    ):
        for fetched in (api.download, api.fetch_source):
            began = time.monotonic()
            with contextlib.suppress(DownloadUnreachable):
                async with asyncio.timeout(5):
                    await fetched(f"{url}/a.png", tmp_path / "a", max_bytes=1_000_000)
            assert time.monotonic() - began < 3
        with pytest.raises(Uncertain):
            await api.submit(FOX)


async def test_more_hosts_hang_than_the_library_would_open_connections_for(tmp_path: Path) -> None:
    """The bound is ours, fair between people and hosts (fair_slots.py): one below it would be nobody's."""
    async with saying(drip) as url, ImageApi(base_url=url, api_key=KEY, limits=replace(HURRY, head_s=20.0)) as api:
        hanging = [
            asyncio.create_task(api.download(f"{url}/{number}.png", tmp_path / str(number), max_bytes=1_000_000))
            for number in range(150)
        ]
        await asyncio.sleep(0.5)

        async def whole() -> AsyncIterator[bytes]:
            yield b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(PNG) + PNG

        async with saying(whole) as other, asyncio.timeout(5):
            await api.download(f"{other}/a.png", tmp_path / "a", max_bytes=1_000_000)
        for one in hanging:
            one.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
