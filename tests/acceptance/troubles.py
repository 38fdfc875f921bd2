"""What the tests of trouble share: the kinds of it, a bot that is dead for a while, and faults that have struck."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sandbox.discord.faults import Fault
from tests.acceptance.conftest import LONG_AGO, House

__all__ = ["LONG_AGO", "dead", "strikes"]


@dataclass(frozen=True, slots=True)
class Trouble:
    """What becomes of one request: the name of a method of Faults, and what it is called with."""

    method: str
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def strike(self, house: House, pattern: str) -> Fault:
        return getattr(house.discord.faults, self.method)(pattern, *self.arguments, **self.options)


TROUBLES: Mapping[str, Trouble] = MappingProxyType(
    {
        "429": Trouble("answer", (429,), {"retry_after": 0.3}),
        "429 of Cloudflare": Trouble("answer", (429,), {"retry_after": 0.3, "via": False}),
        "429 of Cloudflare twice": Trouble("answer", (429,), {"retry_after": 0.3, "via": False, "times": 2}),
        "500": Trouble("answer", (500,)),
        "502": Trouble("answer", (502,)),
        "503": Trouble("answer", (503,)),
        "500 after processing": Trouble("answer", (500,), {"processed": True}),
        "503 after processing": Trouble("answer", (503,), {"processed": True}),
        "reset": Trouble("reset"),
        "reset twice": Trouble("reset", (), {"times": 2}),
        "reset after processing": Trouble("reset", (), {"processed": True}),
    }
)


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
