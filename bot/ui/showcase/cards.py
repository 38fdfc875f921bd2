"""What a post in the showcase looks like, and the question before it is removed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import discord
from discord import ui

from bot.model import Job
from bot.ui.kit import texts
from bot.ui.kit.card_notes import address_of
from bot.ui.kit.dispatch import custom_id
from bot.ui.kit.language import tr
from bot.ui.kit.media import components_of
from bot.ui.kit.widgets import BAD, GOOD, button, card, row, text
from bot.ui.reply.actions import Action, job_button
from bot.ui.reply.cards import alt_text

PANEL = "showcase"
MAX_TITLE_CHARS = 90  # of a forum's post; Discord takes 100


def post(job: Job, files: Sequence[str], *, covered: bool, with_prompt: bool) -> ui.LayoutView:
    """The pictures with who made them, the prompt, the way to the reply, and Remix."""
    target = job.target
    link = address_of(target.guild_id, target.channel_id, target.message_id or 0)
    parts: list[ui.Item[Any]] = [text(texts.quoted(job.request.prompt))] if with_prompt else []
    if files:
        alt = alt_text(job) if with_prompt else None
        pictures = [discord.MediaGalleryItem(f"attachment://{it}", description=alt, spoiler=covered) for it in files]
        parts.append(ui.MediaGallery(*pictures))
    made_by = tr("Made by {who} in {channel}", who=f"<@{job.user_id}>", channel=f"<#{target.channel_id}>")
    parts.append(text(f"-# ☆ {made_by} · [{tr('To the picture')}]({link})"))
    delete = button(tr("Delete"), custom_id(PANEL, "delete", job.id))
    return card(GOOD, *parts, row(job_button(Action.REMIX, job.id), delete))


def shows(message: discord.Message, job_id: str) -> bool:
    """Whether a message is the post of this job: its button Delete says so."""
    wanted = custom_id(PANEL, "delete", job_id)
    buttons = (it for it in components_of(message) if isinstance(it, discord.components.Button))
    return any(it.custom_id == wanted for it in buttons)


def title(job: Job, *, with_prompt: bool) -> str:
    """The title of a forum's post."""
    words = texts.shortened(job.request.prompt, MAX_TITLE_CHARS) if with_prompt else ""
    return words or tr("Pictures with stars")


def question(job_id: str) -> ui.LayoutView:
    """The question before a post is removed."""
    asked = tr("Take this out of the showcase? The reply that it comes from stays, and stars do not bring it back.")
    yes = button(tr("Yes, delete"), custom_id(PANEL, "yes", job_id), discord.ButtonStyle.danger)
    return card(BAD, text(asked), row(yes, button(tr("Keep"), custom_id(PANEL, "keep"))))
