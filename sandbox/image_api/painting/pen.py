"""The pen that draws figures in a measure of their own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.image_api.painting.canvas import Canvas, Color, Point, mix, oval
from sandbox.image_api.painting.scenery import Ground

INK = (30, 24, 30)
CREAM = (250, 240, 226)


@dataclass(frozen=True, slots=True)
class Pen:
    """Draws in a figure's own measure: x from its middle, y upwards from its feet, 1 is its height."""

    canvas: Canvas
    ground: Ground
    shade: Color
    dimness: float  # how much of the scene's shade lies on the figure
    flip: bool = False

    def fill(self, points: Sequence[Point], top: Color, bottom: Color | None = None, opacity: float = 1.0) -> None:
        lower = mix(mix(bottom or top, self.shade, 0.22), self.shade, self.dimness)
        self.canvas.shape(
            [self._place(point) for point in points], mix(top, self.shade, self.dimness), lower, opacity=opacity
        )

    def shadow(self) -> None:
        """The soft shade on the ground below it."""
        self.fill(oval(0.03, 0.0, 0.42, 0.035), INK, opacity=0.35)

    def glow(self, x: float, y: float, radius: float, color: Color, strength: float) -> None:
        at_x, at_y = self._place((x, y))
        self.canvas.glow(
            at_x, at_y, radius * self.ground.size * self.canvas.height / self.canvas.short, color, strength
        )

    def _place(self, point: Point) -> Point:
        x = -point[0] if self.flip else point[0]
        size = self.ground.size
        return self.ground.x + x * size / self.canvas.aspect, self.ground.y - point[1] * size


def both(points: Sequence[Point]) -> list[Point]:
    """A closed outline from its right half, which runs from top to bottom."""
    return [*points, *((-x, y) for x, y in reversed(points))]


def turned(points: Sequence[Point], angle: float) -> list[Point]:
    """Points turned around the origin; `angle` in radians."""
    cos, sin = math.cos(angle), math.sin(angle)
    return [(x * cos - y * sin, x * sin + y * cos) for x, y in points]
