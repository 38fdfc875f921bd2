"""What a page of the gallery looks like. Pure.

Buttons carry where they lead, so a page works for as long as its message stands, in whatever process. What a page is
limited to stands in two of them: the choice in each, as `all`, `mine` or a member's id, with a star behind it where
only starred pictures are shown; the words of a search in the button Search alone, because they are long.
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
from bot.ui.kit.dispatch import custom_id, parsed
from bot.ui.kit.language import tr
from bot.ui.kit.media import components_of
from bot.ui.kit.widgets import GOOD, button
from bot.ui.reply.cards import alt_text

PANEL = "gallery"
ALBUM_PANEL = "album"  # answers Download all, see albums.py
ALL, MINE = "all", "mine"
STARRED = "*"
DATE, WORDS = "date", "words"
SHOWN_PROMPT_CHARS = 120
MAX_SEARCH_CHARS = 80  # as Discord counts them; they stand in a custom id of at most 100
MAX_ID_CHARS = 20


@dataclass(frozen=True, slots=True)
class GalleryChoice:
    """What a gallery is limited to. `whose` is ALL, MINE or a user's id; `search` is as it was typed."""

    whose: str = ALL
    starred: bool = False
    search: str = ""

    @property
    def token(self) -> str:
        """The choice without its search, as custom ids carry it."""
        return f"{self.whose}{STARRED if self.starred else ''}"

    @classmethod
    def read(cls, token: str, search: str = "") -> GalleryChoice:
        """From a custom id. What is none counts as everybody's pictures."""
        whose = token.removesuffix(STARRED)
        known = whose in {ALL, MINE} or (whose.isdecimal() and len(whose) <= MAX_ID_CHARS)
        return cls(whose if known else ALL, token.endswith(STARRED), search)


@dataclass(frozen=True, slots=True)
class GalleryItem:
    """A job on a page: the addresses of its pictures as signed just now; none where they can't be had here."""

    job: Job
    urls: Sequence[str]


@dataclass(frozen=True, slots=True)
class GalleryPage:
    """What a page shows, and the cursors of those beside it.

    `unfinished` says that looking has stopped before its end, so that more may be found further on.
    """

    choice: GalleryChoice
    exhibits: Sequence[GalleryItem]
    has_newer: bool
    has_older: bool
    newer_from: int
    older_from: int
    in_server: bool
    day: str = ""  # the day that was asked for, on its first page
    unfinished: bool = False


def fitting_search(typed: str) -> str:
    """The words of a search in one line, no longer than a custom id can carry: Discord may count UTF-16 units."""
    line = " ".join("".join(char if char.isprintable() else " " for char in typed).split())
    return line.encode("utf-16-le")[: 2 * MAX_SEARCH_CHARS].decode("utf-16-le", "ignore").strip()


def choice_of(message: discord.Message | None) -> GalleryChoice:
    """What a page is limited to, as its own buttons carry it; everything where they say nothing."""
    token, search = ALL, ""
    for part in components_of(message) if message else ():
        match parsed(part.custom_id or "") if isinstance(part, discord.components.Button) else None:
            case (panel, [word, *rest]) if panel == PANEL and word == WORDS:
                search = fitting_search(":".join(rest))
            case (panel, ["date", found]) if panel == PANEL:
                token = found
            case _:
                pass
    return GalleryChoice.read(token, search)


def page(room: GalleryPage) -> ui.LayoutView:
    """A page with its pictures and the ways on from it."""
    parts: list[ui.Item[Any]] = [ui.TextDisplay(_title(room.choice)), _limits(room)]
    parts += [_shown(exhibit) for exhibit in room.exhibits]
    if not room.exhibits or room.unfinished:
        parts.append(ui.TextDisplay(_nothing(room)))
    if room.in_server:
        parts.append(ui.ActionRow(_people(room.choice)))
    return widgets.card(GOOD, *parts, _ways(room))


def date_form(token: str) -> ui.Modal:
    """Asks for a day to go to."""
    field: ui.TextInput[Any] = ui.TextInput(custom_id=DATE, placeholder="2026-03-31", min_length=8, max_length=10)
    asked: ui.Label[Any] = ui.Label(
        text=tr("Date"), description=tr("Year, month and day, as in 2026-03-31"), component=field
    )
    return widgets.form(tr("Go to a date"), custom_id(PANEL, "day", token), asked)


def search_form(token: str, search: str) -> ui.Modal:
    """Asks for the words to look for; they begin as those that are looked for now."""
    field: ui.TextInput[Any] = ui.TextInput(
        custom_id=WORDS, default=search or None, required=False, max_length=MAX_SEARCH_CHARS
    )
    asked: ui.Label[Any] = ui.Label(
        text=tr("Words of the prompt"),
        description=tr("Each of them must occur. Empty shows all again."),
        component=field,
    )
    return widgets.form(tr("Search"), custom_id(PANEL, "find", token), asked)


def _title(choice: GalleryChoice) -> str:
    """Whose pictures these are, and what they are limited to."""
    if choice.whose == MINE:
        title = tr("### My pictures")
    elif choice.whose == ALL:
        title = tr("### Pictures of this server")
    else:
        title = tr("### Pictures of {member}", member=f"<@{choice.whose}>")
    if choice.search:
        title += "\n" + tr("With these words in the prompt: **{words}**", words=texts.plain(choice.search))
    if choice.starred:
        title += "\n" + tr("Only pictures with stars.")
    return title


def _nothing(room: GalleryPage) -> str:
    """Why a page is empty, or shorter than it could be."""
    if room.unfinished:
        return (
            tr("There is more to search. **Look further** goes on from here.")
            if room.exhibits
            else tr("Nothing found so far. **Look further** goes on from here.")
        )
    if room.choice.search and room.day:
        return tr("Nothing from {day} or before has these words in its prompt.", day=room.day)
    if room.choice.search:
        return tr("Nothing that you may see has these words in its prompt.")
    if room.day:
        return tr("There is nothing here from {day} or before that you may see.", day=room.day)
    if room.choice.starred:
        return tr("Nothing here has a star yet.")
    return tr("Nothing here that you may see. New pictures come with `/imagine`.")


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
        return tr("Easel is not a member there and can't fetch the pictures; open the message to see them.")
    return tr("The pictures can't be fetched right now; open the message to see them.")


def _people(choice: GalleryChoice) -> ui.UserSelect[Any]:
    """The menu for the pictures of one member."""
    kind = discord.SelectDefaultValueType.user
    chosen = [discord.SelectDefaultValue(id=int(choice.whose), type=kind)] if choice.whose.isdecimal() else []
    return ui.UserSelect(
        custom_id=custom_id(PANEL, "who", *([STARRED] if choice.starred else [])),
        placeholder=tr("Pictures of one member"),
        min_values=0,
        max_values=1,
        default_values=chosen,
    )


def _limits(room: GalleryPage) -> ui.ActionRow[Any]:
    """The buttons over a page, which change what it is limited to."""
    choice = room.choice
    row: ui.ActionRow[Any] = ui.ActionRow()
    row.add_item(_button(tr("Search"), WORDS, choice.search))
    if room.in_server or choice.starred:
        turned = GalleryChoice(choice.whose, not choice.starred).token
        row.add_item(_button(tr("All") if choice.starred else tr("☆ Starred"), "newest", turned, "stars"))
    if room.in_server and choice.whose != MINE:
        row.add_item(_button(tr("Mine"), "newest", GalleryChoice(MINE, choice.starred).token))
    elif room.in_server:
        row.add_item(_button(tr("Everyone's"), "newest", GalleryChoice(ALL, choice.starred).token))
    row.add_item(_button(tr("Go to a date"), "date", choice.token))
    if choice.whose == MINE:
        row.add_item(button(tr("Download all"), custom_id(ALBUM_PANEL, "open")))
    return row


def _ways(room: GalleryPage) -> ui.ActionRow[Any]:
    """The buttons under a page, which turn it."""
    token = room.choice.token
    further = tr("Look further ▶") if room.unfinished else tr("Older ▶")
    row: ui.ActionRow[Any] = ui.ActionRow()
    row.add_item(_button(tr("◀ Newer"), "newer", token, room.newer_from, disabled=not room.has_newer))
    row.add_item(_button(further, "older", token, room.older_from, disabled=not room.has_older))
    row.add_item(_button(tr("Newest"), "newest", token, "top", disabled=not room.has_newer))
    return row


def _button(label: str, *words: object, disabled: bool = False) -> ui.Button[Any]:
    """A button of this panel."""
    return button(label, custom_id(PANEL, *words), disabled=disabled)
