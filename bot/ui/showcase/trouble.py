"""What keeps Easel from posting in a server's showcase or log, as far as Discord tells it: for `/settings`."""

from __future__ import annotations

from collections.abc import Iterable

import discord

from bot.policy.rules import Rules
from bot.ui.kit.language import mark, tr

GONE = mark("⚠ That channel is gone, so nothing is shown. Choose another one.")
MAY_NOT = mark("⚠ Easel may not post there, so nothing is shown yet. It needs: {permissions}.")
LOG_GONE = mark("⚠ That channel is gone, so nothing is logged. Choose another one.")
LOG_MAY_NOT = mark(
    "⚠ Easel may not write there. Its lines wait for a day, then they are dropped. It needs: {permissions}."
)
LOG_OPEN = mark("⚠ Everyone here can read that channel. Better choose one that only moderators see.")
NOBODY_ASKED = mark("⚠ Nobody can be asked yet, so nothing is posted. Choose a log channel under Safety.")
ASKING_GONE = mark("⚠ The log channel is gone, so nobody can be asked. Choose another one under Safety.")
ASKING_MAY_NOT = mark("⚠ Easel may not ask in the log channel, so nothing is posted. It needs: {permissions}.")
#: As Discord's own settings call them. In a forum, Send Messages is called Create Posts.
NEEDED = {
    "view_channel": mark("View Channel"),
    "send_messages": mark("Send Messages"),
    "attach_files": mark("Attach Files"),
    "read_message_history": mark("Read Message History"),
}
CREATE_POSTS = mark("Create Posts")


def showcase_trouble(guild: discord.Guild, rules: Rules) -> str:
    """A sentence on what is in the way; empty where nothing is, or no channel is chosen."""
    return _trouble(guild, rules.showcase_channel, NEEDED, GONE, MAY_NOT)


def log_trouble(guild: discord.Guild, rules: Rules) -> str:
    """The same of the log channel, and a warning where everyone can read it."""
    needed = [name for name in NEEDED if name != "attach_files"]
    if trouble := _trouble(guild, rules.log_channel, needed, LOG_GONE, LOG_MAY_NOT):
        return trouble
    channel = guild.get_channel(rules.log_channel or 0)
    return tr(LOG_OPEN) if channel and channel.permissions_for(guild.default_role).view_channel else ""


def approval_trouble(guild: discord.Guild, rules: Rules) -> str:
    """The same of the log channel as the place where drafts are approved; empty where they are not."""
    if not rules.drafts_approved:
        return ""
    if rules.log_channel is None:
        return tr(NOBODY_ASKED)
    return _trouble(guild, rules.log_channel, NEEDED, ASKING_GONE, ASKING_MAY_NOT)


def _trouble(guild: discord.Guild, channel_id: int | None, needed: Iterable[str], gone: str, may_not: str) -> str:
    if channel_id is None:
        return ""
    channel = guild.get_channel(channel_id)
    if channel is None:
        return tr(gone)
    granted = channel.permissions_for(guild.me)
    missing = [name for name in needed if not getattr(granted, name)]
    if not missing:
        return ""
    forum = isinstance(channel, discord.ForumChannel)
    names = [tr(CREATE_POSTS) if forum and name == "send_messages" else tr(NEEDED[name]) for name in missing]
    return tr(may_not, permissions=", ".join(names))
