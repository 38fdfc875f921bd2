"""Keeps what says where a result came from when it has to be encoded anew: Exif, XMP, and C2PA's manifest.

The manifest is kept as it is. Its signature is then that of the original's pixels, which is what a verifier says of
every picture that a platform has made smaller.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.model import PictureFormat
from bot.pictures import jpeg, webp
from bot.pictures.structure import EXIF_PREFIX, Structure, orientation_spot

#: The part of the room that notes may take together; the picture matters more.
MAX_SHARE = 4
_MAX_SEGMENT = 65_533


class Provenance:
    """The notes of one picture, as they go into another file."""

    def __init__(self, found: Structure, max_bytes: int) -> None:
        """Take as much as fits into a quarter of `max_bytes`, the smallest notes first."""
        boxes = jpeg.jumbf_boxes(found.notes.get("jumbf", ())) + found.notes.get("c2pa", [])
        candidates = [
            ("exif", _upright((found.notes.get("exif") or [b""])[0].removeprefix(EXIF_PREFIX))),
            ("xmp", (found.notes.get("xmp") or [b""])[0]),
            *(("c2pa", box) for box in boxes if len(box) >= 8),
        ]
        self._notes: list[tuple[str, bytes]] = []
        self.bytes = 0  # how much longer a file gets at most
        for kind, content in sorted(candidates, key=lambda it: len(it[1])):
            size = len(content) + 64 + len(content) // 1024
            if content and self.bytes + size <= max_bytes // MAX_SHARE:
                self._notes.append((kind, content))
                self.bytes += size

    def written(self, data: bytes, target: PictureFormat, size: tuple[int, int], *, alpha: bool) -> bytes:
        """`data`, a file that Pillow made without notes, with them."""
        if not self._notes:
            return data
        if target is PictureFormat.WEBP:
            names = {"exif": b"EXIF", "xmp": b"XMP ", "c2pa": b"C2PA"}
            chunks = {names[kind]: content for kind, content in sorted(self._notes)}
            return webp.with_notes(data, chunks, width=size[0], height=size[1], alpha=alpha)
        return data[:2] + b"".join(self._segments()) + data[2:]

    def _segments(self) -> Sequence[bytes]:
        found: list[bytes] = []
        for number, (kind, content) in enumerate(self._notes, start=1):
            if kind == "c2pa":
                found += jpeg.jumbf_segments(content, number)
                continue
            whole = (EXIF_PREFIX if kind == "exif" else jpeg.XMP_PREFIX) + content
            if len(whole) <= _MAX_SEGMENT:
                found.append(jpeg.segment(jpeg.EXIF if kind == "exif" else jpeg.XMP, whole))
        return found


def _upright(exif: bytes) -> bytes:
    """The same note for a picture that stands upright by itself."""
    spot = orientation_spot(exif)
    if spot is None:
        return exif
    offset, order = spot
    return exif[:offset] + (b"\1\0" if order == "<" else b"\0\1") + exif[offset + 2 :]
