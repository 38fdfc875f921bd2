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

from bot.model import Model
from bot.policy.prices import Prices
from bot.policy.rules import Rules
from bot.ui.kit import texts
from bot.ui.kit.language import mark, tr
from bot.ui.settings import entries
from bot.ui.settings.entries import MAX_IDS, UNSET, InvalidEntry
from bot.ui.settings.sections import RULES, RuleKind

Edit = Callable[[Rules], Rules]

BUDGETS = ("spend_per_day", "spend_per_month")
NOT_PRICED = mark(
    "A budget can only be kept where every price is known, and there is none for {offers}. Nothing was changed "
    "({budgets}). Take these off the offer, or ask whoever runs this bot to name their prices."
)


def picked(guild: discord.Guild, name: str, values: Sequence[str], models: Sequence[Model]) -> Edit:
    """What was picked in the menu of a rule. Raises LookupError or ValueError for a choice that it does not have."""
    value = _picked(guild, name, values, models)
    return lambda own: replace(own, **{name: value})


def _picked(guild: discord.Guild, name: str, values: Sequence[str], models: Sequence[Model]) -> Any:
    """The value that choices of a menu stand for; None lifts the rule."""
    rule = RULES[name]
    by_word = {str(value): value for _, value in rule.choices(models)}
    match rule.kind:
        case RuleKind.CHANNELS | RuleKind.ROLES:
            return tuple(one for one in map(int, values[:MAX_IDS]) if is_here(guild, name, one)) or None
        case RuleKind.CHOICES:
            chosen = {by_word[value] for value in values}
            return tuple(value for value in by_word.values() if value in chosen) or None
        case _ if not values or values[0] == UNSET:
            return None
        case RuleKind.CHANNEL:
            if not is_here(guild, name, int(values[0])):
                raise ValueError(values[0])
            return int(values[0])
        case _:
            return by_word[values[0]]


def is_here(guild: discord.Guild, name: str, identity: int) -> bool:
    """Whether a channel or role that a rule names is one of this server."""
    match RULES[name].kind:
        case RuleKind.CHANNEL:
            channel = guild.get_channel(identity)
            fits_forum = RULES[name].takes_forums and isinstance(channel, discord.ForumChannel)
            return fits_forum or isinstance(channel, discord.TextChannel)
        case RuleKind.CHANNELS:
            channel = guild.get_channel(identity)
            return channel is not None and not isinstance(channel, discord.CategoryChannel)
        case _:
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
        asked = ", ".join(f"{tr(RULES[name].label)} {texts.exact_money(new.said[name])}" for name in budgets)
        raise InvalidEntry(tr(NOT_PRICED, budgets=asked, offers=offers))

    return kept


def _budget_and_offer(rules: Rules) -> Sequence[Any]:
    return [rules.said.get(name) or None for name in (*BUDGETS, "models", "resolutions")]
