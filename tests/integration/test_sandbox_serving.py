"""Local servers answer programs of this machine and no pages of the web, and leave no connection behind."""

from __future__ import annotations

import asyncio
import gc
import socket

import aiohttp
import pytest
from aiohttp import web

from sandbox import serving
from sandbox.discord.server import LocalDiscord
from sandbox.image_api.server import LocalImageApi


@pytest.mark.parametrize(
    ("headers", "answered"),
    [
        ({}, True),
        ({"Host": "localhost:80"}, True),
        ({"Host": "[::1]:80"}, True),
        ({"Host": "evil.com"}, False),
        ({"Host": "127.0.0.1.evil.com"}, False),
        ({"Host": "localhost.evil.com:80"}, False),
        ({"Origin": "http://evil.com"}, False),
        ({"Origin": "null"}, False),
    ],
)
async def test_a_page_of_the_web_gets_nothing_of_the_side_ports(headers: dict[str, str], *, answered: bool) -> None:
    async with LocalDiscord() as discord, LocalImageApi() as image_api, aiohttp.ClientSession() as browser:
        for address in (
            f"{discord.api_url}/gateway",
            f"{image_api.base_url}/v1/models",
            f"{image_api.base_url}/_sandbox/log",
            f"{image_api.files_url}/nothing.png",
        ):
            async with browser.get(address, headers=headers) as answer:
                assert (answer.status != 403) is answered, address


@pytest.mark.parametrize("turns", range(5))
@pytest.mark.parametrize("whole", [True, False])
async def test_connections_that_come_in_the_moment_of_the_end_are_not_lost(turns: int, *, whole: bool) -> None:
    runner = web.AppRunner(web.Application(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    clients = [socket.create_connection(runner.addresses[0]) for _ in range(3)]
    for _ in range(turns):  # of the event loop: accepted, being set up, there
        await asyncio.sleep(0)
    if not whole:
        await serving.stop(site)
    await serving.end(runner)
    for client in clients:
        client.close()
    gc.collect()  # a lost connection says so here, which is an error
