"""Reads what a picture file is made of, whatever its format; nothing is decoded."""

from __future__ import annotations

import struct
from types import MappingProxyType

from bot.errors import BadSource, SourceFault
from bot.model import MAX_SOURCE_PIXELS, PictureFormat
from bot.pictures import jpeg, png, webp
from bot.pictures.structure import Structure

_READERS = MappingProxyType({PictureFormat.JPEG: jpeg.read, PictureFormat.PNG: png.read, PictureFormat.WEBP: webp.read})


def read(data: bytes) -> Structure:
    """Read a whole file. Raises BadSource: no picture, animated, too many pixels, too complex, or broken."""
    kind = PictureFormat.of(data[:12])
    if kind is None:
        raise BadSource(SourceFault.of(data[:32]))
    found = Structure(kind, len(data))
    try:
        _READERS[kind](data, found)
    except (struct.error, IndexError) as error:
        raise BadSource(SourceFault.BROKEN) from error
    if not found.pixels:
        raise BadSource(SourceFault.BROKEN)
    if found.pixels > MAX_SOURCE_PIXELS:
        raise BadSource(SourceFault.TOO_MANY_PIXELS, found.pixels)
    return found
