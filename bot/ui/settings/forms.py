"""The forms of the settings panel: filled with what is set, and read into changes of the rules.

Where a field cannot be taken, nothing is changed, all faults are told at once, and what was typed is kept in memory for
a while: the form opens again as it was sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import discord
from discord import ui

from bot.model import MAX_COUNT, OFFERED_FORMATS, AspectRatio, Model, PictureFormat, Resolution
from bot.policy.blocklist import PatternFault
from bot.policy.request_input import Options
from bot.policy.rules import Rules
from bot.ui.kit import texts, widgets
from bot.ui.kit.dispatch import Click, custom_id
from bot.ui.kit.language import mark, tr
from bot.ui.kit.options import model_label
from bot.ui.settings import entries
from bot.ui.settings.entries import UNSET, InvalidEntry
from bot.ui.settings.layout import NUMBERS, PANEL, Form, SettingsVerb
from bot.ui.settings.sections import RULES, RuleKind, Section

Edit = Callable[[Rules], Rules]
FaultOf = Callable[[str], PatternFault | None]

MAX_LABEL_CHARS = 45
MAX_REFUSED = 200  # forms that are remembered
REFUSED_FOR_S = 900.0
TITLES: Mapping[Form, str] = {
    Form.WAIT: mark("New members wait"),
    Form.PICTURES: mark("Pictures and requests"),
    Form.MONEY: mark("Money"),
    Form.DEFAULTS: mark("Defaults"),
    Form.WORDS: mark("Blocked words and patterns"),
}


@dataclass(frozen=True, slots=True)
class FormResult:
    """What a form asks to change, and sentences on what of it was not taken."""

    edit: Edit
    refused: Sequence[str] = ()


class RefusedForms:
    """What was typed into forms that were not taken, by who sent them, the server and the forms' custom ids.

    Only a convenience of this process, within bounds: whoever comes later, or elsewhere, finds what is set.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[int, int, str], tuple[float, Mapping[str, Sequence[str]]]] = {}

    def keep(self, user_id: int, guild_id: int, custom_id: str, fields: Mapping[str, Sequence[str]]) -> None:
        """Remember the fields of a form."""
        self._kept.pop((user_id, guild_id, custom_id), None)
        self._kept[user_id, guild_id, custom_id] = (time.monotonic(), fields)
        while len(self._kept) > MAX_REFUSED:
            self._kept.pop(next(iter(self._kept)))

    def refill(self, user_id: int, guild_id: int, modal: ui.Modal) -> ui.Modal:
        """The form with what its sender typed last, if that was not taken; it is forgotten with that."""
        at, typed = self._kept.pop((user_id, guild_id, modal.custom_id), (0.0, {}))
        if not typed or time.monotonic() - at > REFUSED_FOR_S:
            return modal
        for part in modal.walk_children():
            if isinstance(part, ui.TextInput):
                part.default = next(iter(typed.get(part.custom_id, ())), "")[: part.max_length] or None
            elif isinstance(part, ui.Select):
                chosen = typed.get(part.custom_id, ())
                for option in part.options:
                    option.default = option.value in chosen
        return modal


def build(form: Form, section: Section, channel_id: int, own: Rules, models: Sequence[Model]) -> ui.Modal:
    """A form that holds what the place itself says now. `models` are those on offer."""
    identity = custom_id(PANEL, section, channel_id, SettingsVerb.SAVE, form)
    fields = _default_fields(own, models) if form is Form.DEFAULTS else _FIELDS[form](form, own)
    return widgets.form(tr(TITLES[form]), identity, *fields)


def read(form: Form, click: Click, fault_of: FaultOf) -> FormResult:
    """What came back. Raises InvalidEntry, or ValueError for a forged choice."""
    if form in NUMBERS:
        return _read_numbers(form, click)
    if form is Form.DEFAULTS:
        return _read_defaults(click)
    words = entries.words(click.first("blocked_words"))
    patterns, refused = entries.patterns(click.first("blocked_patterns"), fault_of)
    return FormResult(lambda own: replace(own, blocked_words=words, blocked_patterns=patterns), refused)


def _read_numbers(form: Form, click: Click) -> FormResult:
    values: dict[str, int | None] = {}
    faults: list[str] = []
    for name in NUMBERS[form]:
        try:
            values[name] = typed_number(name, click.first(name))
        except InvalidEntry as unfit:
            faults.append(str(unfit))
    if faults:
        raise InvalidEntry.of(faults)
    return FormResult(lambda own: replace(own, **values))


def typed_number(name: str, typed: str) -> int | None:
    """A rule that is a number or an amount, as it was typed; None lifts it. Raises InvalidEntry."""
    rule = RULES[name]
    if rule.kind is RuleKind.MONEY:
        return entries.money(tr(rule.label), typed, least=rule.least)
    return entries.number(tr(rule.label), typed, rule.most)


def _read_defaults(click: Click) -> FormResult:
    said = {name: None if (value := click.first(name)) in {"", UNSET} else value for name in _DEFAULTS}
    made = {
        "model": Model(said["model"]) if said["model"] else None,
        "aspect_ratio": AspectRatio(said["aspect_ratio"]) if said["aspect_ratio"] else None,
        "resolution": Resolution(said["resolution"]) if said["resolution"] else None,
        "count": _count(said["count"]),
        "format": PictureFormat(said["format"]) if said["format"] else None,
    }

    def edit(own: Rules) -> Rules:
        defaults = replace(own.defaults or Options(), **made)
        return replace(own, defaults=defaults if defaults.said else None)

    return FormResult(edit)


def _count(said: str | None) -> int | None:
    if said is None:
        return None
    if not 1 <= int(said) <= MAX_COUNT:
        raise ValueError(said)
    return int(said)


def _number_fields(form: Form, own: Rules) -> Sequence[ui.Label[Any]]:
    fields: list[ui.Label[Any]] = []
    for name in NUMBERS[form]:
        value = own.said.get(name)
        is_money = RULES[name].kind is RuleKind.MONEY
        held = "" if value is None else texts.dollars(value) if is_money else str(value)
        field: ui.TextInput[Any] = ui.TextInput(
            custom_id=name,
            default=held or None,
            placeholder=tr("such as 2.50; empty for none") if is_money else tr("a whole number; empty for no limit"),
            required=False,
            max_length=20,
        )
        fields.append(ui.Label(text=tr(RULES[name].label)[:MAX_LABEL_CHARS], component=field))
    return fields


_DEFAULTS: Mapping[str, tuple[str, Callable[[], Sequence[tuple[str, str]]]]] = {
    "model": (mark("Model"), list),  # those on offer come from outside
    "aspect_ratio": (
        mark("Aspect ratio"),
        lambda: [(it.value, it.value) for it in AspectRatio if it is not AspectRatio.AUTO],
    ),
    "resolution": (mark("Resolution"), lambda: [(it.value, it.value) for it in Resolution]),
    "count": (mark("Count"), lambda: [(texts.pictures(it), str(it)) for it in range(1, MAX_COUNT + 1)]),
    "format": (mark("Format"), lambda: [(it.value.upper(), it.value) for it in OFFERED_FORMATS]),
}


def _default_fields(own: Rules, models: Sequence[Model]) -> Sequence[ui.Label[Any]]:
    """What holds where a member chooses nothing."""
    offered = [(model_label(model), model) for model in models]
    held = (own.defaults or Options()).said
    fields: list[ui.Label[Any]] = []
    for name, (label, choices) in _DEFAULTS.items():
        chosen = str(held[name]) if name in held else UNSET
        pairs = [(tr("No default"), UNSET), *(offered if name == "model" else choices())]
        options = [discord.SelectOption(label=text, value=value, default=value == chosen) for text, value in pairs]
        fields.append(ui.Label(text=tr(label), component=ui.Select[Any](custom_id=name, options=options)))
    return fields


def _word_fields(_: Form, own: Rules) -> Sequence[ui.Label[Any]]:
    def field(name: str, held: Sequence[str], description: str) -> ui.Label[Any]:
        area: ui.TextInput[Any] = ui.TextInput(
            custom_id=name,
            style=discord.TextStyle.paragraph,
            default="\n".join(held)[: entries.MAX_FORM_CHARS] or None,
            required=False,
            max_length=entries.MAX_FORM_CHARS,
        )
        return ui.Label(text=tr(RULES[name].label), description=description, component=area)

    return [
        field(
            "blocked_words",
            own.blocked_words or (),
            tr("One word or phrase per line. Whole words, upper or lower case."),
        ),
        field(
            "blocked_patterns",
            own.blocked_patterns or (),
            tr("One regular expression per line. Leave it empty if you do not use them."),
        ),
    ]


_FIELDS: Mapping[Form, Callable[[Form, Rules], Sequence[ui.Label[Any]]]] = {
    Form.WAIT: _number_fields,
    Form.PICTURES: _number_fields,
    Form.MONEY: _number_fields,
    Form.WORDS: _word_fields,
}
