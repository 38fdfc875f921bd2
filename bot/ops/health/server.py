"""Serves `/healthz` and `/metrics`. Every answer is made of what is known already, so none waits for anything.

A watcher that asks often, or slowly, must not disturb the bot. So answers are made from memory and nobody's question
makes work.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from bot.errors import StartError

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
CLOSE_PATIENCE_S = 1.0
BACKLOG = 128  # connections that wait to be taken; aiohttp's own default


@asynccontextmanager
async def serving(
    host: str, port: int, *, health: Callable[[], tuple[bool, Mapping[str, Any]]], metrics: Callable[[], bytes]
) -> AsyncGenerator[None]:
    """Answer at this address until the end of the block. Raises StartError where it cannot be taken."""

    async def healthz(_: web.Request) -> web.Response:
        """200 where all is well, else 503; JSON in both cases."""
        well, told = health()
        return web.json_response(told, status=200 if well else 503, headers={"Cache-Control": "no-store"})

    async def measured(_: web.Request) -> web.Response:
        """The metrics in the text form of Prometheus."""
        return web.Response(body=metrics(), headers={"Content-Type": METRICS_TYPE})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/metrics", measured)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_PATIENCE_S)
    await runner.setup()
    try:
        try:
            await _site(runner, host, port).start()
        except OSError as error:
            raise StartError(why_not_served(host, port, error)) from None
        yield
    finally:
        await runner.cleanup()


def _site(runner: web.AppRunner, host: str, port: int) -> web.BaseSite:
    """`::` is every address of both kinds; asyncio alone would take those of IPv6 only. Raises OSError."""
    if host != "::" or not socket.has_dualstack_ipv6():
        return web.TCPSite(runner, host, port)
    both = socket.create_server((host, port), family=socket.AF_INET6, backlog=BACKLOG, dualstack_ipv6=True)
    return web.SockSite(runner, both)


def why_not_served(host: str, port: int, error: OSError) -> str:
    """The sentence for an address that cannot be listened on."""
    match error.errno:
        case errno.EADDRINUSE:
            return f"HTTP_PORT {port} is taken by another program on {host}: write another port, or stop that program."
        case errno.EACCES:
            return f"HTTP_PORT {port} is not for this user: write a port from 1024 on."
        case _:
            return f"HTTP_HOST {host} is no address of this machine: write 127.0.0.1, or 0.0.0.0 for all its addresses."
