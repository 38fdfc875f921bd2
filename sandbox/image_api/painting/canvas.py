"""A canvas in fractions: 0-1 from left to right and from top to bottom, whatever the size in pixels."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from itertools import pairwise

from PIL import Image, ImageChops, ImageDraw, ImageFilter

Color = tuple[int, int, int]
Point = tuple[float, float]
Stops = Sequence[tuple[float, Color]]

_SMOOTH_STEPS = 8  # points between two of a smooth curve's own
_EDGE = 2  # each edge is drawn this many times larger and reduced, since Pillow draws hard edges


def resized(
    image: Image.Image, size: tuple[int, int], resample: Image.Resampling = Image.Resampling.BICUBIC
) -> Image.Image:
    """The image in another size. Pillow's own annotation names numpy, which is not installed."""
    return image.resize(size, resample)  # pyright: ignore[reportUnknownMemberType]


def mapped(image: Image.Image, table: Sequence[int]) -> Image.Image:
    """A grey image with each of its 256 values replaced by the table's. Annotated like the above."""
    return image.point(table)  # pyright: ignore[reportUnknownMemberType]


def mix(first: Color, second: Color, share: float) -> Color:
    """`first` with `share` (0-1) of `second` in it."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def smooth(points: Sequence[Point], *, closed: bool = True) -> list[Point]:
    """A curve through all points (Catmull-Rom)."""
    count = len(points)
    spans = count if closed else count - 1
    curve: list[Point] = []
    for span in range(spans):
        around = [_nth(points, span + offset, closed=closed) for offset in (-1, 0, 1, 2)]
        curve += [_between(around, step / _SMOOTH_STEPS) for step in range(_SMOOTH_STEPS)]
    return curve if closed else [*curve, points[-1]]


def _nth(points: Sequence[Point], index: int, *, closed: bool) -> Point:
    count = len(points)
    return points[index % count] if closed else points[min(max(index, 0), count - 1)]


def _between(around: Sequence[Point], t: float) -> Point:
    x, y = (
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t * t * t)
        for a, b, c, d in zip(*around, strict=True)
    )
    return x, y


def oval(x: float, y: float, rx: float, ry: float, steps: int = 40) -> list[Point]:
    """An ellipse as a polygon."""
    return [
        (x + rx * math.cos(2 * math.pi * step / steps), y + ry * math.sin(2 * math.pi * step / steps))
        for step in range(steps)
    ]


def gradient(stops: Stops, height: int) -> Image.Image:
    """A column of one pixel's width, to be stretched."""
    column = Image.new("RGB", (1, max(1, height)))
    for y in range(max(1, height)):
        column.putpixel((0, y), _color_at(stops, y / max(1, height - 1)))
    return column


def _color_at(stops: Stops, place: float) -> Color:
    for (start, first), (end, second) in pairwise(stops):
        if place <= end:
            return mix(first, second, max(0.0, (place - start) / max(1e-9, end - start)))
    return stops[-1][1]


def noise(rng: random.Random, size: tuple[int, int], cells: tuple[int, int], octaves: int = 4) -> Image.Image:
    """Soft clouds of grey, `cells` of them across and down in the coarsest layer."""
    cloud: Image.Image | None = None
    weight = 1.0
    for octave in range(octaves):
        across, down = cells[0] << octave, cells[1] << octave
        layer = resized(
            Image.frombytes("L", (across, down), rng.randbytes(across * down)), size, Image.Resampling.BICUBIC
        )
        cloud = layer if cloud is None else Image.blend(cloud, layer, weight / (1 + weight))
        weight *= 0.55
    assert cloud is not None
    return cloud


class Canvas:
    """A picture in the making. `short` is the length in pixels of its shorter side."""

    def __init__(self, width: int, height: int, rng: random.Random) -> None:
        self.image = Image.new("RGB", (width, height))
        self.width = width
        self.height = height
        self.short = min(width, height)
        self.rng = rng

    @property
    def aspect(self) -> float:
        """Width by height."""
        return self.width / self.height

    def enlarge(self, size: tuple[int, int]) -> None:
        """Go on in another size."""
        if self.image.size != size:
            self.image = resized(self.image, size, Image.Resampling.BICUBIC)
            self.width, self.height = size
            self.short = min(size)

    def backdrop(self, stops: Stops) -> None:
        """Fill the whole canvas from top to bottom."""
        self.image.paste(resized(gradient(stops, self.height), (self.width, self.height)))

    def shape(
        self, points: Sequence[Point], top: Color, bottom: Color | None = None, *, opacity: float = 1.0, blur: float = 0
    ) -> None:
        """Fill a polygon, from `top` to `bottom` where given. `blur` is a part of the shorter side."""
        self.shapes([points], top, bottom, opacity=opacity, blur=blur)

    def shapes(
        self,
        polygons: Iterable[Sequence[Point]],
        top: Color,
        bottom: Color | None = None,
        *,
        opacity: float = 1.0,
        blur: float = 0,
    ) -> None:
        """Fill several polygons as one."""
        placed = [[(x * self.width, y * self.height) for x, y in points] for points in polygons]
        radius = blur * self.short
        box = self._bounds(placed, margin=math.ceil(radius * 3) + 2)
        if box is None:
            return
        left, upper, right, lower = box
        mask = Image.new("L", ((right - left) * _EDGE, (lower - upper) * _EDGE))
        draw = ImageDraw.Draw(mask)
        for points in placed:
            draw.polygon([((x - left) * _EDGE, (y - upper) * _EDGE) for x, y in points], fill=round(255 * opacity))
        mask = mask.reduce(_EDGE)
        if radius:
            mask = mask.filter(ImageFilter.GaussianBlur(radius))
        self._paste(top, bottom, box, mask)

    def glow(self, x: float, y: float, radius: float, color: Color, strength: float = 1.0) -> None:
        """A soft light around a place. `radius` is a part of the shorter side; light is added, never taken."""
        reach = radius * self.short
        left, upper = round(x * self.width - reach), round(y * self.height - reach)
        size = max(2, round(reach * 2))
        box = (max(0, left), max(0, upper), min(self.width, left + size), min(self.height, upper + size))
        if box[0] >= box[2] or box[1] >= box[3]:
            return
        # the disc in Pillow's radial gradient is dark in the middle and white from the edge on
        disc = mapped(
            Image.radial_gradient("L"), [round(255 * strength * max(0.0, 1 - v / 180) ** 2.2) for v in range(256)]
        )
        mask = resized(disc, (size, size)).crop((box[0] - left, box[1] - upper, box[2] - left, box[3] - upper))
        light = Image.composite(Image.new("RGB", mask.size, color), Image.new("RGB", mask.size), mask)
        self.image.paste(ImageChops.screen(self.image.crop(box), light), box[:2])

    def veil(self, upper: float, lower: float, color: Color, top: float, bottom: float) -> None:
        """A see-through band from `upper` to `lower`, its opacity running from `top` to `bottom`."""
        box = (0, max(0, round(upper * self.height)), self.width, min(self.height, round(lower * self.height)))
        if box[1] >= box[3]:
            return
        fade = mapped(Image.linear_gradient("L"), [round(255 * (top + (bottom - top) * v / 255)) for v in range(256)])
        mask = resized(fade, (self.width, box[3] - box[1]))
        self.image.paste(color, box, mask)

    def haze(self, middle: float, reach: float, color: Color, strength: float) -> None:
        """A bank of haze, thickest at `middle` and gone `reach` above and below it."""
        box = (0, round((middle - reach) * self.height), self.width, round((middle + reach) * self.height))
        swell = mapped(
            Image.linear_gradient("L"), [round(255 * strength * math.sin(math.pi * v / 255) ** 2) for v in range(256)]
        )
        self.image.paste(color, box, resized(swell, (self.width, box[3] - box[1])))

    def clouds(self, upper: float, lower: float, color: Color, amount: float, cells: tuple[int, int] = (3, 5)) -> None:
        """Drifting clouds in a band of the sky; `amount` 0-1."""
        box = (0, max(0, round(upper * self.height)), self.width, round(lower * self.height))
        small = (max(8, self.width // 4), max(8, (box[3] - box[1]) // 4))
        threshold = 150 - 40 * amount
        mask = mapped(
            noise(self.rng, small, cells),
            [round(max(0.0, min(1.0, (v - threshold) / 70)) * 235 * amount) for v in range(256)],
        )
        edge = mapped(Image.linear_gradient("L"), [round(255 * math.sin(math.pi * v / 255)) for v in range(256)])
        mask = ImageChops.multiply(mask, resized(edge, small))
        self.image.paste(color, box, resized(mask, (box[2] - box[0], box[3] - box[1]), Image.Resampling.BICUBIC))

    def mirror(self, horizon: float, tint: Color, share: float) -> None:
        """Water below the horizon: what stands above it, upside down, rippled and tinted."""
        start = round(horizon * self.height)
        depth = self.height - start
        above = self.image.crop((0, max(0, start - round(depth * 1.15)), self.width, start))
        water = resized(above.transpose(Image.Transpose.FLIP_TOP_BOTTOM), (self.width, depth))
        water = Image.blend(
            water.filter(ImageFilter.BoxBlur(self.short * 0.002)), Image.new("RGB", water.size, tint), share
        )
        self.image.paste(water, (0, start))
        y = 0.0
        while y < depth:
            nearness = y / depth
            band = max(1, round(self.short * (0.0015 + 0.007 * nearness)))
            sway = round(math.sin(y * 0.9 + self.rng.random() * 2) * self.short * (0.001 + 0.007 * nearness))
            row = water.crop((0, round(y), self.width, min(depth, round(y) + band)))
            self.image.paste(row, (sway, start + round(y)))
            y += band

    def finish(self) -> Image.Image:
        """Darken the corners a little and lay a fine grain over all."""
        dark = mapped(Image.radial_gradient("L"), [round(max(0, v - 150) * 0.55) for v in range(256)])
        self.image.paste((8, 8, 18), (0, 0), resized(dark, (self.width, self.height)))
        tile = mapped(Image.frombytes("L", (256, 256), self.rng.randbytes(65_536)), [120 + v // 17 for v in range(256)])
        grain = Image.new("L", (self.width, self.height))
        for left in range(0, self.width, 256):
            for upper in range(0, self.height, 256):
                grain.paste(tile, (left, upper))
        self.image = ImageChops.overlay(self.image, Image.merge("RGB", (grain, grain, grain)))
        return self.image

    def _bounds(self, polygons: Sequence[Sequence[Point]], margin: int) -> tuple[int, int, int, int] | None:
        xs = [x for points in polygons for x, _ in points]
        ys = [y for points in polygons for _, y in points]
        if not xs:
            return None
        left, upper = max(0, math.floor(min(xs)) - margin), max(0, math.floor(min(ys)) - margin)
        right, lower = min(self.width, math.ceil(max(xs)) + margin), min(self.height, math.ceil(max(ys)) + margin)
        return (left, upper, right, lower) if left < right and upper < lower else None

    def _paste(self, top: Color, bottom: Color | None, box: tuple[int, int, int, int], mask: Image.Image) -> None:
        if bottom is None:
            self.image.paste(top, box, mask)
            return
        size = (box[2] - box[0], box[3] - box[1])
        self.image.paste(resized(gradient([(0.0, top), (1.0, bottom)], size[1]), size), box, mask)
