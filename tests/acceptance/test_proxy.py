"""The whole bot behind a proxy: its gateway, Discord's REST interface, the image API and the pictures go through it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

from sandbox.discord.server import LocalDiscord
from sandbox.image_api.latency import Latency
from sandbox.image_api.server import LocalImageApi
from sandbox.image_api.studio import PaintMode
from tests.acceptance.conftest import with_pictures
from tests.bots.forked import ForkedBot
from tests.databases import sqlite_url
from tests.integration.forward_proxy import Proxy, proxying

PATIENCE_S = 60.0


class WayOut(Proxy):
    """Leads every name to this machine, at the port of the address. Names of `.example` lead nowhere without it."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n")
        onward = Proxy(urlsplit(head.split(b" ")[1].decode()).port or 80, lines=self.lines)
        joined = asyncio.StreamReader()
        joined.feed_data(head)
        passing = asyncio.create_task(_pass(reader, joined))
        await onward.serve(joined, writer)
        await passing


async def _pass(reader: asyncio.StreamReader, into: asyncio.StreamReader) -> None:
    while data := await reader.read(65_536):
        into.feed_data(data)
    into.feed_eof()


async def test_a_picture_is_painted_with_no_other_way_out(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        discord = await stack.enter_async_context(LocalDiscord())
        api = await stack.enter_async_context(LocalImageApi(latency=Latency.fixed(0.3), paint=PaintMode.TINY))
        proxy = await stack.enter_async_context(proxying(WayOut(0)))
        api_port = urlsplit(api.base_url).port
        bot = ForkedBot(
            {
                "DISCORD_TOKEN": discord.token,
                "DISCORD_API_URL": discord.api_url.replace("127.0.0.1", "discord.example"),
                "DATABASE_URL": sqlite_url(tmp_path),
                "UNIALL_API_KEY": "sandbox",
                "UNIALL_BASE_URL": f"http://images.example:{api_port}",
                "RESULT_HOSTS": f"127.0.0.1:{api_port}",
                "HTTP_PROXY": f"http://127.0.0.1:{proxy.port}",
                "TMPDIR": str(tmp_path),
            }
        )
        await bot.start()
        stack.push_async_callback(bot.stop)
        await discord.wait_for_bot(PATIENCE_S)
        reply = await discord.person("Ada").command("imagine", prompt="a red fox")
        await reply.until(with_pictures, PATIENCE_S)
        seen = " ".join(proxy.lines)
        for part in ("discord.example", "/gateway", "images.example", "/v1/images/tasks"):
            assert part in seen, seen
        pictures = [line for line in proxy.lines if f"http://127.0.0.1:{api_port}/" in line]
        assert pictures, seen
