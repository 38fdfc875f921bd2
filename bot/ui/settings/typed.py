"""The options of `/settings`: the same changes as in the panel, for keyboards.

Several options may be set in one command; they are checked together and written together. Discord takes 25 options, so
those that are set most have one of their own, and `rule` with `value` sets every other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import discord

from bot.model import OFFERED_FORMATS, AspectRatio, Model
from bot.policy.blocklist import PatternFault
from bot.policy.preset import Preset
from bot.policy.request_input import Options
from bot.policy.rules import WHOLE_SERVER, Rules
from bot.ui.kit.language import Language, mark, speaking, tr
from bot.ui.requests.refusals import no_such_model
from bot.ui.settings import changes, entries, roles, usual_preset
from bot.ui.settings.entries import InvalidEntry
from bot.ui.settings.forms import typed_number
from bot.ui.settings.sections import RULES, TITLES, RuleKind, Section, rules_of

Edit = Callable[[Rules], Rules]

EVERYTHING = "everything"
EVERYTHING_LABEL = mark("Everything")
ALL = "all"
LIST_OPTIONS: Mapping[str, str] = {"allow_channel": "channels", "allow_role": "roles", "exempt_role": "exempt_roles"}
SERVER_ONLY = mark("**{label}** holds for the whole server; please set it without the option channel.")
NOT_HERE = mark("**{label}** takes what is in this server only.")
NOT_OF_ROLES = mark("**{label}** cannot differ by role; please set it without the option role.")
NO_SUCH_RULE = mark("There is no setting “{typed}”. Pick one of those that are suggested while you type.")
TOGETHER = mark("Please use the options rule and value together.")
OF_A_ROLE = mark(
    "Please name the role with the option role: its limits are set by the options for pictures and the offer."
)


@dataclass(frozen=True, slots=True)
class ParsedOptions:
    """What options ask for: edits in order, the section of the first of them, and what is said of them all."""

    section: Section
    edits: Sequence[Edit]
    notice: str


class Reader:
    """Reads the options that were given, by their names.

    `models` are those on offer; `fault_of` says why a pattern cannot be used; `presets` are the server's.
    """

    def __init__(
        self,
        guild: discord.Guild,
        channel_id: int,
        models: Sequence[Model],
        fault_of: Callable[[str], PatternFault | None],
        presets: Sequence[Preset] = (),
    ) -> None:
        self._guild = guild
        self._channel_id = channel_id
        self._models = models
        self._fault_of = fault_of
        self._presets = presets
        self._edits: list[Edit] = []
        self._names: list[str] = []  # of the rules that are changed
        self._lifted: list[str] = []  # what was reset, as people call it
        self._reset_names = 0  # how many of the names are resets; they come first

    def read(self, given: Mapping[str, Any], *, remove: bool, role_id: int | None = None) -> ParsedOptions | None:
        """None where nothing is to be changed. Raises InvalidEntry with every fault in it.

        With a role, the options are limits of that role, and `remove` takes its limits away.
        """
        faults: list[str] = []
        # what is lifted is lifted first, so that the other options hold
        for option, value in sorted(_paired(given).items(), key=lambda one: one[0] != "reset"):
            try:
                if role_id is None:
                    self._take(option, value, remove=remove)
                else:
                    self._of_role(role_id, option, value, remove=remove)
            except InvalidEntry as unfit:
                faults.append(str(unfit))
        if role_id is not None and not given and remove:
            self._add("role_limits", roles.take_off([role_id]))
        if faults:
            raise InvalidEntry.of(faults)
        if not self._edits:
            return None if role_id is None else ParsedOptions(Section.LIMITS, (), "")
        return ParsedOptions(RULES[self._names[0]].section, self._edits, self._notice())

    def _notice(self) -> str:
        """What was reset and what was saved. A section is named as such, and not by each of its rules."""
        saved = dict.fromkeys(self._names[self._reset_names :])
        labels = [tr("{label} (reset)", label=label) for label in self._lifted]
        labels += [tr(RULES[name].label) for name in saved]
        return tr("✓ Saved: {labels}.", labels=", ".join(labels))

    def _take(self, option: str, value: Any, *, remove: bool) -> None:
        """Read one option of `/settings`. Raises InvalidEntry."""
        name = LIST_OPTIONS.get(option, option)
        if option == "reset":
            self._reset(str(value))
        elif option == "block_word":
            self._word(value, remove=remove)
        elif name == "role_limits":
            raise InvalidEntry(tr(OF_A_ROLE))
        elif name == "defaults":
            self._add(name, defaults_typed(str(value), self._models))
        elif name == "preset":
            self._add(name, usual_preset.typed(str(value), self._presets, remove=remove))
        elif name == "blocked_words":
            self._word(str(value), remove=remove)
        elif name == "blocked_patterns":
            self._word(f"/{str(value).strip().strip('/')}/", remove=remove)
        elif RULES[name].kind in {RuleKind.CHANNELS, RuleKind.ROLES}:
            identity = self._identity(name, value)
            self._add(name, changes.take_off(name, identity) if remove else changes.put(name, identity))
        else:
            said = None if remove else self._value(name, value)
            self._add(name, lambda own: replace(own, **{name: said}))

    def _of_role(self, role_id: int, option: str, value: Any, *, remove: bool) -> None:
        """Read an option as a limit of one role. Raises InvalidEntry."""
        if option == "role_limits" and entries.number(tr(RULES[option].label), str(value)) is None:
            self._add("role_limits", roles.put(role_id, dict.fromkeys(roles.BY_RULE.values())))
            return
        if option == "reset":
            option, value = rule_of(str(value)), None
            if option == EVERYTHING:
                self._add("role_limits", roles.take_off([role_id]))
                return
        limit = roles.BY_RULE.get(option)
        if limit is None:
            label = tr(RULES[LIST_OPTIONS.get(option, option)].label) if option in RULES else option
            raise InvalidEntry(tr(NOT_OF_ROLES, label=label))
        said = None if value is None or remove else self._value(option, value)
        self._add("role_limits", roles.put(role_id, {limit: said}))

    def _value(self, name: str, value: Any) -> Any:
        """The value of a rule that has one, from an option of its own or from text. Raises InvalidEntry."""
        rule = RULES[name]
        match rule.kind:
            case RuleKind.NUMBER | RuleKind.MONEY:
                return typed_number(name, str(value))
            case RuleKind.CHOICES if str(value).strip().casefold() in {ALL, tr("all").casefold()}:
                return tuple(choice for _, choice in rule.choices(self._models))
            case RuleKind.CHOICES:
                return tuple(self._chosen(name, part) for part in str(value).split(","))
            case RuleKind.CHANNEL:
                return self._identity(name, value)
            case _:
                return entries.choice(tr(rule.label), str(value), rule.choices(self._models))

    def _identity(self, name: str, value: Any) -> int:
        """The id of a channel or role of this server, given as such, as a mention or by its name."""
        word = str(value).strip()
        if mention := re.fullmatch(r"<(?:#|@&)(\d+)>|(\d{15,20})", word):
            identity = int(mention[1] or mention[2])
        else:
            there = self._guild.roles if RULES[name].kind is RuleKind.ROLES else self._guild.channels
            wanted = word.lstrip("#@").casefold()
            identity = next((it.id for it in there if it.name.lstrip("@").casefold() == wanted), 0)
        if not changes.is_here(self._guild, name, identity):
            raise InvalidEntry(tr(NOT_HERE, label=tr(RULES[name].label)))
        return identity

    def _chosen(self, name: str, typed: str) -> Any:
        """One of the choices of a rule; a command from before a change of MODELS may name a model that is gone."""
        try:
            return entries.choice(tr(RULES[name].label), typed, RULES[name].choices(self._models))
        except InvalidEntry:
            if name == "models":
                raise InvalidEntry(no_such_model(Model(typed.strip()), self._models)) from None
            raise

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

    def _reset(self, typed: str) -> None:
        """Lift one rule, the rules of a section, or all."""
        value = rule_of(typed)
        if value == EVERYTHING:
            names: Sequence[str] = [name for section in Section for name in rules_of(section, self._channel_id)]
        elif value in set(Section):
            names = rules_of(Section(value), self._channel_id)
        else:
            names = [value]
        for name in names:
            self._add(name, changes.lifted([name]))
        self._lifted.append(next(label for label, it in names_to_reset().items() if it == value))
        self._reset_names = len(self._names)

    def _add(self, name: str, edit: Edit) -> None:
        """Note a change of a rule. Some rules are the whole server's alone."""
        if RULES[name].server_only and self._channel_id != WHOLE_SERVER:
            raise InvalidEntry(tr(SERVER_ONLY, label=tr(RULES[name].label)))
        self._names.append(name)
        self._edits.append(edit)


def _paired(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options, with `rule` and `value` as if the rule had an option of its own. Raises InvalidEntry."""
    others = {name: value for name, value in given.items() if name not in {"rule", "value"}}
    if len(given) - len(others) == 1:
        raise InvalidEntry.of([tr(TOGETHER)])
    if "rule" in given:
        name = rule_of(str(given["rule"]))
        if name not in RULES:
            raise InvalidEntry.of([tr(NO_SUCH_RULE, typed=entries.shown(str(given["rule"])))])
        others[name] = given["value"]
    return others


def names_of_rules() -> Mapping[str, str]:
    """All rules by the words that name them, as the person reads them: what autocomplete suggests."""
    return {tr(rule.label): name for name, rule in RULES.items()}


def names_to_reset() -> Mapping[str, str]:
    """What can be lifted: everything, a section, or a rule."""
    sections = {tr(TITLES[section]): section.value for section in Section}
    return {tr(EVERYTHING_LABEL): EVERYTHING, **sections, **names_of_rules()}


def rule_of(typed: str) -> str:
    """The rule, section or everything that is meant, by its name here or as people read it. Raises InvalidEntry."""
    wanted = typed.strip().casefold()
    called = {label.casefold(): name for label, name in names_to_reset().items()}
    with speaking(Language.ENGLISH.value):
        called = {label.casefold(): name for label, name in names_to_reset().items()} | called
    if wanted in called:
        return called[wanted]
    if wanted in {*RULES, *Section, EVERYTHING}:
        return wanted
    raise InvalidEntry(tr(NO_SUCH_RULE, typed=entries.shown(typed)))


def defaults_typed(typed: str, models: Sequence[Model]) -> Edit:
    """What holds where a person chooses nothing, such as `Quality, 16:9, 2k, 2 pictures, png`. Raises InvalidEntry."""
    known: dict[str, tuple[str, Any]] = {
        ratio.value: ("aspect_ratio", ratio) for ratio in AspectRatio if ratio is not AspectRatio.AUTO
    }
    known |= {kind.value: ("format", kind) for kind in OFFERED_FORMATS}
    for field, name in (("model", "models"), ("resolution", "resolutions"), ("count", "max_count")):
        for label, value in RULES[name].choices(models):
            known |= {label.casefold(): (field, value), str(value).casefold(): (field, value)}
    said: dict[str, Any] = {}
    for part in filter(None, (it.strip().casefold() for it in typed.split(","))):
        words = [part] if part in known else part.split()
        for word in words:
            if word not in known:
                raise InvalidEntry(
                    tr(
                        "**{label}** are a model, a shape, a resolution, a number and a format with commas between, "
                        "such as {example}; “{typed}” is none of them.",
                        label=tr(RULES["defaults"].label),
                        example="16:9, 2k, png",
                        typed=entries.shown(word),
                    )
                )
            field, value = known[word]
            said[field] = value
    return lambda own: replace(own, defaults=replace(own.defaults or Options(), **said))
