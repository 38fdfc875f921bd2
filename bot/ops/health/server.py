"""Serves `/healthz`, `/metrics` and the status page `/`.

A watcher that asks often, or slowly, must not disturb the bot. So health and metrics are made of what is known already
and wait for nothing; the page may wait a moment for the database, see status.py. Connections are bounded in number and
in time, so that nobody takes the bot's last file descriptor by opening many and saying nothing.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from bot.errors import StartError
from bot.ops.check.machine import why_not_served
from bot.ops.health.status import BotStatus
from bot.ops.health.status_page import PAGE_HEADERS, render

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
CLOSE_PATIENCE_S = 1.0
REFRESH_S = 30
BY_ADDRESS = "The status page is opened by an address, not by a name: http://127.0.0.1:{port}/ on the bot's machine.\n"
BACKLOG = 128  # connections that wait to be taken; aiohttp's own default
#: Connections at once. One more ends the oldest: an honest answer takes milliseconds, so that one is no honest one.
MOST_CONNECTIONS = 64
#: Seconds that a connection may stay, whatever it does. The page waits a few for the database at most.
LONGEST_S = 30.0
LOOKS = 15  # in that time
MAX_BODY_BYTES = 1024  # nothing here reads one


@asynccontextmanager
async def serving(
    host: str,
    port: int,
    *,
    health: Callable[[], tuple[bool, Mapping[str, Any]]],
    metrics: Callable[[], bytes],
    status: Callable[[], Awaitable[BotStatus]],
    longest_s: float = LONGEST_S,
) -> AsyncGenerator[None]:
    """Answer at this address until the end of the block. Raises StartError where it cannot be taken.

    `longest_s` is how long a connection may stay.
    """

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

    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app.router.add_get("/", page)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/metrics", measured)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_PATIENCE_S)
    await runner.setup()
    visitors = _Visitors(runner, longest_s)
    try:
        try:
            listener = await _listen(visitors, host, port)
        except OSError as error:
            raise StartError(why_not_served(host, port, error)) from None
        looking = asyncio.create_task(visitors.look(), name="connections of HTTP_PORT")
        try:
            yield
        finally:
            looking.cancel()
            listener.close()
    finally:
        await runner.cleanup()


class _Visitors:
    """Makes what answers each connection, and bounds how many there are and how long they stay."""

    def __init__(self, runner: web.AppRunner, longest_s: float) -> None:
        self._runner = runner
        self._longest_s = longest_s

    def __call__(self) -> asyncio.Protocol:
        """Called by asyncio for each connection."""
        server, present = self._runner.server, self._present()
        assert server is not None
        if len(present) >= MOST_CONNECTIONS:
            present[0].force_close()
        return server()

    def _present(self) -> Sequence[web.RequestHandler]:
        """The connections that are open, the oldest first."""
        server = self._runner.server
        return [it for it in server.connections if it.transport is not None] if server is not None else []

    async def look(self) -> None:
        """End what stays too long, until it is cancelled."""
        since: dict[web.RequestHandler, float] = {}
        while True:
            await asyncio.sleep(self._longest_s / LOOKS)
            instant = time.monotonic()
            since = {it: since.get(it, instant) for it in self._present()}
            for visitor, seen_at in since.items():
                if instant - seen_at >= self._longest_s:
                    visitor.force_close()


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


async def _listen(visitors: _Visitors, host: str, port: int) -> asyncio.Server:
    """`::` is every address of both kinds; asyncio alone would take those of IPv6 only. Raises OSError."""
    loop = asyncio.get_running_loop()
    if host != "::" or not socket.has_dualstack_ipv6():
        return await loop.create_server(visitors, host, port, backlog=BACKLOG)
    both = socket.create_server((host, port), family=socket.AF_INET6, backlog=BACKLOG, dualstack_ipv6=True)
    return await loop.create_server(visitors, sock=both, backlog=BACKLOG)
