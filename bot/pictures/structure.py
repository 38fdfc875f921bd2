"""What a picture file is made of: the words for it that jpeg.py, png.py and webp.py share. `reading` is the door.

Three things come of reading a file without decoding a pixel. Files that are built to keep a decoder busy are found
before one sees them: thousands of scans, of segments, of chunks. The parts that make up the picture are told from
everything else, so that a copy can be written without place, camera, names and films. And an end that is missing, or
damage in a note, is no reason to refuse a picture that every viewer shows.

Nothing but the standard library is used, on any bytes whatever: each loop is bounded by a number of parts.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.model import PictureFormat

MAX_PROFILE_BYTES = 4 * 1024 * 1024  # of a colour profile; larger ones are left out
MAX_EXIF_BYTES = 64 * 1024  # more of it is not looked through for the orientation
EXIF_PREFIX = b"Exif\0\0"

_ORIENTATION_TAG = 0x0112

#: A part of a stripped file: a place in the original, or bytes of our own.
Piece = slice | bytes


@dataclass(slots=True)
class Structure:
    """One still picture. `pieces` in their order are the file without anything but the picture."""

    format: PictureFormat
    size: int = 0  # bytes of the whole file
    width: int = 0
    height: int = 0
    pieces: list[Piece] = field(default_factory=list[Piece])
    notes: dict[str, list[bytes]] = field(default_factory=dict[str, list[bytes]])  # by kind: exif, xmp, c2pa
    orientation: int = 1  # 1 to 8, as Exif counts: how a viewer turns the picture
    has_end: bool = True  # False where the end mark is missing, so that more may be missing
    scans: int = 1  # of a JPEG: how often a decoder goes over all pixels
    coefficients: int = 0  # bytes that a JPEG decoder holds before the first pixel; 0 where it goes line by line
    samples: int = 0  # bytes of all decoded pixels, as Pillow holds them

    @property
    def pixels(self) -> int:
        """How many there are, as the file declares."""
        return self.width * self.height

    def is_stripped(self, size: int) -> bool:
        """Whether the file, of `size` bytes, holds nothing but the picture already."""
        return self.pieces == [slice(0, size)]

    def stripped(self, data: bytes) -> Iterator[bytes]:
        """The file without anything but the picture, part by part."""
        for piece in self.pieces:
            yield piece if isinstance(piece, bytes) else data[piece]

    def keep(self, begin: int, end: int) -> None:
        """Add a part of the original, joined to the one before where they touch."""
        last = self.pieces[-1] if self.pieces else None
        if isinstance(last, slice) and last.stop == begin:
            self.pieces[-1] = slice(last.start, end)
        else:
            self.pieces.append(slice(begin, end))

    def note(self, kind: str, content: bytes) -> None:
        """Remember a note that is no part of the picture."""
        self.notes.setdefault(kind, []).append(content)


def orientation_of(exif: bytes) -> int:
    """How the picture is turned, from the first directory of an Exif note; 1 where it makes no sense."""
    spot = orientation_spot(exif)
    if spot is None:
        return 1
    offset, order = spot
    (value,) = struct.unpack_from(f"{order}H", exif, offset)
    return value if 1 <= value <= 8 else 1


def orientation_spot(exif: bytes) -> tuple[int, str] | None:
    """Where in an Exif note (TIFF 6.0, section 2) the orientation stands, and in which order of bytes."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None or len(exif) > MAX_EXIF_BYTES:
        return None
    try:
        (directory,) = struct.unpack_from(f"{order}I", exif, 4)
        (entries,) = struct.unpack_from(f"{order}H", exif, directory)
        for entry in range(directory + 2, directory + 2 + 12 * min(entries, 1000), 12):
            tag, kind, count = struct.unpack_from(f"{order}HHI", exif, entry)
            if tag == _ORIENTATION_TAG:
                return (entry + 8, order) if (kind, count) == (3, 1) and entry + 10 <= len(exif) else None
    except struct.error:
        return None
    return None
