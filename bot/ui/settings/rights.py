"""Which server and channel a click in `/settings` is about, and what is said to people who may not change it.

A thread's rules are those of its channel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import discord

from bot.policy.rules import WHOLE_SERVER, Rules
from bot.ui.kit.interactions import Interaction
from bot.ui.kit.language import mark, tr

NO_SERVER = mark("Settings belong to a server. Please use `/settings` in the server that you want to set up.")
NO_MEMBER = mark("Easel is not a member of this server, so there is nothing to set here.")
NOT_A_MANAGER = mark("Only members with the permission Manage Server can see and change what holds here.")
NOT_A_MODERATOR = mark(
    "Only members with the permission Manage Server or Timeout Members can block somebody from Easel."
)


READ_BY_ALL = mark(
    "⚠ Everyone here can read that channel, and a report names who reports. Better choose a private one."
)


def report_trouble(guild: discord.Guild, rules: Rules) -> str:
    """A warning where the channel for reports is open to everyone; empty where it is not, or there is none."""
    channel = guild.get_channel(rules.report_channel or 0)
    if channel is None or not channel.permissions_for(guild.default_role).view_channel:
        return ""
    return tr(READ_BY_ALL)


def server_of(interaction: Interaction) -> discord.Guild | None:
    """The server in which something was done, where the bot is a member of it."""
    if interaction.guild_id is None:
        return None
    guild: discord.Guild | None = interaction.client.get_guild(interaction.guild_id)
    return guild


def no_server(interaction: Interaction) -> str:
    """Why there is no server to set anything for."""
    return tr(NO_SERVER if interaction.guild_id is None else NO_MEMBER)


def channel_in(guild: discord.Guild, channel_id: int) -> int | None:
    """The channel whose rules are meant: a thread's is that which it hangs on; None where it is another server's."""
    if channel_id == WHOLE_SERVER:
        return WHOLE_SERVER
    channel = guild.get_channel_or_thread(channel_id)
    if isinstance(channel, discord.Thread):
        return channel.parent_id
    return channel.id if channel else None


async def roles_of(interaction: Interaction, guild: discord.Guild, user_id: int) -> Sequence[discord.Role]:
    """The roles of a member, @everyone included, which is all that somebody who is no member has.

    Discord sends them with the member that was picked; where nobody was, it is asked, and may raise as it does.
    """
    resolved = cast("Mapping[str, Any]", interaction.data or {}).get("resolved", {})
    picked = resolved.get("members", {}).get(str(user_id))
    if picked is not None:
        ids = [int(one) for one in picked["roles"]]
    else:
        try:
            ids = [role.id for role in (await guild.fetch_member(user_id)).roles]
        except discord.NotFound:
            ids = []
    return [guild.default_role, *(role for one in ids if (role := guild.get_role(one)) is not None)]
