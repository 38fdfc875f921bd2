"""One line of `python -m bot check`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.ops.terminal import Colour, coloured, say


class Status(StrEnum):
    """How a line begins."""

    OK = "ok"
    WARN = "warn"  # it works, and something should be looked at
    FAIL = "FAIL"  # the bot cannot work, or not as it should


_COLOURS = {Status.OK: Colour.GREEN, Status.WARN: Colour.YELLOW, Status.FAIL: Colour.RED}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about a part of the bot: `text` is a sentence, or empty where all is well."""

    status: Status
    part: str
    text: str = ""

    def show(self) -> None:
        """Print the line."""
        status = coloured(self.status, _COLOURS[self.status]) + " " * (4 - len(self.status))
        say(f"{status} {self.part:<10} {self.text}".rstrip())


def faults(part: str, texts: Iterable[str]) -> Sequence[Finding]:
    """A line for each fault."""
    return [Finding(Status.FAIL, part, text) for text in texts]


def warnings(part: str, texts: Iterable[str]) -> Sequence[Finding]:
    """A line for each thing that should be looked at."""
    return [Finding(Status.WARN, part, text) for text in texts]
