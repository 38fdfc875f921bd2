"""Draws the bars of a month, in a process of its own: `python -m bot.pictures.chart_process`.

The first argument is one JSON object: `days` (a number for each day of the month), `today` (which of them stands out,
from 0), `amount` (how an amount is written, as `${amount}`; empty where pictures are counted) and `point` (what stands
before decimals). The PNG goes to standard output: light on dark, and large enough to be read on a phone, where Discord
shows it some 300 pixels wide.
"""

from __future__ import annotations

import io
import json
import math
import sys
from collections.abc import Sequence
from typing import Any

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 800, 420
LEFT_GAP, RIGHT, TOP, BOTTOM = 16, 24, 32, 64
TEXT_PX = 32  # 12 pixels on a phone
BACKGROUND, GRID, FAINT, BAR, TODAY = "#1E1F22", "#3A3C42", "#B5BAC1", "#4F9D77", "#E9A23B"
TICKS = 4


def main() -> None:
    """Draw what the first argument asks for."""
    ask: dict[str, Any] = json.loads(sys.argv[1])
    out = io.BytesIO()
    draw_month(ask["days"], ask["today"], ask["amount"], ask["point"]).save(out, "PNG", optimize=True)
    sys.stdout.buffer.write(out.getvalue())


def draw_month(days: Sequence[float], today: int, amount: str, point: str) -> Image.Image:
    """One bar for each of `days`; the one of `today` (from 0) stands out."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), BACKGROUND)
    pen = ImageDraw.Draw(picture)
    font = ImageFont.load_default(TEXT_PX)
    top = _round_up(max([*days, 0.01 if amount else 1]))
    floor, height = HEIGHT - BOTTOM, HEIGHT - BOTTOM - TOP
    labels = _labels(top, amount, point)
    left = 2 * LEFT_GAP + round(max(pen.textlength(it, font) for it in labels))
    for tick, label in enumerate(labels):
        y = floor - height * tick / TICKS
        pen.line((left, y, WIDTH - RIGHT, y), fill=GRID, width=2)
        pen.text((left - LEFT_GAP, y), label, font=font, fill=FAINT, anchor="rm")
    step = (WIDTH - left - RIGHT) / len(days)
    for index, value in enumerate(days):
        x = left + step * index
        if value:
            y = min(floor - height * value / top, floor - 4)
            box = (x + step * 0.14, y, x + step * 0.86, floor)
            pen.rounded_rectangle(
                box, radius=5, fill=TODAY if index == today else BAR, corners=(True, True, False, False)
            )
        if (index + 1) % 5 == 0 or index == 0:
            pen.text((x + step / 2, floor + 30), str(index + 1), font=font, fill=FAINT, anchor="mm")
    return picture


def _labels(top: float, amount: str, point: str) -> Sequence[str]:
    """What stands at the ticks, from nothing to `top`, as the reader writes it."""
    if not amount:
        return [f"{top * tick / TICKS:.0f}" for tick in range(TICKS + 1)]
    # Cents, and more digits only where the ticks lie closer.
    digits = next(it for it in range(2, 9) if it == 8 or math.isclose(round(top / TICKS, it), top / TICKS))
    form = " ".join(amount.split())  # without no-break spaces
    if not form.isascii():  # the font that comes with Pillow has no letters of Chinese or Japanese
        form = "${amount}"
    numbers = (f"{top * tick / TICKS:.{digits}f}".replace(".", point) for tick in range(TICKS + 1))
    return [form.replace("{amount}", it) for it in numbers]


def _round_up(value: float) -> float:
    """The next round number that four ticks divide well: 4, 8, 20, 40, 80, 200 … times a power of ten."""
    size = 0.0001
    while True:
        for factor in (4, 8, 12, 20):
            if value <= size * factor:
                return size * factor
        size *= 10


if __name__ == "__main__":
    main()
