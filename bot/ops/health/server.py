"""Serves `/healthz`, `/metrics` and the status page `/`.

A watcher that asks often, or slowly, must not disturb the bot. So health and metrics are made of what is known already
and wait for nothing; the page may wait a moment for the database, see status.py.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from bot.errors import StartError
from bot.ops.health.status import BotStatus
from bot.ops.health.status_page import PAGE_HEADERS, render

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
CLOSE_PATIENCE_S = 1.0
REFRESH_S = 30
BY_ADDRESS = "The status page is opened by an address, not by a name: http://127.0.0.1:{port}/ on the bot's machine.\n"
BACKLOG = 128  # connections that wait to be taken; aiohttp's own default


@asynccontextmanager
async def serving(
    host: str,
    port: int,
    *,
    health: Callable[[], tuple[bool, Mapping[str, Any]]],
    metrics: Callable[[], bytes],
    status: Callable[[], Awaitable[BotStatus]],
) -> AsyncGenerator[None]:
    """Answer at this address until the end of the block. Raises StartError where it cannot be taken."""

    async def page(request: web.Request) -> web.Response:
        """The status page, for a browser of somebody who knows where the bot runs."""
        if not is_by_address(request.host):
            return web.Response(text=BY_ADDRESS.format(port=port), status=403)
        every_s = REFRESH_S if request.query.get("refresh") else None
        return web.Response(
            text=render(await status(), every_s), content_type="text/html", charset="utf-8", headers=PAGE_HEADERS
        )

    async def healthz(_: web.Request) -> web.Response:
        """200 where all is well, else 503; JSON in both cases."""
        well, told = health()
        return web.json_response(told, status=200 if well else 503, headers={"Cache-Control": "no-store"})

    async def measured(_: web.Request) -> web.Response:
        """The metrics in the text form of Prometheus."""
        return web.Response(body=metrics(), headers={"Content-Type": METRICS_TYPE})

    app = web.Application()
    app.router.add_get("/", page)
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


def is_by_address(host: str) -> bool:
    """Whether a browser was sent here by a number or as localhost, and not by a name that somebody else may own.

    Whoever owns a name can let it lead to this machine, and then a page of theirs may read what is answered under it
    (DNS rebinding). `host` is the header of the request.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or bool(ip_address(name))
    except ValueError:
        return False


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
