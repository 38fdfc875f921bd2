"""Downloads that broke off go on where they stood, and a host that creeps is left."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from bot.errors import (
    DownloadUnreachable,
)
from bot.image_api.client import ImageApi
from tests.integration.uniall_servers import API, HURRY, MANY, PNG, client, names, playing

LARGE = PNG[:-12] + bytes(range(256)) * 4000 + PNG[-12:]


class BreakingHost:
    """A host that breaks off after 300 kB of each answer. `ranges` says whether it can go on in the middle."""

    def __init__(self, body: bytes = LARGE, *, ranges: bool = True, **headers: str) -> None:
        self.body, self.ranges, self.headers = body, ranges, headers
        self.sent = 0

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        start = 0
        headers = dict(self.headers)
        asked = request.headers.get("Range")
        same = request.headers.get("If-Range") in (None, self.headers.get("ETag"))
        if self.ranges and asked and same:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            headers["Content-Range"] = f"bytes {start}-{len(self.body) - 1}/{len(self.body)}"
        response = web.StreamResponse(status=206 if start else 200, headers=headers)
        response.content_length = len(self.body) - start
        await response.prepare(request)
        piece = self.body[start : start + 300_000]
        self.sent += len(piece)
        await response.write(piece)
        if start + len(piece) < len(self.body):
            assert request.transport is not None
            request.transport.close()
        return response


async def tries_until_whole(image_api: ImageApi, url: str, into: Path) -> int:
    for tries in range(1, 9):
        try:
            await image_api.download(url, into, max_bytes=len(LARGE))
        except DownloadUnreachable:
            continue
        return tries
    raise AssertionError("it never came")


@pytest.mark.parametrize("etag", ['"a"', ""], ids=["validator", "length only"])
async def test_a_download_that_broke_off_is_gone_on_with(tmp_path: Path, etag: str) -> None:
    host = BreakingHost(ETag=etag) if etag else BreakingHost()
    async with playing(host) as server, client(API) as image_api:
        assert await tries_until_whole(image_api, f"{server.url}/a", tmp_path / "p") == 4
    assert (tmp_path / "p").read_bytes() == LARGE
    assert names(tmp_path) == ["p"]


async def test_a_part_of_another_file_is_not_gone_on_with(tmp_path: Path) -> None:
    host = BreakingHost(ETag='"a"')
    async with playing(host) as server, client(API) as image_api:
        with pytest.raises(DownloadUnreachable):
            await image_api.download(f"{server.url}/a", tmp_path / "p", max_bytes=len(LARGE))
        host.headers, host.body = {"ETag": '"b"'}, PNG
        await image_api.download(f"{server.url}/a", tmp_path / "p", max_bytes=len(LARGE))
    assert (tmp_path / "p").read_bytes() == PNG
    assert names(tmp_path) == ["p"]


async def test_a_host_without_ranges_begins_anew(tmp_path: Path) -> None:
    host = BreakingHost(ranges=False)
    async with playing(host) as server, client(API) as image_api:
        for _ in range(2):
            with pytest.raises(DownloadUnreachable):
                await image_api.download(f"{server.url}/a", tmp_path / "p", max_bytes=len(LARGE))
    assert host.sent == 600_000


async def test_a_host_that_creeps_is_left_and_one_that_is_slow_is_not(tmp_path: Path) -> None:
    async def drops(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = len(PNG)
        await response.prepare(request)
        step = int(request.query["step"])
        for start in range(0, len(PNG), step):
            await response.write(PNG[start : start + step])
            await asyncio.sleep(0.1)
        return response

    limits = replace(HURRY, least_over_s=0.4, least_bytes_per_s=500)
    async with playing(drops) as server, client(API, limits=limits) as image_api:
        with pytest.raises(DownloadUnreachable):
            await image_api.download(f"{server.url}/a?step=10", tmp_path / "p", max_bytes=MANY)
        await image_api.download(f"{server.url}/a?step=100", tmp_path / "q", max_bytes=MANY)
    assert (tmp_path / "q").read_bytes() == PNG
