"""Where a local server listens, whom it answers, and how it ends without leaving a connection behind."""

from __future__ import annotations

import asyncio
import random
import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

SETTLE_S = 0.05  # a connection that was just accepted has its handler by then


#: Below all ports from which systems let connections go out (from 32,768 on Linux, 49,152 elsewhere). A server that
#: went away comes back at its port: any connection of this machine could have taken one of those meanwhile.
_PORTS = range(10_000, 30_000)


def free_port() -> int:
    """A port of 127.0.0.1 where nothing listens, and which no connection takes by chance. Raises OSError."""
    for _ in range(100):
        port = random.choice(_PORTS)  # noqa: S311 - nobody is to be kept from guessing it
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("There is no free port on this machine.")


@web.middleware
async def no_web_pages(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer programs, and no page of the web that a browser of this machine shows: 403.

    Such a page says where it comes from (Origin), or it has had its own name lead here (DNS rebinding). Programs come
    by number, as localhost, or through a proxy by a name that the web cannot have (.example is nobody's, RFC 2606).
    """
    name = urlsplit(f"//{request.host}").hostname or ""
    if "Origin" in request.headers or not (name == "localhost" or name.endswith(".example") or _is_number(name)):
        raise web.HTTPForbidden(text="This server answers programs of this machine only.")
    return await handler(request)


def _is_number(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


async def end(runner: web.AppRunner) -> None:
    """Stop listening and end every connection."""
    for site in runner.sites:
        _accept_no_more(site)
    await asyncio.sleep(SETTLE_S)
    await runner.cleanup()


async def stop(site: web.BaseSite) -> None:
    """Stop listening; connections that are there stay."""
    _accept_no_more(site)
    await asyncio.sleep(SETTLE_S)
    await site.stop()


def _accept_no_more(site: web.BaseSite) -> None:
    # A bot that connects again and again is often accepted in the very moment of the end, and Python 3.11 loses a
    # connection that was accepted before its server closed and is set up after it.
    server: asyncio.Server | None = getattr(site, "_server", None)  # aiohttp has no public name for it
    for listening in server.sockets if server is not None else ():
        asyncio.get_running_loop().remove_reader(listening.fileno())
