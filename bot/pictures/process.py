"""The work on one picture, in a process of its own that ends with it. studio.py starts it, with one argument.

The argument is a JSON object: `do` is "check", "fit" or "shrink", `path` the picture, and `memory` (bytes) and
`seconds` (of processor time) are the limits that this process puts on itself. "fit" and "shrink" also have `max_bytes`,
and "shrink" has `max_side` in pixels. The answer goes to standard output: one line with a JSON object, `fault` and
`amount` for a picture that is not usable, else `format`; behind it the new file, where one was asked for. Nothing is
written to the disk. Anything else (a traceback, a signal) means that the decoder gave up in a way nobody foresaw.

Only the standard library, Pillow and small modules of our own are imported, so that it starts in about 0.15 s.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import struct
import sys
import zlib
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

from PIL import Image, PngImagePlugin
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from bot.errors import BadSource, SourceFault
from bot.model import MAX_SOURCE_BYTES, PictureFormat
from bot.pictures import bands
from bot.pictures.confinement import confine
from bot.pictures.encoding import encode
from bot.pictures.provenance import Provenance
from bot.pictures.reading import read
from bot.pictures.structure import Structure

#: Bytes that the file and what becomes of it may take at once. The rest of this process takes 50 MB.
MAX_DECODING_BYTES = 130_000_000
#: Bytes of pixels for which a PNG is made small band by band. One of more takes seconds: where its file is small it is
#: kept as it is.
BANDS_FROM, BANDS_TO = 32_000_000, 180_000_000
# Pillow's WebP decoder holds a picture up to five times over (measured).
_WEBP_COPIES = 5
#: What takes more than this to open at all is told as too large to open, and not passed on to others.
MAX_COEFFICIENTS = 320_000_000
# Compressed colour profiles of honest PNG files go beyond Pillow's 1 MiB.
PngImagePlugin.MAX_TEXT_CHUNK = 16 * 1024 * 1024
#: Scans times pixels of one file, each of which takes 1 ns (measured): 10 scans of 25 megapixels.
MAX_WORK = 250_000_000
MIN_ROOM = 8 * 1024 * 1024  # what any decoder needs besides
_ROWS = 64  # of a picture that is compared piece by piece
_NOISE = b"\x55\xaa\x93\x6c" * 256

# What Pillow raises for files that are truncated or damaged; OSError is its own way of saying so, too.
_DECODER_FAULTS = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)


def main() -> None:
    """Do what the first argument asks and write the answer."""
    ask = json.loads(sys.argv[1])
    Image.preinit()  # later nothing more can be imported
    path = Path(ask["path"])
    confine(path, memory=ask["memory"], seconds=ask["seconds"])
    content = b""
    try:
        if ask["do"] == "check":
            answer = {"format": check(path)}
        else:
            content, kind = encoded(path, int(ask["max_bytes"]), ask.get("max_side"))
            answer = {"format": kind}
    except BadSource as error:
        answer = {"fault": error.fault, "amount": error.amount}
    except MemoryError:
        answer = {"fault": SourceFault.TOO_COMPLEX, "amount": 0}
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + content)
    sys.stdout.buffer.flush()


def encoded(path: Path, max_bytes: int, max_side: int | None) -> tuple[bytes, PictureFormat]:
    """A file of at most `max_bytes` that shows the same; with a `max_side` for the longer side. Raises BadSource."""
    data = path.read_bytes()
    found = read(data)
    small_enough = len(data) <= max_bytes and found.orientation == 1
    try:
        decodable, is_larger = is_decodable(found, max_side), max(found.width, found.height) > (max_side or 0)
        picture: Image.Image | None = None
        if max_side and is_larger and BANDS_FROM < found.samples <= BANDS_TO:
            picture = bands.reduced(found, data, max_side)
        if picture is None:
            if max_side and small_enough and not (is_larger and decodable):
                return b"".join(found.stripped(data)), found.format
            if not decodable and max_side:
                picture = bands.reduced(found, data, max_side)
            if not decodable and picture is None:
                raise BadSource(SourceFault.TOO_COMPLEX)
            picture = picture or _open(found, data)
        del data  # the picture has its own copy, and lets it go when it is decoded
        provenance = None if max_side else Provenance(found, max_bytes)
        written = encode(picture, found, max_bytes, max_side=max_side, provenance=provenance)
    except _DECODER_FAULTS as error:
        raise BadSource(SourceFault.BROKEN) from error
    if written is None:
        raise BadSource(SourceFault.TOO_LARGE)
    return written


def check(path: Path) -> PictureFormat:
    """See that a source is a whole still picture. Raises BadSource.

    What stands in the file is looked at first, and the pixels of a PNG are unpacked on the way. JPEG and WebP are
    decoded then, unless that would take too much memory: those are taken as whole when their structure is.
    """
    size = path.stat().st_size
    if size > MAX_SOURCE_BYTES:
        raise BadSource(SourceFault.TOO_LARGE, size)
    data = path.read_bytes()
    found = read(data)
    if found.coefficients > MAX_COEFFICIENTS:
        raise BadSource(SourceFault.TOO_COMPLEX, found.pixels)
    if found.format is PictureFormat.PNG:
        return found.format
    try:
        if found.format is PictureFormat.JPEG:
            _check_jpeg(found, data)
        elif is_decodable(found):
            _open(found, data).load()
    except _DECODER_FAULTS as error:
        raise BadSource(SourceFault.BROKEN) from error
    return found.format


def is_decodable(found: Structure, max_side: int | None = None) -> bool:
    """Whether there is memory and time for the pixels; `max_side` is what is needed of the longer side."""
    samples = found.samples
    if found.coefficients and found.scans * found.pixels > MAX_WORK:
        return False
    if found.format is PictureFormat.WEBP:
        samples *= _WEBP_COPIES
    elif found.format is PictureFormat.JPEG and max_side:
        shrunk = (it for it in (8, 4, 2, 1) if it == 1 or max(found.width, found.height) >= max_side * it)
        samples //= next(shrunk) ** 2
    return 2 * found.size + found.coefficients + samples <= MAX_DECODING_BYTES


def _check_jpeg(found: Structure, data: bytes) -> None:
    """Read every bit of the file, but make pixels for one in 64 only.

    Where the end mark is missing, the decoder fills up with grey whatever else is missing. Whether anything is shows
    when something else stands behind the data: of a whole picture it changes no pixel.
    """
    decodable = is_decodable(found, 1)
    if decodable and found.has_end:
        picture = _open(found, data)
        picture.draft(None, (1, 1))
        picture.load()
    elif not found.has_end and not (decodable and _digest(found, data) == _digest(found, data, _NOISE)):
        raise BadSource(SourceFault.BROKEN)


def _digest(found: Structure, data: bytes, before_end: bytes = b"") -> bytes:
    picture = _open(found, data, before_end)
    if not found.coefficients:
        picture.draft(None, (1, 1))  # what is missing shows at this size, too
    picture.load()
    pixels = hashlib.blake2b()
    for top in range(0, picture.height, _ROWS):
        pixels.update(picture.crop((0, top, picture.width, min(top + _ROWS, picture.height))).tobytes())
    return pixels.digest()


def _open(found: Structure, data: bytes, before_end: bytes = b"") -> ImageFile:
    """Open nothing but the picture of a file, undecoded. The bytes chose the decoder, whatever Pillow would think."""
    parts: Iterable[bytes] = found.stripped(data)
    if before_end:
        *body, end = parts
        parts = (*body, before_end, end)
    file = BytesIO(b"".join(parts))
    try:
        mmap.mmap(-1, found.coefficients + MIN_ROOM).close()
    except OSError:
        # Where memory is short, libjpeg calls the file broken: so it is seen beforehand.
        raise BadSource(SourceFault.TOO_COMPLEX, found.pixels) from None
    match found.format:
        case PictureFormat.JPEG:
            return JpegImageFile(file)
        case PictureFormat.PNG:
            return PngImageFile(file)
        case _:  # WebP: nothing else is read
            return WebPImageFile(file)


if __name__ == "__main__":
    main()
