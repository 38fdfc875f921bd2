"""Limits by role in the settings: how they are told, the form that asks for those of one role, and their changes.

A role with an empty form is one without limits. A role that was deleted holds for nobody; it is shown as such, so that
its limits can be taken away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import discord
from discord import ui

from bot.model import Model
from bot.policy.rules import RoleLimits, Rules
from bot.ui.kit import texts, widgets
from bot.ui.kit.dispatch import Click
from bot.ui.kit.language import mark, tr
from bot.ui.settings import entries, wording
from bot.ui.settings.entries import InvalidEntry
from bot.ui.settings.sections import RULES

Edit = Callable[[Rules], Rules]

MAX_ROLES = 25  # as many as a menu of Discord shows, from which they are taken away again
MAX_TOLD_CHARS = 2300  # of all of them in the panel, whose texts hold 4,000 together
MAX_NAME_CHARS = 100  # of a choice in a menu
MAX_LABEL_CHARS = 45
DELETED = mark("a deleted role")
FULL = mark("Limits can be set for at most {most} roles. Please take those of another role away first.")

NUMBERS: Mapping[str, str] = {
    "pictures_per_day": mark("Pictures a day"),
    "pictures_per_month": mark("Pictures a month"),
}
#: The rules of a place that a role can differ in, with the names that these limits have there.
BY_RULE: Mapping[str, str] = {
    "pictures_per_member_day": "pictures_per_day",
    "pictures_per_member_month": "pictures_per_month",
    "max_count": "max_count",
    "models": "models",
    "resolutions": "resolutions",
}
OFFERS = ("max_count", "models", "resolutions")


def name_of(role_id: int, names: Mapping[int, str]) -> str:
    """A role in a menu, where mentions are not shown."""
    return texts.shortened(names.get(role_id) or f"{tr(DELETED)} ({role_id})", MAX_NAME_CHARS)


def told(several: Sequence[RoleLimits], names: Mapping[int, str]) -> str:
    """All limits by role, a line each; where there are many, the lines are short enough for one message."""
    label = tr(RULES["role_limits"].label)
    if not several:
        return f"**{label}**: {tr('none')}"
    room = MAX_TOLD_CHARS // len(several)
    lines = [texts.shortened(f"- {_mention(it.role_id, names)}: {wording.role(it)}", room) for it in several]
    said = tr("Of a member's roles the most generous holds, instead of the limits for everybody above.")
    return "\n".join([f"**{label}**", *lines, f"-# {said}"])


def _mention(role_id: int, names: Mapping[int, str]) -> str:
    name = names.get(role_id)
    if name is None:
        return f"*{tr(DELETED)}*"
    return name if name == "@everyone" else f"<@&{role_id}>"


def form(identity: str, name: str, present: RoleLimits, models: Sequence[Model]) -> ui.Modal:
    """The form for the limits of one role, with what is set now. `models` are those on offer."""
    fields: list[ui.Label[Any]] = []
    for limit, label in NUMBERS.items():
        held = getattr(present, limit)
        text: ui.TextInput[Any] = ui.TextInput(
            custom_id=limit,
            default=None if held is None else str(held),
            placeholder=tr("a whole number; empty for no limit"),
            required=False,
            max_length=20,
        )
        fields.append(ui.Label(text=tr(label)[:MAX_LABEL_CHARS], component=text))
    for limit in OFFERS:
        value = getattr(present, limit)
        chosen: Sequence[Any] = (value,) if limit == "max_count" else value or ()
        options = [
            discord.SelectOption(label=label, value=str(choice), default=choice in chosen)
            for label, choice in RULES[limit].choices(models)
        ]
        menu = ui.Select[Any](
            custom_id=limit,
            options=options,
            placeholder=tr("As for everybody"),
            min_values=0,
            max_values=1 if limit == "max_count" else len(options),
            required=False,
        )
        fields.append(ui.Label(text=tr(RULES[limit].label)[:MAX_LABEL_CHARS], component=menu))
    return widgets.form(texts.shortened(tr("Limits of {role}", role=name), MAX_LABEL_CHARS), identity, *fields)


def read(role_id: int, click: Click, models: Sequence[Model]) -> Edit:
    """What a form asks to change. Raises InvalidEntry with every fault, or LookupError for a forged choice."""
    said: dict[str, Any] = {}
    faults: list[str] = []
    for limit, label in NUMBERS.items():
        try:
            said[limit] = entries.number(tr(label), click.first(limit))
        except InvalidEntry as unfit:
            faults.append(str(unfit))
    if faults:
        raise InvalidEntry.of(faults)
    for limit in OFFERS:
        by_word = {str(value): value for _, value in RULES[limit].choices(models)}
        chosen = [by_word[word] for word in (click.fields or {}).get(limit, ())]
        said[limit] = (chosen[0] if chosen else None) if limit == "max_count" else tuple(chosen) or None
    return put(role_id, said)


def put(role_id: int, said: Mapping[str, Any]) -> Edit:
    """Set limits of a role; those that are not said stay. The edit raises InvalidEntry for one role too many."""

    def edit(own: Rules) -> Rules:
        several = {it.role_id: it for it in own.role_limits or ()}
        if role_id not in several and len(several) >= MAX_ROLES:
            raise InvalidEntry(tr(FULL, most=MAX_ROLES))
        several[role_id] = replace(several.get(role_id, RoleLimits(role_id)), **said)
        return replace(own, role_limits=tuple(several.values()))

    return edit


def take_off(role_ids: Sequence[int]) -> Edit:
    """Set no limits of these roles any more."""
    return lambda own: replace(
        own, role_limits=tuple(it for it in own.role_limits or () if it.role_id not in role_ids) or None
    )
