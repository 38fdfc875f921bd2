"""Pictures that mean harm: built to keep a decoder busy, or to take all the memory there is."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

from PIL import Image

MOST_BYTES = 24_000_000


def encoded(kind: str, image: Image.Image, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def repeated(whole: bytes, at: int, part: bytes, count: int) -> bytes:
    """A file with a part of it there again and again, up to the size that is taken."""
    return whole[:at] + part * min(count, (MOST_BYTES - len(whole)) // len(part)) + whole[at:]


def scans(count: int, side: int = 100) -> bytes:
    plain = encoded("JPEG", Image.new("RGB", (side, side), "teal"), progressive=True, quality=60)
    return repeated(plain, len(plain) - 2, plain[plain.rindex(b"\xff\xda") : -2], count)


def segments(marker: bytes, content: bytes) -> bytes:
    part = b"\xff" + marker + struct.pack(">H", len(content) + 2) + content
    return repeated(encoded("JPEG", Image.new("RGB", (50, 50))), 2, part, 10_000_000)


def chunks(part: bytes) -> bytes:
    return repeated(encoded("PNG", Image.new("RGB", (50, 50))), 33, part, 2_000_000)


def black_png(width: int, height: int) -> bytes:
    """Many pixels in few bytes: unpacked they take all the room there is."""
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(4 * width + 1)) for _ in range(height)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND")


def clear_noise(side: int) -> bytes:
    """Noise that shows through: what takes the most memory and time to be made small."""
    return encoded("PNG", Image.merge("RGBA", [Image.effect_noise((side, side), 90)] * 4), compress_level=0)


#: A file, and words of what is said of it; none where it is taken after all.
ATTACKS: dict[str, tuple[Callable[[], bytes], tuple[str, ...]]] = {
    "a JPEG of 20,000 scans": (lambda: scans(20_000), ("too large to open", "nothing was charged")),
    "a JPEG of 90 scans over 16 megapixels": (lambda: scans(80, 4000), ()),
    "a JPEG of millions of Exif segments": (lambda: segments(b"\xe1", b"Exif\0\0x"), ("too large to open",)),
    "a JPEG of millions of comments": (lambda: segments(b"\xfe", b"x"), ("too large to open",)),
    "a PNG of two million chunks": (lambda: chunks(chunk(b"aaAa")), ("too large to open",)),
    "a PNG of a million pieces": (lambda: chunks(chunk(b"IDAT")), ("too large to open",)),
    "a PNG of 50 megapixels in a few bytes": (lambda: black_png(7000, 7000), ()),
    "a PNG of a text that unpacks to 200 MB": (
        lambda: chunks(chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(200_000_000), 1)))[:MOST_BYTES],
        (),
    ),
    "a progressive CMYK of 49 megapixels": (
        lambda: encoded("JPEG", Image.new("CMYK", (7000, 7000)), progressive=True),
        ("too large to open",),
    ),
    "a WebP of 16,383 pixels a side": (
        lambda: b"RIFF\x18\0\0\0WEBPVP8L\x0c\0\0\0\x2f" + (16382 | 16382 << 14).to_bytes(4, "little") + bytes(7),
        ("too many pixels",),
    ),
}
#: Taken, and made small with the most memory and time there is.
HEAVY: dict[str, Callable[[], bytes]] = {
    "a PNG of 30 megapixels that is small to send": lambda: black_png(5500, 5450),
    "a PNG of noise that shows through": lambda: clear_noise(2048),
}
