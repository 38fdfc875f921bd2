"""A quiet face before a large disc, in flat shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sandbox.image_api.painting.canvas import Canvas, Color, Point, mix, oval, smooth
from sandbox.image_api.painting.palette import Palette
from sandbox.image_api.painting.scenery import Ground

_BLACK = (6, 6, 18)
_SKINS: Sequence[Color] = ((244, 208, 184), (226, 178, 146), (188, 132, 98), (140, 92, 68), (98, 64, 50))
_HAIRS: Sequence[Color] = ((38, 28, 32), (86, 52, 38), (150, 92, 50), (206, 160, 92), (120, 40, 34), (70, 72, 92))

# Outlines in fractions of the height, x from the middle, y downwards.
_LONG_HAIR = (
    (0.0, 0.13),
    (0.17, 0.17),
    (0.235, 0.33),
    (0.23, 0.5),
    (0.27, 0.68),
    (0.2, 0.84),
    (-0.2, 0.84),
    (-0.27, 0.68),
    (-0.23, 0.5),
    (-0.235, 0.33),
    (-0.17, 0.17),
)
_SHORT_HAIR = (
    (0.0, 0.12),
    (0.13, 0.14),
    (0.19, 0.24),
    (0.175, 0.4),
    (0.13, 0.42),
    (-0.13, 0.42),
    (-0.175, 0.4),
    (-0.19, 0.24),
    (-0.13, 0.14),
)
_SHOULDERS = (
    (0.0, 0.7),
    (0.1, 0.74),
    (0.34, 0.82),
    (0.45, 1.02),
    (0.45, 1.6),
    (-0.45, 1.6),
    (-0.45, 1.02),
    (-0.34, 0.82),
    (-0.1, 0.74),
)
_NECK = ((-0.068, 0.52), (0.068, 0.52), (0.075, 0.7), (0.15, 0.765), (0.0, 0.87), (-0.15, 0.765), (-0.075, 0.7))
_NECK_SHADE = ((-0.07, 0.56), (0.07, 0.56), (0.065, 0.66), (0.0, 0.7), (-0.06, 0.62))
_FACE = (
    (0.0, 0.18),
    (0.1, 0.2),
    (0.155, 0.3),
    (0.15, 0.42),
    (0.115, 0.53),
    (0.045, 0.61),
    (-0.045, 0.61),
    (-0.115, 0.53),
    (-0.15, 0.42),
    (-0.155, 0.3),
    (-0.1, 0.2),
)
_FACE_SHADE = (
    (0.03, 0.2),
    (0.11, 0.22),
    (0.155, 0.32),
    (0.15, 0.42),
    (0.115, 0.53),
    (0.05, 0.605),
    (0.09, 0.45),
    (0.085, 0.32),
)
_BEARD = (
    (0.152, 0.4),
    (0.145, 0.5),
    (0.1, 0.6),
    (0.0, 0.67),
    (-0.1, 0.6),
    (-0.145, 0.5),
    (-0.152, 0.4),
    (-0.115, 0.485),
    (-0.06, 0.505),
    (0.0, 0.5),
    (0.06, 0.505),
    (0.115, 0.485),
)
_FRINGE = (
    (-0.01, 0.15),
    (0.14, 0.18),
    (0.19, 0.34),
    (0.165, 0.44),
    (0.14, 0.32),
    (0.06, 0.25),
    (-0.07, 0.29),
    (-0.145, 0.33),
    (-0.165, 0.45),
    (-0.195, 0.34),
    (-0.14, 0.18),
)
_QUIFF = (
    (-0.02, 0.11),
    (0.13, 0.13),
    (0.185, 0.24),
    (0.165, 0.36),
    (0.13, 0.27),
    (0.02, 0.235),
    (-0.12, 0.27),
    (-0.165, 0.36),
    (-0.185, 0.24),
    (-0.13, 0.14),
)
_LID = ((0.032, 0.402), (0.065, 0.418), (0.105, 0.4), (0.112, 0.394), (0.066, 0.4275), (0.028, 0.406))
_BROW = ((0.026, 0.358), (0.07, 0.338), (0.115, 0.352), (0.07, 0.349))
_NOSE = ((0.004, 0.39), (0.014, 0.44), (0.022, 0.478), (0.0, 0.488), (0.012, 0.475))
_UPPER_LIP = ((-0.046, 0.535), (-0.014, 0.524), (0.0, 0.528), (0.014, 0.524), (0.046, 0.535), (0.0, 0.54))
_LOWER_LIP = ((-0.042, 0.537), (0.0, 0.54), (0.042, 0.537), (0.018, 0.557), (-0.018, 0.557))


class _Sitter:
    """Fills the outlines above on a canvas of any shape."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._scale = min(1.0, canvas.aspect * 1.25) * 0.98

    def curve(
        self, points: Sequence[Point], top: Color, bottom: Color | None = None, opacity: float = 1.0, blur: float = 0
    ) -> None:
        self.fill(smooth(points), top, bottom, opacity, blur)

    def fill(
        self, points: Sequence[Point], top: Color, bottom: Color | None = None, opacity: float = 1.0, blur: float = 0
    ) -> None:
        placed = [(0.5 + x * self._scale / self._canvas.aspect, 0.5 + (y - 0.5) * self._scale) for x, y in points]
        self._canvas.shape(placed, top, bottom, opacity=opacity, blur=blur)


def paint_portrait(canvas: Canvas, palette: Palette, *, long_hair: bool) -> Ground:
    """A face with closed eyes; flowers in long hair, a beard now and then below short hair."""
    rng, sitter = canvas.rng, _Sitter(canvas)
    skin, hair = rng.choice(_SKINS), rng.choice(_HAIRS)
    _paint_disc(canvas, sitter, palette)
    sitter.curve(_LONG_HAIR if long_hair else _SHORT_HAIR, mix(hair, palette.light, 0.1), mix(hair, _BLACK, 0.3))
    dress = mix(palette.accent, palette.near, 0.35)
    sitter.curve(_SHOULDERS, dress, mix(dress, _BLACK, 0.35))
    sitter.fill(_NECK, mix(skin, hair, 0.14), skin)
    sitter.curve(_NECK_SHADE, mix(skin, (120, 50, 50), 0.35), opacity=0.55)
    if not long_hair:
        for side in (-1, 1):
            sitter.fill(oval(side * 0.16, 0.41, 0.024, 0.042, 24), mix(skin, (130, 60, 60), 0.2))
    sitter.curve(_FACE, mix(skin, (255, 250, 240), 0.12), skin)
    sitter.curve(_FACE_SHADE, mix(skin, (130, 60, 60), 0.4), opacity=0.28)
    if not long_hair and rng.random() < 0.6:
        sitter.curve(_BEARD, hair, mix(hair, _BLACK, 0.25), opacity=0.92)
    _paint_features(sitter, skin, hair, palette)
    sitter.curve(_FRINGE if long_hair else _QUIFF, mix(hair, palette.light, 0.16), hair)
    for index in range(6 if long_hair else 0):
        place = (-0.15 + 0.062 * index, 0.2 - 0.045 * math.sin(math.pi * index / 5))
        tone = mix(palette.accent, (255, 236, 230), rng.uniform(0.1, 0.6))
        _paint_bloom(sitter, place, rng.uniform(0.026, 0.042), tone)
    return Ground(0.5, 0.98, 0.2)


def _paint_disc(canvas: Canvas, sitter: _Sitter, palette: Palette) -> None:
    high, middle, low = palette.sky
    canvas.backdrop([(0.0, mix(high, middle, 0.4)), (1.0, mix(low, middle, 0.3))])
    canvas.clouds(0.0, 1.0, palette.cloud, 0.4, (3, 3))
    disc = oval(0.0, 0.4, 0.36, 0.36, 90)
    sitter.fill(disc, mix(palette.light, low, 0.15), mix(palette.accent, palette.light, 0.25))
    canvas.glow(0.5, 0.4, 0.8, palette.light, 0.25)
    for x, y in oval(0.0, 0.4, 0.405, 0.405, 28):
        sitter.fill(oval(x, y, 0.009, 0.009, 16), palette.light, opacity=0.9)


def _paint_features(sitter: _Sitter, skin: Color, hair: Color, palette: Palette) -> None:
    dark = mix(hair, _BLACK, 0.45)
    for side in (-1, 1):
        sitter.curve([(side * x, y) for x, y in _LID], dark)
        sitter.curve([(side * x, y) for x, y in _BROW], dark, opacity=0.8)
        sitter.fill(oval(side * 0.092, 0.475, 0.034, 0.022), (226, 106, 96), opacity=0.25, blur=0.008)
    sitter.curve(_NOSE, mix(skin, (120, 50, 50), 0.4), opacity=0.6)
    lip = mix((188, 62, 66), palette.accent, 0.2)
    sitter.curve(_UPPER_LIP, mix(lip, dark, 0.25))
    sitter.curve(_LOWER_LIP, lip)


def _paint_bloom(sitter: _Sitter, center: Point, radius: float, tone: Color) -> None:
    for x, y in oval(*center, radius * 0.6, radius * 0.6, 6):
        sitter.fill(oval(x, y, radius * 0.5, radius * 0.5, 18), mix(tone, (255, 255, 255), 0.15), tone)
    sitter.fill(oval(*center, radius * 0.3, radius * 0.3, 16), (250, 214, 120))
