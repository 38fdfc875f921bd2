"""What keeps Easel from posting in a server's showcase, as far as Discord tells it: for `/settings`."""

from __future__ import annotations

import discord

from bot.policy.rules import Rules
from bot.ui.kit.language import mark, tr

GONE = mark("⚠ That channel is gone, so nothing is shown. Choose another one.")
MAY_NOT = mark("⚠ Easel may not post there, so nothing is shown yet. It needs: {permissions}.")
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
    if rules.showcase_channel is None:
        return ""
    channel = guild.get_channel(rules.showcase_channel)
    if channel is None:
        return tr(GONE)
    granted = channel.permissions_for(guild.me)
    missing = [name for name in NEEDED if not getattr(granted, name)]
    if not missing:
        return ""
    forum = isinstance(channel, discord.ForumChannel)
    names = [tr(CREATE_POSTS) if forum and name == "send_messages" else tr(NEEDED[name]) for name in missing]
    return tr(MAY_NOT, permissions=", ".join(names))
