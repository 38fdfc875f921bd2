"""Changes of rules, as menus and typed options ask for them. Each makes new rules from those a place says itself.

A change is a function, because it is applied in the database's transaction to what stands there then: two managers who
change different rules at once do not undo each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import copy_context
from dataclasses import replace
from typing import Any

import discord

from bot.model import MAX_COUNT, Model, Resolution
from bot.policy.prices import Prices
from bot.policy.rules import AgeRule, Rules, SpoilerRule
from bot.ui.kit import texts
from bot.ui.kit.language import Language, mark, tr
from bot.ui.settings import entries
from bot.ui.settings.entries import MAX_IDS, InvalidEntry
from bot.ui.settings.layout import STAR_CHOICES, UNSET
from bot.ui.settings.sections import RULES

Edit = Callable[[Rules], Rules]

CHANNELS = ("report_channel", "showcase_channel")
LISTS = ("channels", "roles", "exempt_roles")
BUDGETS = ("spend_per_day", "spend_per_month")
NOT_PRICED = mark(
    "A budget can only be kept where every price is known, and there is none for {offers}. Nothing was changed "
    "({budgets}). Take these off the offer, or ask whoever runs this bot to name their prices."
)


def picked(guild: discord.Guild, name: str, values: Sequence[str], models: Sequence[Model]) -> Edit:
    """What was picked in the menu of a rule. Raises ValueError for a choice that the menu does not have.

    `models` are those on offer.
    """
    if name in LISTS:
        ids = tuple(one for one in map(int, values[:MAX_IDS]) if is_here(guild, name, one))
        return lambda own: replace(own, **{name: ids or None})
    if name == "models":
        offered = _some_models(values, models)
        return lambda own: replace(own, models=offered)
    value = _READERS[name](values)
    if name in CHANNELS and value is not None and not is_here(guild, name, value):
        raise ValueError(value)
    return lambda own: replace(own, **{name: value})


def is_here(guild: discord.Guild, name: str, identity: int) -> bool:
    """Whether a channel or role that a rule names is one of this server."""
    if name == "report_channel":
        return isinstance(guild.get_channel(identity), discord.TextChannel)
    if name == "showcase_channel":
        return isinstance(guild.get_channel(identity), discord.TextChannel | discord.ForumChannel)
    if name == "channels":
        channel = guild.get_channel(identity)
        return channel is not None and not isinstance(channel, discord.CategoryChannel)
    return guild.get_role(identity) is not None


def put(name: str, identity: int) -> Edit:
    """Add a channel or role to a list. The edit raises InvalidEntry where the list is full."""

    def edit(own: Rules) -> Rules:
        present: tuple[int, ...] = own.said.get(name, ())
        if identity in present:
            return own
        if len(present) >= MAX_IDS:
            label = tr(RULES[name].label)
            raise InvalidEntry(tr("**{label}** holds at most {most}. Take one off first.", label=label, most=MAX_IDS))
        return replace(own, **{name: (*present, identity)})

    return edit


def take_off(name: str, identity: int) -> Edit:
    """Take a channel or role off a list; with the last one the rule is lifted."""

    def edit(own: Rules) -> Rules:
        present: tuple[int, ...] = own.said.get(name, ())
        return replace(own, **{name: tuple(one for one in present if one != identity) or None})

    return edit


def put_words(words: Sequence[str]) -> Edit:
    """Block more words. The edit raises InvalidEntry where they are too many."""

    def edit(own: Rules) -> Rules:
        known = {word.casefold(): word for word in own.blocked_words or ()}
        for word in words:
            known.setdefault(word.casefold(), word)
        return replace(own, blocked_words=entries.fitting_words(tuple(known.values())))

    return edit


def take_words_off(words: Sequence[str]) -> Edit:
    """Block some words no longer."""
    gone = {word.casefold() for word in words}

    def edit(own: Rules) -> Rules:
        left = tuple(word for word in own.blocked_words or () if word.casefold() not in gone)
        return replace(own, blocked_words=left or None)

    return edit


def put_pattern(pattern: str) -> Edit:
    """Block one more pattern. The edit raises InvalidEntry where they are too many."""

    def edit(own: Rules) -> Rules:
        together = tuple(dict.fromkeys((*(own.blocked_patterns or ()), pattern)))
        return replace(own, blocked_patterns=entries.fitting_patterns(together))

    return edit


def take_pattern_off(pattern: str) -> Edit:
    """Block a pattern no longer."""

    def edit(own: Rules) -> Rules:
        left = tuple(one for one in own.blocked_patterns or () if one != pattern)
        return replace(own, blocked_patterns=left or None)

    return edit


def lifted(names: Sequence[str]) -> Edit:
    """Set these rules no longer."""
    return lambda own: replace(own, **dict.fromkeys(names))


def all_of(edits: Sequence[Edit]) -> Edit:
    """One edit after the other, told in the language of now: an edit is done in the database's own thread."""
    context = copy_context()

    def edit(own: Rules) -> Rules:
        for one in edits:
            # a context can be entered once at a time, and an edit may be done again
            own = context.copy().run(one, own)
        return own

    return edit


def keeping_budgets(edit: Edit, server: Rules, prices: Prices, models: Sequence[Model]) -> Edit:
    """A change that raises InvalidEntry where it asks for a budget over pictures whose price nobody has named.

    `server` is what holds where the changed place says nothing, `models` are those on offer. A change of other rules
    passes.
    """

    def kept(own: Rules) -> Rules:
        after = edit(own)
        old, new = own.on_offer(models).over(server), after.on_offer(models).over(server)
        budgets = [name for name in BUDGETS if name in new.said]
        missing = prices.unpriced(new.models or models, new.resolutions)
        if not missing or not budgets or _budget_and_offer(old) == _budget_and_offer(new):
            return after
        offers = ", ".join(f"{texts.model_name(model)} {resolution.value}" for model, resolution in missing)
        asked = ", ".join(f"{tr(RULES[name].label)} {texts.dollars(new.said[name])}" for name in budgets)
        raise InvalidEntry(tr(NOT_PRICED, budgets=asked, offers=offers))

    return kept


def _budget_and_offer(rules: Rules) -> Sequence[Any]:
    return [rules.said.get(name) or None for name in (*BUDGETS, "models", "resolutions")]


def _single(read: Callable[[str], Any]) -> Callable[[Sequence[str]], Any]:
    return lambda values: None if not values or values[0] == UNSET else read(values[0])


def _count(value: str) -> int:
    if not 1 <= int(value) <= MAX_COUNT:
        raise ValueError(value)
    return int(value)


def _stars(value: str) -> int:
    if int(value) not in STAR_CHOICES:
        raise ValueError(value)
    return int(value)


def _some_models(values: Sequence[str], models: Sequence[Model]) -> tuple[Model, ...] | None:
    """Those picked, in their own order; none is no rule."""
    if not set(values) <= set(models):
        raise ValueError(values)
    return tuple(one for one in models if one in values) or None


def _some_resolutions(values: Sequence[str]) -> tuple[Resolution, ...] | None:
    """Likewise."""
    chosen = {Resolution(value) for value in values}
    return tuple(one for one in Resolution if one in chosen) or None


_READERS: dict[str, Callable[[Sequence[str]], Any]] = {
    "resolutions": _some_resolutions,
    "max_count": _single(_count),
    "spoiler": _single(SpoilerRule),
    "age_restricted": _single(AgeRule),
    "private_only": _single(lambda value: {"True": True, "False": False}.get(value, False)),
    "language": _single(lambda value: Language(value).value),
    "report_channel": _single(int),
    "showcase_channel": _single(int),
    "showcase_stars": _single(_stars),
}
