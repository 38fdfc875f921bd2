"""The options of `/settings`: the same changes as in the panel, for keyboards.

Several options may be set in one command; they are checked together and written together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import discord

from bot.model import AspectRatio, Model, Resolution
from bot.policy.blocklist import PatternFault
from bot.policy.catalog import read_model
from bot.policy.request_input import Options
from bot.policy.rules import WHOLE_SERVER, Rules, SpoilerRule
from bot.ui.kit.language import Language, mark, tr
from bot.ui.requests.refusals import no_such_model
from bot.ui.settings import changes, entries
from bot.ui.settings.entries import InvalidEntry
from bot.ui.settings.forms import NUMBERS, typed_number
from bot.ui.settings.sections import RULES, Section, rules_of

Edit = Callable[[Rules], Rules]

EVERYTHING = "everything"
ALL = "all"
LIST_OPTIONS: Mapping[str, str] = {"allow_channel": "channels", "allow_role": "roles", "exempt_role": "exempt_roles"}
DEFAULT_OPTIONS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "default_model": ("model", read_model),
    "default_aspect_ratio": ("aspect_ratio", AspectRatio),
    "default_resolution": ("resolution", Resolution),
    "default_count": ("count", int),
}
SERVER_ONLY = mark("**{label}** holds for the whole server; please set it without the option channel.")
NOT_HERE = mark("**{label}** takes what is in this server only.")


@dataclass(frozen=True, slots=True)
class ParsedOptions:
    """What options ask for: edits in order, the section of the first of them, and what is said of them all."""

    section: Section
    edits: Sequence[Edit]
    notice: str


class Reader:
    """Reads the options that were given, by their names.

    `models` are those on offer; `fault_of` says why a pattern cannot be used.
    """

    def __init__(
        self,
        guild: discord.Guild,
        channel_id: int,
        models: Sequence[Model],
        fault_of: Callable[[str], PatternFault | None],
    ) -> None:
        self._guild = guild
        self._channel_id = channel_id
        self._models = models
        self._fault_of = fault_of
        self._edits: list[Edit] = []
        self._names: list[str] = []  # of the rules that are changed

    def read(self, given: Mapping[str, Any], *, remove: bool) -> ParsedOptions | None:
        """None where nothing is to be changed. Raises InvalidEntry with every fault in it."""
        faults: list[str] = []
        # what is lifted is lifted first, so that the other options hold
        for option, value in sorted(given.items(), key=lambda one: one[0] != "reset"):
            try:
                self._take(option, value, remove=remove)
            except InvalidEntry as unfit:
                faults.append(str(unfit))
        if faults:
            raise InvalidEntry("\n".join([*faults, tr("Nothing was changed.")]))
        if not self._edits:
            return None
        labels = ", ".join(tr(RULES[name].label) for name in dict.fromkeys(self._names))
        notice = tr("✓ Saved: {labels}.", labels=labels)
        return ParsedOptions(RULES[self._names[0]].section, self._edits, notice)

    def _take(self, option: str, value: Any, *, remove: bool) -> None:
        """Read one option of `/settings`. Raises InvalidEntry."""
        if option == "reset":
            self._reset(value)
        elif option in LIST_OPTIONS:
            name = LIST_OPTIONS[option]
            if not changes.is_here(self._guild, name, value):
                raise InvalidEntry(tr(NOT_HERE, label=tr(RULES[name].label)))
            self._add(name, changes.take_off(name, value) if remove else changes.put(name, value))
        elif option == "block_word":
            self._word(value, remove=remove)
        elif option in DEFAULT_OPTIONS:
            name, read = DEFAULT_OPTIONS[option]
            if name == "model":
                self._check_model(value)
            self._add("defaults", _default(name, read(value)))
        else:
            self._value(option, value)

    def _value(self, name: str, value: Any) -> None:
        """Read an option that sets one rule."""
        if name == "models":
            value = tuple(self._models) if value == ALL else (self._check_model(value),)
        value = _READERS.get(name, lambda given: given)(value)
        if name == "report_channel" and not changes.is_here(self._guild, name, value):
            raise InvalidEntry(tr(NOT_HERE, label=tr(RULES[name].label)))
        if isinstance(value, str) and any(name in names for names in NUMBERS.values()):
            value = typed_number(name, value)
        self._add(name, lambda own: replace(own, **{name: value}))

    def _check_model(self, typed: str) -> Model:
        """The model; a command that Discord shows from before a change of MODELS may name one that is gone."""
        if typed not in self._models:
            raise InvalidEntry(no_such_model(Model(typed), self._models))
        return Model(typed)

    def _word(self, typed: str, *, remove: bool) -> None:
        """Read a word, or a pattern between slashes, for the blocklist."""
        pattern = typed.strip()
        if len(pattern) > 2 and pattern.startswith("/") and pattern.endswith("/"):
            pattern = pattern[1:-1]
            if remove:
                self._add("blocked_patterns", changes.take_pattern_off(pattern))
                return
            if fault := self._fault_of(pattern):
                raise InvalidEntry(entries.pattern_refusal(pattern, fault))
            self._add("blocked_patterns", changes.put_pattern(pattern))
            return
        words = entries.words(typed)
        self._add("blocked_words", changes.take_words_off(words) if remove else changes.put_words(words))

    def _reset(self, value: str) -> None:
        """Lift one rule, the rules of a section, or all."""
        if value == EVERYTHING:
            names: Sequence[str] = [name for section in Section for name in rules_of(section, self._channel_id)]
        elif value in set(Section):
            names = rules_of(Section(value), self._channel_id)
        else:
            names = [value]
        for name in names:
            self._add(name, changes.lifted([name]))

    def _add(self, name: str, edit: Edit) -> None:
        """Note a change of a rule. Some rules are the whole server's alone."""
        if RULES[name].server_only and self._channel_id != WHOLE_SERVER:
            raise InvalidEntry(tr(SERVER_ONLY, label=tr(RULES[name].label)))
        self._names.append(name)
        self._edits.append(edit)


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "resolutions": lambda value: tuple(Resolution) if value == ALL else (Resolution(value),),
    "spoiler": SpoilerRule,
    "language": lambda value: Language(value).value,
}


def _default(name: str, value: Any) -> Edit:
    """A change of one of the options that hold where a person chooses nothing."""
    return lambda own: replace(own, defaults=replace(own.defaults or Options(), **{name: value}))
