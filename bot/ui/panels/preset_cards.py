"""What the panel of presets shows: the list, one preset, and the question before it is deleted. Pure.

Names and words are people's own and are escaped. The buttons carry the preset's id; whether the clicker may use them
is asked when they are pressed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import discord
from discord import ui

from bot.policy.preset import MAX_PRESETS, Preset
from bot.ui.kit import texts
from bot.ui.kit.dispatch import custom_id
from bot.ui.kit.language import tr
from bot.ui.kit.widgets import NEUTRAL, button, card
from bot.ui.panels.preset_forms import MINE, PANEL, SERVER, described

PAGE = 10
#: What is done to one preset; also the words in custom ids.
VERBS = frozenset({"edit", "ask", "delete", "change", "pictures", "bare", "share", "copy"})
SHOWN_WORDS_CHARS = 90
MAX_WORDS_SHOWN = 1800  # each may be escaped to twice its length; all texts of a message have 4,000 characters
MAX_OPTION_CHARS = 100


def listing(presets: Sequence[Preset], whose: str, page: int, *, in_guild: bool, manages: bool) -> ui.LayoutView:
    """One page of the user's presets, or of the server's. `presets` are all of them."""
    pages = max(1, -(-len(presets) // PAGE))
    page = min(max(page, 0), pages - 1)
    here = presets[page * PAGE : (page + 1) * PAGE]
    title = tr("### Presets of this server") if whose == SERVER else tr("### My presets")
    parts: list[ui.Item[Any]] = [ui.TextDisplay("\n".join([title, _how_to()]))]
    if here:
        parts.append(ui.TextDisplay("\n".join(_line(preset) for preset in here)))
        parts.append(ui.ActionRow(_chooser(here, whose, page)))
    else:
        parts.append(ui.TextDisplay(_none_yet(whose)))
    parts.append(_foot(len(presets), page, pages))
    row: ui.ActionRow[Any] = ui.ActionRow()
    if whose == MINE or manages:
        row.add_item(_button(tr("New preset"), "new", whose, style=discord.ButtonStyle.primary))
    if in_guild:
        other = (tr("My presets"), MINE) if whose == SERVER else (tr("Presets of this server"), SERVER)
        row.add_item(_button(other[0], "list", other[1], 0))
    if pages > 1:
        row.add_item(_button("◀", "list", whose, page - 1, disabled=page == 0))
        row.add_item(_button("▶", "list", whose, page + 1, disabled=page == pages - 1))
    return card(NEUTRAL, *parts, row)


def showing(
    preset: Preset, page: int, files: Sequence[str] = (), *, price: int = 0, may_change: bool, may_share: bool
) -> ui.LayoutView:
    """One preset, with what may be done to it.

    `files` are the names of its pictures in the message, `price` what each costs in a request, in micros.
    """
    words = preset.words[:MAX_WORDS_SHOWN] + ("…" if len(preset.words) > MAX_WORDS_SHOWN else "")
    lines = [f"### {texts.plain(preset.name)}", f"> {texts.plain(' '.join(words.split()))}" if words else ""]
    if options := described(preset.options):
        lines.append(f"-# {texts.plain(options)}")
    if preset.of_guild and preset.made_by:
        lines.append(tr("-# Made by {member}, for everyone in this server", member=f"<@{preset.made_by}>"))
    lines.append(_example(preset) if preset.words else "")
    parts: list[ui.Item[Any]] = [ui.TextDisplay("\n".join(line for line in lines if line))]
    if files:
        gallery = [
            discord.MediaGalleryItem(f"attachment://{name}", description=preset.name, spoiler=it.covered)
            for name, it in zip(files, preset.pictures, strict=False)
        ]
        parts += [ui.MediaGallery(*gallery), ui.TextDisplay(f"-# {_with_pictures(len(files), price)}")]
    if may_change:
        pictures = tr("Change pictures") if preset.pictures else tr("Add pictures")
        shown: ui.ActionRow[Any] = ui.ActionRow(_button(pictures, "pictures", preset.id, page))
        if preset.pictures:
            shown.add_item(_button(tr("Remove pictures"), "bare", preset.id, page))
        parts.append(shown)
    row: ui.ActionRow[Any] = ui.ActionRow()
    if may_change:
        row.add_item(_button(tr("Change"), "edit", preset.id, page))
        row.add_item(_button(tr("Delete"), "ask", preset.id, page))
    if may_share:
        row.add_item(_button(tr("Share with the server"), "share", preset.id, page))
    if preset.of_guild:
        row.add_item(_button(tr("Copy to mine"), "copy", preset.id, page))
    row.add_item(_button(tr("Back"), "list", SERVER if preset.of_guild else MINE, page))
    return card(NEUTRAL, *parts, row)


def _example(preset: Preset) -> str:
    """What becomes of a short prompt: the quickest way to see what a style does."""
    prompt = tr("a knight")
    after = texts.plain(texts.shortened(" ".join(preset.applied_to(prompt).split()), SHOWN_WORDS_CHARS))
    return "-# " + tr("“{prompt}” becomes “{result}”", prompt=prompt, result=after)


def _with_pictures(count: int, price: int) -> str:
    """What it means that a preset has pictures, and what they cost."""
    told = tr("Pictures of a preset go along with each request, which becomes an edit of them.")
    return f"{told} {tr('They cost {price} each time.', price=texts.money(price * count))}" if price else told


def asking(preset: Preset, page: int) -> ui.LayoutView:
    """The question before a preset is deleted."""
    question = tr("Delete the preset **{name}**? This cannot be undone.", name=texts.plain(preset.name))
    row: ui.ActionRow[Any] = ui.ActionRow()
    row.add_item(_button(tr("Yes, delete"), "delete", preset.id, page, style=discord.ButtonStyle.danger))
    row.add_item(_button(tr("No, keep it"), "show", preset.id, page))
    return card(NEUTRAL, ui.TextDisplay(question), row)


def save_button(job_id: str) -> ui.Button[Any]:
    """The button of a details card that makes a preset out of its job."""
    return _button(tr("Save as preset"), "save", job_id)


def _how_to() -> str:
    """How presets are used."""
    return tr(
        "-# A preset is a style that you use again. “a knight” with the preset *Watercolour* becomes “a knight, soft "
        "watercolour on paper”. Choose one with the option `preset` of `/imagine` or `/edit`."
    )


def _none_yet(whose: str) -> str:
    """What stands where there are no presets."""
    if whose == SERVER:
        return tr("There are none yet. Members with Manage Server can make them, for everyone here.")
    return tr("You have none yet. Make one here, or out of a finished picture with **Details** → **Save as preset**.")


def _foot(count: int, page: int, pages: int) -> ui.TextDisplay[Any]:
    """How many presets there are of how many that are kept."""
    amount = tr("-# {count} of {limit} presets", count=count, limit=MAX_PRESETS)
    if pages == 1:
        return ui.TextDisplay(amount)
    return ui.TextDisplay(f"{amount} · " + tr("page {page} of {pages}", page=page + 1, pages=pages))


def _line(preset: Preset) -> str:
    """One preset of the list."""
    name, words = texts.plain(preset.name), texts.plain(texts.shortened(preset.words, SHOWN_WORDS_CHARS))
    pictures = texts.pictures(len(preset.pictures)) if preset.pictures else ""
    about = " · ".join(part for part in (words, described(preset.options), pictures) if part)
    return f"**{name}** – {about}" if about else f"**{name}**"


def _chooser(presets: Sequence[Preset], whose: str, page: int) -> ui.Select[Any]:
    """The menu that opens one preset."""
    options = [
        discord.SelectOption(
            label=preset.name,
            value=preset.id,
            description=texts.shortened(preset.words, MAX_OPTION_CHARS) or None,
        )
        for preset in presets
    ]
    return ui.Select(
        custom_id=custom_id(PANEL, "pick", whose, page), placeholder=tr("Look at a preset"), options=options
    )


def _button(
    label: str,
    *words: object,
    style: discord.ButtonStyle = discord.ButtonStyle.secondary,
    disabled: bool = False,
) -> ui.Button[Any]:
    """A button of this panel."""
    return button(label, custom_id(PANEL, *words), style, disabled=disabled)
