"""How the values of rules read, in the language of the moment: what a choice, a list or a limit is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from bot.model import Resolution
from bot.policy.blocklist import pattern_fault
from bot.policy.preset import NONE
from bot.policy.request_input import Options
from bot.policy.rules import AgeRule, ChosenPreset, EditRule, RoleLimits, SpoilerRule
from bot.ui.kit import texts
from bot.ui.kit.language import Language, mark, tr, trn
from bot.ui.settings.entries import PATTERN_FAULTS

MAX_LIST_CHARS = 600  # of words or patterns that a panel shows; a form shows them all


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
EDIT_NAMES: Mapping[EditRule, str] = MappingProxyType(
    {
        EditRule.ANYONE: mark("Anyone's"),
        EditRule.OWN: mark("One's own and Easel's"),
        EditRule.NONE: mark("None"),
    }
)
#: Short enough for the choices of a command.
SWITCH_NAMES: Mapping[bool, str] = MappingProxyType({False: mark("off"), True: mark("on")})
PRIVATE_NAMES: Mapping[bool, str] = MappingProxyType({False: mark("as members ask"), True: mark("always private")})


def chosen_preset(preset: ChosenPreset) -> str:
    """The name of the preset that is used where none is named."""
    return tr("none") if preset.id == NONE else texts.plain(preset.name)


def channels(ids: Sequence[int]) -> str:
    """Mentions of channels."""
    return " ".join(f"<#{one}>" for one in ids)


def roles(ids: Sequence[int]) -> str:
    """Mentions of roles."""
    return " ".join(f"<@&{one}>" for one in ids)


def days(number: int) -> str:
    """How long somebody has to be a member."""
    return trn("one day", "{count} days", number)


def role(limits: RoleLimits) -> str:
    """What members with a role may ask for, in one line. What is not said is as for everybody."""
    day, month, count = limits.pictures_per_day, limits.pictures_per_month, limits.max_count
    parts = [
        trn("one picture a day", "{count} pictures a day", day) if day else "",
        trn("one picture a month", "{count} pictures a month", month) if month else "",
        "" if day or month else tr("no limit on pictures"),
        trn("one at a time", "up to {count} at a time", count) if count else "",
        texts.model_names(limits.models or ()),
        resolutions(limits.resolutions or ()),
    ]
    return " · ".join(part for part in parts if part)


def role_limits(several: Sequence[RoleLimits]) -> str:
    """Each role with what its members may ask for."""
    return "; ".join(f"<@&{limits.role_id}>: {role(limits)}" for limits in several)


def resolutions(several: Sequence[Resolution]) -> str:
    """Resolutions as people choose them."""
    return ", ".join(one.value for one in several)


def _listed(parts: Sequence[str]) -> str:
    """As many of the parts as there is room for."""
    shown: list[str] = []
    for part in parts:
        if sum(map(len, shown)) + len(part) > MAX_LIST_CHARS:
            return tr("{some} and {number} more", some=", ".join(shown), number=len(parts) - len(shown))
        shown.append(part)
    return ", ".join(shown)


def words(several: Sequence[str]) -> str:
    """Words of the blocklist, escaped."""
    return _listed([texts.plain(word) for word in several])


def patterns(several: Sequence[str]) -> str:
    """The patterns; one that was kept by an earlier version and is not looked for any more says why."""
    shown: list[str] = []
    for pattern in several:
        code = "`` {} ``".format(pattern.replace("`", "ˋ"))
        fault = pattern_fault(pattern)
        shown.append(
            tr("{pattern} (switched off: {fault})", pattern=code, fault=tr(PATTERN_FAULTS[fault])) if fault else code
        )
    return _listed(shown)


def defaults(options: Options) -> str:
    """What holds where a person chooses nothing."""
    parts = [
        texts.model_name(options.model) if options.model else "",
        options.aspect_ratio.value if options.aspect_ratio else "",
        options.resolution.value if options.resolution else "",
        texts.pictures(options.count) if options.count else "",
        options.format.value.upper() if options.format else "",
    ]
    return " · ".join(part for part in parts if part) or tr("Easel's own")
