"""Small lines of a card about where a request came from: the preset in it, the message that it follows up.

A link is shown only where the person who reads it can open it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import discord

from bot.model import MAX_SOURCES, FollowUp, ImageRequest, Job
from bot.ui.kit import texts
from bot.ui.kit.language import mark, tr, trn

MAX_LINK_CHARS = 200

FOLLOW_UPS: Mapping[FollowUp, str] = MappingProxyType(
    {
        FollowUp.AGAIN: mark("Asked once more, after [this message]({link})"),
        FollowUp.REMIX: mark("Remix of [this message]({link})"),
        FollowUp.EDIT: mark("Edit of a picture in [this message]({link})"),
        FollowUp.MENU_EDIT: mark("Edit of a picture in [this message]({link})"),
        FollowUp.MENU_IMAGINE: mark("Painted from the words of [this message]({link})"),
    }
)


def preset_note(request: ImageRequest) -> str:
    """Which preset came in and what its pictures mean; empty where none did."""
    if not request.preset:
        return ""
    name = texts.plain(request.preset)
    if count := sum(it.preset_picture is not None for it in request.sources):
        note = trn(
            "With the preset **{name}** and its picture, so this is an edit",
            "With the preset **{name}** and its {count} pictures, so this is an edit",
            count,
            name=name,
        )
    else:
        note = tr("With the preset **{name}**", name=name)
    if not request.left_out:
        return note
    if len(request.sources) == MAX_SOURCES:
        left = trn(
            "{count} picture of it is left out: an edit takes three",
            "{count} pictures of it are left out: an edit takes three",
            request.left_out,
        )
    else:
        left = tr("Its pictures are left out: no pictures may be edited here")
    return f"{note} · {left}"


def follow_up_note(job: Job) -> str:
    """What the job follows up, with a link to it; empty where there is none that may be shown."""
    if job.request.follows is None or not job.parent_link or len(job.parent_link) > MAX_LINK_CHARS:
        return ""
    return tr(FOLLOW_UPS[job.request.follows], link=job.parent_link)


def not_kept_note(job: Job, kept: int) -> str:
    """Which sources the reply does not keep: too large to be made small, or gone. `kept` is how many it shows."""
    missing = len(job.request.sources) - kept
    if missing <= 0 or job.request.follows is FollowUp.POST:
        return ""
    return trn(
        "{count} picture you edited could not be kept here. After a day **Again** will ask for it.",
        "{count} pictures you edited could not be kept here. After a day **Again** will ask for them.",
        missing,
    )


def link_to(interaction: discord.Interaction[Any], message: discord.Message | None) -> str | None:
    """The address of a message that an interaction was begun on; None for one that only its reader sees."""
    if message is None or message.flags.ephemeral:
        return None
    return address_of(interaction.guild_id, message.channel.id, message.id)


def address_of(guild_id: int | None, channel_id: int, message_id: int) -> str:
    """Where Discord's client shows a message."""
    return f"https://discord.com/channels/{guild_id or '@me'}/{channel_id}/{message_id}"
