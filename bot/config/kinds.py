"""What entries of the table of variables are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from bot.config.values import header_value

MAX_NUMBER = 1_000_000  # beyond it times overflow (as seconds: 11 days) and counts mean nothing
MAX_PORT = 65535

REQUIRED = "required"
OFF = "off"
AUTOMATIC = "automatic"
EMPTY = "empty"

A_NUMBER = f"a whole number from 1 to {MAX_NUMBER}"


@dataclass(frozen=True, slots=True)
class About:
    """What a person needs to know of a variable. `write` ends the sentence "write …"."""

    help: str
    write: str
    example: str
    unset: str = ""  # what stands for the default in the manual where the value itself says nothing


Number = Annotated[int, Field(ge=1, le=MAX_NUMBER)]
Port = Annotated[int, Field(ge=1, le=MAX_PORT)]
Secret = Annotated[SecretStr, AfterValidator(header_value)]
