"""Reads what the picture process says: as if somebody else spoke out of it.

A decoder that a picture has taken over may answer anything, for as long as it lives. So its words are bounded, its
answer has one of few shapes, the new file comes through the pipe into a place that the bot has chosen, and what it
brings is a picture by its bytes. Nothing that it says names a file, is run, or is shown to anybody.
"""

from __future__ import annotations

import json
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from bot.errors import BadSource, SourceFault
from bot.model import PictureFormat, PictureInfo

MAX_LINE_BYTES = 4096
MAX_ERROR_BYTES = 16 * 1024
PIECE_BYTES = 64 * 1024
MAX_AMOUNT = 1 << 62  # of bytes or pixels


@dataclass(frozen=True, slots=True)
class Wanted:
    """A new file: its path without the extension, and how many bytes it may have."""

    target: Path
    max_bytes: int

    def path(self, kind: PictureFormat) -> Path:
        """Where the file of this format lies."""
        return self.target.with_name(f"{self.target.name}.{kind.extension}")

    def discard(self) -> None:
        """Delete what has been written."""
        for kind in PictureFormat:
            self.path(kind).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a process said until its end: its exit code, its answer where it made sense, and its last complaints."""

    code: int
    answer: PictureFormat | BadSource | None
    is_nonsense: bool
    errors: str


def hear(process: subprocess.Popen[bytes], wanted: Wanted | None) -> Heard:
    """Listen until the process has ended, and write the new file on the way. Blocks. Raises OSError for that file.

    One that says too much is ended.
    """
    complaints: list[bytes] = []
    is_whole = False
    with process:
        out, err = cast("IO[bytes]", process.stdout), cast("IO[bytes]", process.stderr)
        listening = threading.Thread(target=lambda: complaints.append(_at_most(err, MAX_ERROR_BYTES, process)))
        listening.start()
        try:
            line = out.readline(MAX_LINE_BYTES)
            answer = _answer_in(line)
            if wanted is not None and isinstance(answer, PictureFormat):
                is_whole = _file_in(out, wanted, answer)
            else:
                is_whole = not out.read(1)
        finally:
            if not is_whole:
                process.kill()
            listening.join()
    is_nonsense = bool(line) and (answer is None or not is_whole)
    return Heard(process.returncode, answer, is_nonsense, b"".join(complaints).decode(errors="replace").strip())


def _at_most(stream: IO[bytes], most: int, process: subprocess.Popen[bytes]) -> bytes:
    """What comes, up to so many bytes; whoever goes on is ended."""
    said = stream.read(most)
    if len(said) == most:
        process.kill()
    return said


def _file_in(out: IO[bytes], wanted: Wanted, kind: PictureFormat) -> bool:
    """Write the rest of what comes; whether it is a picture of this format and no larger than was wanted."""
    path, size = wanted.path(kind), 0
    with path.open("wb") as file:
        while piece := out.read(PIECE_BYTES):
            size += len(piece)
            if size > wanted.max_bytes:
                return False
            file.write(piece)
    found = PictureInfo.at(path)
    return found is not None and found.format is kind


def _answer_in(line: bytes) -> PictureFormat | BadSource | None:
    """The answer in a line; None where it is none."""
    try:
        read: object = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(read, dict):
        return None
    match cast("dict[str, Any]", read):
        case {"format": str(kind), **rest} if not rest and kind in set(PictureFormat):
            return PictureFormat(kind)
        case {"fault": str(fault), "amount": int(amount), **rest} if not rest and fault in set(SourceFault):
            return BadSource(SourceFault(fault), amount) if 0 <= amount <= MAX_AMOUNT else None
        case _:
            return None
