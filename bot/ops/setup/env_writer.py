"""Writes the answers into a file of settings. Until all of it is on the disk, the old file is the file."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bot.config.env_example import env_example
from bot.errors import StartError

PRIVATE = 0o600
_ROOM_BYTES = 64 * 1024  # several times what the file takes
#: What every reader of such files takes as it stands, docker's --env-file included, which would keep quotes as well.
_PLAIN = re.compile(r"(?!['\"\s#])(?:[^#$\r\n]|(?<!\s)#)*(?<!\s)")


def expect_writable(file: Path) -> None:
    """Raise StartError where `file` could not be written: to be asked before anybody has typed anything."""
    try:
        with tempfile.TemporaryFile(dir=file.absolute().parent) as probe:
            probe.write(bytes(_ROOM_BYTES))
    except OSError as error:
        raise _unwritable(file, error) from None


def write_settings(file: Path, values: Mapping[str, str]) -> Path | None:
    """Set `values` in `file`, mode 600; an empty one is left out. Returns where the old file is kept, if there was one.

    Everything else in an old file stays as it is; a new one is the manual with the values filled in. Raises StartError.
    """
    try:
        old = file.read_text("utf-8-sig") if file.exists() else None
        new = _with_values(env_example() if old is None else old, values)
        kept = None
        if old is not None:
            kept = file.with_name(f"{file.name}.old")
            _replace(kept, old)
        _replace(file, new)
    except (OSError, UnicodeDecodeError) as error:
        raise _unwritable(file, error) from None
    return kept


def _unwritable(file: Path, error: OSError | UnicodeDecodeError) -> StartError:
    if isinstance(error, UnicodeDecodeError):
        return StartError(f"{file} is no text in UTF-8: move it away, and a new one is written.")
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StartError(f"{file} cannot be written: its disk is full. Make room and try again.")
    return StartError(f"{file} cannot be written ({error.strerror}): give this user its folder.")


def _replace(file: Path, text: str) -> None:
    """Put a whole new file, for its owner's eyes, into the place of `file`."""
    descriptor, name = tempfile.mkstemp(dir=file.absolute().parent, prefix=f"{file.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as new:
            new.write(text)
            new.flush()
            os.fsync(new.fileno())
        Path(name).chmod(PRIVATE)
        Path(name).replace(file)
    except BaseException:  # whatever breaks this off, and is raised on, no half file stays
        Path(name).unlink(missing_ok=True)
        raise


def _in_file(value: str) -> str:
    """How a value stands in the file: in quotes where a `#` would begin a comment, or a `$` name another variable."""
    if _PLAIN.fullmatch(value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _with_values(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        nothing = f"#{name}="
        line = f"{name}={_in_file(value)}" if value else nothing
        set_line = re.compile(rf"^[ \t]*(?:export[ \t]+)?{name}[ \t]*=.*$", re.MULTILINE)
        manual_line = re.compile(rf"^{nothing}.*$", re.MULTILINE)
        place = set_line.search(text) or manual_line.search(text)
        if place is not None:
            # a further line of that name would win over the first
            text = f"{text[: place.start()]}{line}{set_line.sub(nothing, text[place.end() :])}"
        elif value:
            text = f"{_ended(text)}{line}\n"
    return _ended(text)


def _ended(text: str) -> str:
    """The text with its last line ended, so that a line can be added by hand or with `>>`."""
    return text if not text or text.endswith("\n") else f"{text}\n"
