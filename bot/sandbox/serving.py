"""Ending a local web server without leaving a connection behind."""

from __future__ import annotations

import asyncio

from aiohttp import web

SETTLE_S = 0.05  # a connection that was just accepted has its handler by then


async def end(runner: web.AppRunner) -> None:
    """Stop listening and end every connection, those included that came while it stopped.

    A bot that connects again and again is often accepted in the very moment in which all others are sent away.
    """
    server = runner.server
    await runner.cleanup()
    await asyncio.sleep(SETTLE_S)
    if server is not None:
        await server.shutdown(SETTLE_S)
