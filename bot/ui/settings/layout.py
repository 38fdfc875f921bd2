"""The panel as a layout. Pure: what holds in a place in, a message out. Custom ids carry section, channel and verb.

The panel holds no state: its components say which section and channel they are about. It may be pressed in any
process, days later.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import discord
from discord import ui

from bot.model import MAX_COUNT, Resolution
from bot.policy.rules import WHOLE_SERVER, AgeRule, SpoilerRule
from bot.ui.kit import texts, widgets
from bot.ui.kit.dispatch import custom_id
from bot.ui.kit.language import Language, mark, tr
from bot.ui.kit.options import model_label
from bot.ui.settings.entries import MAX_IDS
from bot.ui.settings.sections import (
    AGE_NAMES,
    LANGUAGE_NAMES,
    PRIVATE_NAMES,
    RULES,
    SPOILER_NAMES,
    TITLES,
    EffectiveRules,
    Section,
)

PANEL = "settings"
BLOCKED_SHOWN = 25
UNSET = "unset"  # the choice that lifts a rule

#: Where somebody can ask Easel for pictures; a thread goes with its channel.
PLACES = [
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.voice,
    discord.ChannelType.stage_voice,
    discord.ChannelType.forum,
]
REPORT_PLACES = [discord.ChannelType.text, discord.ChannelType.news]
SHOWCASE_PLACES = [*REPORT_PLACES, discord.ChannelType.forum]
STAR_CHOICES = (1, 2, 3, 4, 5, 7, 10, 15, 20, 25, 30, 50, 100)

Part = ui.Item[Any]


class SettingsVerb(StrEnum):
    """What a component of the panel does; also the word in its custom id."""

    SHOW = "show"
    SCOPE = "scope"
    PICK = "pick"  # followed by the rule's name
    FORM = "form"  # followed by the form's name
    SAVE = "save"  # likewise
    RESET = "reset"
    RESET_NOW = "reset-now"
    BLOCK = "block"
    UNBLOCK = "unblock"


class Form(StrEnum):
    """A form of the panel; also the word in its custom id."""

    PICTURES = "pictures"
    MONEY = "money"
    DEFAULTS = "defaults"
    WORDS = "words"


@dataclass(frozen=True, slots=True)
class View:
    """What the panel shows: one section of one place. `notice` is a sentence on what was just done."""

    section: Section
    holding: EffectiveRules
    blocked: Sequence[int] = field(default=())
    notice: str = ""
    asks_to_reset: bool = False
    trouble: str = ""  # why nothing can be posted in the showcase channel

    @property
    def channel_id(self) -> int:
        return self.holding.channel_id

    def id(self, verb: SettingsVerb, *words: object) -> str:
        return custom_id(PANEL, self.section, self.channel_id, verb, *words)


def panel(view: View) -> ui.LayoutView:
    """The whole panel."""
    parts = [*_head(view), ui.Separator[Any](), *_BODIES[view.section](view), ui.Separator[Any](), _foot(view)]
    return widgets.card(widgets.SETTINGS, *parts)


def _head(view: View) -> Iterable[Part]:
    place = tr("the whole server") if view.channel_id == WHOLE_SERVER else f"<#{view.channel_id}>"
    title = tr("Settings for {place}", place=place)
    lines = [f"### {title}"]
    if view.channel_id != WHOLE_SERVER:
        lines.append(
            "-# " + tr("What is set here holds in this channel and its threads instead of what the server says.")
        )
    if view.notice:
        lines.append(view.notice)
    yield ui.TextDisplay("\n".join(lines))
    chosen = [view.channel_id] if view.channel_id != WHOLE_SERVER else []
    yield ui.ActionRow(
        ui.ChannelSelect[Any](
            custom_id=view.id(SettingsVerb.SCOPE),
            placeholder=tr("Whole server; pick a channel to differ"),
            channel_types=PLACES,
            min_values=0,
            max_values=1,
            default_values=[_default(one, discord.SelectDefaultValueType.channel) for one in chosen],
        )
    )
    tabs: ui.ActionRow[Any] = ui.ActionRow()
    for section in Section:
        here = section is view.section
        tabs.add_item(
            ui.Button(
                label=tr(TITLES[section]),
                style=discord.ButtonStyle.primary if here else discord.ButtonStyle.secondary,
                custom_id=custom_id(PANEL, section, view.channel_id, SettingsVerb.SHOW),
            )
        )
    yield tabs


def _foot(view: View) -> Part:
    title = tr(TITLES[view.section])
    row: ui.ActionRow[Any] = ui.ActionRow()
    if view.asks_to_reset:
        sure = tr("Yes, reset {section}", section=title)
        row.add_item(ui.Button(label=sure, style=discord.ButtonStyle.danger, custom_id=view.id(SettingsVerb.RESET_NOW)))
        row.add_item(ui.Button(label=tr("Keep"), custom_id=view.id(SettingsVerb.SHOW, "keep")))
    else:
        row.add_item(ui.Button(label=tr("Reset {section}", section=title), custom_id=view.id(SettingsVerb.RESET)))
    if view.channel_id != WHOLE_SERVER:
        whole = custom_id(PANEL, view.section, WHOLE_SERVER, SettingsVerb.SHOW, "whole")
        row.add_item(ui.Button(label=tr("Whole server"), custom_id=whole))
    return row


def _access(view: View) -> Iterable[Part]:
    """Where, for whom and for whom not."""
    if view.channel_id == WHOLE_SERVER:
        yield _line(view, "channels")
        yield _ids(view, "channels")
    for name in ("roles", "exempt_roles"):
        yield _line(view, name)
        yield _ids(view, name)
    if view.channel_id == WHOLE_SERVER:
        yield ui.TextDisplay(_blocked(view.blocked))
        # Their number stands in the custom ids, so that a client begins with an empty menu after each choice.
        count = len(view.blocked)
        yield _users(view.id(SettingsVerb.BLOCK, count), tr("Block members"))
        if view.blocked:
            yield _users(view.id(SettingsVerb.UNBLOCK, count), tr("Unblock members"))


def _limits(view: View) -> Iterable[Part]:
    """How much, per member and in all, in pictures and money."""
    yield from _with_button(view, Form.PICTURES, "pictures_per_member_day", "pictures_per_day", "jobs_per_member")
    yield from _with_button(view, Form.MONEY, "spend_per_day", "spend_per_month", "confirm_over")
    said = tr("Days and months are those of UTC. Where a budget holds, a request whose price is not known is refused.")
    yield ui.TextDisplay(f"-# {said}")


def _offer(view: View) -> Iterable[Part]:
    """What may be chosen."""
    yield _line(view, "models")
    models = [(model_label(model), model) for model in view.holding.models]
    yield _choices(view, "models", models, view.holding.own.models or (), several=True)
    yield _line(view, "resolutions")
    resolutions = [(resolution.value, resolution.value) for resolution in Resolution]
    yield _choices(
        view, "resolutions", resolutions, [it.value for it in view.holding.own.resolutions or ()], several=True
    )
    yield _line(view, "max_count")
    counts = [(texts.pictures(count), str(count)) for count in range(1, MAX_COUNT + 1)]
    own = view.holding.own.max_count
    yield _choices(view, "max_count", counts, [] if own is None else [str(own)])
    yield from _with_button(view, Form.DEFAULTS, "defaults")


def _look(view: View) -> Iterable[Part]:
    """How replies look."""
    own = view.holding.own
    yield _line(view, "spoiler")
    spoilers = [(tr(SPOILER_NAMES[rule]), rule.value) for rule in SpoilerRule]
    yield _choices(view, "spoiler", spoilers, [own.spoiler.value] if own.spoiler else [])
    yield _line(view, "private_only")
    privates = [(tr(PRIVATE_NAMES[choice]), str(choice)) for choice in (False, True)]
    yield _choices(view, "private_only", privates, [] if own.private_only is None else [str(own.private_only)])
    yield _line(view, "language")
    languages = [(LANGUAGE_NAMES[language], language.value) for language in Language]
    yield _choices(view, "language", languages, [own.language] if own.language else [])
    if view.channel_id == WHOLE_SERVER:
        yield ui.TextDisplay("\n".join(filter(None, (view.holding.line("showcase_channel"), view.trouble))))
        yield _channel(view, "showcase_channel", SHOWCASE_PLACES)
        yield _line(view, "showcase_stars")
        counts = [(str(count), str(count)) for count in STAR_CHOICES]
        yield _choices(view, "showcase_stars", counts, [str(own.showcase_stars)] if own.showcase_stars else [])


def _safety(view: View) -> Iterable[Part]:
    """What is refused and who is told."""
    yield _line(view, "age_restricted")
    ages = [(tr(AGE_NAMES[rule]), rule.value) for rule in AgeRule]
    own = view.holding.own.age_restricted
    yield _choices(view, "age_restricted", ages, [own.value] if own else [])
    yield from _with_button(view, Form.WORDS, "blocked_words", "blocked_patterns")
    if view.channel_id == WHOLE_SERVER:
        yield _line(view, "report_channel")
        yield _channel(view, "report_channel", REPORT_PLACES)


def _channel(view: View, name: str, types: Sequence[discord.ChannelType]) -> Part:
    """A menu for one channel, which lifts the rule where none is chosen."""
    chosen: int | None = view.holding.own.said.get(name)
    return ui.ActionRow(
        ui.ChannelSelect[Any](
            custom_id=view.id(SettingsVerb.PICK, name),
            placeholder=tr(RULES[name].label),
            channel_types=list(types),
            min_values=0,
            max_values=1,
            default_values=[_default(chosen, discord.SelectDefaultValueType.channel)] if chosen else [],
        )
    )


_BODIES = {
    Section.ACCESS: _access,
    Section.LIMITS: _limits,
    Section.OFFER: _offer,
    Section.LOOK: _look,
    Section.SAFETY: _safety,
}

FORM_BUTTONS = {
    Form.PICTURES: mark("Change pictures"),
    Form.MONEY: mark("Change money"),
    Form.DEFAULTS: mark("Change defaults"),
    Form.WORDS: mark("Change words"),
}


def _line(view: View, name: str) -> Part:
    """One rule as it holds: its label and its value."""
    return ui.TextDisplay(view.holding.line(name))


def _with_button(view: View, form: Form, *names: str) -> Iterable[Part]:
    """Several rules with the button that opens the form for them."""
    button: ui.Button[Any] = ui.Button(label=tr(FORM_BUTTONS[form]), custom_id=view.id(SettingsVerb.FORM, form))
    yield ui.TextDisplay("\n".join(view.holding.line(name) for name in names))
    row: ui.ActionRow[Any] = ui.ActionRow()
    yield row.add_item(button)


def _ids(view: View, name: str) -> Part:
    """A menu of channels or roles that holds the place's own list."""
    chosen: Sequence[int] = view.holding.own.said.get(name, ())[:MAX_IDS]
    label, identity = tr(RULES[name].label), view.id(SettingsVerb.PICK, name)
    if name == "channels":
        channels = [_default(one, discord.SelectDefaultValueType.channel) for one in chosen]
        return ui.ActionRow(
            ui.ChannelSelect[Any](
                custom_id=identity,
                placeholder=label,
                channel_types=PLACES,
                min_values=0,
                max_values=MAX_IDS,
                default_values=channels,
            )
        )
    roles = [_default(one, discord.SelectDefaultValueType.role) for one in chosen]
    return ui.ActionRow(
        ui.RoleSelect[Any](
            custom_id=identity, placeholder=label, min_values=0, max_values=MAX_IDS, default_values=roles
        )
    )


def _users(identity: str, label: str) -> Part:
    """A menu of members."""
    return ui.ActionRow(ui.UserSelect[Any](custom_id=identity, placeholder=label, min_values=1, max_values=10))


def _choices(
    view: View, name: str, choices: Sequence[tuple[str, str]], chosen: Sequence[str], *, several: bool = False
) -> Part:
    """A menu of fixed choices. Where one is to be chosen, another one lifts the rule; where several, none does."""
    options = [discord.SelectOption(label=label, value=value, default=value in chosen) for label, value in choices]
    if not several:
        lifted = tr("No rule") if view.channel_id == WHOLE_SERVER else tr("As in the whole server")
        options.insert(0, discord.SelectOption(label=lifted, value=UNSET, default=not chosen))
    return ui.ActionRow(
        ui.Select[Any](
            custom_id=view.id(SettingsVerb.PICK, name),
            placeholder=tr(RULES[name].label),
            options=options,
            min_values=0 if several else 1,
            max_values=len(options) if several else 1,
        )
    )


def _blocked(blocked: Sequence[int]) -> str:
    """Who is blocked, not more names than fit."""
    label = tr("Blocked members")
    if not blocked:
        return f"**{label}**: {tr('none')}"
    shown = " ".join(f"<@{one}>" for one in blocked[:BLOCKED_SHOWN])
    if len(blocked) > BLOCKED_SHOWN:
        shown = tr("{some} and {number} more", some=shown, number=len(blocked) - BLOCKED_SHOWN)
    return f"**{label}**: {shown}"


def _default(identity: int, kind: discord.SelectDefaultValueType) -> discord.SelectDefaultValue:
    """What a menu of roles, channels or members has chosen beforehand."""
    return discord.SelectDefaultValue(id=identity, type=kind)
