"""Figures that stand in a scene: buildings, things that float or fly, and the animals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sandbox.image_api.painting.animals import COATS, paint_owl, paint_sitting
from sandbox.image_api.painting.canvas import Canvas, Color, Point, mix, oval, smooth
from sandbox.image_api.painting.palette import COLORS, Palette
from sandbox.image_api.painting.pen import CREAM, INK, Pen, both
from sandbox.image_api.painting.scenery import Ground


def _paint_lighthouse(pen: Pen, palette: Palette) -> None:
    white, red = (244, 238, 230), (196, 62, 52)
    pen.fill([(0.0, 0.885), (-2.4, 1.16), (-2.4, 0.98)], palette.light, opacity=0.28 if palette.is_dark else 0.14)
    pen.fill([(-0.1, 0.0), (-0.062, 0.8), (0.062, 0.8), (0.1, 0.0)], white, mix(white, INK, 0.15))
    for band in range(3):
        low, high = 0.1 + band * 0.25, 0.22 + band * 0.25
        reach_low, reach_high = 0.1 - 0.038 * low / 0.8, 0.1 - 0.038 * high / 0.8
        pen.fill([(-reach_low, low), (-reach_high, high), (reach_high, high), (reach_low, low)], red)
    pen.fill([(0.02, 0.0), (0.02, 0.8), (0.062, 0.8), (0.1, 0.0)], INK, opacity=0.16)
    pen.fill([(-0.085, 0.8), (-0.085, 0.83), (0.085, 0.83), (0.085, 0.8)], INK)
    pen.fill([(-0.05, 0.83), (-0.05, 0.93), (0.05, 0.93), (0.05, 0.83)], (255, 226, 140))
    pen.fill(smooth([(-0.065, 0.93), (0.0, 1.0), (0.065, 0.93)]), red)
    pen.glow(0.0, 0.885, 0.5, (255, 220, 140), 0.9)


def _paint_boat(pen: Pen, palette: Palette) -> None:
    pen.fill([(0.03, 0.16), (0.03, 1.0), (0.44, 0.2)], CREAM, mix(CREAM, palette.accent, 0.25))
    pen.fill([(-0.02, 0.18), (-0.02, 0.86), (-0.32, 0.22)], mix(CREAM, palette.accent, 0.55))
    pen.fill([(0.0, 0.1), (0.0, 1.02), (0.016, 1.02), (0.016, 0.1)], (92, 64, 50))
    pen.fill(smooth([(-0.46, 0.14), (0.0, 0.12), (0.52, 0.16), (0.36, 0.0), (-0.3, 0.0)]), (98, 50, 42), INK)
    pen.fill(oval(0.0, -0.02, 0.5, 0.03), INK, opacity=0.3)


def _paint_house(pen: Pen, palette: Palette) -> None:
    wall = (196, 150, 112)
    pen.fill([(-0.42, 0.0), (-0.42, 0.42), (0.42, 0.42), (0.42, 0.0)], wall)
    pen.fill([(0.14, 0.6), (0.14, 0.86), (0.26, 0.86), (0.26, 0.5)], (120, 84, 74))
    pen.fill([(-0.52, 0.4), (-0.26, 0.8), (0.26, 0.8), (0.52, 0.4)], mix((140, 62, 52), palette.accent, 0.3))
    pen.fill([(-0.07, 0.0), (-0.07, 0.26), (0.07, 0.26), (0.07, 0.0)], (84, 54, 44))
    for x in (-0.28, 0.28):
        pen.fill([(x - 0.08, 0.14), (x - 0.08, 0.3), (x + 0.08, 0.3), (x + 0.08, 0.14)], (255, 222, 140))
        pen.glow(x, 0.22, 0.28, (255, 210, 120), 0.6 if palette.is_dark else 0.25)
    for puff in range(5):
        pen.fill(
            oval(0.22 + puff * 0.07, 0.95 + puff * 0.12, 0.05 + puff * 0.022, 0.04 + puff * 0.018, 20),
            (255, 255, 255),
            opacity=0.34 - puff * 0.05,
        )


def _paint_castle(pen: Pen, palette: Palette) -> None:
    stone, roof = (150, 146, 156), mix((86, 74, 126), palette.accent, 0.35)
    for x, wide, tall in (
        (-0.3, 0.09, 0.62),
        (0.3, 0.09, 0.56),
        (0.02, 0.12, 0.78),
        (-0.14, 0.08, 0.5),
        (0.18, 0.08, 0.48),
    ):
        pen.fill([(x - wide, 0.0), (x - wide, tall), (x + wide, tall), (x + wide, 0.0)], stone, mix(stone, INK, 0.2))
        pen.fill([(x, 0.0), (x, tall), (x + wide, tall), (x + wide, 0.0)], INK, opacity=0.14)
        pen.fill([(x - wide * 1.25, tall), (x, tall + wide * 2.6), (x + wide * 1.25, tall)], roof)
        pen.fill(smooth([(x - 0.018, tall - 0.17), (x, tall - 0.08), (x + 0.018, tall - 0.17)]), (255, 216, 130))
    pen.fill([(-0.42, 0.0), (-0.42, 0.26), (0.42, 0.26), (0.42, 0.0)], mix(stone, INK, 0.12))
    for step in range(7):
        left = -0.42 + step * 0.13
        pen.fill([(left, 0.25), (left, 0.31), (left + 0.06, 0.31), (left + 0.06, 0.25)], mix(stone, INK, 0.12))
    pen.fill(smooth([(-0.07, 0.0), (-0.07, 0.12), (0.0, 0.18), (0.07, 0.12), (0.07, 0.0)]), INK)


def _paint_balloon(pen: Pen, palette: Palette) -> None:
    first, second = palette.accent, CREAM
    hull = smooth(both([(0.0, 1.0), (0.2, 0.95), (0.32, 0.76), (0.28, 0.55), (0.09, 0.3), (0.0, 0.29)]))
    pen.fill(hull, mix(first, CREAM, 0.2), mix(first, INK, 0.2))
    for share in (0.78, 0.34):
        inner = [(x * share, y) for x, y in hull]
        pen.fill(inner, second if share > 0.5 else first, mix(second if share > 0.5 else first, INK, 0.15))
    for x in (-0.06, 0.055):
        pen.fill([(x, 0.3), (x + 0.006, 0.3), (x * 0.7 + 0.006, 0.12), (x * 0.7, 0.12)], INK)
    pen.fill([(-0.06, 0.14), (0.06, 0.14), (0.05, 0.03), (-0.05, 0.03)], (118, 78, 52))


def _paint_rocket(pen: Pen, palette: Palette) -> None:
    pen.glow(0.0, -0.1, 0.7, (255, 190, 110), 0.8)
    pen.fill(smooth(both([(0.0, 0.1), (0.07, 0.02), (0.05, -0.16), (0.0, -0.34)])), (255, 210, 110), (255, 110, 60))
    for side in (-1, 1):
        pen.fill([(side * 0.1, 0.36), (side * 0.25, 0.06), (side * 0.1, 0.12)], palette.accent)
    pen.fill(
        smooth(both([(0.0, 1.0), (0.1, 0.78), (0.13, 0.45), (0.09, 0.1), (0.0, 0.08)])),
        (240, 240, 244),
        (170, 174, 190),
    )
    pen.fill(smooth(both([(0.0, 1.0), (0.06, 0.88), (0.085, 0.8), (0.0, 0.79)])), palette.accent)
    pen.fill(oval(0.0, 0.6, 0.062, 0.062), INK)
    pen.fill(oval(0.0, 0.6, 0.046, 0.046), (120, 190, 220))


def paint_birds(canvas: Canvas, palette: Palette) -> None:
    """A flock, far away."""
    rng = canvas.rng
    x, y = rng.uniform(0.2, 0.7), rng.uniform(0.14, 0.3)
    birds: list[list[Point]] = []
    for _ in range(9):
        at_x, at_y, span = x + rng.gauss(0, 0.09), y + rng.gauss(0, 0.04), rng.uniform(0.01, 0.024)
        lift = span * canvas.aspect * rng.uniform(0.3, 0.6)
        wing = smooth([(at_x - span, at_y - lift), (at_x - span * 0.4, at_y - lift * 0.8), (at_x, at_y)], closed=False)
        other = [(2 * at_x - a, b) for a, b in reversed(wing)]
        birds.append(
            [
                *wing,
                *other,
                *((a, b + 0.0022 + 0.002 * (1 - abs(a - at_x) / span)) for a, b in reversed([*wing, *other])),
            ]
        )
    canvas.shapes(birds, mix(palette.near, INK, 0.4), opacity=0.85)


_PAINTERS: Mapping[str, Callable[[Pen, Palette], None]] = {
    "owl": paint_owl,
    "lighthouse": _paint_lighthouse,
    "boat": _paint_boat,
    "house": _paint_house,
    "castle": _paint_castle,
    "balloon": _paint_balloon,
    "rocket": _paint_rocket,
}
#: What a colour's name means when it is said of fur.
_FURS: Mapping[str, Color] = {**COLORS, "red": (206, 84, 40), "blue": (96, 112, 140), "brown": (124, 84, 58)}
_ROCK = ((-0.3, 0.0), (-0.12, 0.07), (0.1, 0.06), (0.34, -0.02), (0.42, -0.09), (0.0, -0.12), (-0.4, -0.08))
_IN_THE_AIR = frozenset({"balloon", "rocket"})
_AFLOAT = _IN_THE_AIR | {"boat"}
_SCALES: Mapping[str, float] = {
    "lighthouse": 1.25,
    "house": 0.72,
    "castle": 1.15,
    "owl": 0.8,
    "cat": 0.86,
    "rabbit": 0.74,
}


def paint_figures(
    canvas: Canvas, palette: Palette, names: Sequence[str], ground: Ground, coat: str | None = None
) -> None:
    """Put the figures a prompt names into a scene, the first where the ground offers a place."""
    placed = 0
    for name in names:
        if name == "birds":
            paint_birds(canvas, palette)
            continue
        spot = _spot(canvas, name, ground, placed)
        placed += 1
        pen = Pen(
            canvas,
            spot,
            palette.near if palette.is_dark else mix(palette.near, palette.sky[0], 0.4),
            0.3 if palette.is_dark else 0.12,
            flip=spot.x > 0.5,
        )
        if ground.by_water and placed > 1 and name not in _AFLOAT:
            pen.fill(smooth(_ROCK), mix(palette.near, palette.far, 0.2), palette.near)
        if name in COATS:
            paint_sitting(pen, name, _FURS[coat] if coat and placed == 1 else None)
        else:
            _PAINTERS[name](pen, palette)


def _spot(canvas: Canvas, name: str, ground: Ground, placed: int) -> Ground:
    rng = canvas.rng
    # a tall canvas is narrow: figures are measured against its width there
    size = (ground.size or 0.3) * _SCALES.get(name, 1.0) * min(1.0, canvas.aspect * 1.15)
    if name in _IN_THE_AIR:
        return Ground(rng.uniform(0.3, 0.7), rng.uniform(0.42, 0.52), size * 0.95)
    if name == "boat":
        return Ground(rng.uniform(0.5, 0.66), rng.uniform(0.76, 0.84), size * 0.75)
    x = ground.x if placed == 0 else min(0.86, max(0.14, 1 - ground.x + rng.uniform(-0.05, 0.05)))
    return Ground(x, ground.y + 0.01 * placed, size)
