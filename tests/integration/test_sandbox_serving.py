"""Local servers leave no connection behind when they end."""

from __future__ import annotations

import asyncio
import gc
import socket

import pytest
from aiohttp import web

from sandbox import serving


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
