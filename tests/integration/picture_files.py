"""Picture files of all kinds."""

from __future__ import annotations

import os
import random
import struct
import zlib
from pathlib import Path

from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

MIB = 1024 * 1024


def noise(mode: str, side: int, seed: int = 1) -> Image.Image:
    """A picture that no encoder can make much smaller."""
    size = side * side * len(Image.new(mode, (1, 1)).getbands())
    return Image.frombytes(mode, (side, side), random.Random(seed).randbytes(size))


def gradient(mode: str, width: int = 120, height: int = 80) -> Image.Image:
    return ImageOps.fit(Image.linear_gradient("L"), (width, height)).convert(mode)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def blank_png(width: int, height: int) -> bytes:
    """A black picture of any size: two colours, and as good as no bytes."""
    row = bytes(1 + (width + 7) // 8)
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")


def saved(path: Path, image: Image.Image, kind: str, **options: object) -> Path:
    image.save(path, kind, **options)
    return path


def rgb(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def picture_processes() -> list[int]:
    """Ids of our own children that work on a picture."""
    found: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid() and b"bot.pictures.process" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue  # it has ended meanwhile
    return found


def long_text() -> PngInfo:
    info = PngInfo()
    info.add_text("workflow", "x" * 2_000_000, zip=True)
    return info


def rgb_profile() -> bytes:
    """The smallest colour profile there is: a header that names its colour space, and no tags (ICC.1, 7.2)."""
    return struct.pack(">I8x12s12x4s92x", 132, b"mntrRGB XYZ ", b"acsp")


def gps(orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Camera of somebody"
    return exif
