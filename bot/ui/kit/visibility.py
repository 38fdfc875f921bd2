"""Who may look into which channel: asked anew at every click, of the servers that the bot knows and the person's roles.

Nothing that a click says is trusted but who the person is and which roles they have, which come from Discord itself.
"""

from __future__ import annotations

import asyncio

import aiohttp
import discord

from bot.model import Job
from bot.ui.kit.interactions import Interaction, is_restricted

#: Each look at what the bot has not in memory: an archived thread, a member of another server.
LOOK_PATIENCE_S = 3.0

NOT_TOLD = (discord.HTTPException, discord.ClientException, aiohttp.ClientError, OSError, TimeoutError)
_PRIVATE = discord.ChannelType.private_thread

Channel = discord.abc.GuildChannel | discord.Thread


class ChannelVisibility:
    """What one person may see during one click. Whatever is not known for sure counts as hidden."""

    def __init__(self, interaction: Interaction) -> None:
        self._client: discord.Client = interaction.client
        self._interaction = interaction
        self._allows_restricted = is_restricted(interaction.channel)
        self._members: dict[int, discord.Member | None] = {}
        self._known: dict[int, bool] = {}

    async def sees(self, job: Job) -> bool:
        """Whether the person may be shown this job now. Their own outside servers and private replies, always."""
        target = job.target
        if target.ephemeral or target.guild_id is None or not self._knows(target.guild_id):
            return job.user_id == self._interaction.user.id
        if target.channel_id not in self._known:
            self._known[target.channel_id] = await self._looks_into(target.guild_id, target.channel_id)
        return self._known[target.channel_id]

    def _knows(self, guild_id: int) -> bool:
        """Whether the bot is a member of that server."""
        return self._client.get_guild(guild_id) is not None

    async def _looks_into(self, guild_id: int, channel_id: int) -> bool:
        """Ask Discord whether the person may read that channel; every doubt counts as no."""
        guild = self._client.get_guild(guild_id)
        if guild is None:
            return False
        try:
            async with asyncio.timeout(LOOK_PATIENCE_S):
                channel = guild.get_channel_or_thread(channel_id) or await guild.fetch_channel(channel_id)
                member = await self._member(guild)
                return member is not None and await self._may_see(member, channel)
        except NOT_TOLD:
            return False

    async def _may_see(self, member: discord.Member, channel: Channel) -> bool:
        """Whether a member may read what was written in a channel: permissions, age, private threads."""
        granted = channel.permissions_for(member)
        if not (granted.view_channel and granted.read_message_history):
            return False
        # What is written beside a voice channel is read by those who may connect to it.
        if isinstance(channel, discord.VoiceChannel | discord.StageChannel) and not granted.connect:
            return False
        if is_restricted(channel) and not self._allows_restricted:
            return False
        if isinstance(channel, discord.Thread) and channel.type is _PRIVATE and not granted.manage_threads:
            await channel.fetch_member(member.id)
        return True

    async def _member(self, guild: discord.Guild) -> discord.Member | None:
        """The person in that server: as the click tells it, elsewhere as Discord tells the bot."""
        user = self._interaction.user
        if self._interaction.guild_id == guild.id:
            return user if isinstance(user, discord.Member) else None
        if guild.id not in self._members:
            try:
                self._members[guild.id] = await guild.fetch_member(user.id)
            except discord.NotFound:
                self._members[guild.id] = None
        return self._members[guild.id]
