"""The chunks of a WebP file: RFC 9649, section 2."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from types import MappingProxyType

from bot.errors import BadSource, SourceFault
from bot.pictures.structure import EXIF_PREFIX, MAX_PROFILE_BYTES, Piece, Structure, orientation_of, plain_profile

MAX_CHUNKS = 1000

_NEEDED = frozenset({b"VP8X", b"ICCP", b"ALPH", b"VP8 ", b"VP8L", b"ANIM", b"ANMF"})
_NOTES: Mapping[bytes, str] = MappingProxyType({b"EXIF": "exif", b"XMP ": "xmp", b"C2PA": "c2pa"})
_HAS_EXIF, _HAS_XMP = 0x08, 0x04  # flags of a VP8X chunk
_HAS_ALPHA = 0x10


def read(data: bytes, found: Structure) -> None:
    """Read all chunks. What lies behind the length that the file tells is no part of it. Raises BadSource."""
    whole = int.from_bytes(data[4:8], "little") + 8
    if whole > len(data):
        raise BadSource(SourceFault.BROKEN)
    at, frames = 12, 0
    kept: list[Piece] = []
    for _ in range(MAX_CHUNKS):
        if at + 8 > whole:
            break
        kind, length = struct.unpack_from("<4sI", data, at)
        body, end = at + 8, at + 8 + length + length % 2
        if body + length > whole:
            raise BadSource(SourceFault.BROKEN)
        if not found.width:
            _read_size(kind, data[body : body + 10], found)
        frames += kind == b"ANMF"
        if kind == b"VP8X" and data[body] & (_HAS_EXIF | _HAS_XMP):
            kept += [slice(at, body), bytes([data[body] & ~(_HAS_EXIF | _HAS_XMP)]), slice(body + 1, end)]
        elif kind == b"ICCP":
            profile = data[body : body + min(length, MAX_PROFILE_BYTES + 1)]
            plain = plain_profile(profile) if length <= MAX_PROFILE_BYTES else None
            if plain is not None:
                kept += [slice(at, min(end, whole))] if plain == profile else [_chunk(kind, plain)]
        elif kind in _NEEDED:
            kept.append(slice(at, min(end, whole)))
        elif kind in _NOTES:
            found.note(_NOTES[kind], data[body : body + length])
        at = end
    else:
        raise BadSource(SourceFault.TOO_COMPLEX)
    if frames > 1:
        raise BadSource(SourceFault.ANIMATED)
    exif = (found.notes.get("exif") or [b""])[0].removeprefix(EXIF_PREFIX)
    found.orientation = orientation_of(exif)
    found.samples = found.pixels * 4
    size = 4 + sum(len(it) if isinstance(it, bytes) else it.stop - it.start for it in kept)
    if size + 8 == whole:
        found.keep(0, 12)
    else:
        found.pieces.append(b"RIFF" + size.to_bytes(4, "little") + b"WEBP")
    for piece in kept:
        if isinstance(piece, slice):
            found.keep(piece.start, piece.stop)
        else:
            found.pieces.append(piece)


def _read_size(kind: bytes, content: bytes, found: Structure) -> None:
    """The size stands in the first chunk, whichever of the three it is."""
    if len(content) < 10:
        raise BadSource(SourceFault.BROKEN)
    if kind == b"VP8X":
        found.width = int.from_bytes(content[4:7], "little") + 1
        found.height = int.from_bytes(content[7:10], "little") + 1
    elif kind == b"VP8L" and content[0] == 0x2F:
        bits = int.from_bytes(content[1:5], "little")
        found.width, found.height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8 " and content[3:6] == b"\x9d\x01\x2a":
        found.width = int.from_bytes(content[6:8], "little") & 0x3FFF
        found.height = int.from_bytes(content[8:10], "little") & 0x3FFF
    else:
        raise BadSource(SourceFault.BROKEN)


def with_notes(data: bytes, notes: Mapping[bytes, bytes], *, width: int, height: int, alpha: bool) -> bytes:
    """A file made by Pillow with chunks of notes at its end, in the extended form that they need."""
    body = data[12:]
    flags = _HAS_EXIF * (b"EXIF" in notes) | _HAS_XMP * (b"XMP " in notes)
    if body[:4] == b"VP8X":
        body = body[:8] + bytes([body[8] | flags]) + body[9:]
    else:
        canvas = bytes([flags | _HAS_ALPHA * alpha, 0, 0, 0])
        canvas += (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        body = _chunk(b"VP8X", canvas) + body
    body += b"".join(_chunk(kind, content) for kind, content in notes.items())
    return b"RIFF" + (len(body) + 4).to_bytes(4, "little") + b"WEBP" + body


def _chunk(kind: bytes, content: bytes) -> bytes:
    return kind + len(content).to_bytes(4, "little") + content + bytes(len(content) % 2)
