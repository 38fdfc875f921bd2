"""Takes a user's own words out of an error text before anybody looks for meaning in it.

Gateways like to repeat the prompt: whole, quoted, escaped once more, in other case, or cut off after some letters.
A prompt about a "moderator" must not read as a refusal by moderation. Addresses go as well, since their file names
are a user's words too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import unquote

#: Stands where something was taken out. No word of the vocabulary matches across it.
GAP = "\x00"
#: A beginning of the prompt that is this long (in letters and digits) is no coincidence.
_TELLING_CHARS = 20
#: A shorter piece counts where quotes or dots show that it is quoted.
_LEAST_QUOTED_CHARS = 3

_ADDRESS = re.compile(r"(?:https?://|data:)[^\s\"'<>`]+", re.IGNORECASE)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([nrtbf])|(.))", re.DOTALL)
_QUOTES = "\"'`“”„‘’‚«»‹›「」『』《》()[]{}<>"
#: What may stand before and after a quoted piece: quotes that are no apostrophes, dots of a cut, colons.
_BORDER = re.compile(
    r"['’](?![^\W_])|(?<![^\W_])['’]" + rf"|[{re.escape(_QUOTES.translate(str.maketrans('', '', chr(39) + '’')))}]+"
    r"|\.{2,}|…|[:=：\n]+"
)
#: Before a colon: what follows is the prompt, even where it breaks off without a mark.
_NAMES_THE_PROMPT = re.compile(r"(prompt|input|text|query|提示词)\W*\Z")
_NESTED_ESCAPES = 4
_MARKS_IN_PIECE = 12
_LONGEST_SEARCH = 200  # occurrences of one piece that are looked at


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a request an answer may repeat: its prompt and the addresses of its sources."""

    prompt: str = ""
    sources: tuple[str, ...] = ()


NOTHING_ASKED = Asked()


@dataclass(frozen=True, slots=True)
class CleanText:
    """A text in folded case with gaps for what was certainly quoted.

    `doubtful` holds spans that may be quoted or not, as a short prompt without quotes around it: a match that lies
    inside one of them says nothing.
    """

    text: str
    doubtful: tuple[tuple[int, int], ...] = ()

    def search(self, words: re.Pattern[str], *, certain: bool = False) -> bool:
        """Whether the words are there. With `certain`, doubtful spans are gaps too."""
        if certain:
            return words.search(_with_gaps(self.text, self.doubtful)) is not None
        return any(
            not any(start <= found.start() and found.end() <= end for start, end in self.doubtful)
            for found in words.finditer(self.text)
        )


@dataclass(slots=True)
class _Letters:
    """The letters and digits of a text alone, each with its place in it: spelled so, quotations look alike."""

    letters: str = ""
    places: list[int] = field(default_factory=list[int])

    @classmethod
    def of(cls, text: str) -> _Letters:
        """The letters of a text, and where each of them stands in it."""
        places = [place for place, char in enumerate(text) if char.isalnum()]
        return cls("".join(text[place] for place in places), places)


def without_request(text: str, asked: Asked) -> CleanText:
    """The text without the words of the request in it."""
    text = _ADDRESS.sub(GAP, _plain(text))
    certain: list[tuple[int, int]] = []
    doubtful: list[tuple[int, int]] = []
    for prompt in _spellings(asked.prompt):
        _find_whole_or_begun(text, prompt, certain, doubtful)
        _find_quoted_pieces(text, prompt, certain)
    return CleanText(_with_gaps(text, certain), tuple(doubtful))


def _spellings(prompt: str) -> set[str]:
    r"""The letters of a prompt, as it is and in the cases that it may be repeated in.

    What looks like an escape is none in another case: of a user's `\t` only the `T` is left in a repeated `\T`.
    """
    return {letters for it in (prompt, prompt.upper(), prompt.lower()) if (letters := _Letters.of(_plain(it)).letters)}


def _plain(text: str) -> str:
    """One spelling for all: escapes of JSON, HTML and addresses undone, also where they lie in each other."""
    for _ in range(_NESTED_ESCAPES):
        before = text
        if "\\" in text:  # JSON escapes two halves of one character where it lies beyond U+FFFF
            text = _ESCAPE.sub(_unescaped, text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        text = unescape(text) if "&" in text else text
        text = unquote(text, errors="replace") if "%" in text else text
        if text == before:
            break
    return text.upper().casefold().replace(GAP, " ")  # upper first: ß and ı have no other common spelling


def _unescaped(found: re.Match[str]) -> str:
    if found[1]:
        return chr(int(found[1], 16))
    return "\n" if found[2] else found[3]


def _with_gaps(text: str, spans: tuple[tuple[int, int], ...] | list[tuple[int, int]]) -> str:
    for start, end in spans:
        text = text[:start] + GAP * (end - start) + text[end:]
    return text


def _find_whole_or_begun(
    text: str, prompt: str, certain: list[tuple[int, int]], doubtful: list[tuple[int, int]]
) -> None:
    """Mark every place where the whole prompt stands, or a telling beginning of it."""
    words = _Letters.of(text)
    key = prompt[:_TELLING_CHARS]
    at = words.letters.find(key)
    for _ in range(_LONGEST_SEARCH):
        if at < 0:
            return
        length = len(key)
        while length < len(prompt) and words.letters[at + length : at + length + 1] == prompt[length]:
            length += 1
        start, end = words.places[at], words.places[at + length - 1] + 1
        if length >= _TELLING_CHARS or _is_quoted(text, start, end):
            certain.append((start, end))
        elif _stands_alone(text, start, end):
            doubtful.append((start, end))
        at = words.letters.find(key, at + length)


def _is_quoted(text: str, start: int, end: int) -> bool:
    before, after = text[:start].rstrip(" ")[-1:], text[end:].lstrip(" .,!?")[:1]
    return bool(before) and before in _QUOTES + ":=：" and (not after or after in _QUOTES or not after.isalnum())


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Not a part of a longer word. Writing without spaces has no such borders."""
    sides = (text[start - 1 : start], text[end : end + 1])
    return not any(side.isascii() and side.isalnum() for side in sides if side)


def _find_quoted_pieces(text: str, prompt: str, certain: list[tuple[int, int]]) -> None:
    """Mark pieces of the prompt, from anywhere in it, where quotes, dots or the word "prompt" show the quotation.

    A piece may hold such marks itself, so it may begin at any of the last few.
    """
    marks = [(0, 0, ""), *((found.start(), found.end(), found[0]) for found in _BORDER.finditer(text))]
    ends = [*marks[1:], (len(text), len(text), "")]
    for number, (end, _, after) in enumerate(ends, start=1):
        for named_until, start, before in marks[max(0, number - _MARKS_IN_PIECE) : number]:
            piece = _Letters.of(text[start:end]).letters
            if len(piece) < _LEAST_QUOTED_CHARS or piece not in prompt:
                continue
            if after:
                is_quotation = after[0] in {*_QUOTES, "…"} or after.startswith("..")
            else:
                is_named = _NAMES_THE_PROMPT.search(text[:named_until]) is not None
                is_quotation = before[:1] in {"…", "."} or (is_named and prompt.startswith(piece))
            if is_quotation:
                certain.append((start, end))
                break
