"""Ending a local web server without leaving a connection behind."""

from __future__ import annotations

import asyncio

from aiohttp import web

SETTLE_S = 0.05  # a connection that was just accepted has its handler by then


async def end(runner: web.AppRunner) -> None:
    """Stop listening and end every connection.

    A bot that connects again and again is often accepted in the very moment of the end. Python 3.11 loses a connection
    that was accepted before its server closed and is set up after it, so first nothing new is accepted for a moment.
    """
    loop = asyncio.get_running_loop()
    for site in runner.sites:
        server: asyncio.Server | None = getattr(site, "_server", None)  # aiohttp has no public name for it
        for listening in server.sockets if server is not None else ():
            loop.remove_reader(listening.fileno())
    await asyncio.sleep(SETTLE_S)
    await runner.cleanup()
