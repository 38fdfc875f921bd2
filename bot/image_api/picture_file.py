"""A picture on its way into a file: counted, told by its first bytes, and whole before it gets its name.

The file is written under a temporary name and gets its own once all bytes are there. So whatever lies in the spool
under a picture's name is whole, also after a crash.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bot.errors import NotAPicture, TooLarge
from bot.model import PictureFormat

_HEAD_BYTES = 12
#: Where the end of a picture is looked for: some files carry a little more behind it.
_TAIL_BYTES = 64 * 1024
#: HEIC, JPEG XL, MP4 and their like, TIFF, BMP, SVG, JPEG 2000, icons, PSD, Matroska, PDF.
_OTHER_MEDIA = re.compile(
    rb".{4}ftyp|\xff\x0a|\0\0\0\x0cJXL |\0\0\0\x0cjP  |II\x2a\0|MM\0\x2a|BM.{4}\0\0"
    rb"|<svg|<\?xml|\x00\x00\x01\x00|8BPS|\x1aE\xdf\xa3|%PDF",
    re.DOTALL,
)
_START_OF_SCAN = b"\xff\xda"
_SCAN_HEADER_BYTES = 14  # of a scan with three components
_ENDS = {PictureFormat.PNG: b"IEND\xaeB`\x82", PictureFormat.JPEG: b"\xff\xd9"}


class UnknownFormat(NotAPicture):
    """A picture or film in a format that Discord does not show, so all that can be given is its address."""


@dataclass(frozen=True, slots=True)
class Download:
    """What a download brought: the format its bytes show, and how many there are."""

    format: PictureFormat
    bytes: int


class PictureFile:
    """A picture being written beside its final name, which it gets with `finish`. Otherwise it is removed.

    Pieces of 64 KiB go to the page cache, which is quicker than handing them to a thread.
    """

    def __init__(self, into: Path, max_bytes: int) -> None:
        self._into = into
        self._part = into.with_name(f".{into.name}.{secrets.token_hex(4)}.part")
        self._max_bytes = max_bytes
        self._head = b""
        self._tail = b""
        self._bytes = 0
        self._scan_at = 0  # where the pixels of a JPEG begin; 0 until they do
        self._suspended = False
        self._file: BinaryIO | None = None

    def __enter__(self) -> PictureFile:
        self._suspended = False
        self._file = self._part.open("ab" if self._bytes else "xb")
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
        if not self._suspended:
            self.discard()

    def suspend(self) -> None:
        """Keep what is there when the block ends; another `with` goes on behind it."""
        self._suspended = True

    def discard(self) -> None:
        """Remove what is there."""
        self._part.unlink(missing_ok=True)

    @property
    def is_there(self) -> bool:
        """Whether a suspended file still lies where it was left, as it was."""
        try:
            return self._part.stat().st_size == self._bytes
        except OSError:
            return False

    @property
    def bytes(self) -> int:
        """How much was written so far."""
        return self._bytes

    @property
    def is_told(self) -> bool:
        """Whether its first bytes are there, and are those of a picture."""
        return len(self._head) == _HEAD_BYTES

    def write(self, piece: bytes) -> None:
        """Add a piece. Raises NotAPicture as soon as the first bytes show it, then TooLarge."""
        self._bytes += len(piece)
        if len(self._head) < _HEAD_BYTES:
            self._head += piece[: _HEAD_BYTES - len(self._head)]
            if len(self._head) == _HEAD_BYTES:
                self._format()
        if self._bytes > self._max_bytes:
            raise TooLarge(f"more than {self._max_bytes} bytes")
        if not self._scan_at and (found := (self._tail[-1:] + piece).find(_START_OF_SCAN)) >= 0:
            self._scan_at = self._bytes - len(piece) + found + _SCAN_HEADER_BYTES
        self._tail = (self._tail + piece)[-_TAIL_BYTES:]
        if self._file is not None:
            self._file.write(piece)

    @property
    def is_whole(self) -> bool:
        """False where the end that the format prescribes is missing, so that the picture is cut off."""
        found = PictureFormat.of_result(self._head)
        if found is PictureFormat.WEBP:
            return int.from_bytes(self._head[4:8], "little") + 8 <= self._bytes
        end = _ENDS.get(found) if found else None
        return end is None or end in self._tail

    @property
    def has_pixels(self) -> bool:
        """Whether a JPEG has come as far as its pixels: every viewer shows it then, its end mark missing or not."""
        return PictureFormat.of_result(self._head) is PictureFormat.JPEG and self._scan_at in range(1, self._bytes)

    def finish(self) -> Download:
        """Give the file its name. Raises NotAPicture."""
        found = self._format()
        if self._file is not None:
            self._file.close()
        self._part.replace(self._into)
        return Download(found, self._bytes)

    def _format(self) -> PictureFormat:
        found = PictureFormat.of_result(self._head)
        if found is None and _OTHER_MEDIA.match(self._head):
            raise UnknownFormat("a picture in a format that Discord does not show", self._head)
        if found is None:
            raise NotAPicture("the bytes are no picture that Discord shows", self._head)
        return found


def save(pieces: Iterable[bytes], into: Path, max_bytes: int) -> Download:
    """Write a picture that is already here. Raises TooLarge or NotAPicture."""
    with PictureFile(into, max_bytes) as file:
        for piece in pieces:
            file.write(piece)
        return file.finish()
