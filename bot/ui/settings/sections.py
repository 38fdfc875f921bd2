"""The rules as people see them: in which section each stands, what it is called, and how a value reads.

What holds in a channel is its own rule where it has one, else the server's; above both stands what the operator allows
at most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from types import MappingProxyType
from typing import Any

from bot.model import MAX_COUNT, Model, Resolution
from bot.policy.rules import WHOLE_SERVER, Rules
from bot.ui.kit import texts
from bot.ui.kit.language import Language, mark, tr
from bot.ui.kit.options import model_label
from bot.ui.settings import wording
from bot.ui.settings.entries import MAX_NUMBER


class Section(StrEnum):
    """A page of the panel; also the word in its custom ids."""

    ACCESS = "access"
    LIMITS = "limits"
    OFFER = "offer"
    LOOK = "look"
    SAFETY = "safety"


TITLES: Mapping[Section, str] = MappingProxyType(
    {
        Section.ACCESS: mark("Access"),
        Section.LIMITS: mark("Limits"),
        Section.OFFER: mark("Offer"),
        Section.LOOK: mark("Look"),
        Section.SAFETY: mark("Safety"),
    }
)


class RuleKind(Enum):
    """What a rule's value is: it says how the panel asks for it, and how a typed option is read."""

    CHOICE = auto()  # one of `choices`
    CHOICES = auto()  # several of `choices`
    NUMBER = auto()  # from 1 to `most`
    MONEY = auto()  # micros, from `least` on
    CHANNEL = auto()  # where Easel posts something
    CHANNELS = auto()
    ROLES = auto()
    OTHER = auto()  # asked for and read by code of its own


def _no_choices(_: Sequence[Model]) -> Sequence[tuple[str, Any]]:
    return ()


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """How one rule is told and asked for. `nothing` is what holds where it was not set.

    `choices` are labels with the values they stand for, in the language of the moment; given are the models on offer.
    """

    section: Section
    label: str
    nothing: str
    kind: RuleKind
    value: Callable[[Any], str] = str
    choices: Callable[[Sequence[Model]], Sequence[tuple[str, Any]]] = _no_choices
    least: int = 1
    most: int = MAX_NUMBER
    takes_forums: bool = False  # of a channel: a forum will do, too
    server_only: bool = False


def _named(names: Mapping[Any, str]) -> Mapping[str, Any]:
    """What a rule with one of these choices needs: how each is told, and all of them."""

    def told(chosen: Any) -> str:
        return tr(names[chosen])

    def choices(_: Sequence[Model]) -> Sequence[tuple[str, Any]]:
        return [(tr(name), chosen) for chosen, name in names.items()]

    return {
        "kind": RuleKind.CHOICE,
        "value": told,
        "choices": choices,
    }


NO_LIMIT = mark("no limit")
STAR_CHOICES = (1, 2, 3, 4, 5, 7, 10, 15, 20, 25, 30, 50, 100)
MAX_MEMBER_DAYS = 3650

RULES: Mapping[str, RuleInfo] = MappingProxyType(
    {
        "channels": RuleInfo(
            Section.ACCESS,
            mark("Channels where Easel works"),
            mark("all"),
            RuleKind.CHANNELS,
            wording.channels,
            server_only=True,
        ),
        "roles": RuleInfo(
            Section.ACCESS, mark("Roles that may use Easel"), mark("everyone"), RuleKind.ROLES, wording.roles
        ),
        "exempt_roles": RuleInfo(
            Section.ACCESS,
            mark("Roles without limits"),
            mark("none"),
            RuleKind.ROLES,
            wording.roles,
        ),
        "member_days": RuleInfo(
            Section.ACCESS,
            mark("New members wait"),
            mark("not at all"),
            RuleKind.NUMBER,
            wording.days,
            most=MAX_MEMBER_DAYS,
        ),
        "reply_edits": RuleInfo(Section.ACCESS, mark("Reply to edit"), mark("off"), **_named(wording.SWITCH_NAMES)),
        "pictures_per_member_day": RuleInfo(
            Section.LIMITS, mark("Pictures per member and day"), NO_LIMIT, RuleKind.NUMBER
        ),
        "pictures_per_member_month": RuleInfo(
            Section.LIMITS, mark("Pictures per member and month"), NO_LIMIT, RuleKind.NUMBER
        ),
        "pictures_per_day": RuleInfo(
            Section.LIMITS, mark("Pictures per day, all members together"), NO_LIMIT, RuleKind.NUMBER
        ),
        "jobs_per_member": RuleInfo(Section.LIMITS, mark("Requests of a member at once"), NO_LIMIT, RuleKind.NUMBER),
        "spend_per_day": RuleInfo(Section.LIMITS, mark("Spend per day"), NO_LIMIT, RuleKind.MONEY, texts.exact_money),
        "spend_per_month": RuleInfo(
            Section.LIMITS, mark("Spend per month"), NO_LIMIT, RuleKind.MONEY, texts.exact_money
        ),
        "confirm_over": RuleInfo(
            Section.LIMITS,
            mark("Ask first about requests above"),
            mark("never ask"),
            RuleKind.MONEY,
            texts.exact_money,
            least=0,
        ),
        "role_limits": RuleInfo(
            Section.LIMITS, mark("Limits by role"), mark("none"), RuleKind.OTHER, wording.role_limits, server_only=True
        ),
        "models": RuleInfo(
            Section.OFFER,
            mark("Models"),
            mark("all"),
            RuleKind.CHOICES,
            texts.model_names,
            lambda models: [(model_label(model), model) for model in models],
        ),
        "resolutions": RuleInfo(
            Section.OFFER,
            mark("Resolutions"),
            mark("all"),
            RuleKind.CHOICES,
            wording.resolutions,
            lambda _: [(resolution.value, resolution) for resolution in Resolution],
        ),
        "max_count": RuleInfo(
            Section.OFFER,
            mark("Largest count"),
            mark("4"),
            RuleKind.CHOICE,
            choices=lambda _: [(texts.pictures(count), count) for count in range(1, MAX_COUNT + 1)],
        ),
        "defaults": RuleInfo(
            Section.OFFER,
            mark("Defaults for what members leave out"),
            mark("Easel's own"),
            RuleKind.OTHER,
            wording.defaults,
        ),
        "preset": RuleInfo(
            Section.OFFER,
            mark("Preset when none is named"),
            mark("none"),
            RuleKind.OTHER,
            wording.chosen_preset,
        ),
        "spoiler": RuleInfo(Section.LOOK, mark("Spoilers"), mark("as members ask"), **_named(wording.SPOILER_NAMES)),
        "private_only": RuleInfo(
            Section.LOOK, mark("Private replies"), mark("as members ask"), **_named(wording.PRIVATE_NAMES)
        ),
        "drafts_approved": RuleInfo(
            Section.LOOK,
            mark("Drafts are approved"),
            mark("off"),
            server_only=True,
            **_named(wording.SWITCH_NAMES),
        ),
        "language": RuleInfo(
            Section.LOOK,
            mark("Language of public replies"),
            mark("that of the server"),
            RuleKind.CHOICE,
            lambda name: wording.LANGUAGE_NAMES[Language.of(name)],
            lambda _: [(name, language.value) for language, name in wording.LANGUAGE_NAMES.items()],
        ),
        "edits": RuleInfo(
            Section.SAFETY,
            mark("Whose pictures may be edited"),
            mark("One's own and Easel's"),
            **_named(wording.EDIT_NAMES),
        ),
        "showcase_channel": RuleInfo(
            Section.LOOK,
            mark("Showcase channel"),
            mark("none, so pictures have no ☆"),
            RuleKind.CHANNEL,
            lambda channel: f"<#{channel}>",
            takes_forums=True,
            server_only=True,
        ),
        "showcase_stars": RuleInfo(
            Section.LOOK,
            mark("Stars that it takes to be shown there"),
            mark("3"),
            RuleKind.CHOICE,
            choices=lambda _: [(str(count), count) for count in STAR_CHOICES],
            server_only=True,
        ),
        "age_restricted": RuleInfo(
            Section.SAFETY, mark("Age-restricted channels"), mark("works there too"), **_named(wording.AGE_NAMES)
        ),
        "blocked_words": RuleInfo(Section.SAFETY, mark("Blocked words"), mark("none"), RuleKind.OTHER, wording.words),
        "blocked_patterns": RuleInfo(
            Section.SAFETY, mark("Blocked patterns"), mark("none"), RuleKind.OTHER, wording.patterns
        ),
        "report_channel": RuleInfo(
            Section.SAFETY,
            mark("Channel for reports"),
            mark("none, so pictures cannot be reported"),
            RuleKind.CHANNEL,
            lambda channel: f"<#{channel}>",
            server_only=True,
        ),
        "log_channel": RuleInfo(
            Section.SAFETY,
            mark("Log channel"),
            mark("none"),
            RuleKind.CHANNEL,
            lambda channel: f"<#{channel}>",
            server_only=True,
        ),
    }
)


def rules_of(section: Section, channel_id: int) -> Sequence[str]:
    """The names of the rules that a section has, for the whole server or for one channel."""
    return [
        name
        for name, told in RULES.items()
        if told.section is section and not (told.server_only and channel_id != WHOLE_SERVER)
    ]


@dataclass(frozen=True, slots=True)
class EffectiveRules:
    """What holds in a place: its own rules over those of its server, and what the operator allows at most."""

    channel_id: int
    own: Rules
    server: Rules
    ceilings: Mapping[str, int]  # by the names of rules
    models: Sequence[Model]  # all that the operator offers

    @property
    def rules(self) -> Rules:
        """The rules that hold: the channel's own over those of the server."""
        return self.own.over(self.server)

    def line(self, name: str) -> str:
        """One rule in a line: what holds, where that comes from, and the operator's ceiling."""
        told = RULES[name]
        value = self.rules.said.get(name)
        shown = tr(told.nothing) if value is None else told.value(value)
        ceiling = self.ceilings.get(name)
        if value is None and ceiling is not None:
            shown = tr("at most {most}, set by whoever runs this bot", most=told.value(ceiling))
        line = f"**{tr(told.label)}**: {shown}"
        if self.channel_id != WHOLE_SERVER and name not in self.own.said:
            line = tr("{line} (from the server)", line=line)
        if value is not None and ceiling is not None and value > ceiling:
            most = told.value(ceiling)
            line += "\n-# " + tr("Whoever runs this bot allows at most {most}, which holds here.", most=most)
        return line
