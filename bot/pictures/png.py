"""The chunks of a PNG file: PNG specification (third edition), sections 5 and 11.

The pixels are unpacked to see that all are there and none is damaged, and thrown away as they come: that takes less
than a megabyte, where decoding takes four bytes for each pixel.
"""

from __future__ import annotations

import struct
import zlib
from types import MappingProxyType

from bot.errors import BadSource, SourceFault
from bot.model import MAX_SOURCE_PIXELS
from bot.pictures.structure import MAX_PROFILE_BYTES, Structure, orientation_of, plain_profile

#: Encoders cut the pixels into pieces of 8 to 64 KiB, so 25 MB are 3,000 chunks at most.
MAX_CHUNKS = 30_000

_NEEDED = frozenset({b"IHDR", b"PLTE", b"IDAT", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"pHYs"})
_END = b"\0\0\0\0IEND\xaeB`\x82"
_CHANNELS = MappingProxyType({0: 1, 2: 3, 3: 1, 4: 2, 6: 4})  # by the type of colour
_XMP = b"XML:com.adobe.xmp\0\0\0"  # the keyword, and that the text is not packed
_PROFILE_NAME = b"ICC Profile"  # as Pillow and others write it
_WHOLE = ((0, 0, 1, 1),)
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def read(data: bytes, found: Structure) -> None:
    """Read all chunks up to the end, and unpack the pixels. Raises BadSource."""
    found.keep(0, 8)
    view = memoryview(data)
    at, pixels = 8, None
    found.has_end = False
    for count in range(MAX_CHUNKS):
        if at + 12 > len(data):
            break
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if not kind.isalpha() or (count == 0) != (kind == b"IHDR"):
            raise BadSource(SourceFault.BROKEN)
        if kind == b"IEND":
            found.has_end = True
            break
        is_note = kind[:1].islower()
        if end > len(data) or zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            if not is_note:
                raise BadSource(SourceFault.BROKEN)
            at = end  # what is damaged is left out: the picture is whole without it
            continue
        if kind == b"IHDR":
            pixels = _Pixels(_read_header(data[at + 8 : end - 4], found))
        elif kind == b"IDAT" and pixels is not None:
            pixels.unpack(view[at + 8 : end - 4])
        elif kind == b"acTL" and int.from_bytes(data[at + 8 : at + 12], "big") > 1:
            raise BadSource(SourceFault.ANIMATED)
        elif is_note:
            _read_note(kind, view[at + 8 : end - 4], found)
        elif kind not in _NEEDED:
            raise BadSource(SourceFault.BROKEN)
        if kind == b"iCCP":
            _keep_profile(data, at, end, found)
        elif kind in _NEEDED:
            found.keep(at, end)
        at = end
    else:
        raise BadSource(SourceFault.TOO_COMPLEX)
    if pixels is None or not pixels.are_whole:
        raise BadSource(SourceFault.BROKEN)
    if data[at : at + 12] == _END:
        found.keep(at, at + 12)
    else:
        found.pieces.append(_END)


def _read_header(content: bytes, found: Structure) -> int:
    """Read the size; returns how many bytes the unpacked pixels take."""
    found.width, found.height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", content)
    if found.pixels > MAX_SOURCE_PIXELS:
        raise BadSource(SourceFault.TOO_MANY_PIXELS, found.pixels)
    if not found.pixels or colour not in _CHANNELS or depth not in {1, 2, 4, 8, 16} or interlaced > 1:
        raise BadSource(SourceFault.BROKEN)
    found.samples = found.pixels * (1 if colour in {0, 3} and depth <= 8 else 4)
    total = 0
    for left, top, across, down in _ADAM7 if interlaced else _WHOLE:
        width, height = -(-(found.width - left) // across), -(-(found.height - top) // down)
        if width > 0 and height > 0:
            total += (1 + (width * depth * _CHANNELS[colour] + 7) // 8) * height
    return total


class _Pixels:
    """Unpacks the pixels and counts them, without keeping any."""

    def __init__(self, expected: int) -> None:
        self._left = expected
        self._zlib = zlib.decompressobj()

    def unpack(self, packed: bytes | memoryview) -> None:
        """Take the next piece; what comes after the last pixel is not looked at. Raises BadSource."""
        try:
            while packed and self._left > 0 and not self._zlib.eof:
                self._left -= len(self._zlib.decompress(packed, 256 * 1024))
                packed = self._zlib.unconsumed_tail
        except zlib.error as error:
            raise BadSource(SourceFault.BROKEN) from error

    @property
    def are_whole(self) -> bool:
        """Whether all data of the picture is there."""
        return self._left <= 0 or len(self._zlib.flush()) >= self._left


def _keep_profile(data: bytes, at: int, end: int, found: Structure) -> None:
    """Keep the colours of a profile, not its name and its words. One that cannot be read, or is large, is left out."""
    name, _, packed = data[at + 8 : end - 4].partition(b"\0")
    try:
        profile = zlib.decompressobj().decompress(packed[1:], MAX_PROFILE_BYTES + 1)
    except zlib.error:
        return
    plain = plain_profile(profile) if len(profile) <= MAX_PROFILE_BYTES else None
    if plain == profile and name == _PROFILE_NAME:
        found.keep(at, end)
    elif plain is not None:
        content = b"iCCP" + _PROFILE_NAME + b"\0\0" + zlib.compress(plain)
        found.pieces.append(struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content)))


def _read_note(kind: bytes, content: memoryview, found: Structure) -> None:
    if kind == b"eXIf":
        found.note("exif", bytes(content))
        found.orientation = orientation_of(bytes(content))
    elif kind == b"iTXt" and bytes(content[: len(_XMP)]) == _XMP:
        found.note("xmp", bytes(content[len(_XMP) :]).split(b"\0", 2)[-1])  # behind a language and a translation
    elif kind == b"caBX":
        found.note("c2pa", bytes(content))
