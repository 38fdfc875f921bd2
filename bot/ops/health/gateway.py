"""What discord.py does not tell by itself: whether its connections live, and what becomes of its requests.

discord.py keeps trying for ever when a connection is lost, and says so in its own log only. A bot that is offline must
not look healthy to whoever watches it.
"""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
import yarl

from bot.ops.health.watch import Trouble
from bot.telemetry import Measures

#: Discord answers a heartbeat within a second. discord.py itself waits a minute and more before it gives up.
ANSWER_S = 7.0
#: Words of Discord's addresses that may stand in a route; all else in them is an id, a token or an emoji.
_WORDS = frozenset(
    {
        *("applications", "attachments", "bot", "callback", "channels", "commands", "gateway", "guilds"),
        *("interactions", "members", "messages", "oauth2", "reactions", "threads", "users", "webhooks"),
    }
)


def latency_of(client: discord.AutoShardedClient) -> float:
    """How long Discord took to answer the last heartbeat, in seconds, the slowest shard's.

    Raises Trouble when a shard of this process is not connected, or its heartbeat stays unanswered.
    """
    if client.is_closed() or not client.shards or not client.is_ready():
        raise Trouble("not connected")
    slowest = 0.0
    for number, shard in client.shards.items():
        if shard.is_closed():
            raise Trouble(f"shard {number} is not connected")
        silent_s = _silence_of(client, number)
        if silent_s is not None:
            raise Trouble(f"shard {number} has an unanswered heartbeat", silent_s)
        slowest = max(slowest, shard.latency)
    return slowest


def _silence_of(client: discord.AutoShardedClient, shard: int) -> float | None:
    """Seconds since the last answer where a heartbeat has waited for its own for too long; else None."""
    # The library has no public word for it: its latency is that of the last answer, however long ago.
    socket = client._get_websocket(shard_id=shard)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    alive = socket._keep_alive  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    if alive is None:
        return None
    silent_s = time.perf_counter() - alive._last_ack  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return silent_s if silent_s > (alive.interval or 0.0) + ANSWER_S else None


def tracing(measures: Measures) -> aiohttp.TraceConfig:
    """Tells `measures` of every request that goes out with this trace."""
    trace = aiohttp.TraceConfig()

    async def begin(_: aiohttp.ClientSession, context: SimpleNamespace, __: Any) -> None:
        """A request goes out."""
        context.began = time.perf_counter()

    async def end(_: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestEndParams) -> None:
        """Its answer is here."""
        seconds = time.perf_counter() - context.began
        measures.discord_called(route_of(params.method, params.url), str(params.response.status), seconds)

    async def fail(
        _: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestExceptionParams
    ) -> None:
        """There was none."""
        seconds = time.perf_counter() - context.began
        measures.discord_called(route_of(params.method, params.url), "no answer", seconds)

    trace.on_request_start.append(begin)
    trace.on_request_end.append(end)
    trace.on_request_exception.append(fail)
    return trace


def route_of(method: str, url: yarl.URL) -> str:
    """The kind of a request, without ids and tokens: `PATCH webhooks/messages`."""
    return f"{method} {'/'.join(part for part in url.parts if part in _WORDS) or 'other'}"
