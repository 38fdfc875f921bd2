"""A moderation route that answers with what would break, fill or hold up whoever reads it."""

from __future__ import annotations

import asyncio
import resource
import time
import zlib

import pytest
from aiohttp import web

from bot.errors import ModerationDown
from bot.policy.moderation import PATIENCE_S, open_moderation
from tests.integration.picture_files import MIB
from tests.integration.uniall_servers import Handler, always, playing, reply

JSON = "application/json"


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": JSON})
    await response.prepare(request)
    while True:
        await response.write(b" " * 65536)


async def dripping(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": JSON})
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.1)


async def swollen(_request: web.Request) -> web.StreamResponse:
    """256 MB of zeros, packed piece by piece: what this takes of memory is not the bot's."""
    packer = zlib.compressobj(1, wbits=31)
    packed = b"".join(packer.compress(bytes(MIB)) for _ in range(256)) + packer.flush()
    return web.Response(body=packed, headers={"Content-Type": JSON, "Content-Encoding": "gzip"})


HOSTILE: dict[str, Handler] = {
    "half a million brackets": always(200, b"[" * 500_000),
    "braces within braces": always(200, b'{"a":' * 150_000 + b"1" + b"}" * 150_000),
    "a number of a million digits": always(200, b'{"results": [{"flagged": ' + b"9" * 900_000 + b"}]}"),
    "256 MB in one": swollen,
    "broken gzip": always(200, b"\x1f\x8b\x08broken", **{"Content-Encoding": "gzip"}),
    "a header of a megabyte": always(200, b"{}", **{"X-Long": "x" * 1_000_000}),
    "no text": always(200, b"\xff\xfe\x00"),
    "a flag that is no yes or no": always(200, {"results": [{"flagged": "no"}]}),
    "results that are no list": always(200, {"results": {"flagged": False}}),
    "an endless answer": endless,
    "an answer that drips": dripping,
    "another address": always(302, b"", Location="http://169.254.169.254/"),
}


@pytest.mark.parametrize("what", HOSTILE)
async def test_no_answer_of_a_hostile_route_harms_the_bot_or_passes_for_a_yes(what: str) -> None:
    async with (
        playing(HOSTILE[what]) as route,
        open_moderation(route.url, None, None, lenient=False, proxy=None) as moderation,
    ):
        assert moderation is not None
        peak, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
        with pytest.raises(ModerationDown):
            await moderation.allows("a lighthouse")
        assert await moderation.fault()
        assert time.monotonic() - began < 3 * PATIENCE_S
        assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) * 1024 < 64 * MIB


async def test_an_honest_route_is_believed() -> None:
    async def judge(request: web.Request) -> web.StreamResponse:
        return reply(200, {"results": [{"flagged": "dragon" in (await request.json())["input"]}]})

    async with playing(judge) as route, open_moderation(route.url, None, None, lenient=False, proxy=None) as moderation:
        assert moderation is not None
        assert await moderation.allows("a lighthouse")
        assert not await moderation.allows("a dragon")
