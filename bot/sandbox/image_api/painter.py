"""stub"""

from __future__ import annotations

import random
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from bot.model import AspectRatio, PictureFormat, Resolution


class UnusableSource(Exception):
    """A source that is no picture, or too large."""


@dataclass(frozen=True, slots=True)
class Commission:
    prompt: str
    index: int = 0
    seed: int = 0
    aspect_ratio: AspectRatio = AspectRatio.SQUARE
    resolution: Resolution = Resolution.ONE_K
    format: PictureFormat = PictureFormat.JPEG
    sources: tuple[Path, ...] = ()


def paint(commission: Commission) -> bytes:
    rng = random.Random(f"{commission.seed}|{commission.index}|{commission.prompt}")
    with BytesIO() as buffer:
        Image.new("RGB", (1024, 1024), tuple(rng.randrange(256) for _ in range(3))).save(
            buffer, commission.format.value
        )
        return buffer.getvalue()
