"""What a page of the gallery looks like. Pure.

Buttons carry where they lead, so a page works for as long as its message stands, in whatever process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import discord
from discord import ui

from bot.model import Job
from bot.ui.kit import texts, widgets
from bot.ui.kit.card_notes import address_of
from bot.ui.kit.dispatch import custom_id
from bot.ui.kit.language import tr
from bot.ui.kit.widgets import GOOD, button
from bot.ui.reply.cards import alt_text

PANEL = "gallery"
ALL, MINE = "all", "mine"
DATE = "date"
SHOWN_PROMPT_CHARS = 120


@dataclass(frozen=True, slots=True)
class GalleryItem:
    """A job on a page: the addresses of its pictures as signed just now; none where they can't be had here."""

    job: Job
    urls: Sequence[str]


@dataclass(frozen=True, slots=True)
class GalleryPage:
    """What a page shows. `whose` is ALL, MINE or a user's id, and goes into the custom ids."""

    whose: str
    exhibits: Sequence[GalleryItem]
    has_newer: bool
    has_older: bool
    in_server: bool
    day: str = ""  # the day that was asked for, on its first page


def page(room: GalleryPage) -> ui.LayoutView:
    """A page with its pictures and the ways on from it."""
    parts: list[ui.Item[Any]] = [ui.TextDisplay(_title(room))]
    parts += [_shown(exhibit) for exhibit in room.exhibits]
    if not room.exhibits and room.day:
        parts.append(ui.TextDisplay(tr("There is nothing here from {day} or before that you may see.", day=room.day)))
    elif not room.exhibits:
        parts.append(ui.TextDisplay(tr("Nothing here that you may see. New pictures come with `/imagine`.")))
    people = [ui.ActionRow(_people(room))] if room.in_server else []
    return widgets.layout(ui.Container(*parts, accent_colour=GOOD), *people, _ways(room))


def date_form(whose: str) -> ui.Modal:
    """Asks for a day to go to."""
    field: ui.TextInput[Any] = ui.TextInput(custom_id=DATE, placeholder="2026-03-31", min_length=8, max_length=10)
    asked: ui.Label[Any] = ui.Label(
        text=tr("Date"), description=tr("Year, month and day, as in 2026-03-31"), component=field
    )
    return widgets.form(tr("Go to a date"), custom_id(PANEL, "day", whose), asked)


def _title(room: GalleryPage) -> str:
    """Whose pictures these are."""
    if room.whose == MINE:
        return tr("### My pictures")
    if room.whose == ALL:
        return tr("### Pictures of this server")
    return tr("### Pictures of {member}", member=f"<@{room.whose}>")


def _shown(exhibit: GalleryItem) -> ui.Item[Any]:
    """One request: its first picture small beside the prompt, who asked and when, and the way to all of them."""
    job = exhibit.job
    when = discord.utils.format_dt(job.finished_at or job.received_at, "d")
    about = [f"<@{job.user_id}>", when]
    if job.target.guild_id is not None and not job.target.ephemeral:
        about.append(f"<#{job.target.channel_id}>")
    if len(exhibit.urls) > 1:
        about.append(texts.pictures(len(exhibit.urls)))
    if not job.target.ephemeral and job.target.message_id is not None:
        link = address_of(job.target.guild_id, job.target.channel_id, job.target.message_id)
        about.append(f"[{tr('Open')}]({link})")
    shown = widgets.text(
        texts.plain(texts.shortened(job.request.prompt, SHOWN_PROMPT_CHARS)) or "…",
        f"-# {' · '.join(about)}",
        "" if exhibit.urls else f"-# {_why_bare(job)}",
    )
    if not exhibit.urls:
        return shown
    thumbnail: ui.Thumbnail[Any] = ui.Thumbnail(exhibit.urls[0], description=alt_text(job), spoiler=job.request.spoiler)
    return ui.Section(shown, accessory=thumbnail)


def _why_bare(job: Job) -> str:
    """Why a request is shown without pictures."""
    if job.target.ephemeral:
        return tr("A private reply: Discord keeps its pictures for you alone, where you asked for them.")
    if not job.target.bot_member:
        return tr("Easel is no member there and can't fetch the pictures; open the message to see them.")
    return tr("The pictures can't be fetched right now; open the message to see them.")


def _people(room: GalleryPage) -> ui.UserSelect[Any]:
    """The menu for the pictures of one member."""
    kind = discord.SelectDefaultValueType.user
    chosen = [discord.SelectDefaultValue(id=int(room.whose), type=kind)] if room.whose.isdecimal() else []
    return ui.UserSelect(
        custom_id=custom_id(PANEL, "who"),
        placeholder=tr("Pictures of one member"),
        min_values=0,
        max_values=1,
        default_values=chosen,
    )


def _ways(room: GalleryPage) -> ui.ActionRow[Any]:
    """The buttons under a page."""
    row: ui.ActionRow[Any] = ui.ActionRow()
    first, last = (room.exhibits[0].job.seq, room.exhibits[-1].job.seq) if room.exhibits else (0, 0)
    newer, older = room.has_newer and room.exhibits, room.has_older and room.exhibits
    row.add_item(_button(tr("◀ Newer"), "newer", room.whose, first, disabled=not newer))
    row.add_item(_button(tr("Older ▶"), "older", room.whose, last, disabled=not older))
    row.add_item(_button(tr("Newest"), "newest", room.whose, disabled=not room.has_newer))
    row.add_item(_button(tr("Go to a date"), "date", room.whose))
    if room.in_server and room.whose != MINE:
        row.add_item(_button(tr("Mine"), "newest", MINE))
    elif room.in_server:
        row.add_item(_button(tr("Everyone's"), "newest", ALL))
    return row


def _button(label: str, *words: object, disabled: bool = False) -> ui.Button[Any]:
    """A button of this panel."""
    return button(label, custom_id(PANEL, *words), disabled=disabled)
