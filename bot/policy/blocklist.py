"""Blocked words and patterns, looked for in a prompt before anything is spent.

A word matches as a whole word, in any case and any width of its letters. Scripts that put no blanks between words have
no whole words to tell by, so there it matches wherever it stands.

A pattern is a regular expression of a server's own making, and prompts are anybody's. Both may mean harm, so RE2 runs
them: its time grows with the length of the prompt and no faster, and its memory is bounded beforehand (a backtracking
engine took 260 MB for eight characters of pattern). What RE2 cannot do is refused when it is entered, see PatternFault.
The search runs in a thread with the interpreter's lock released, so the event loop goes on meanwhile.
"""

from __future__ import annotations

import asyncio
import re
import time
import unicodedata
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from bot.errors import Barred
from bot.policy.bars import Bar
from bot.policy.patience import bounded

if TYPE_CHECKING:  # 1.4 MB, and few servers have a list: each function that needs it imports it for itself
    import re2

MAX_PATTERN_CHARS = 200
#: Instructions of one compiled pattern. The search may take this many steps for each byte of the prompt: 0.1 s for the
#: longest prompt (measured). One class of all letters (`\pL`) takes 1,200, a `.` takes 9.
MAX_PROGRAM = 4000
MAX_PATTERN_BYTES = 256 * 1024  # memory of one compiled pattern, its cache of states included
MAX_WORDS_BYTES = 512 * 1024  # of all words of a server, which are compiled into one pattern
#: 4,000 characters of the longest kind. Only signs that stand for whole words when they are unfolded come above it.
MAX_TEXT_BYTES = 16_000
#: For all patterns of a server together. No new one begins after that.
PATTERNS_TIME_S = 0.2
#: The patterns of one server are looked for one prompt at a time. Discord waits 3 s for an answer.
TURN_PATIENCE_S = 1.0

#: Scripts that are written without blanks, or whose endings are written onto the word.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}ー々"
#: What may stand beside a whole word: anything but a letter of a spaced script.
_BESIDE_A_WORD = rf"[^\pL\pM\pN_]|[{_UNSPACED}]"
#: Letters, digits and the underscore of all scripts, for `\w`. RE2's own knows a to z alone, and an exact class takes
#: 1,400 instructions: this one takes 40 and counts a few rare signs as letters.
_LETTERS = (
    r"0-9A-Za-z_\x{AA}\x{B5}\x{BA}\x{C0}-\x{1FFF}\x{2C00}-\x{2DFF}\x{3005}-\x{3007}\x{3040}-\x{D7FF}"
    r"\x{F900}-\x{FDFF}\x{FE70}-\x{FEFF}\x{FF10}-\x{10FFFF}"
)
_SIGNS = re.compile(r"\\.|\[\^?\]?|\]|[^\\\[\]]+", re.DOTALL)
_FUZZY = re.compile(r"\{[eids][<=>+:,}]")  # "about like this", of an engine used before; RE2 would read it as text


class PatternFault(StrEnum):
    """Why a pattern cannot be used."""

    TOO_LONG = "too_long"  # in characters
    TOO_BIG = "too_big"  # it repeats so much that a search could take long
    UNSUPPORTED = "unsupported"  # it looks around, refers back, calls itself or matches "about"
    BOUNDARY = "boundary"  # `\b` beside letters other than a to z, which it does not know
    BROKEN = "broken"  # no regular expression at all


#: One lane for each server's set of patterns, as long as somebody is in it.
_lanes: WeakValueDictionary[tuple[str, ...], asyncio.Lock] = WeakValueDictionary()


async def look_for(prompt: str, words: Sequence[str], patterns: Sequence[str]) -> None:
    """Raises Barred where the prompt holds a blocked word or fits a pattern, or the patterns take too long on it."""
    usable = tuple(pattern for pattern in patterns if pattern_fault(pattern) is None)
    if words and await asyncio.to_thread(_has_word, prompt, tuple(words)):
        raise Barred(Bar.WORDS)
    if not usable:
        return
    lane = _lanes.setdefault(usable, asyncio.Lock())
    try:
        async with asyncio.timeout(bounded(TURN_PATIENCE_S)):
            await lane.acquire()
    except TimeoutError:
        raise Barred(Bar.UNCHECKED) from None
    try:
        if await asyncio.to_thread(_fits, prompt, usable):
            raise Barred(Bar.WORDS)
    finally:
        lane.release()


@lru_cache(maxsize=1024)
def pattern_fault(pattern: str) -> PatternFault | None:
    """Why a pattern cannot be used; None where it can."""
    import re2

    if len(pattern) > MAX_PATTERN_CHARS:
        return PatternFault.TOO_LONG
    if _FUZZY.search(pattern):
        return PatternFault.UNSUPPORTED
    if re.search(r"(?<!\\)(\\\\)*\\[bB]", pattern) and not pattern.isascii():
        return PatternFault.BOUNDARY
    try:
        compiled = _compiled(pattern)
    except re2.error as error:
        reason = str(error)
        if "too large" in reason or "repetition size" in reason:
            return PatternFault.TOO_BIG
        # Most often a look around, a reference back, a possessive repetition or a recursion.
        unsupported = ("perl operator", "escape sequence", "bad repetition operator", "character class range")
        return PatternFault.UNSUPPORTED if any(it in reason for it in unsupported) else PatternFault.BROKEN
    return PatternFault.TOO_BIG if compiled.programsize > MAX_PROGRAM else None


def _fits(prompt: str, patterns: tuple[str, ...]) -> bool:
    text = _plain(prompt)
    if len(text.encode()) > MAX_TEXT_BYTES:
        raise Barred(Bar.UNCHECKED)
    until = time.monotonic() + PATTERNS_TIME_S
    for pattern in patterns:
        if time.monotonic() > until:
            # Letting it pass would show everyone how to get around the list.
            raise Barred(Bar.UNCHECKED)
        if _compiled(pattern).search(text):
            return True
    return False


def _compiled(pattern: str) -> re2.Pattern:
    """Raises re2.error. The library keeps the last 128 of them, words included."""
    import re2

    return re2.compile(_in_all_scripts(pattern), _options(MAX_PATTERN_BYTES, case_sensitive=False))


def _in_all_scripts(pattern: str) -> str:
    r"""Let `\w` and `\d` and their opposites mean the letters and digits of all scripts, as people expect."""
    written: list[str] = []
    in_class = False
    for match in _SIGNS.finditer(pattern):
        match match[0]:
            case r"\w":
                written.append(_LETTERS if in_class else f"[{_LETTERS}]")
            case r"\W" if not in_class:
                written.append(f"[^{_LETTERS}]")
            case r"\d":
                written.append(r"\p{Nd}")
            case r"\D":
                written.append(r"\P{Nd}")
            case sign:
                in_class = (in_class or sign.startswith("[")) and sign != "]"
                written.append(sign)
    return "".join(written)


def _has_word(prompt: str, words: tuple[str, ...]) -> bool:
    compiled = _all_words(words)
    return compiled is not None and compiled.search(_folded(prompt)) is not None


@lru_cache(maxsize=16)
def _all_words(words: tuple[str, ...]) -> re2.Pattern | None:
    """One pattern for all words. At an end of a word that is a letter of a spaced script, no other may follow."""
    import re2

    groups: dict[tuple[str, str], list[str]] = {}
    for word in map(_folded, words):
        if word:
            before = f"(?:^|{_BESIDE_A_WORD})" if _is_spaced(word[0]) else ""
            after = f"(?:$|{_BESIDE_A_WORD})" if _is_spaced(word[-1]) else ""
            groups.setdefault((before, after), []).append(re2.escape(word))
    if not groups:
        return None
    parts = [f"{before}(?:{'|'.join(group)}){after}" for (before, after), group in groups.items()]
    return re2.compile("|".join(parts), _options(MAX_WORDS_BYTES, case_sensitive=True))


def _is_spaced(sign: str) -> bool:
    import re2

    return re2.compile(_BESIDE_A_WORD).search(sign) is None


def _options(max_bytes: int, *, case_sensitive: bool) -> re2.Options:
    import re2

    options = re2.Options()
    options.max_mem = max_bytes
    options.log_errors = False
    options.never_capture = True
    options.case_sensitive = case_sensitive
    return options


def _plain(text: str) -> str:
    """One way of writing each letter, and no signs that nobody sees."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", text) if unicodedata.category(sign) != "Cf")


def _folded(text: str) -> str:
    """The same for words: any case, and one blank for any number of them."""
    return " ".join(unicodedata.normalize("NFKC", _plain(text).casefold()).split())
