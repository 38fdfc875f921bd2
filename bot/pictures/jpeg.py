"""The segments of a JPEG file: ITU-T T.81, annex B; notes by the Exif, XMP, ICC and C2PA specifications."""

from __future__ import annotations

import re
import struct
from collections import defaultdict
from collections.abc import Sequence
from types import MappingProxyType

from bot.errors import BadSource, SourceFault
from bot.pictures.structure import EXIF_PREFIX, MAX_PROFILE_BYTES, Structure, orientation_of, plain_profile

#: An honest progressive JPEG has about 10 scans, one made as small as can be 64. Each costs time for every pixel.
MAX_SCANS = 100
#: Colour profiles and depth maps take hundreds of segments; notes of one byte each make millions.
MAX_SEGMENTS = 5000

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
EXIF, XMP, JUMBF = 0xE1, 0xE1, 0xEB  # the markers of notes
XMP_PREFIX = b"http://ns.adobe.com/xap/1.0/\0"
JUMBF_PREFIX = b"JP"

_SOI, _EOI, _SOS, _DNL, _COM = 0xD8, 0xD9, 0xDA, 0xDC, 0xFE
_PROGRESSIVE = 0xC2
_FRAMES = frozenset({0xC0, 0xC1, _PROGRESSIVE})  # what Pillow and browsers decode
_OTHER_FRAMES = frozenset({0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})  # lossless, arithmetic …
_TABLES = frozenset({0xC4, 0xDB, 0xDD, _DNL})  # Huffman codes, quantisation, restart interval, number of lines
_AFTER_A_SCAN = frozenset({_SOS, _COM, *_TABLES, *range(0xE0, 0xF0)})
_WITHOUT_LENGTH = frozenset({0x01, _SOI, _EOI, *range(0xD0, 0xD8)})
_END_OF_SCAN = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]", re.DOTALL)  # a marker that ends the data of a scan
_APP2, _PROFILE_PREFIX = 0xE2, b"ICC_PROFILE\0"
_PROFILE_HEAD = 14  # with the number of the segment, and how many there are
_MOST_OF_PROFILE = 255  # segments: they are numbered by a byte
_JFIF_BYTES = 14  # of a JFIF note without a small picture in it
#: Bytes of a decoded pixel as Pillow holds it, by the number of components.
_BYTES_PER_PIXEL = MappingProxyType({1: 1, 3: 4, 4: 4})


def read(data: bytes, found: Structure) -> None:
    """Read all segments up to the end mark; what lies behind it is no part of the picture. Raises BadSource."""
    found.keep(0, 2)
    at, scans, buffered, components = 2, 0, 0, 0
    for _ in range(MAX_SEGMENTS):
        marker, begin, body, end = _segment(data, at)
        if marker == _EOI:
            found.keep(begin, body)
            break
        if marker is None or end > len(data) or (scans and marker not in _AFTER_A_SCAN):
            # Cut off, or something else begins here. What came so far may still be the whole picture.
            found.has_end = False
            found.pieces.append(EOI)
            break
        content = data[body : min(end, body + 0x10000)]
        if marker == _SOS:
            scans = found.scans = scans + 1
            if scans > MAX_SCANS:
                raise BadSource(SourceFault.TOO_COMPLEX)
            after = _END_OF_SCAN.search(data, end)
            end = after.start() if after else len(data)
            found.keep(begin, end)
            if found.coefficients == 0 and data[body] == components:
                # All colours of all lines: nothing but the end may follow, so what does is no part of the picture.
                found.has_end = data[end : end + 2] == EOI
                if found.has_end:
                    found.keep(end, end + 2)
                else:
                    found.pieces.append(EOI)
                break
            # Scans of single colours are put together in memory, as those of a progressive file are.
            found.coefficients = buffered
        elif marker in _FRAMES:
            if found.width:
                raise BadSource(SourceFault.BROKEN)
            buffered, components = _read_frame(content, found)
            found.coefficients = buffered if marker == _PROGRESSIVE else 0
            found.keep(begin, end)
        elif marker in _OTHER_FRAMES:
            raise BadSource(SourceFault.BROKEN)
        elif marker in _TABLES:
            found.keep(begin, end)
        elif marker == _APP2 and content.startswith(_PROFILE_PREFIX) and len(content) >= _PROFILE_HEAD:
            end = _keep_profile(data, begin, found)
        else:
            _read_note(marker, content, begin, found)
        at = end
    else:
        raise BadSource(SourceFault.TOO_COMPLEX)
    if not scans:
        raise BadSource(SourceFault.BROKEN)


def _segment(data: bytes, at: int) -> tuple[int | None, int, int, int]:
    """The next marker behind fill bytes, where it stands, where its content begins and where it ends.

    None where there is no marker.
    """
    filled = re.compile(rb"\xff+").match(data, at)
    if filled is None or filled.end() >= len(data):
        return None, at, at, at
    marker, body = data[filled.end()], filled.end() + 1
    if marker in _WITHOUT_LENGTH:
        return marker, body - 2, body, body
    length = int.from_bytes(data[body : body + 2], "big")
    return (marker, body - 2, body + 2, body + length) if length >= 2 else (None, at, at, at)


def _keep_profile(data: bytes, at: int, found: Structure) -> int:
    """Keep the colours of a profile, not its words; returns where the last of its segments ends.

    The segments stand in a row and are numbered. A profile that cannot be read is left out.
    """
    segments: list[tuple[int, int, int]] = []
    end = at
    while len(segments) < _MOST_OF_PROFILE:
        marker, begin, body, after = _segment(data, end)
        head = data[body : min(after, body + _PROFILE_HEAD)]
        if marker != _APP2 or after > len(data) or len(head) < _PROFILE_HEAD or head[:12] != _PROFILE_PREFIX:
            break
        segments.append((begin, body + _PROFILE_HEAD, after))
        end = after
    is_in_order = [data[body - 2] for _, body, _ in segments] == list(range(1, len(segments) + 1))
    profile = b"".join(data[body:after] for _, body, after in segments)
    plain = plain_profile(profile) if is_in_order and len(profile) <= MAX_PROFILE_BYTES else None
    if plain is None:
        return end
    left = plain
    for begin, body, after in segments:
        part, left = left[: after - body], left[after - body :]
        if plain == profile:
            found.keep(begin, after)
        else:
            found.pieces.append(data[begin:body] + part)
    return end


def _read_frame(content: bytes, found: Structure) -> tuple[int, int]:
    """Read the size; returns how many bytes the coefficients take together, and how many components there are."""
    precision, found.height, found.width, components = struct.unpack_from(">BHHB", content)
    if precision != 8 or components not in _BYTES_PER_PIXEL:
        raise BadSource(SourceFault.BROKEN)
    found.samples = found.pixels * _BYTES_PER_PIXEL[components]
    factors = [(content[7 + 3 * index] >> 4, content[7 + 3 * index] & 15) for index in range(components)]
    across, down = max(it for it, _ in factors), max(it for _, it in factors)
    if not across or not down:
        raise BadSource(SourceFault.BROKEN)
    return sum(2 * found.pixels * it * them // (across * down) for it, them in factors), components


def _read_note(marker: int, content: bytes, at: int, found: Structure) -> None:
    """Keep what changes how the picture looks: the density, and how colours are written. Remember what may be kept."""
    end = at + 4 + len(content)
    if marker == 0xE0 and content.startswith(b"JFIF\0"):
        if len(content) == _JFIF_BYTES:
            found.keep(at, end)
        elif len(content) > _JFIF_BYTES:
            found.pieces.append(segment(0xE0, content[: _JFIF_BYTES - 2] + b"\0\0"))
    elif marker == 0xEE and content.startswith(b"Adobe"):
        found.keep(at, end)
    elif marker == EXIF and content.startswith(EXIF_PREFIX):
        if "exif" not in found.notes:
            found.note("exif", content[len(EXIF_PREFIX) :])
            found.orientation = orientation_of(content[len(EXIF_PREFIX) :])
    elif marker == XMP and content.startswith(XMP_PREFIX):
        found.note("xmp", content[len(XMP_PREFIX) :])
    elif marker == JUMBF and content.startswith(JUMBF_PREFIX):
        found.note("jumbf", content)


def segment(marker: int, content: bytes) -> bytes:
    """A segment of our own. `content` has at most 65,533 bytes."""
    return bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2, "big") + content


def jumbf_boxes(contents: Sequence[bytes]) -> list[bytes]:
    """The boxes that APP11 segments carry, each put together from its pieces (ISO/IEC 19566-5, annex D).

    A piece begins with "JP", the box's number, the piece's number, and a repetition of the box's head.
    """
    pieces: defaultdict[bytes, list[tuple[int, bytes]]] = defaultdict(list)
    for content in contents:
        if len(content) >= 16:
            pieces[content[2:4]].append((int.from_bytes(content[4:8], "big"), content[8:]))
    boxes: list[bytes] = []
    for several in pieces.values():
        several.sort()
        head = 16 if several[0][1][:4] == b"\0\0\0\1" else 8
        boxes.append(b"".join([several[0][1], *(piece[head:] for _, piece in several[1:])]))
    return boxes


def jumbf_segments(box: bytes, number: int) -> list[bytes]:
    """The same the other way: APP11 segments for one box."""
    head = box[:16] if box[:4] == b"\0\0\0\1" else box[:8]
    room = 65_533 - 8 - len(head)
    rest = box[len(head) :]
    return [
        segment(JUMBF, b"JP" + number.to_bytes(2, "big") + (index + 1).to_bytes(4, "big") + head + rest[at : at + room])
        for index, at in enumerate(range(0, len(rest), room))
    ]
