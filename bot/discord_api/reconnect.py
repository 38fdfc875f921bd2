"""What discord.py does and says when Discord cannot be reached or wants no more of this bot.

discord.py reconnects by itself, but its first connection is tried without a growing pause and without a word in the
log. A server that restarts the bot over and over would spend Discord's budget of sessions, after which Discord resets
the token; so pauses grow, and each try is one line.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

import aiohttp
import discord
import structlog
import yarl
from discord.gateway import DiscordWebSocket

from bot.config.logs import outage_line
from bot.config.settings import Settings
from bot.discord_api.rest import NOT_ACCEPTED, DiscordUnreachable, GatewayInfo, ask
from bot.errors import StartError
from bot.jobs.backoff import growing_pause

log = structlog.stdlib.get_logger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
SESSION_PATIENCE_S = 60.0  # as discord.py gives a session that is begun anew
#: A bot whose shards are more than its whole budget would wait for ever; Discord gives large bots a larger one.
SHARDS_AT_ONCE = 1000

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


class NoSessionLeft(OSError):
    """Discord has no session left for this bot today. As an OSError it makes discord.py try again later."""

    def __str__(self) -> str:
        return "no session left"


class _LaunchFailed(Exception):
    """discord.py is about to try the launch of a shard again. Its context is why."""


class PatientShards(discord.AutoShardedClient):
    """A client that waits for Discord with growing pauses and one line in the log for each try.

    discord.py itself tries a first connection every five seconds, each time one call deeper in the stack. Its pauses
    before a lost connection is made again are kept: they grow to 17 minutes, because each may begin a new session, and
    of those Discord allows some 1,000 a day before it takes the token away.
    """

    settings: Settings

    async def launch_shards(self) -> None:
        """Connect the shards, the first time."""
        self._launching: set[int] = set()
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

    async def hear_messages(self) -> None:
        """Ask for the messages of servers, from now on.

        Which events come is settled when a session begins. So each shard that is connected begins a new one, and the
        old session goes on until the new one stands: no click is lost between the two.
        """
        intents = self._connection._intents  # pyright: ignore[reportPrivateUsage] # noqa: SLF001 - no public way
        if intents.guild_messages:
            return
        intents.guild_messages = True
        for number, info in enumerate(list(self.shards.values())):
            tries = 0
            while not self.is_closed() and not await self._begin_anew(info, initial=not (number or tries)):
                tries += 1
                await asyncio.sleep(pause_after(tries))

    async def _begin_anew(self, info: discord.ShardInfo, *, initial: bool) -> bool:
        """Put a new session in the place of a shard's. False where that has to be tried again.

        One whose connection is being taken up again may go on with its old session, which has other events.
        """
        shard = info._parent  # pyright: ignore[reportPrivateUsage] # noqa: SLF001 - no public way
        if not shard.ws.open:
            return False
        former = shard.ws
        begun = DiscordWebSocket.from_client(self, shard_id=shard.id, initial=initial)
        try:
            session = await asyncio.wait_for(begun, timeout=SESSION_PATIENCE_S)
        except (*OUTAGES, TimeoutError, discord.ConnectionClosed) as error:
            log.warning("a session with messages could not be begun; trying again", error=str(error))
            return False
        if shard.ws is not former:
            await session.close(code=1000)
            return False
        shard._cancel_task()  # pyright: ignore[reportPrivateUsage] # noqa: SLF001
        shard.ws = session
        shard.launch()
        await former.close(code=1000)
        return True

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Called by discord.py right before it begins a session; what is raised here keeps it from that.

        The first session of a process comes right after `session_budget` was asked, so it is not asked about again.
        """
        await super().before_identify_hook(shard_id, initial=initial)
        if initial:
            return
        try:
            info = await ask(self.settings)
        except DiscordUnreachable:
            return  # the gateway is a service of its own, and may well be there
        if info.sessions_left < 1:
            log.warning(no_session_line(info), shard=shard_id)
            raise NoSessionLeft


def no_session_line(info: GatewayInfo) -> str:
    """How the log says that the budget of sessions is used up."""
    return (
        f"Discord allows this bot no further session until {info.renewed_in_s:.0f} s from now; waiting, since one more "
        "would cost it its token"
    )


async def session_budget(settings: Settings) -> GatewayInfo:
    """Wait until Discord answers and has a session left for each shard of this process, however long that takes."""
    tries = 0
    while True:
        try:
            info = await ask(settings)
        except DiscordUnreachable as error:
            tries += 1
            pause = max(error.retry_after, pause_after(tries))
            log.warning(outage_line(str(error), pause))
        else:
            shards = len(settings.discord_shard_ids or ()) or settings.discord_shard_count or info.shards
            if info.sessions_left >= min(shards, SHARDS_AT_ONCE):
                return info
            log.warning(no_session_line(info))
            pause = max(info.renewed_in_s, FIRST_PAUSE_S) + 1.0
        await asyncio.sleep(pause)
