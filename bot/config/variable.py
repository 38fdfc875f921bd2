"""What an entry of the table of settings is made of: its words, its kinds of values, and the readers they share.

A reader is a pure function that returns the value or raises ValueError with the end of a sentence about the variable,
such as "is not a whole number". It never repeats the value, which may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

MAX_NUMBER = 1_000_000  # beyond it times overflow (as seconds: 11 days) and counts mean nothing
MAX_PORT = 65535
MAX_ID = 2**63 - 1  # ids of Discord are 64 bits, and databases store them signed

# The words that stand for a default which is no value.
REQUIRED = "required"
OFF = "off"
AUTOMATIC = "automatic"
EMPTY = "empty"

_ROUTE = re.compile(r"(?:/v1)?/(?:images(?:/[a-z/]*)?|models|moderations|chat/completions)$")

A_NUMBER = f"a whole number from 1 to {MAX_NUMBER}"
A_LIMIT = f"{A_NUMBER}, or leave it out"


@dataclass(frozen=True, slots=True)
class About:
    """What a person needs to know of a variable. `write` ends the sentence "write …"."""

    help: str
    write: str
    example: str
    unset: str = ""  # what stands for the default in the manual where the value itself says nothing


class SettingFault(ValueError):
    """A value that is wrong for a reason of its own: `write` says what to write instead, in place of the table's."""

    def __init__(self, reason: str, write: str) -> None:
        super().__init__(reason)
        self.write = write


def read_text(reader: Callable[[str], object]) -> BeforeValidator:
    """Let `reader` read a value that is still text, without the blanks around it."""

    def read(value: object) -> object:
        """The value of a text, or ValueError with what is wrong."""
        return reader(value.strip()) if isinstance(value, str) else value

    return BeforeValidator(read)


def one_word(secret: SecretStr) -> SecretStr:
    """A token or key: one word of visible ASCII, as it goes into an Authorization header."""
    text = secret.get_secret_value()
    if text.lower().startswith(("bot ", "bearer ")):
        raise ValueError('begins with "Bot" or "Bearer", which Easel adds by itself')
    if text[0] in "<[({\"'`“‘" or text[-1] in ">])}\"'`”’":
        raise ValueError("stands in brackets or quotes, which are no part of it")
    if not (text.isascii() and text.isprintable()) or set(" \"'") & set(text):
        raise ValueError("holds a space, a quote or another sign that cannot be part of it")
    return secret


def http_url(text: str) -> str:
    """An http or https address without the slash at its end."""
    try:
        parts = urlsplit(text)
        port_is_known = parts.port != 0
    except ValueError:
        raise ValueError("is not an address") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_known or not text.isprintable():
        raise ValueError("is not an http or https address")
    if parts.username is not None or parts.query or parts.fragment or " " in text:
        raise ValueError("is not a plain address (it has a user name, a space, ? or # in it)")
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
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError("is not a list of whole numbers")
    return tuple(int(part) for part in parts)


def ids(text: str) -> frozenset[int]:
    """Ids of Discord, with commas or blanks between them."""
    parts = text.replace(",", " ").split()
    if not all(part.isascii() and part.isdigit() and 0 < int(part) <= MAX_ID for part in parts):
        raise ValueError("is not a list of ids, which are numbers of some 18 digits")
    return frozenset(int(part) for part in parts)


Number = Annotated[int, Field(ge=1, le=MAX_NUMBER)]
Limit = Number | None
Port = Annotated[int, Field(ge=1, le=MAX_PORT)]
Secret = Annotated[SecretStr, AfterValidator(one_word)]
Ids = Annotated[frozenset[int], read_text(ids)]
LOWER = read_text(str.lower)
UPPER = read_text(str.upper)
