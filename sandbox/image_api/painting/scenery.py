"""Landscapes: skies, mountains, sea, forest and city, each from far to near."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from PIL import ImageDraw

from sandbox.image_api.painting.canvas import Canvas, Color, Point, mix, oval
from sandbox.image_api.painting.palette import Palette, snow_color

_WHITE = (250, 250, 255)


@dataclass(frozen=True, slots=True)
class Ground:
    """Where figures may stand: a place in fractions of the canvas, and how large things are there (part of height).

    `by_water` says that a second figure would stand in the water and needs a rock.
    """

    x: float
    y: float
    size: float
    by_water: bool = False


def paint_sky(canvas: Canvas, palette: Palette, horizon: float) -> Point:
    """Sky, stars, sun or moon and clouds down to the horizon; tells where the light is."""
    rng = canvas.rng
    high, middle, low = palette.sky
    canvas.backdrop([(0.0, high), (horizon * 0.6, middle), (horizon, low), (1.0, low)])
    if palette.is_dark:
        paint_stars(canvas, round(220 * max(1.0, canvas.aspect)), horizon)
    x, y = rng.choice((rng.uniform(0.2, 0.4), rng.uniform(0.6, 0.8))), horizon * rng.uniform(0.24, 0.56)
    radius = rng.uniform(0.045, 0.085)
    canvas.glow(x, y, radius * 9, palette.light, 0.45)
    canvas.glow(x, y, radius * 3, palette.light, 0.6)
    canvas.clouds(horizon * 0.05, horizon * 0.95, palette.cloud, rng.uniform(0.35, 0.8), (2, 7))
    disc = oval(x, y, radius * canvas.short / canvas.width, radius * canvas.short / canvas.height, 72)
    canvas.shape(disc, mix(palette.light, _WHITE, 0.4), palette.light)
    canvas.clouds(horizon * 0.35, horizon, palette.cloud, rng.uniform(0.2, 0.5), (2, 11))
    return x, y


def paint_stars(canvas: Canvas, count: int, lower: float) -> None:
    """Stars, most of them faint, thinning out towards `lower`."""
    rng, draw = canvas.rng, ImageDraw.Draw(canvas.image, "RGBA")
    for _ in range(count):
        x, y = rng.random() * canvas.width, rng.random() ** 1.5 * lower * canvas.height
        radius = canvas.short * rng.choice((0.0006, 0.0008, 0.0011, 0.0018))
        shade = round(rng.uniform(70, 255))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(255, 250, 235, shade))
    for _ in range(5):
        canvas.glow(rng.random(), rng.random() * lower * 0.8, rng.uniform(0.012, 0.03), (220, 230, 255), 0.9)


@dataclass(frozen=True, slots=True)
class Range:
    """The outline of mountains. Each summit is an index into `line`, with the valleys to its left and right."""

    line: Sequence[Point]
    summits: Sequence[tuple[int, int, int]]


def raise_range(canvas: Canvas, base: float, height: float, count: int) -> Range:
    """Peaks and valleys in turn, their slopes roughened by midpoint displacement."""
    rng = canvas.rng
    corners: list[Point] = [(-0.1, base - height * rng.uniform(0.1, 0.35))]
    for index in range(count):
        x = (index + rng.uniform(0.25, 0.75)) / count * 1.16 - 0.08
        corners.append((x, base - height * rng.choice((rng.uniform(0.55, 0.75), rng.uniform(0.8, 1.0)))))
        valley = (index + 1 + rng.uniform(-0.12, 0.12)) / count * 1.16 - 0.08
        corners.append((valley, base - height * rng.uniform(0.12, 0.4)))
    line: list[Point] = [corners[0]]
    marks = [0]
    for start, end in pairwise(corners):
        line += _roughened(canvas, start, end, 4)
        marks.append(len(line) - 1)
    return Range(line, [(marks[i], marks[i - 1], marks[i + 1]) for i in range(1, len(marks) - 1, 2)])


def _roughened(canvas: Canvas, start: Point, end: Point, levels: int) -> list[Point]:
    """The points between two, the last included."""
    if levels == 0:
        return [end]
    swing = math.dist(start, end) * 0.13
    x = (start[0] + end[0]) / 2 + canvas.rng.uniform(-swing, swing) * 0.5
    y = (start[1] + end[1]) / 2 + canvas.rng.uniform(-swing, swing)
    return [*_roughened(canvas, start, (x, y), levels - 1), *_roughened(canvas, (x, y), end, levels - 1)]


def hills(canvas: Canvas, base: float, height: float) -> list[Point]:
    """A soft line of three waves."""
    rng = canvas.rng
    waves = [(rng.uniform(0.5, 1.0) / turn, turn * rng.uniform(0.7, 1.5), rng.random() * 7) for turn in (1, 2, 4)]
    return [
        (step / 90, base - height * (0.5 + 0.3 * sum(a * math.sin(f * 6.28 * step / 90 + p) for a, f, p in waves)))
        for step in range(91)
    ]


def land(line: Sequence[Point]) -> list[Point]:
    """All that lies under a line."""
    return [*line, (1.0, 1.05), (0.0, 1.05)]


def paint_mountains(canvas: Canvas, palette: Palette, *, snowy: bool, soft: bool, lake: bool) -> Ground:
    """Ranges behind one another, a lake where it is wished for or by chance, and a foreground to stand on."""
    rng = canvas.rng
    horizon = rng.uniform(0.6, 0.68)
    light, _ = paint_sky(canvas, palette, horizon)
    for index in range(3):
        base = horizon - 0.02 + 0.05 * index
        color = mix(mix(palette.far, palette.sky[2], 0.42 - 0.2 * index), palette.near, 0.2 * index)
        foot = mix(color, palette.sky[2], 0.45)
        if soft:
            canvas.shape(land(hills(canvas, base, 0.15 + 0.05 * index)), color, foot)
        else:
            peaks = raise_range(canvas, base, rng.uniform(0.32, 0.42) * (1 - 0.3 * index), rng.randint(2, 3) + index)
            canvas.shape(land(peaks.line), color, foot)
            _paint_faces(canvas, peaks, base, color, light, snowy=snowy or (index == 0 and rng.random() < 0.7))
        canvas.haze(base, 0.11, mix(palette.sky[2], palette.cloud, 0.4), 0.5)
    if lake or (not soft and rng.random() < 0.6):
        canvas.mirror(horizon + 0.06, palette.water, 0.3)
        canvas.haze(horizon + 0.06, 0.02, palette.light, 0.25)
        paint_glints(canvas, palette, horizon + 0.06, light)
    return paint_foreground(canvas, palette, 0.82, snowy=snowy)


def paint_foreground(canvas: Canvas, palette: Palette, top: float, *, snowy: bool = False) -> Ground:
    """Two soft hills at the front, the nearer one with grass or snow on it."""
    rng = canvas.rng
    near = snow_color(palette) if snowy else palette.near
    back = mix(near, palette.far, 0.35)
    canvas.shape(land(hills(canvas, top + 0.02, 0.09)), back, mix(back, near, 0.5))
    line = hills(canvas, top + 0.1, 0.08)
    canvas.shape(land(line), mix(near, palette.light, 0.12), mix(near, (0, 0, 0), 0.25 if not snowy else 0.1))
    if not snowy:
        _paint_grass(canvas, line, near, palette)
    x = rng.choice((rng.uniform(0.26, 0.4), rng.uniform(0.6, 0.74)))
    return Ground(x, _height_at(line, x) + 0.035, 0.34)


def _height_at(line: Sequence[Point], x: float) -> float:
    return min(line, key=lambda point: abs(point[0] - x))[1]


def _paint_grass(canvas: Canvas, line: Sequence[Point], near: Color, palette: Palette) -> None:
    rng = canvas.rng
    blades: list[list[Point]] = []
    for _ in range(round(170 * max(1.0, canvas.aspect))):
        x, y = rng.choice(line)
        x += rng.uniform(-0.01, 0.01)
        y += rng.random() ** 2 * 0.12 + 0.006
        tall, lean, wide = rng.uniform(0.012, 0.035), rng.uniform(-0.012, 0.012), 0.0016 / canvas.aspect
        blades.append([(x - wide, y), (x + lean / canvas.aspect, y - tall), (x + wide, y)])
    canvas.shapes(blades[::2], mix(near, palette.light, 0.22))
    canvas.shapes(blades[1::2], mix(near, (0, 0, 0), 0.2))


def _paint_faces(canvas: Canvas, peaks: Range, base: float, color: Color, light: float, *, snowy: bool) -> None:
    """Lay snow on the summits, and shade the side of each that looks away from the light."""
    rng = canvas.rng
    shaded: list[list[Point]] = []
    caps: list[list[Point]] = []
    for summit, left, right in peaks.summits:
        x, y = peaks.line[summit]
        away = right if x >= light else left
        slope = list(peaks.line[summit : away + 1]) if away == right else list(reversed(peaks.line[away : summit + 1]))
        foot = (x + (slope[-1][0] - x) * rng.uniform(0.05, 0.35), base)
        shaded.append([*slope, (slope[-1][0], base), foot, *_crooked(canvas, foot, (x, y))])
        caps.append(_cap(canvas, peaks, summit, (base - y) * rng.uniform(0.3, 0.45)))
    if snowy:
        canvas.shapes(caps, mix(_WHITE, color, 0.1), mix(_WHITE, color, 0.35))
    dark = mix(color, (14, 16, 44), 0.75)
    canvas.shapes(shaded, dark, mix(dark, color, 0.6), opacity=0.36)


def _crooked(canvas: Canvas, start: Point, end: Point) -> list[Point]:
    rng, steps = canvas.rng, 9
    points: list[Point] = []
    for step in range(1, steps):
        share = step / steps
        sway = rng.uniform(-0.016, 0.016) * (1 - share) ** 0.5
        points.append((start[0] + (end[0] - start[0]) * share + sway, start[1] + (end[1] - start[1]) * share))
    return points


def _cap(canvas: Canvas, peaks: Range, summit: int, depth: float) -> list[Point]:
    line, limit = peaks.line, peaks.line[summit][1] + depth
    first = last = summit
    while first > 0 and line[first - 1][1] < limit:
        first -= 1
    while last < len(line) - 1 and line[last + 1][1] < limit:
        last += 1
    start, end = line[first][0], line[last][0]
    teeth = 7
    hem: list[Point] = []
    for tooth in range(1, teeth):
        deep = depth * (canvas.rng.uniform(0.05, 0.3) if tooth % 2 else -canvas.rng.uniform(0.2, 0.5))
        hem.append((end + (start - end) * (tooth + canvas.rng.uniform(-0.3, 0.3)) / teeth, limit + deep))
    return [*line[first : last + 1], *hem]


def paint_glints(canvas: Canvas, palette: Palette, horizon: float, light: float) -> None:
    """Streaks of light on the water below the sun."""
    rng = canvas.rng
    streaks: list[list[Point]] = []
    for _ in range(90):
        depth = rng.random() ** 1.6
        y = horizon + 0.004 + depth * (1 - horizon)
        x = light + rng.gauss(0, 0.025 + 0.09 * depth)
        streaks.append(oval(x, y, rng.uniform(0.01, 0.045) * (0.4 + depth), 0.0012 + 0.0024 * depth, 12))
    canvas.shapes(streaks, palette.light, opacity=0.42)
