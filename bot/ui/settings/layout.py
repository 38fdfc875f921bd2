"""The panel as a layout. Pure: what holds in a place in, a message out.

The panel holds no state: its custom ids carry section, channel and verb, so it works in any process, days later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import discord
from discord import ui

from bot.policy.preset import Preset
from bot.policy.rules import WHOLE_SERVER
from bot.ui.kit import widgets
from bot.ui.kit.dispatch import custom_id
from bot.ui.kit.language import mark, tr
from bot.ui.settings import roles, usual_preset
from bot.ui.settings.entries import MAX_IDS, UNSET
from bot.ui.settings.sections import RULES, TITLES, EffectiveRules, RuleKind, Section

PANEL = "settings"
REPLY_EDIT = mark("Whoever answers an Easel picture with @Easel in their words gets an edit of it.")
BLOCKED_SHOWN = 25

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
    ROLE = "role"  # opens the form of the role that was picked
    ROLE_FORM = "role-form"  # likewise, followed by the role's id
    ROLE_SAVE = "role-save"  # followed by the role's id
    ROLE_OFF = "role-off"
    BLOCK = "block"
    UNBLOCK = "unblock"


class Form(StrEnum):
    """A form of the panel; also the word in its custom id."""

    WAIT = "wait"
    PICTURES = "pictures"
    MONEY = "money"
    DEFAULTS = "defaults"
    WORDS = "words"


#: The rules that are numbers or amounts, by the form that asks for them.
NUMBERS: Mapping[Form, Sequence[str]] = {
    Form.WAIT: ("member_days",),
    Form.PICTURES: ("pictures_per_member_day", "pictures_per_member_month", "pictures_per_day", "jobs_per_member"),
    Form.MONEY: ("spend_per_day", "spend_per_month", "confirm_over"),
}


@dataclass(frozen=True, slots=True)
class View:
    """What the panel shows: one section of one place. `notice` is a sentence on what was just done.

    `role_names` are those of all roles that the server has now.
    """

    section: Section
    holding: EffectiveRules
    blocked: Sequence[int] = field(default=())
    notice: str = ""
    asks_to_reset: bool = False
    role_names: Mapping[int, str] = field(default_factory=dict[int, str])
    trouble: str = ""  # what is to be said about the channel that the section names
    log_trouble: str = ""  # likewise about the log channel
    presets: Sequence[Preset] = ()  # the server's

    @property
    def channel_id(self) -> int:
        """The channel that is looked at; 0 for the whole server."""
        return self.holding.channel_id

    def id(self, verb: SettingsVerb, *words: object) -> str:
        """The same as it stands in custom ids."""
        return custom_id(PANEL, self.section, self.channel_id, verb, *words)


def panel(view: View) -> ui.LayoutView:
    """The whole panel."""
    parts = [*_head(view), ui.Separator[Any](), *_BODIES[view.section](view), ui.Separator[Any](), _foot(view)]
    return widgets.card(widgets.SETTINGS, *parts)


def refused_form(faults: str, section: Section, channel_id: int, verb: SettingsVerb, asked: str) -> ui.LayoutView:
    """Why a form was not taken, and the button that opens it again as it was typed."""
    opens = SettingsVerb.ROLE_FORM if verb is SettingsVerb.ROLE_SAVE else SettingsVerb.FORM
    button = widgets.button(
        tr("Correct it"), custom_id(PANEL, section, channel_id, opens, asked), discord.ButtonStyle.primary
    )
    return widgets.card(widgets.SETTINGS, ui.TextDisplay(faults), widgets.row(button))


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
            placeholder=tr("Or for one channel only"),
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
        yield from _asked(view, "channels")
    yield from _asked(view, "roles")
    yield from _asked(view, "exempt_roles")
    yield from _with_button(view, Form.WAIT, "member_days")
    yield from _asked(view, "reply_edits")
    yield ui.TextDisplay(f"-# {tr(REPLY_EDIT)}")
    if view.channel_id == WHOLE_SERVER:
        yield ui.TextDisplay(_blocked(view.blocked))
        # Their number stands in the custom ids, so that a client begins with an empty menu after each choice.
        count = len(view.blocked)
        yield _users(view.id(SettingsVerb.BLOCK, count), tr("Block members"))
        if view.blocked:
            yield _users(view.id(SettingsVerb.UNBLOCK, count), tr("Unblock members"))


def _limits(view: View) -> Iterable[Part]:
    """How much, per member, per role and in all, in pictures and money."""
    yield from _with_button(view, Form.PICTURES, *NUMBERS[Form.PICTURES])
    if view.channel_id == WHOLE_SERVER:
        yield from _by_role(view)
    yield from _with_button(view, Form.MONEY, *NUMBERS[Form.MONEY])
    said = tr(
        "Days and months are counted in UTC. Where a budget holds, a request whose price is not known is refused."
    )
    yield ui.TextDisplay(f"-# {said}")


def _by_role(view: View) -> Iterable[Part]:
    """The limits by role: what holds for each, a menu that opens the form of one, and one that takes some away."""
    limits = view.holding.own.role_limits or ()
    yield ui.TextDisplay(roles.told(limits, view.role_names))
    count = len(limits)
    menu = ui.RoleSelect[Any](custom_id=view.id(SettingsVerb.ROLE, count), placeholder=tr("Set the limits of a role"))
    yield ui.ActionRow(menu)
    if limits:
        yield ui.ActionRow(
            ui.Select[Any](
                custom_id=view.id(SettingsVerb.ROLE_OFF, count),
                placeholder=tr("Take limits of a role away"),
                options=[
                    discord.SelectOption(label=roles.name_of(it.role_id, view.role_names), value=str(it.role_id))
                    for it in limits
                ],
                max_values=count,
            )
        )


def _offer(view: View) -> Iterable[Part]:
    """What may be chosen."""
    for name in ("models", "resolutions", "max_count"):
        yield from _asked(view, name)
    yield from _with_button(view, Form.DEFAULTS, "defaults")
    own, presets = view.holding.own.preset, view.presets
    in_channel = view.channel_id != WHOLE_SERVER
    trouble = usual_preset.trouble(view.holding.rules.preset, presets)
    yield widgets.text(view.holding.line("preset"), trouble)
    yield usual_preset.menu(view.id(SettingsVerb.PICK, "preset"), own, presets, in_channel=in_channel)


def _look(view: View) -> Iterable[Part]:
    """How replies look."""
    for name in ("spoiler", "private_only", "language"):
        yield from _asked(view, name)
    if view.channel_id == WHOLE_SERVER:
        yield from _asked(view, "drafts_approved", view.log_trouble)
        yield from _asked(view, "showcase_channel", view.trouble)
        yield from _asked(view, "showcase_stars")


def _safety(view: View) -> Iterable[Part]:
    """What is refused and who is told."""
    yield from _asked(view, "edits")
    yield from _asked(view, "age_restricted")
    yield from _with_button(view, Form.WORDS, "blocked_words", "blocked_patterns")
    if view.channel_id == WHOLE_SERVER:
        yield from _asked(view, "report_channel", view.trouble)
        yield from _asked(view, "log_channel", view.log_trouble)


_BODIES = {
    Section.ACCESS: _access,
    Section.LIMITS: _limits,
    Section.OFFER: _offer,
    Section.LOOK: _look,
    Section.SAFETY: _safety,
}

FORM_BUTTONS = {
    Form.WAIT: mark("Change waiting time"),
    Form.PICTURES: mark("Change pictures"),
    Form.MONEY: mark("Change money"),
    Form.DEFAULTS: mark("Change defaults"),
    Form.WORDS: mark("Change words"),
}


def _asked(view: View, name: str, trouble: str = "") -> Iterable[Part]:
    """One rule as it holds, what keeps it from acting, and the menu that changes it."""
    yield widgets.text(view.holding.line(name), trouble)
    yield ui.ActionRow(_menu(view, name))


def _with_button(view: View, form: Form, *names: str) -> Iterable[Part]:
    """Several rules with the button that opens the form for them."""
    button: ui.Button[Any] = ui.Button(label=tr(FORM_BUTTONS[form]), custom_id=view.id(SettingsVerb.FORM, form))
    yield ui.TextDisplay("\n".join(view.holding.line(name) for name in names))
    row: ui.ActionRow[Any] = ui.ActionRow()
    yield row.add_item(button)


def _menu(view: View, name: str) -> ui.Item[Any]:
    """The menu of a rule, which holds what the place itself says."""
    rule, own = RULES[name], view.holding.own.said.get(name)
    label, identity = tr(rule.label), view.id(SettingsVerb.PICK, name)
    if rule.kind is RuleKind.CHANNEL or rule.kind is RuleKind.CHANNELS:
        several = rule.kind is RuleKind.CHANNELS
        chosen: Sequence[int] = () if own is None else own[:MAX_IDS] if several else (own,)
        return ui.ChannelSelect[Any](
            custom_id=identity,
            placeholder=label,
            channel_types=PLACES if several else SHOWCASE_PLACES if rule.takes_forums else REPORT_PLACES,
            min_values=0,
            max_values=MAX_IDS if several else 1,
            default_values=[_default(one, discord.SelectDefaultValueType.channel) for one in chosen],
        )
    if rule.kind is RuleKind.ROLES:
        held = [_default(one, discord.SelectDefaultValueType.role) for one in (own or ())[:MAX_IDS]]
        return ui.RoleSelect[Any](
            custom_id=identity, placeholder=label, min_values=0, max_values=MAX_IDS, default_values=held
        )
    return _choices(view, name, own if rule.kind is RuleKind.CHOICES else (own,), several=rule.kind is RuleKind.CHOICES)


def _users(identity: str, label: str) -> Part:
    """A menu of members."""
    return ui.ActionRow(ui.UserSelect[Any](custom_id=identity, placeholder=label, min_values=1, max_values=10))


def _choices(view: View, name: str, chosen: Sequence[Any] | None, *, several: bool) -> ui.Select[Any]:
    """A menu of fixed choices. Where one is to be chosen, another one lifts the rule; where several, none does."""
    options = [
        discord.SelectOption(label=label, value=str(value), default=value in (chosen or ()))
        for label, value in RULES[name].choices(view.holding.models)
    ]
    unset = next((it for it in options if it.label == tr(RULES[name].nothing)), None)
    if unset is not None and view.channel_id == WHOLE_SERVER:
        # One of the choices is what holds where nothing is set, so no other has to lift the rule.
        unset.default = unset.default or chosen == (None,)
    elif not several:
        lifted = tr("No rule") if view.channel_id == WHOLE_SERVER else tr("As in the whole server")
        options.insert(0, discord.SelectOption(label=lifted, value=UNSET, default=chosen == (None,)))
    return ui.Select[Any](
        custom_id=view.id(SettingsVerb.PICK, name),
        placeholder=tr(RULES[name].label),
        options=options,
        min_values=0 if several else 1,
        max_values=len(options) if several else 1,
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
