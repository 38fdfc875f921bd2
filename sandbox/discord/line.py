"""A command typed as one line: `/name option:value …`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.discord.clients import InvalidCommand
from sandbox.discord.options import choose_subcommand, names_of
from sandbox.discord.payloads import Json

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Line:
    """What was typed: the command's name with its subcommands, and its options as text."""

    name: str
    options: dict[str, str]


def parse_line(line: str, offered: Sequence[Json], locale: str = "en-US") -> Line:
    r"""Read a line with the commands that are offered. Raises InvalidCommand.

    A value runs to the next option of this command, or stands in double quotes (`\"` for one inside).
    """
    text = line.strip()
    if not text.startswith("/"):
        raise InvalidCommand("A command begins with a slash, for example /imagine prompt:a red fox.")
    words = text[1:].split(maxsplit=1)
    command = next((one for one in offered if words and one["type"] == 1 and words[0] in names_of(one, locale)), None)
    if command is None:
        raise InvalidCommand(f"There is no command /{words[0] if words else ''} here.")
    rest = words[1] if len(words) > 1 else ""
    path: list[str] = []
    part = command
    while any(one["type"] in (1, 2) for one in part.get("options", [])):
        word, _, rest = rest.partition(" ")
        path.append(word)
        part = next((one for one in part["options"] if word in names_of(one, locale)), Json())
    choose_subcommand(command, path, locale)
    names = {name for spec in part.get("options", []) for name in names_of(spec, locale)}
    return Line(" ".join([command["name"], *path]), _options(rest.strip(), names, command["name"]))


def _options(text: str, names: set[str], command: str) -> dict[str, str]:
    """Split `option:value option:value` at the options of that name."""
    found: dict[str, str] = {}
    if not text:
        return found
    if not names:
        raise InvalidCommand(f"/{command} takes no options.")
    start = re.compile(rf"({'|'.join(map(re.escape, sorted(names, key=len, reverse=True)))}):\s*")
    at = start.match(text)
    if at is None:
        raise InvalidCommand(f"After /{command} comes an option, one of: {', '.join(sorted(names))}.")
    while at is not None:
        if at[1] in found:
            raise InvalidCommand(f"The option {at[1]} is given twice.")
        found[at[1]], end = _value(text, at.end(), start)
        at = start.match(text, end)
    return found


def _value(text: str, begin: int, start: re.Pattern[str]) -> tuple[str, int]:
    """The value that begins here, and where the next option stands."""
    quoted = _QUOTED.match(text, begin)
    if quoted:
        rest = text[quoted.end() :]
        gap = len(rest) - len(rest.lstrip())
        if not rest.strip() or (gap and start.match(text, quoted.end() + gap)):
            return re.sub(r"\\(.)", r"\1", quoted[1]), quoted.end() + gap
    for space in re.finditer(r"\s+", text[begin:]):
        if start.match(text, begin + space.end()):
            return text[begin : begin + space.start()], begin + space.end()
    return text[begin:].rstrip(), len(text)
