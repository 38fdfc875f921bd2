"""Reads a file of settings such as `.env`, and tells what in it is probably a slip of the hand.

Values are taken as they stand: python-dotenv would fill in `${NAME}`, and a password may hold such a thing.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from io import StringIO
from pathlib import Path

from dotenv.parser import parse_stream

from bot.errors import SettingsError

#: Names that once were others; the old one still works.
RENAMED: Mapping[str, str] = {"MAX_LINE_LENGTH": "MAX_QUEUE_LENGTH"}
#: How alike two names are, by difflib's ratio, so that the one is probably meant for the other.
ALIKE = 0.8
_OPEN_TO_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class EnvFile:
    """What stands in a file: the variables, in capitals, and what in it is no plain line of its own."""

    path: Path
    values: Mapping[str, str]
    unreadable: Sequence[int] = ()  # line numbers
    repeated: Sequence[str] = ()  # names that stand there more than once; the last value holds
    open_to_others: bool = False  # whether other users of the machine may read it

    def slips(self, known: Collection[str]) -> Iterator[str]:
        """A sentence for each line that means nothing, and each name that is nearly one of `known`."""
        for number in self.unreadable:
            yield f"Line {number} of {self.path} is not of the form NAME=value and is left out."
        for name in self.repeated:
            yield f"{name} stands more than once in {self.path}: the last line holds; delete the others."
        for name in self.values:
            if name in known or name in RENAMED:
                continue
            if meant := get_close_matches(name.replace("-", "_"), known, n=1, cutoff=ALIKE):
                yield f"{name} in {self.path} is no setting of Easel and does nothing: is {meant[0]} meant?"


def read_env_file(path: Path, *, required: bool = False) -> EnvFile:
    """Read a file of settings; one that is not there holds nothing.

    Raises SettingsError where it cannot be read, or is `required` and not there.
    """
    try:
        mode = path.stat().st_mode
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        if required:
            raise SettingsError(
                [f"There is no file {path}: write the path of a file of settings after --env-file."]
            ) from None
        return EnvFile(path, {})
    except PermissionError:
        raise SettingsError([f"{path} may not be read by this user: chown it to the user that runs Easel."]) from None
    except (OSError, UnicodeDecodeError):
        raise SettingsError([f"{path} cannot be read: make it a text file in UTF-8."]) from None
    bindings = list(parse_stream(StringIO(text)))
    pairs = [(it.key.upper(), it.value) for it in bindings if it.key is not None and it.value is not None]
    repeated = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    wrong = [it.original.line for it in bindings if it.error or (it.key is not None and it.value is None)]
    return EnvFile(path, dict(pairs), wrong, repeated, sys.platform != "win32" and bool(mode & _OPEN_TO_OTHERS))
