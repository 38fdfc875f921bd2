"""What the first bytes of a picture file tell, read without decoding anything and without Pillow."""

from __future__ import annotations

from dataclasses import dataclass

from bot.model import PictureFormat

HEAD_BYTES = 32  # all that the functions below look at

_RIFF_PREAMBLE = 8  # "RIFF" and the length, which does not count itself
_ANIMATED_FLAG = 0x02  # of a VP8X chunk


def sniff(head: bytes) -> PictureFormat | None:
    """Say which of the three formats a file is, whatever its name says."""
    if head.startswith(b"\xff\xd8\xff"):
        return PictureFormat.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PictureFormat.PNG
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return PictureFormat.WEBP
    return None


@dataclass(frozen=True, slots=True)
class WebpHeader:
    """Size in pixels, whether it moves, and how many bytes the whole file must have."""

    width: int
    height: int
    animated: bool
    length: int


def read_webp_header(head: bytes) -> WebpHeader | None:
    """Read what a WebP file says of itself (RFC 9649, section 2); None where it says it wrongly.

    Pillow's decoder allocates its canvas on opening, so the size has to be known before.
    """
    length = int.from_bytes(head[4:8], "little") + _RIFF_PREAMBLE
    chunk, animated = head[12:16], False
    if len(head) < HEAD_BYTES:
        return None
    if chunk == b"VP8X":
        animated = bool(head[20] & _ANIMATED_FLAG)
        width = int.from_bytes(head[24:27], "little") + 1
        height = int.from_bytes(head[27:30], "little") + 1
    elif chunk == b"VP8L" and head[20] == 0x2F:
        bits = int.from_bytes(head[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif chunk == b"VP8 " and head[23:26] == b"\x9d\x01\x2a":
        width = int.from_bytes(head[26:28], "little") & 0x3FFF
        height = int.from_bytes(head[28:30], "little") & 0x3FFF
    else:
        return None
    return WebpHeader(width, height, animated, length)
