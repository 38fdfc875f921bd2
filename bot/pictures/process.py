"""The work on one picture, in a process of its own that ends with it: `python -m bot.pictures.process ASK`.

ASK is one JSON object: `do` is "check", "fit" or "shrink", `path` the picture, and `memory` (bytes) and `seconds`
(of processor time) are the limits this process puts on itself. "fit" and "shrink" also have `max_bytes` and `into`, the
path of the new file without its extension, and "shrink" has `max_side` in pixels. The answer is one JSON object on
standard output: `fault` and `amount` for a picture that is not usable, else `format`, and `path` where a new file was
written. Anything else (a traceback, a signal) means that the decoder gave up in a way nobody foresaw.

Only the standard library, Pillow and small modules of our own are imported, so that it starts in about 0.15 s.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

from PIL import PngImagePlugin
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from bot.errors import BadSource, SourceFault
from bot.model import MAX_SOURCE_BYTES, MAX_SOURCE_PIXELS, PictureFormat
from bot.pictures.encoding import encode, is_plain
from bot.pictures.file_heads import HEAD_BYTES, read_webp_header, sniff

# Pillow's WebP decoder holds a picture four times over, 300 MB at this size (measured): larger ones stay undecoded.
MAX_DECODED_WEBP_PIXELS = 4096 * 4096
# Compressed colour profiles and texts of honest PNG files go beyond Pillow's 1 MiB.
PngImagePlugin.MAX_TEXT_CHUNK = 16 * 1024 * 1024

# What Pillow raises for files that are truncated or damaged; OSError is its own way of saying so, too.
_DECODER_FAULTS = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)


def main() -> None:
    """Do what the first argument asks and print the answer."""
    ask = json.loads(sys.argv[1])
    _limit_self(ask["memory"], ask["seconds"])
    try:
        answer = _answer(ask)
    except BadSource as error:
        answer = {"fault": error.fault, "amount": error.amount}
    except MemoryError:
        answer = {"fault": SourceFault.UNREADABLE, "amount": 0}
    sys.stdout.write(json.dumps(answer))


def check(path: Path) -> PictureFormat:
    """Decode a source as a whole. Raises BadSource. A WebP of more than 16 megapixels is measured only."""
    size = path.stat().st_size
    if size > MAX_SOURCE_BYTES:
        raise BadSource(SourceFault.TOO_LARGE, size)
    try:
        picture, kind = _open(path)
        if isinstance(picture, JpegImageFile):
            picture.draft(None, (1, 1))  # reads every bit of the file, but makes pixels for one in 64 only
        elif isinstance(picture, PngImageFile):
            picture.verify()  # the checksums, which decoding alone skips; it uses the opened file up
            picture, _ = _open(path)
        if picture is not None:
            picture.load()
    except _DECODER_FAULTS as error:
        raise BadSource(SourceFault.BROKEN) from error
    return kind


def _answer(ask: dict[str, Any]) -> dict[str, object]:
    path = Path(ask["path"])
    if ask["do"] == "check":
        return {"format": check(path)}
    max_bytes, max_side = int(ask["max_bytes"]), ask.get("max_side")
    try:
        picture, kind = _open(path)
        if picture is None:
            raise BadSource(SourceFault.TOO_MANY_PIXELS)
        if max_side and path.stat().st_size <= max_bytes and is_plain(picture, max_side):
            return {"format": kind}
        encoded = encode(picture, kind, max_bytes, max_side)
    except _DECODER_FAULTS as error:
        raise BadSource(SourceFault.BROKEN) from error
    if encoded is None:
        raise BadSource(SourceFault.TOO_LARGE)
    data, kind = encoded
    written = Path(f"{ask['into']}.{kind.extension}")
    written.write_bytes(data)
    return {"format": kind, "path": str(written)}


def _open(path: Path) -> tuple[ImageFile | None, PictureFormat]:
    """Open a still picture of a bearable size, undecoded; None for a WebP that is too large to decode.

    The bytes choose the decoder. Pillow itself would go by more formats, and by several pictures in one JPEG (MPO).
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    match sniff(head):
        case PictureFormat.JPEG:
            picture = JpegImageFile(path)
            _refuse(False, *picture.size)
            return picture, PictureFormat.JPEG
        case PictureFormat.PNG:
            picture = PngImageFile(path)
            _refuse(picture.is_animated, *picture.size)
            return picture, PictureFormat.PNG
        case PictureFormat.WEBP:
            return _open_webp(path, head), PictureFormat.WEBP
        case None:
            raise BadSource(SourceFault.NOT_A_PICTURE)


def _open_webp(path: Path, head: bytes) -> ImageFile | None:
    header = read_webp_header(head)
    if header is None or header.length > path.stat().st_size:
        raise BadSource(SourceFault.BROKEN)
    _refuse(header.animated, header.width, header.height)
    return WebPImageFile(path) if header.width * header.height <= MAX_DECODED_WEBP_PIXELS else None


def _refuse(animated: bool, width: int, height: int) -> None:
    if animated:
        raise BadSource(SourceFault.ANIMATED)
    if width * height > MAX_SOURCE_PIXELS:
        raise BadSource(SourceFault.TOO_MANY_PIXELS, width * height)


def _limit_self(memory: int, seconds: int) -> None:
    """Be the first to give way: in processor time, in memory, and when the kernel looks for a victim."""
    os.nice(5)
    for kind, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):  # macOS knows the limit on memory but takes none
            resource.setrlimit(kind, (most, most))
    with contextlib.suppress(OSError):  # Linux only
        Path("/proc/self/oom_score_adj").write_text("1000")


if __name__ == "__main__":
    main()
