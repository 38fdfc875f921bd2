"""A line of a server's log: who did what, as the moderators of the server may read it. Knows neither Discord nor SQL.

A line is worded when it is written down, in the server's language. Two signs in its text stand for what may have to be
left out later: WHO for the name of the one who acted, and WORDS on both sides of what somebody typed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WHO = "\ue000"
WORDS = "\ue001"
#: Of a message. Discord's limit is 2,000; a sentence on what found no room has the rest.
MAX_MESSAGE_CHARS = 1750
ROOM_FOR_COUNT = 10
MAX_WITH_WORDS = 20  # lines of one message
_WORDS = re.compile(f"{WORDS}[^{WORDS}]*{WORDS}")


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line. Without a `channel_id` it is kept and not posted. Only changes of settings are kept once they stand."""

    guild_id: int
    channel_id: int | None
    locale: str
    text: str
    user_id: int | None = None  # who acted; None where the line must not tell
    who: str = ""  # the same by name, escaped
    about_id: int | None = None  # the member to whom it was done
    is_setting: bool = False

    def shown(self, nobody: str, *, with_words: bool) -> str:
        """The text for readers. `nobody` stands for whoever asked to be forgotten."""
        text = self.text.replace(WORDS, "") if with_words else _WORDS.sub("…", self.text)
        return text.replace(WHO, self.who or nobody)


def counted(lines: Sequence[LogLine], nobody: str = "", *, with_words: bool = True) -> Mapping[str, int]:
    """The different texts of lines in their order, each with how often it stands there.

    In a crowd nobody reads the words: without them, what one person does a hundred times is one text.
    """
    counts: dict[str, int] = {}
    for line in lines:
        text = line.shown(nobody, with_words=with_words and len(lines) <= MAX_WITH_WORDS)
        counts[text] = counts.get(text, 0) + 1
    return counts


def fitting(lines: Sequence[LogLine]) -> int:
    """How many of these lines, from the first on, are one message."""
    with_words = min(len(lines), MAX_WITH_WORDS)
    while with_words > 1 and not _fits(lines[:with_words]):
        with_words -= 1
    if len(lines) <= MAX_WITH_WORDS:
        return with_words
    number = len(lines)
    while number > MAX_WITH_WORDS and not _fits(lines[:number]):
        number = min(number - 1, number * 9 // 10)
    return max(number, with_words) if number > MAX_WITH_WORDS else with_words


def _fits(lines: Sequence[LogLine]) -> bool:
    return sum(len(text) + ROOM_FOR_COUNT for text in counted(lines)) <= MAX_MESSAGE_CHARS


def without_signs(text: str) -> str:
    """What somebody wrote, without the signs that mean something here."""
    return text.replace(WHO, "").replace(WORDS, "")
