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
from types import MappingProxyType

from bot.model import PictureFormat

MAX_PROFILE_BYTES = 4 * 1024 * 1024  # of a colour profile; larger ones are left out
MAX_EXIF_BYTES = 64 * 1024  # more of it is not looked through for the orientation
EXIF_PREFIX = b"Exif\0\0"

_ORIENTATION_TAG = 0x0112
_MAX_TAGS = 100
#: Of a profile's header: size; version, class and spaces; the signature; flags; attributes, intent and light.
_HEADER_OF_COLOURS = ((0, 4), (8, 24), (36, 40), (44, 48), (56, 80))
_SOME_DAY = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
_COLOUR_TAGS = frozenset(
    {b"rXYZ", b"gXYZ", b"bXYZ", b"wtpt", b"bkpt", b"chad", b"rTRC", b"gTRC", b"bTRC", b"kTRC", b"gamt", b"cicp"}
    | {b"%s%d" % (way, number) for way in (b"A2B", b"B2A", b"D2B", b"B2D") for number in range(4)}
)
_COLOUR_TYPES = frozenset({b"XYZ ", b"curv", b"para", b"mft1", b"mft2", b"mAB ", b"mBA ", b"mpet", b"sf32", b"cicp"})
#: A profile must have a description and a copyright notice. They stay, and say nothing.
_EMPTY_TAGS = frozenset({b"desc", b"cprt"})
_EMPTY_TEXTS = MappingProxyType(
    {
        b"desc": b"desc" + bytes(7) + b"\1" + bytes(79),
        b"mluc": b"mluc" + bytes(11) + b"\x0c",
        b"text": b"text" + bytes(5),
    }
)

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


def plain_profile(profile: bytes) -> bytes | None:
    """A colour profile of the same length with nothing in it but colours (ICC.1:2022, 7); None where it is none.

    Profiles of screens and cameras tell their names, serial numbers, owners and dates.
    """
    try:
        (count,) = struct.unpack_from(">I", profile, 128)
        if profile[36:40] != b"acsp" or count > _MAX_TAGS:
            return None
        entries = [struct.unpack_from(">4sII", profile, 132 + 12 * number) for number in range(count)]
    except struct.error:
        return None
    plain, kept = bytearray(len(profile)), bytearray()
    for begin, end in _HEADER_OF_COLOURS:
        plain[begin:end] = profile[begin:end]
    plain[24:36] = _SOME_DAY
    first = 132 + 12 * count
    for tag, begin, size in entries:
        kind, end = profile[begin : begin + 4], begin + size
        if begin < first or end > len(profile):
            continue
        if tag in _COLOUR_TAGS and kind in _COLOUR_TYPES:
            plain[begin:end] = profile[begin:end]
        elif tag in _EMPTY_TAGS and kind in _EMPTY_TEXTS and size >= len(_EMPTY_TEXTS[kind]):
            plain[begin : begin + len(_EMPTY_TEXTS[kind])] = _EMPTY_TEXTS[kind]
        else:
            continue
        kept += struct.pack(">4sII", tag, begin, size)
    plain[128:132] = (len(kept) // 12).to_bytes(4, "big")
    plain[132 : 132 + len(kept)] = kept
    return bytes(plain)


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
