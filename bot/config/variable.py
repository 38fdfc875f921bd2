"""What an entry of the table of settings is made of: its words, how its text is read, and the readers they share.

A reader is a pure function that returns the value of a text, or raises ValueError with the end of a sentence about the
variable, such as "is not a whole number". It never repeats the value, which may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")
Word = TypeVar("Word", bound=str)
#: The values of the variables that stand before one in the table, by field. What is wrong is left out.
Before = Mapping[str, Any]

MAX_NUMBER = 1_000_000  # beyond it times overflow (as seconds: 11 days) and counts mean nothing
MAX_PORT = 65535
MAX_ID = 2**63 - 1  # ids of Discord are 64 bits, and databases store them signed

# The words that stand for a default which is no value.
REQUIRED = "required"
OFF = "off"
AUTOMATIC = "automatic"
EMPTY = "empty"

# What can be wrong with variables of many kinds.
NOT_SET = "is missing"
NOT_WHOLE = "is not a whole number"
BELOW_ONE = "is below 1"
TOO_LARGE = "is too large"
UNKNOWN_WORD = "is no word that is known here"
NO_TEXT = "holds bytes that are no text"
QUOTED = "stands in quotes, which are no part of it"
REASONS = (NOT_SET, NOT_WHOLE, BELOW_ONE, TOO_LARGE, UNKNOWN_WORD, NO_TEXT, QUOTED)

_ROUTE = re.compile(r"(?:/v1)?/(?:images(?:/[a-z/]*)?|models|moderations|chat/completions)$")
_WHOLE_NUMBER = re.compile(r"([+-]?)0*([0-9]+(?:_[0-9]+)*)(?:\.0+)?")  # 1_000 and 3.0 are whole numbers, too
_MAX_DIGITS = 20
_MAX_HOST_CHARS = 253
#: Letters of any script, since names are written in them too, and `_`, which names of containers have.
_LABEL = re.compile(r"(?!-)[\w-]{1,63}(?<!-)")
_REQUIRED: Any = MISSING

A_NUMBER = f"a whole number from 1 to {MAX_NUMBER}"
A_LIMIT = f"{A_NUMBER}, or leave it out"


@dataclass(frozen=True, slots=True)
class About:
    """What a person needs to know of a variable. `write` ends the sentence "write …"."""

    help: str
    write: str
    example: str
    unset: str = ""  # what stands for the default in the manual where the value itself says nothing


@dataclass(frozen=True, slots=True)
class SettingEntry:
    """How the text of a variable is read, and its words."""

    read: Callable[[str, Before], object]
    about: About
    may_be_quoted: bool = False  # whether quotes around the whole value can be part of it


def setting(
    read: Callable[[str], T],
    about: About,
    default: T = _REQUIRED,
    *,
    in_repr: bool = True,
    may_be_quoted: bool = False,
) -> T:
    """An entry of the table, as the default of a dataclass's field. It is required where it has no `default`."""
    entry = SettingEntry(lambda text, _: read(text), about, may_be_quoted)
    return field(default=default, repr=in_repr, metadata={SettingEntry.__name__: entry})


def setting_after(read: Callable[[str, Before], T], about: About, default: T = _REQUIRED) -> T:
    """An entry whose reader looks at what stands before it in the table, too."""
    return field(default=default, metadata={SettingEntry.__name__: SettingEntry(read, about)})


class SettingFault(ValueError):
    """A value that is wrong for a reason of its own: `write` says what to write instead, in place of the table's."""

    def __init__(self, reason: str, write: str) -> None:
        super().__init__(reason)
        self.write = write


class Secret:
    """A text that stays out of every `repr`, and so out of logs and tracebacks."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def get_secret_value(self) -> str:
        """The text itself."""
        return self._text


def number(text: str, at_most: int = MAX_NUMBER) -> int:
    """A whole number from 1."""
    found = _WHOLE_NUMBER.fullmatch(text)
    if found is None:
        raise ValueError(NOT_WHOLE)
    sign, digits = found.groups()
    if sign == "-" or digits == "0":
        raise ValueError(BELOW_ONE)
    # so many digits are not read, which takes a time that grows with their square
    value = int(digits) if len(digits) <= _MAX_DIGITS else at_most + 1
    if value > at_most:
        raise ValueError(TOO_LARGE)
    return value


def port(text: str) -> int:
    """The number of a port."""
    return number(text, MAX_PORT)


def one_of(*words: Word) -> Callable[[str], Word]:
    """A reader of these words, in capitals or small letters."""
    known = {word.lower(): word for word in words}

    def read(text: str) -> Word:
        """The word as it is known here."""
        if (word := known.get(text.lower())) is None:
            raise ValueError(UNKNOWN_WORD)
        return word

    return read


def secret(text: str) -> Secret:
    """A token or key: one word of visible ASCII, as it goes into an Authorization header."""
    if text.lower().startswith(("bot ", "bearer ")):
        raise ValueError('begins with "Bot" or "Bearer", which Easel adds by itself')
    if text[0] in "<[({\"'`“‘" or text[-1] in ">])}\"'`”’":
        raise ValueError("stands in brackets or quotes, which are no part of it")
    if not (text.isascii() and text.isprintable()) or set(" \"'") & set(text):
        raise ValueError("holds a space, a quote or another sign that cannot be part of it")
    return Secret(text)


def is_host(text: str) -> bool:
    """Whether this can be a host: a name of labels with dots between them, or an IP address without brackets."""
    labels = text.removesuffix(".").split(".")
    if ":" in text or (labels[-1].isascii() and labels[-1].isdigit()):
        try:
            return bool(ip_address(text))
        except ValueError:
            return False
    return len(text) <= _MAX_HOST_CHARS and all(map(_LABEL.fullmatch, labels))


def http_url(text: str) -> str:
    """An http or https address without the slash at its end."""
    try:
        parts = urlsplit(text)
        port_is_known = parts.port != 0 and not parts.netloc.endswith(":")
    except ValueError:
        raise ValueError("is not an address") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_known or not text.isprintable():
        raise ValueError("is not an http or https address")
    if parts.username is not None or parts.query or parts.fragment or " " in text:
        raise ValueError("is not a plain address (it has a user name, a space, ? or # in it)")
    if not is_host(parts.hostname) or "\\" in text:
        raise ValueError("holds a sign that no address has, or a host that none can have")
    return text.rstrip("/")


def api_base(text: str) -> str:
    """The base of an OpenAI-like API: without the /v1 that all its routes begin with.

    An address with a route at its end, as an example on an API's page has it, is named as such. A /v1 in the middle is
    not: gateways of several services have one in their own path.
    """
    base = http_url(text)
    if route := _ROUTE.search(base):
        raise SettingFault("has a route at its end", f"only what stands before it, which is {base[: route.start()]}")
    return base.removesuffix("/v1").rstrip("/")


def whole_numbers(text: str) -> tuple[int, ...]:
    """Whole numbers with commas between them."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) <= _MAX_DIGITS for part in parts):
        raise ValueError("is not a list of whole numbers")
    return tuple(int(part) for part in parts)


def ids(text: str) -> frozenset[int]:
    """Ids of Discord, with commas or blanks between them."""
    parts = text.replace(",", " ").split()
    digits = all(part.isascii() and part.isdigit() and len(part) <= _MAX_DIGITS for part in parts)
    if not digits or not all(0 < int(part) <= MAX_ID for part in parts):
        raise ValueError("is not a list of ids, which are numbers of some 18 digits")
    return frozenset(int(part) for part in parts)
