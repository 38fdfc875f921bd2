"""Posts the lines of a server's log: the port LogPosts, fulfilled by ids alone.

A message carries the number of its lines as the id of its one component, which Discord gives back and nobody sees. So
it is found again after a crash, whatever its lines say.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import discord
from discord import ui

from bot.jobs.job_run import Deps
from bot.jobs.records.server_log import ServerLog, ServerLogQueries
from bot.policy.server_log import LogLine
from bot.ui.kit.widgets import layout
from bot.ui.reply.transport import BlockedByAutoMod, ReplyTransport
from bot.ui.serverlog import wording

LOOKED_AT = 300  # messages of a channel, the newest first
CLOCKS = timedelta(minutes=2)  # by which this machine's clock may differ from Discord's
_MOST = 2**31 - 2  # ids of components are positive and have 32 bits with their sign


class DiscordLog:
    """Fulfils bot.jobs.ports.LogPosts."""

    def __init__(self, client: discord.Client, reach: ReplyTransport) -> None:
        self._client = client
        self._reach = reach

    async def post_lines(self, channel_id: int, number: int, lines: Sequence[LogLine], left_out: int) -> None:
        """See `LogPosts.post_lines`. Where AutoMod refuses what people have typed, the lines go without."""
        for with_words in (True, False):
            text = wording.message(lines, left_out, with_words=with_words)
            view = layout(ui.TextDisplay[Any](text, id=_mark(number)))
            channel = self._client.get_partial_messageable(channel_id)
            sending = channel.send(
                view=view, allowed_mentions=discord.AllowedMentions.none(), nonce=f"log-{number}", silent=True
            )
            try:
                await self._reach.ask(sending)
            except BlockedByAutoMod:
                if not with_words:
                    raise
            else:
                return

    async def has_posted(self, channel_id: int, number: int, since: datetime) -> bool:
        """See `LogPosts.has_posted`."""
        channel = self._client.get_partial_messageable(channel_id)
        history = channel.history(limit=LOOKED_AT, after=since - CLOCKS, oldest_first=False)
        return await self._reach.ask(self._stands(history, _mark(number)))

    async def _stands(self, messages: AsyncIterator[discord.Message], mark: int) -> bool:
        own_id = self._client.user.id if self._client.user else 0
        async for message in messages:
            first = message.components[0] if message.components else None
            if message.author.id == own_id and isinstance(first, discord.components.TextDisplay) and first.id == mark:
                return True
        return False


def _mark(number: int) -> int:
    return 1 + number % _MOST


def open_log(queries: ServerLogQueries, client: discord.Client, reach: ReplyTransport, deps: Deps) -> ServerLog:
    """The server logs of this process, put together."""
    return ServerLog(queries, DiscordLog(client, reach), deps.worker_id, deps.stopping)
