"""What the verbs print: lines for a person at a terminal, with colours there and plain text in a pipe."""

from __future__ import annotations

import contextlib
import os
import sys
from enum import StrEnum

_RESET = "\x1b[0m"


class Colour(StrEnum):
    """The escape sequences of a terminal."""

    GREEN = "\x1b[32m"
    YELLOW = "\x1b[33m"
    RED = "\x1b[31m"
    BOLD = "\x1b[1m"


def is_terminal() -> bool:
    """Whether standard output is read by a person."""
    return sys.stdout is not None and sys.stdout.isatty()


def say(text: str = "", *, end: str = "\n") -> None:
    """Print for the person who typed the verb."""
    print(text, end=end, flush=True)  # noqa: T201  # the verbs answer on standard output


def coloured(text: str, colour: Colour) -> str:
    """`text` in a colour where a terminal shows it."""
    return f"{colour}{text}{_RESET}" if is_terminal() else text


def prepare_streams() -> None:
    """Let a terminal without UTF-8 show a replacement for what it cannot show, instead of ending the program."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            with contextlib.suppress(OSError, ValueError):  # A stream that cannot be flushed keeps its own errors.
                reconfigure(errors="replace")


def drop_closed_output() -> None:
    """Whoever read the output has gone, as `head` does: let nothing more be written, so that the end is quiet."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
