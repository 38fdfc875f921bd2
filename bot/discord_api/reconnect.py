"""What discord.py does and says when Discord cannot be reached or wants no more of this bot."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from contextlib import contextmanager

import aiohttp
import discord
import discord.shard
import structlog
import yarl
from discord.backoff import ExponentialBackoff

from bot.config.logs import outage_line
from bot.discord_api.rest import NOT_ACCEPTED
from bot.errors import StartError
from bot.jobs.backoff import growing_pause

log = structlog.stdlib.get_logger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
CALM_S = 300.0  # a connection that held so long makes the next pause a short one again

#: A call of discord.py that fails so may be tried again later.
OUTAGES = (discord.HTTPException, discord.RateLimited, discord.GatewayNotFound, aiohttp.ClientError, OSError)

_CLOSED_FOR_GOOD = {
    4004: NOT_ACCEPTED,
    4010: "Discord knows no such shard: DISCORD_SHARD_IDS and DISCORD_SHARD_COUNT do not fit together.",
    4011: "Discord asks for more shards than DISCORD_SHARD_COUNT says: write a larger number, or leave it out.",
    4013: "Discord does not know the events this bot asks for: it needs a newer version of Easel.",
    4014: "Discord does not allow this bot the events it asks for: look at the page Bot of your application in "
    "Discord's developer portal.",
}


def pause_after(tries: int) -> float:
    """Seconds to wait after so many failures in a row, from 1."""
    return growing_pause(tries, first_s=FIRST_PAUSE_S, longest_s=LONGEST_PAUSE_S)


@contextmanager
def told_in_a_sentence() -> Generator[None]:
    """Turn what discord.py raises for good into a StartError that says what to do."""
    try:
        yield
    except discord.LoginFailure:
        raise StartError(NOT_ACCEPTED) from None
    except discord.PrivilegedIntentsRequired:
        raise StartError(_CLOSED_FOR_GOOD[4014]) from None
    except discord.ConnectionClosed as closed:
        sentence = _CLOSED_FOR_GOOD.get(closed.code)
        raise StartError(sentence or f"Discord closed the connection for good (code {closed.code}).") from None


class _GrowingPause(ExponentialBackoff[bool]):
    """The pause before a lost shard is connected again; discord.py's own may last 17 minutes."""

    def delay(self) -> float:
        now = time.monotonic()
        self._exp = 1 if now - self._last_invocation > CALM_S else self._exp + 1
        self._last_invocation = now
        return pause_after(self._exp)


class _LaunchFailed(Exception):
    """discord.py is about to try the launch of a shard again. Its context is why."""


class PatientShards(discord.AutoShardedClient):
    """A client that waits for Discord with growing pauses and one line in the log for each try.

    discord.py itself tries a first connection every five seconds, each time one call deeper in the stack.
    """

    async def launch_shards(self) -> None:
        """Connect the shards, the first time."""
        self._launching: set[int] = set()
        # each shard makes its own; the name in that module is the only handle there is
        discord.shard.ExponentialBackoff = _GrowingPause  # pyright: ignore[reportPrivateImportUsage]
        await super().launch_shards()

    async def launch_shard(self, gateway: yarl.URL, shard_id: int, *, initial: bool = False) -> None:
        """Connect one shard, however long it takes."""
        if shard_id in self._launching:
            raise _LaunchFailed
        self._launching.add(shard_id)
        tries = 0
        while shard_id in self._launching and not self.is_closed():
            try:
                await super().launch_shard(gateway, shard_id, initial=initial and not tries)
                self._launching.discard(shard_id)
            except _LaunchFailed as failed:
                tries += 1
                pause = pause_after(tries)
                log.warning(outage_line(failed.__context__, pause), shard=shard_id)
                await asyncio.sleep(pause)
