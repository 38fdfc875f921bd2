"""Through a proxy: questions, submissions and pictures, and nothing beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.config.proxies import Proxies
from bot.errors import DownloadUnreachable, Unreachable
from bot.image_api.client import ImageApi
from bot.model import ImageRequest
from bot.policy.moderation import open_moderation
from sandbox.serving import free_port
from tests.integration.forward_proxy import Proxy, proxying
from tests.integration.uniall_servers import HURRY, KEY, PNG, always, playing

FOX = ImageRequest(prompt="a red fox")


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


async def test_the_moderation_route_is_asked_through_the_proxy_too() -> None:
    verdict = {"results": [{"flagged": True}]}
    async with playing(always(200, verdict)) as route, proxying(Proxy(route.port)) as proxy:
        way = f"http://127.0.0.1:{proxy.port}"
        async with open_moderation("http://judge.example", None, None, lenient=False, proxy=way) as moderation:
            assert moderation is not None
            assert not await moderation.allows("a red fox")
    assert proxy.lines == ["POST http://judge.example/v1/moderations HTTP/1.1"]
