"""The picture files: small ones, and none that changes while what it shows stays the same."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from PIL import Image, ImageChops

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
QUALITIES = (84, 76, 68, 58)
MAX_BYTES = 110_000
#: Where a pixel counts as another one, out of 255: a lossy file and a redrawn edge differ by less.
SEEN = 48
#: Of all pixels, in how many a picture may differ and still show the same: less than a word takes.
SAME = 0.0004


def path_of(name: str) -> Path:
    """Where the picture of a shot lies."""
    return FOLDER / f"{name}.webp"


def keep(name: str, png: bytes) -> bool:
    """Write a shot into its file; False where the file shows the same already and stays as it is."""
    with Image.open(BytesIO(png)) as taken:
        return keep_in(path_of(name), taken.convert("RGB"))


def keep_in(path: Path, shown: Image.Image) -> bool:
    """The same for any file."""
    if path.exists() and _shows_same(path, shown):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_small(shown))
    return True


def _shows_same(path: Path, shown: Image.Image) -> bool:
    """Whether nobody would see a difference between the file and the picture."""
    with Image.open(path) as opened:
        if opened.size != shown.size:
            return False
        difference = ImageChops.difference(opened.convert("RGB"), shown).convert("L")
    other = sum(difference.histogram()[SEEN:])
    return other <= SAME * shown.width * shown.height


def _small(shown: Image.Image) -> bytes:
    """As WebP, of the best quality that is small enough."""
    written = b""
    for quality in QUALITIES:
        with BytesIO() as buffer:
            shown.save(buffer, "WEBP", quality=quality, method=6)
            written = buffer.getvalue()
        if len(written) <= MAX_BYTES:
            break
    return written
