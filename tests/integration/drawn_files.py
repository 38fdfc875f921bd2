"""Picture files with notes, segments and chunks."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from bot.pictures import jpeg


def drawn(size: tuple[int, int] = (320, 240), mode: str = "RGB") -> Image.Image:
    image = ImageOps.fit(Image.effect_noise((32, 24), 90), size).convert("RGB")
    image.paste((255, 0, 0), (0, 0, size[0] // 4, size[1] // 4))
    return image.convert(mode)


def file_of(kind: str, image: Image.Image | None = None, **options: Any) -> bytes:
    out = io.BytesIO()
    (image or drawn()).save(out, kind, **options)
    return out.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data) + 8) + kind + data


def exif(orientation: int = 1) -> Image.Exif:
    notes = Image.Exif()
    notes[0x0112] = orientation
    notes[0x010F] = "CameraMaker"
    notes[0x9286] = b"ASCII\0\0\0Signature: of the service"
    notes.get_ifd(0x8825)[2] = (52.0, 31.0, 12.5)
    return notes


def with_segment(data: bytes, marker: int, content: bytes) -> bytes:
    return data[:2] + jpeg.segment(marker, content) + data[2:]


def with_chunk(data: bytes, kind: bytes, content: bytes) -> bytes:
    return data[:33] + chunk(kind, content) + data[33:]


def put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
