"""Blocked words and patterns, looked for in a prompt before anything is spent.

A word matches as a whole word, in any case and any width of its letters. Scripts that put no blanks between words have
no whole words to tell by, so there it matches wherever it stands. A pattern is a regular expression of the server's
own making: its run time is bounded, and it runs in a thread that leaves the event loop free.
"""

from __future__ import annotations

import asyncio
import time
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import regex

from bot.errors import Bar, Barred

PATTERNS_TIME_S = 0.2  # for all patterns of a server together
MAX_PATTERN_CHARS = 200

_FLAGS = regex.V1 | regex.IGNORECASE
#: Scripts that are written without blanks, or whose endings are written onto the word.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}ー々"
_SPACED_LETTER = rf"[[\p{{L}}\p{{M}}\p{{N}}_]--[{_UNSPACED}]]"


async def look_for(prompt: str, words: Sequence[str], patterns: Sequence[str]) -> None:
    """Raises Barred where the prompt holds a blocked word or fits a pattern, or a pattern takes too long on it."""
    text = _folded(prompt)
    if words and (found := _words(tuple(words))) is not None and found.search(text):
        raise Barred(Bar.WORDS)
    if patterns and await asyncio.to_thread(_fits, _plain(prompt), tuple(patterns)):
        raise Barred(Bar.WORDS)


def pattern_fault(pattern: str) -> str | None:
    """Why a pattern cannot be used, as regex says it; None where it can."""
    if len(pattern) > MAX_PATTERN_CHARS:
        return f"longer than {MAX_PATTERN_CHARS} characters"
    try:
        regex.compile(pattern, _FLAGS)
    except regex.error as error:
        return str(error)
    return None


def _fits(text: str, patterns: tuple[str, ...]) -> bool:
    until = time.monotonic() + PATTERNS_TIME_S
    for pattern in patterns:
        if pattern_fault(pattern) is not None:
            continue
        try:
            left = max(until - time.monotonic(), 0.001)
            if regex.search(pattern, text, _FLAGS, timeout=left, concurrent=True):
                return True
        except TimeoutError:
            # Letting it pass would show everyone how to get around the list.
            raise Barred(Bar.UNCHECKED) from None
    return False


@lru_cache(maxsize=256)
def _words(words: tuple[str, ...]) -> regex.Pattern[str] | None:
    parts = [_whole(folded) for folded in map(_folded, words) if folded]
    return regex.compile("|".join(parts), regex.V1) if parts else None


def _whole(word: str) -> str:
    """A pattern for a folded word. At an end of it that is a letter of a spaced script, no other may follow."""
    blanks = r"\s+".join(regex.escape(part, special_only=True) for part in word.split())
    before = rf"(?<!{_SPACED_LETTER})" if regex.match(_SPACED_LETTER, word[0], regex.V1) else ""
    after = rf"(?!{_SPACED_LETTER})" if regex.match(_SPACED_LETTER, word[-1], regex.V1) else ""
    return f"{before}{blanks}{after}"


def _plain(text: str) -> str:
    """One way of writing each letter, and no signs that nobody sees."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", text) if unicodedata.category(sign) != "Cf")


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", _plain(text).casefold()).strip()
