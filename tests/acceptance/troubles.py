"""What the tests of trouble share: a bot that is dead for a while, and faults that have struck."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from sandbox.discord.faults import Fault
from tests.acceptance.conftest import LONG_AGO, House

__all__ = ["LONG_AGO", "dead", "strikes"]


@asynccontextmanager
async def dead(house: House) -> AsyncGenerator[None]:
    """The bot is killed and all faults end; what the test does meanwhile is found by the next start."""
    await house.kill_bot()
    house.discord.faults.clear()
    try:
        yield
    finally:  # else a test that fails in between takes the others of its file along
        await house.start_bot()


async def strikes(fault: Fault) -> None:
    """Wait until a fault has struck a request."""
    async with asyncio.timeout(20):
        await fault.struck.wait()
