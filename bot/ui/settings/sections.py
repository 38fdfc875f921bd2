"""The rules as people see them: in which section each stands, what it is called, and how a value reads.

What holds in a channel is its own rule where it has one, else the server's; above both stands what the operator allows
at most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from bot.model import Model, Resolution
from bot.policy.blocklist import pattern_fault
from bot.policy.request_input import Options
from bot.policy.rules import WHOLE_SERVER, AgeRule, Rules, SpoilerRule
from bot.ui.kit import texts
from bot.ui.kit.language import Language, mark, tr
from bot.ui.settings.entries import PATTERN_FAULTS

MAX_LIST_CHARS = 600  # of words or patterns that a panel shows; a form shows them all


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

#: Languages by their own names, so that whoever needs one can read it.
LANGUAGE_NAMES: Mapping[Language, str] = MappingProxyType(
    {
        Language.ENGLISH: "English",
        Language.GERMAN: "Deutsch",
        Language.FRENCH: "Français",
        Language.SPANISH: "Español",
        Language.PORTUGUESE: "Português do Brasil",
        Language.JAPANESE: "日本語",
        Language.CHINESE: "简体中文",
    }
)
SPOILER_NAMES: Mapping[SpoilerRule, str] = MappingProxyType(
    {
        SpoilerRule.AS_ASKED: mark("as members ask"),
        SpoilerRule.ALWAYS: mark("always covered"),
        SpoilerRule.NEVER: mark("never covered"),
    }
)
AGE_NAMES: Mapping[AgeRule, str] = MappingProxyType(
    {
        AgeRule.ANYWHERE: mark("works there too"),
        AgeRule.ONLY: mark("works only there"),
        AgeRule.NEVER: mark("does not work there"),
    }
)
#: Short enough for the choices of a command.
PRIVATE_NAMES: Mapping[bool, str] = MappingProxyType({False: mark("as members ask"), True: mark("always private")})


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """How one rule is told. `nothing` is what holds where it was not set."""

    section: Section
    label: str
    nothing: str
    value: Callable[[Any], str]
    server_only: bool = False


def _channels(ids: Sequence[int]) -> str:
    """Mentions of channels."""
    return " ".join(f"<#{one}>" for one in ids)


def _roles(ids: Sequence[int]) -> str:
    """Mentions of roles."""
    return " ".join(f"<@&{one}>" for one in ids)


def _resolutions(resolutions: Sequence[Resolution]) -> str:
    """Resolutions as people choose them."""
    return ", ".join(one.value for one in resolutions)


def _listed(parts: Sequence[str]) -> str:
    """As many of the parts as there is room for."""
    shown: list[str] = []
    for part in parts:
        if sum(map(len, shown)) + len(part) > MAX_LIST_CHARS:
            return tr("{some} and {number} more", some=", ".join(shown), number=len(parts) - len(shown))
        shown.append(part)
    return ", ".join(shown)


def _words(words: Sequence[str]) -> str:
    """Words of the blocklist, escaped."""
    return _listed([texts.plain(word) for word in words])


def _patterns(patterns: Sequence[str]) -> str:
    """The patterns; one that was kept by an earlier version and is not looked for any more says why."""
    shown: list[str] = []
    for pattern in patterns:
        code = "`` {} ``".format(pattern.replace("`", "ˋ"))
        fault = pattern_fault(pattern)
        shown.append(
            tr("{pattern} (switched off: {fault})", pattern=code, fault=tr(PATTERN_FAULTS[fault])) if fault else code
        )
    return _listed(shown)


def _defaults(defaults: Options) -> str:
    """What holds where a person chooses nothing."""
    parts = [
        texts.model_name(defaults.model) if defaults.model else "",
        defaults.aspect_ratio.value if defaults.aspect_ratio else "",
        defaults.resolution.value if defaults.resolution else "",
        texts.pictures(defaults.count) if defaults.count else "",
        defaults.format.value.upper() if defaults.format else "",
    ]
    return " · ".join(part for part in parts if part) or tr("those of Easel")


NO_LIMIT = mark("no limit")

RULES: Mapping[str, RuleInfo] = MappingProxyType(
    {
        "channels": RuleInfo(
            Section.ACCESS, mark("Channels where Easel works"), mark("all"), _channels, server_only=True
        ),
        "roles": RuleInfo(Section.ACCESS, mark("Roles that may use Easel"), mark("everyone"), _roles),
        "exempt_roles": RuleInfo(
            Section.ACCESS, mark("Roles that no limit of this server holds back"), mark("none"), _roles
        ),
        "pictures_per_member_day": RuleInfo(Section.LIMITS, mark("Pictures per member and day"), NO_LIMIT, str),
        "pictures_per_day": RuleInfo(Section.LIMITS, mark("Pictures per day, all members together"), NO_LIMIT, str),
        "jobs_per_member": RuleInfo(Section.LIMITS, mark("Requests of a member at once"), NO_LIMIT, str),
        "spend_per_day": RuleInfo(Section.LIMITS, mark("Spend per day"), NO_LIMIT, texts.dollars),
        "spend_per_month": RuleInfo(Section.LIMITS, mark("Spend per month"), NO_LIMIT, texts.dollars),
        "confirm_over": RuleInfo(Section.LIMITS, mark("Requests ask for a yes above"), mark("no price"), texts.dollars),
        "models": RuleInfo(Section.OFFER, mark("Models"), mark("all"), texts.model_names),
        "resolutions": RuleInfo(Section.OFFER, mark("Resolutions"), mark("all"), _resolutions),
        "max_count": RuleInfo(Section.OFFER, mark("Largest count"), mark("4"), str),
        "defaults": RuleInfo(
            Section.OFFER, mark("Defaults for what members leave out"), mark("those of Easel"), _defaults
        ),
        "spoiler": RuleInfo(
            Section.LOOK, mark("Spoilers"), mark("as members ask"), lambda rule: tr(SPOILER_NAMES[rule])
        ),
        "private_only": RuleInfo(
            Section.LOOK, mark("Private replies"), mark("as members ask"), lambda rule: tr(PRIVATE_NAMES[rule])
        ),
        "language": RuleInfo(
            Section.LOOK,
            mark("Language of public replies"),
            mark("that of the server"),
            lambda name: LANGUAGE_NAMES[Language.of(name)],
        ),
        "showcase_channel": RuleInfo(
            Section.LOOK,
            mark("Showcase channel"),
            mark("none, so pictures have no ☆"),
            lambda channel: f"<#{channel}>",
            server_only=True,
        ),
        "showcase_stars": RuleInfo(
            Section.LOOK, mark("Stars that it takes to be shown there"), mark("3"), str, server_only=True
        ),
        "age_restricted": RuleInfo(
            Section.SAFETY, mark("Age-restricted channels"), mark("works there too"), lambda rule: tr(AGE_NAMES[rule])
        ),
        "blocked_words": RuleInfo(Section.SAFETY, mark("Blocked words"), mark("none"), _words),
        "blocked_patterns": RuleInfo(Section.SAFETY, mark("Blocked patterns"), mark("none"), _patterns),
        "report_channel": RuleInfo(
            Section.SAFETY,
            mark("Channel for reports"),
            mark("none, so pictures cannot be reported"),
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
        line = f"**{tr(told.label)}**: {shown}"
        if self.channel_id != WHOLE_SERVER and name not in self.own.said:
            line = tr("{line} (from the server)", line=line)
        ceiling = self.ceilings.get(name)
        if ceiling is not None and (value is None or value > ceiling):
            most = told.value(ceiling)
            line += "\n-# " + tr("Whoever runs this bot allows at most {most}, which holds here.", most=most)
        return line
