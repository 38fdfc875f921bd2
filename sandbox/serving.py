"""Ending a local web server without leaving a connection behind."""

from __future__ import annotations

import asyncio

from aiohttp import web

SETTLE_S = 0.05  # a connection that was just accepted has its handler by then


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
