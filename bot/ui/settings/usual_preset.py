"""The rule which preset is used where none is named: its menu, and how it is read from it and from words.

Unlike other rules its choices are not fixed: they are the presets that the server has just now.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import discord
from discord import ui

from bot.policy.preset import NONE, Preset
from bot.policy.rules import ChosenPreset, Rules
from bot.ui.kit.language import mark, tr
from bot.ui.settings import entries
from bot.ui.settings.entries import MAX_IDS, UNSET, InvalidEntry

Edit = Callable[[Rules], Rules]

NO_SUCH_PRESET = mark("This server has no preset “{typed}”. `/presets` shows them.")


def trouble(chosen: ChosenPreset | None, presets: Sequence[Preset]) -> str:
    """Why the rule that holds does nothing; empty where it acts, or where there is none."""
    if chosen is not None and chosen.id != NONE and chosen.id not in {preset.id for preset in presets}:
        return tr("⚠️ It was deleted. None is used until you choose another.")
    return "" if presets else "-# " + tr("This server has no presets yet. `/presets` makes them.")


def menu(identity: str, own: ChosenPreset | None, presets: Sequence[Preset], *, in_channel: bool) -> ui.ActionRow[Any]:
    """The server's presets, the chosen one first of all. Where there are more than fit, the rest has to be typed."""
    lifted = tr("As in the whole server") if in_channel else tr("No preset")
    options = [discord.SelectOption(label=lifted, value=UNSET, default=own is None)]
    if in_channel:
        none = own is not None and own.id == NONE
        options.append(discord.SelectOption(label=tr("No preset"), value=NONE, default=none))
    shown = sorted(presets, key=lambda preset: own is None or preset.id != own.id)[: MAX_IDS - len(options)]
    options += [
        discord.SelectOption(label=it.name, value=it.id, default=own is not None and own.id == it.id) for it in shown
    ]
    return ui.ActionRow(ui.Select[Any](custom_id=identity, placeholder=tr("Preset"), options=options))


def picked(value: str, presets: Sequence[Preset]) -> Edit:
    """The preset that is used where none is named. Raises LookupError for one that the server does not have."""
    chosen: ChosenPreset | None = None
    if value == NONE:
        chosen = ChosenPreset(NONE, "")
    elif value != UNSET:
        preset = next((it for it in presets if it.id == value), None)
        if preset is None:
            raise LookupError(value)
        chosen = ChosenPreset(preset.id, preset.name)
    return lambda own: replace(own, preset=chosen)


def typed(word: str, presets: Sequence[Preset], *, remove: bool) -> Edit:
    """The same by the name of the preset, or `none`. Raises InvalidEntry."""
    wanted = word.strip().casefold()
    found = next((it.id for it in presets if it.name.casefold() == wanted), None)
    if remove:
        found = UNSET
    elif found is None and wanted in {NONE, tr("none").casefold()}:
        found = NONE
    if found is None:
        raise InvalidEntry(tr(NO_SUCH_PRESET, typed=entries.shown(word)))
    return picked(found, presets)
