"""One answer of the image API as it came over the wire, and its body read as JSON within bounds.

A body is untrusted input. It is bounded in size and in depth, long strings such as base64 pictures go to disk instead
of into memory, and what is no JSON is kept as text for the classes of errors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from bot.image_api.retry import retry_after_seconds

#: The text of an answer, long strings taken out (see held.py). Real ones stay below 10 kB; parsed, a hostile
#: text grows about 25-fold in memory.
MAX_TEXT_BYTES = 2 * 1024 * 1024

#: Values in one answer, by the commas between them; those inside of texts count as well. Real ones have some hundred,
#: and a million take a second to be read.
MAX_VALUES = 50_000

#: How much of one string is looked at: codes, ids, messages.
MAX_WORDS_CHARS = 8192

_INT_DIGITS = 18
_REQUEST_ID = re.compile(r"\(request id: ([^)]+)\)")
_PLAIN_ID = re.compile(r"[\w.:-]{1,128}", re.ASCII)


class Unreadable(ValueError):
    """The body is no JSON, or more of it than anyone should read."""


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """Status, the body with long strings replaced by their `held:` names, and headers by lower-case name.

    `blobs` are these names: what is no result of them is to be discarded.
    The body of an error may be cut short where the connection broke inside it.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    blobs: tuple[str, ...] = ()

    @property
    def is_success(self) -> bool:
        """Whether the status is a 2xx."""
        return 200 <= self.status < 300

    @property
    def retry_after(self) -> float | None:
        """The pause the API asks for, in seconds."""
        return retry_after_seconds(self.headers.get("retry-after"))

    def request_id(self, message: str = "") -> str | None:
        """The API's own id for the request: from a header, or from the end of an error's text."""
        found = _REQUEST_ID.search(message)
        candidates = (
            self.headers.get("x-oneapi-request-id"),
            found and found[1].strip(),
            self.headers.get("x-request-id"),
        )
        return next((value for value in candidates if value and _PLAIN_ID.fullmatch(value)), None)


def read_json(body: bytes) -> object:
    """Parse a body, white space of a keep-alive heartbeat and a byte order mark before it included.

    Raises Unreadable for anything that is no JSON, too long or nested too deeply. NaN and Infinity become None,
    integers beyond 18 digits become floats.
    """
    if len(body) > MAX_TEXT_BYTES:
        raise Unreadable("too long")
    if body.count(b",") > MAX_VALUES:
        raise Unreadable("too many values")
    text = body.decode("utf-8", errors="replace").strip("\ufeff \t\r\n\0")
    try:
        return json.loads(text, parse_int=_read_int, parse_constant=_read_constant)
    except RecursionError as error:
        raise Unreadable("nested too deeply") from error
    except ValueError as error:
        raise Unreadable("no JSON") from error


def _read_int(digits: str) -> int | float:
    # int() of thousands of digits is slow, and refused beyond 4300
    return int(digits) if len(digits) <= _INT_DIGITS else float(digits)


def _read_constant(_name: str) -> None:
    return None


def as_object(value: object) -> Mapping[str, object]:
    """The value if it is a JSON object, an empty one otherwise."""
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[object]:
    """The value if it is a JSON list, an empty one otherwise."""
    return cast("list[object]", value) if isinstance(value, list) else []


def as_text(value: object) -> str:
    """A string without control characters and lone surrogates, numbers as their digits, empty for all else.

    Cut after MAX_WORDS_CHARS.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = str(value)[:MAX_WORDS_CHARS]
    if text.isascii() and text.isprintable():
        return text.strip()
    return "".join(char for char in text if char.isprintable()).strip()
