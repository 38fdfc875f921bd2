"""Servers the bot comes into and leaves."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

import discord
import structlog
from discord.ext import commands

from bot.errors import StoreUnavailable
from bot.ui.panels.welcome import leave, welcome

if TYPE_CHECKING:
    from bot.client import EaselClient

log = structlog.stdlib.get_logger(__name__)


class Servers(commands.Cog):
    """Greets a server that the bot comes into, and notes where it no longer is; the next start finds what is missed.

    A server that the operator does not serve is left again.
    """

    def __init__(self, client: EaselClient) -> None:
        self._client = client

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """The bot has left, or was removed; a mere outage of the server is another event."""
        await self._try(self._client.janitor.left(guild.id))

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """The bot was invited: what the server had stored is kept, and it is greeted."""
        if await self._left_again(guild):
            return
        await self._try(self._client.janitor.is_in([guild.id]))
        await welcome(guild, self._client.mentions)

    @commands.Cog.listener()
    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Also what the library calls a join whose event says more than it needs to."""
        if self._client.is_ready() and not await self._left_again(guild):
            await self._try(self._client.janitor.is_in([guild.id]))

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """All shards have told their servers, those included that are just out of reach."""
        shards = self._client.shards
        count = self._client.shard_count or 1
        if any(shard.is_closed() for shard in shards.values()):
            return
        for guild in list(self._client.guilds):
            await self._left_again(guild)
        servers = [guild.id for guild in self._client.guilds]
        await self._try(self._client.janitor.compare(servers, lambda guild_id: (guild_id >> 22) % count in shards))

    async def _left_again(self, guild: discord.Guild) -> bool:
        """Leave a server that ALLOWED_SERVERS does not name, or that is blocked."""
        if self._client.door.serves(guild.id):
            return False
        log.warning(
            "leaving a server that is not served; see ALLOWED_SERVERS, BLOCKED_SERVERS and /usage", guild=guild.id
        )
        await leave(guild)
        return True

    async def _try(self, act: Awaitable[None]) -> None:
        """Write to the database; what it does not take is found out at the next start."""
        try:
            await act
        except StoreUnavailable as exc:
            log.warning("the database does not take which servers the bot is in", error=str(exc))


async def setup(client: EaselClient) -> None:
    """Called by discord.py when the client loads this file."""
    await client.add_cog(Servers(client))
