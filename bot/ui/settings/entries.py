"""What people type into settings, read kindly. Whatever cannot be understood is told in a sentence.

Numbers, amounts and words are taken in the ways that people write them. A fault names the field and an example.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

from bot.errors import EaselError
from bot.policy.blocklist import PatternFault
from bot.ui.kit import texts
from bot.ui.kit.language import mark, tr

MAX_NUMBER = 1_000_000
MAX_DOLLARS = 1_000_000
UNSET = "unset"  # the choice that lifts a rule
MAX_IDS = 25  # as many as Discord's menus show
MAX_WORDS = 200
MAX_WORD_CHARS = 60
MAX_PATTERNS = 25
MAX_FORM_CHARS = 4000  # of a list in the field of a form, which must hold it whole to change it
MAX_SHOWN_CHARS = 60  # of what somebody typed, in the sentence that refuses it

#: Why a pattern is not used, as the end of a sentence.
PATTERN_FAULTS: Mapping[PatternFault, str] = MappingProxyType(
    {
        PatternFault.TOO_LONG: mark("it is longer than 200 characters"),
        PatternFault.TOO_BIG: mark("it repeats so much that a search could take long"),
        PatternFault.UNSUPPORTED: mark("it uses something that Easel does not support, such as a look-around"),
        PatternFault.BOUNDARY: mark(
            "\\b knows the letters a to z only; as a blocked word it is found as a whole word in every script"
        ),
        PatternFault.BROKEN: mark("it is not a complete regular expression"),
    }
)
_NOTHING = frozenset({"", "-", "–", "none", "no", "no limit", "unlimited", "∞", "off"})
_GROUPED = re.compile(r"\d{1,3}([ _,'.\u00a0\u202f]\d{3})+")


class InvalidEntry(EaselError):
    """Something typed cannot be taken. The message is a whole sentence for the person."""

    @classmethod
    def of(cls, faults: Sequence[str]) -> InvalidEntry:
        """All faults of what was typed, for which nothing was changed."""
        return cls("\n".join([*faults, tr("Nothing was changed.")]))


def number(label: str, typed: str, most: int = MAX_NUMBER) -> int | None:
    """A whole number from 1; None where the rule is to be lifted. Raises InvalidEntry."""
    text = typed.strip().lower()
    if text in _NOTHING:
        return None
    if _GROUPED.fullmatch(text):
        text = re.sub(r"\D", "", text)
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:9]) <= most:
        raise InvalidEntry(
            tr(
                "**{label}** is a whole number from 1 to {most}, or empty for no limit; “{typed}” is not.",
                label=label,
                most=f"{most:,}",
                typed=shown(typed),
            )
        )
    return int(text)


def money(label: str, typed: str, *, least: int = 1) -> int | None:
    """An amount of US dollars such as `2.50` or `$3`, in micros; None lifts the rule. Raises InvalidEntry."""
    text = typed.strip().lower()
    if text in _NOTHING:
        return None
    text = re.sub(r"\s|\$|usd|dollars?", "", text)
    # A comma before three digits parts thousands, but after a mere 0 it can only be the decimal point: 0,005.
    if re.fullmatch(r"\d+,\d{1,2}|0*,\d{1,6}", text):
        text = text.replace(",", ".")
    elif re.fullmatch(r"[1-9]\d{0,2}(,\d{3})+(\.\d+)?", text):
        text = text.replace(",", "")
    try:
        micros = Decimal(text) * 1_000_000 if re.fullmatch(r"\d*\.?\d{1,6}|\d+\.", text) else Decimal(-1)
    except InvalidOperation:
        micros = Decimal(-1)
    if not least <= micros <= MAX_DOLLARS * 1_000_000:
        raise InvalidEntry(
            tr(
                "**{label}** is an amount in US dollars such as 2.50, or empty for none; “{typed}” is not.",
                label=label,
                typed=shown(typed),
            )
        )
    return int(micros)


def choice(label: str, typed: str, choices: Sequence[tuple[str, Any]]) -> Any:
    """The value of the choice with this label, or its word. Raises InvalidEntry, which names the choices."""
    wanted = typed.strip().casefold()
    for name, value in choices:
        if wanted in {name.casefold(), str(value).casefold()}:
            return value
    raise InvalidEntry(
        tr(
            "**{label}** is one of these: {choices}; “{typed}” is not.",
            label=label,
            choices=", ".join(name for name, _ in choices),
            typed=shown(typed),
        )
    )


def words(typed: str) -> tuple[str, ...]:
    """One word or phrase a line, or several with commas between; each once, in whatever case. Raises InvalidEntry."""
    found: dict[str, str] = {}
    for part in re.split(r"[\n,;]", typed):
        word = " ".join(part.split())
        if len(word) > MAX_WORD_CHARS:
            raise InvalidEntry(tr("“{typed}” is too long for a blocked word.", typed=shown(word)))
        if word:
            found.setdefault(word.casefold(), word)
    return fitting_words(tuple(found.values()))


def fitting_words(given: tuple[str, ...]) -> tuple[str, ...]:
    """The same words. Raises InvalidEntry where they are too many."""
    if len(given) > MAX_WORDS or len("\n".join(given)) > MAX_FORM_CHARS:
        raise InvalidEntry(
            tr(
                "At most {most} words with {chars} characters together can be blocked.",
                most=MAX_WORDS,
                chars=f"{MAX_FORM_CHARS:,}",
            )
        )
    return given


def patterns(typed: str, fault_of: Callable[[str], PatternFault | None]) -> tuple[tuple[str, ...], Sequence[str]]:
    """One pattern a line: those that can be used, and a sentence for each other. Raises InvalidEntry for too many."""
    lines = tuple(dict.fromkeys(line.strip() for line in typed.splitlines() if line.strip()))
    fitting_patterns(lines)
    faults = {line: fault for line in lines if (fault := fault_of(line)) is not None}
    good = tuple(line for line in lines if line not in faults)
    return good, [pattern_refusal(line, fault) for line, fault in faults.items()]


def fitting_patterns(given: tuple[str, ...]) -> tuple[str, ...]:
    """The same patterns. Raises InvalidEntry where they are too many."""
    if len(given) > MAX_PATTERNS or len("\n".join(given)) > MAX_FORM_CHARS:
        raise InvalidEntry(
            tr(
                "At most {most} patterns with {chars} characters together can be blocked.",
                most=MAX_PATTERNS,
                chars=f"{MAX_FORM_CHARS:,}",
            )
        )
    return given


def pattern_refusal(pattern: str, fault: PatternFault) -> str:
    """The sentence for a pattern that cannot be used."""
    return tr(
        "The pattern “{pattern}” was not taken: {fault}.", pattern=shown(pattern), fault=tr(PATTERN_FAULTS[fault])
    )


def shown(typed: str) -> str:
    """What somebody typed, for the sentence that refuses it."""
    return texts.plain(texts.shortened(typed, MAX_SHOWN_CHARS))
