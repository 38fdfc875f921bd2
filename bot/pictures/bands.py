"""Makes a large PNG small without holding all its pixels. For the picture process only.

Fifty megapixels are 200 MB, twice what that process has. A PNG is one packed stream of rows, so it can be unpacked a
few rows at a time: each band becomes a small PNG of its own, which Pillow opens. Rows are written as differences to
the row above (PNG specification, section 9), so a band begins with the last row of the one before, as it is.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from io import BytesIO

from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from bot.model import PictureFormat
from bot.pictures.structure import Structure

BAND_BYTES = 4_000_000
_MODES = {0: ("L", 1), 2: ("RGB", 3), 3: ("P", 1), 4: ("LA", 2), 6: ("RGBA", 4)}  # by the type of colour
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_IN_EACH = frozenset({b"PLTE", b"tRNS", b"iCCP"})  # what a band needs for its colours


def reduced(found: Structure, data: bytes, max_side: int, *, band_bytes: int = BAND_BYTES) -> Image.Image | None:
    """The picture with a whole fraction of its pixels, still at least `max_side` on the longer side.

    None for what is not written row by row in bytes. Raises as Pillow does for what is damaged.
    """
    if found.format is not PictureFormat.PNG:
        return None
    if not found.is_stripped(len(data)):
        data = b"".join(found.stripped(data))
    parts = dict[bytes, bytes]()
    packed: list[slice] = []
    for kind, content in _chunks(data):
        if kind == b"IDAT":
            packed.append(content)
        else:
            parts.setdefault(kind, data[content])
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", parts[b"IHDR"])
    if depth != 8 or interlaced:
        return None
    factor = max(1, max(width, height) // max_side)
    mode, channels = _MODES[colour]
    is_clear = mode in {"LA", "RGBA"} or b"tRNS" in parts
    target = "RGBA" if is_clear else "L" if mode == "L" else "RGB"
    whole = Image.new(target, (-(-width // factor), -(-height // factor)))
    row_bytes = width * channels
    rows = max(1, band_bytes // (row_bytes * factor)) * factor
    above, top = b"", 0
    more = {kind: content for kind, content in parts.items() if kind in _IN_EACH}
    for raw in _bands(data, packed, (1 + row_bytes) * rows, (1 + row_bytes) * height):
        count = len(raw) // (1 + row_bytes)
        lead = 1 if above else 0
        head = struct.pack(">IIBBBBB", width, count + lead, 8, colour, 0, 0, 0)
        with _opened(head, more, (b"\0" + above if above else b"") + raw) as band:
            band.load()
            above = band.crop((0, count + lead - 1, width, count + lead)).tobytes()
            strip = band.crop((0, lead, width, count + lead))
            strip.info = dict(band.info)
            whole.paste(strip.convert(target).reduce(factor), (0, top // factor))
            if not top and "icc_profile" in band.info:
                whole.info["icc_profile"] = band.info["icc_profile"]
        top += count
    return whole


def _chunks(data: bytes) -> Iterator[tuple[bytes, slice]]:
    """The kind and the place of each chunk up to the end. The file has been read before, so it is whole."""
    at = len(_SIGNATURE)
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"IEND":
            return
        yield kind, slice(at + 8, at + 8 + length)
        at += 12 + length


def _bands(data: bytes, packed: list[slice], band: int, whole: int) -> Iterator[bytes]:
    """The unpacked rows, `band` bytes at a time, `whole` in all."""
    unpacker, held, view = zlib.decompressobj(), bytearray(), memoryview(data)
    for piece in packed:
        rest: bytes | memoryview = view[piece]
        while rest and whole > 0:
            held += unpacker.decompress(rest, band)
            rest = unpacker.unconsumed_tail
            while len(held) >= band or 0 < whole <= len(held):
                size = min(band, whole)
                yield bytes(held[:size])
                del held[:size]
                whole -= size


def _opened(head: bytes, more: dict[bytes, bytes], raw: bytes) -> PngImageFile:
    chunks = [(b"IHDR", head), *more.items(), (b"IDAT", zlib.compress(raw, 0)), (b"IEND", b"")]
    file = b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(content, zlib.crc32(kind)))
        for kind, content in chunks
    )
    return PngImageFile(BytesIO(_SIGNATURE + file))
