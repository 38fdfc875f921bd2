"""Through a proxy: questions, submissions and pictures, and nothing beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.config.proxies import Proxies
from bot.errors import DownloadUnreachable, Unreachable
from bot.image_api.client import ImageApi
from bot.model import ImageRequest
from tests.integration.uniall_servers import HURRY, KEY, PNG, always, free_port, playing

FOX = ImageRequest(prompt="a red fox")


@dataclass
class Proxy:
    """A forward proxy on 127.0.0.1 that leads every name to one port, and keeps the first line of each request."""

    target: int
    refuses: bool = False
    port: int = 0
    lines: list[str] = field(default_factory=list[str])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.lines.append(head.split(b"\r\n", 1)[0].decode())
        if self.refuses:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            writer.close()
            return
        onward, outward = await asyncio.open_connection("127.0.0.1", self.target)
        if head.startswith(b"CONNECT "):
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            outward.write(head)
        await asyncio.gather(_pass_on(reader, outward), _pass_on(onward, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def proxying(proxy: Proxy) -> AsyncGenerator[Proxy]:
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()


def client(base_url: str, proxy: Proxy, no_proxy: str = "") -> ImageApi:
    address = f"http://127.0.0.1:{proxy.port}"
    ways = Proxies(https=address, http=address, exceptions=no_proxy)
    return ImageApi(base_url=base_url, api_key=KEY, limits=HURRY, proxy_for=ways.for_url)


async def test_everything_goes_out_through_the_proxy(tmp_path: Path) -> None:
    body = {"task_id": "task_1", "status": "queued"}
    async with (
        playing(always(200, body)) as api,
        proxying(Proxy(api.port)) as proxy,
        client("http://api.example", proxy) as image_api,
    ):
        assert (await image_api.submit(FOX)).task_id == "task_1"
        await image_api.report("task_1")
    assert proxy.lines == [
        "POST http://api.example/v1/images/tasks HTTP/1.1",
        "GET http://api.example/v1/images/tasks/task_1 HTTP/1.1",
    ]
    async with (
        playing(always(200, PNG)) as cdn,
        proxying(Proxy(cdn.port)) as proxy,
        client("http://api.example", proxy) as image_api,
    ):
        for number, fetch in enumerate((image_api.download, image_api.fetch_source)):
            await fetch("http://cdn.example/a.png", tmp_path / str(number), max_bytes=10_000)
    assert proxy.lines == ["GET http://cdn.example/a.png HTTP/1.1"] * 2


async def test_a_proxy_that_does_not_let_an_https_request_through_has_started_nothing(tmp_path: Path) -> None:
    async with proxying(Proxy(0, refuses=True)) as proxy, client("https://api.example", proxy) as image_api:
        with pytest.raises(Unreachable):
            await image_api.submit(FOX)
        with pytest.raises(DownloadUnreachable):
            await image_api.download("https://cdn.example/a.png", tmp_path / "a", max_bytes=10_000)
    assert proxy.lines[0] == "CONNECT api.example:443 HTTP/1.1"


async def test_a_proxy_that_is_not_there_has_started_nothing() -> None:
    proxy = Proxy(0, port=free_port())
    async with client("https://api.example", proxy) as image_api:
        with pytest.raises(Unreachable):
            await image_api.submit(FOX)


async def test_an_exception_is_reached_directly() -> None:
    body = {"task_id": "task_1", "status": "queued"}
    async with (
        playing(always(200, body)) as api,
        proxying(Proxy(0)) as proxy,
        client(api.url, proxy, no_proxy="127.0.0.1") as image_api,
    ):
        await image_api.submit(FOX)
    assert proxy.lines == []
    assert api.count("POST") == 1
