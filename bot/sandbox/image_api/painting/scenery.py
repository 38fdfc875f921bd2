"""Landscapes: skies, mountains, sea, forest and city, each from far to near."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import ImageDraw

from bot.sandbox.image_api.painting.canvas import Canvas, Color, Point, mix, oval, smooth
from bot.sandbox.image_api.painting.palette import Palette

_WHITE = (250, 250, 255)


@dataclass(frozen=True, slots=True)
class Ground:
    """Where figures may stand: a place in fractions of the canvas, and how large things are there (part of height)."""

    x: float
    y: float
    size: float


def paint_sky(canvas: Canvas, palette: Palette, horizon: float) -> Point:
    """Sky, stars, sun or moon and clouds down to the horizon; tells where the light is."""
    rng = canvas.rng
    high, middle, low = palette.sky
    canvas.backdrop([(0.0, high), (horizon * 0.6, middle), (horizon, low), (1.0, low)])
    if palette.is_dark:
        paint_stars(canvas, round(220 * max(1.0, canvas.aspect)), horizon)
    x, y = rng.choice((rng.uniform(0.2, 0.4), rng.uniform(0.6, 0.8))), horizon * rng.uniform(0.34, 0.72)
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


def ridge(canvas: Canvas, base: float, height: float, roughness: float) -> list[Point]:
    """A jagged line by midpoint displacement; the rougher, the more like rock."""
    rng = canvas.rng
    line = [rng.uniform(0.2, 0.9), rng.uniform(0.0, 1.0), rng.uniform(0.2, 0.9)]
    swing = 0.5
    while len(line) < 130:
        bent: list[float] = []
        for first, second in zip(line, line[1:], strict=False):
            bent += [first, (first + second) / 2 + rng.uniform(-swing, swing)]
        line = [*bent, line[-1]]
        swing *= roughness
    last = len(line) - 1
    return [(index / last, base - height * max(0.0, min(1.2, value))) for index, value in enumerate(line)]


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


def paint_mountains(canvas: Canvas, palette: Palette, *, snowy: bool, soft: bool) -> Ground:
    """Ranges behind one another, a lake now and then, and a foreground to stand on."""
    rng = canvas.rng
    horizon = rng.uniform(0.58, 0.68)
    light, _ = paint_sky(canvas, palette, horizon)
    ranges = 3
    for index in range(ranges):
        depth = index / ranges
        base = horizon - 0.04 + 0.05 * index
        color = mix(mix(palette.far, palette.sky[2], 0.45 * (1 - depth)), palette.near, 0.35 * depth)
        if soft:
            line = hills(canvas, base, 0.16 + 0.05 * index)
        else:
            line = ridge(canvas, base, rng.uniform(0.26, 0.38) * (1 - 0.3 * depth), 0.5)
        canvas.shape(land(line), color, mix(color, palette.sky[2], 0.5))
        if not soft:
            _paint_faces(canvas, line, base, color, light, snowy=snowy or (index == 0 and rng.random() < 0.6))
        canvas.veil(base - 0.1, base + 0.05, mix(palette.sky[2], palette.cloud, 0.4), 0.0, 0.45)
    if not soft and rng.random() < 0.55:
        canvas.mirror(horizon + 0.05, palette.water, 0.3)
        _paint_glints(canvas, palette, horizon + 0.05, light)
    return paint_foreground(canvas, palette, 0.82, snowy=snowy)


def paint_foreground(canvas: Canvas, palette: Palette, top: float, *, snowy: bool = False) -> Ground:
    """Two soft hills at the front, the nearer one with grass or snow on it."""
    rng = canvas.rng
    near = mix(palette.near, (226, 234, 246) if not palette.is_dark else (120, 140, 180), 0.75) if snowy else palette.near
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


def _paint_faces(
    canvas: Canvas, line: Sequence[Point], base: float, color: Color, light: float, *, snowy: bool
) -> None:
    """Shade the side of each peak that looks away from the light, and lay snow on the tops."""
    shaded: list[list[Point]] = []
    caps: list[list[Point]] = []
    for peak in _peaks(line):
        x, y = line[peak]
        away = 1 if x >= light else -1
        foot = peak
        while 0 < foot < len(line) - 1 and line[foot + away][1] >= line[foot][1] - 0.004:
            foot += away
        slope = list(line[peak:foot]) if away > 0 else list(reversed(line[foot + 1 : peak + 1]))
        if len(slope) > 3:
            shaded.append([*slope, (slope[-1][0], base), *_crooked(canvas, (x, base), (x, y))])
        caps.append(_cap(canvas, line, peak, (base - y) * 0.3))
    canvas.shapes(shaded, mix(color, (12, 14, 34), 0.3), mix(color, (12, 14, 34), 0.08), opacity=0.75)
    if snowy:
        canvas.shapes([cap for cap in caps if len(cap) > 4], mix(_WHITE, color, 0.12), mix(_WHITE, color, 0.3))


def _peaks(line: Sequence[Point]) -> list[int]:
    reach = 7
    return [
        index
        for index in range(reach, len(line) - reach)
        if line[index][1] == min(y for _, y in line[index - reach : index + reach + 1])
    ]


def _crooked(canvas: Canvas, start: Point, end: Point) -> list[Point]:
    rng = canvas.rng
    steps = 7
    points: list[Point] = []
    for step in range(1, steps):
        share = step / steps
        x = start[0] + (end[0] - start[0]) * share + rng.uniform(-0.012, 0.012)
        points.append((x, start[1] + (end[1] - start[1]) * share))
    return points


def _cap(canvas: Canvas, line: Sequence[Point], peak: int, depth: float) -> list[Point]:
    limit = line[peak][1] + depth
    first, last = peak, peak
    while first > 0 and line[first - 1][1] < limit and peak - first < 12:
        first -= 1
    while last < len(line) - 1 and line[last + 1][1] < limit and last - peak < 12:
        last += 1
    edge: list[Point] = []
    for index in range(last, first, -1):
        x, y = line[index]
        edge.append((x, min(limit, y + depth * canvas.rng.uniform(0.15, 0.6))))
    return [*line[first : last + 1], *edge]


def _paint_glints(canvas: Canvas, palette: Palette, horizon: float, light: float) -> None:
    """Streaks of light on the water below the sun."""
    rng = canvas.rng
    streaks: list[list[Point]] = []
    for _ in range(90):
        depth = rng.random() ** 1.6
        y = horizon + 0.004 + depth * (1 - horizon)
        x = light + rng.gauss(0, 0.025 + 0.09 * depth)
        streaks.append(oval(x, y, rng.uniform(0.01, 0.045) * (0.4 + depth), 0.0012 + 0.0024 * depth, 12))
    canvas.shapes(streaks, palette.light, opacity=0.42)


def paint_sea(canvas: Canvas, palette: Palette) -> Ground:
    """Open water to the horizon, islands, and a headland in front."""
    rng = canvas.rng
    horizon = rng.uniform(0.52, 0.62)
    light, _ = paint_sky(canvas, palette, horizon)
    for index in range(rng.randint(1, 3)):
        color = mix(palette.far, palette.sky[2], 0.5 - 0.15 * index)
        center, reach = rng.uniform(0, 1), rng.uniform(0.1, 0.3)
        tall = rng.uniform(0.02, 0.07)
        bumps = [(center + reach * (step / 8 - 0.5) * 2, horizon - tall * math.sin(math.pi * step / 8) * rng.uniform(0.6, 1.1)) for step in range(9)]
        canvas.shape(smooth(bumps, closed=False), color, mix(color, palette.near, 0.2))
    canvas.mirror(horizon, palette.water, 0.42)
    canvas.veil(horizon, 1.0, palette.near, 0.0, 0.45)
    _paint_glints(canvas, palette, horizon, light)
    _paint_waves(canvas, palette, horizon)
    return _paint_headland(canvas, palette)


def _paint_waves(canvas: Canvas, palette: Palette, horizon: float) -> None:
    rng = canvas.rng
    crests: list[list[Point]] = []
    for _ in range(70):
        depth = rng.random() ** 0.8
        x, y, reach = rng.random(), horizon + 0.02 + depth * (0.98 - horizon), (0.02 + 0.09 * depth) * rng.uniform(0.5, 1.2)
        thick = 0.0012 + 0.0035 * depth
        crests.append([(x - reach, y), (x, y - thick), (x + reach, y), (x, y + thick * 0.4)])
    canvas.shapes(crests[::2], mix(palette.water, palette.near, 0.55), opacity=0.4)
    canvas.shapes(crests[1::2], mix(palette.sky[2], _WHITE, 0.3), opacity=0.3)


def _paint_headland(canvas: Canvas, palette: Palette) -> Ground:
    rng = canvas.rng
    right = rng.random() < 0.5
    top = rng.uniform(0.64, 0.72)
    cliff: list[Point] = [(0.0, top - 0.02), (0.1, top - 0.03), (0.2, top), (0.29, top + 0.02)]
    cliff += [(0.335, top + 0.07), (0.35, top + 0.14), (0.42, top + 0.2), (0.5, top + 0.27), (0.58, 1.02)]
    line = [(1 - x if right else x, y + rng.uniform(-0.008, 0.008)) for x, y in cliff]
    rock = mix(palette.near, palette.far, 0.12)
    edge = 1.0 if right else 0.0
    canvas.shape([*line, (edge, 1.02)], mix(rock, palette.light, 0.2), mix(rock, (0, 0, 0), 0.3))
    facets = [[line[i], line[i + 1], (line[i][0], 1.02)] for i in range(3, len(line) - 1)]
    canvas.shapes(facets, mix(rock, (0, 0, 0), 0.4), opacity=0.45)
    return Ground(1 - 0.16 if right else 0.16, top - 0.002, 0.3)


def paint_forest(canvas: Canvas, palette: Palette, *, snowy: bool) -> Ground:
    """Pines in rows, mist between them, light from behind."""
    rng = canvas.rng
    horizon = 0.78
    light, height = paint_sky(canvas, palette, horizon)
    rows = 5
    for row in range(rows):
        depth = row / (rows - 1)
        base = 0.62 + 0.3 * depth
        dark = mix(palette.near, (0, 0, 0), 0.1) if not snowy else mix(palette.near, (60, 86, 110), 0.72)
        color = mix(mix(palette.far, palette.sky[2], 0.35), dark, depth**0.8)
        count = round((26 - 4 * row) * max(0.7, canvas.aspect))
        trees: list[list[Point]] = []
        caps: list[list[Point]] = []
        for index in range(count):
            x = (index + rng.uniform(0.1, 0.9)) / count
            if row == rows - 1 and abs(x - 0.5) < 0.26:
                continue
            tall = rng.uniform(0.7, 1.15) * (0.15 + 0.36 * depth)
            tree = pine(canvas, x, base + rng.uniform(-0.01, 0.02), tall)
            trees.append(tree)
            caps.append(tree)
        canvas.shapes(trees, mix(color, palette.light, 0.08), color)
        canvas.shape(land(hills(canvas, base + 0.03, 0.035)), color, mix(color, dark, 0.5))
        canvas.veil(base - 0.16, base + 0.06, mix(palette.sky[2], palette.cloud, 0.35), 0.0, 0.42 * (1 - depth))
    canvas.glow(light, height, 0.9, palette.light, 0.22)
    return paint_foreground(canvas, palette, 0.87, snowy=snowy)


def pine(canvas: Canvas, x: float, base: float, tall: float) -> list[Point]:
    """The outline of a pine."""
    rng = canvas.rng
    tiers = 8
    wide = tall * rng.uniform(0.17, 0.24) / canvas.aspect
    left: list[Point] = []
    right: list[Point] = []
    for tier in range(tiers):
        share = (tier + 1) / tiers
        y = base - tall * (1 - share * 0.93)
        reach = wide * share**0.9
        left += [(x - reach * rng.uniform(0.85, 1.15), y), (x - reach * 0.45, y - tall * 0.008)]
        right += [(x + reach * rng.uniform(0.85, 1.15), y), (x + reach * 0.45, y - tall * 0.008)]
    trunk = wide * 0.12
    return [(x, base - tall), *right, (x + trunk, base), (x - trunk, base), *reversed(left)]


def paint_city(canvas: Canvas, palette: Palette) -> Ground:
    """Towers in rows with lit windows, over water that carries their lights."""
    rng = canvas.rng
    horizon = 0.74
    light, _ = paint_sky(canvas, palette, horizon)
    rows = 3
    for row in range(rows):
        depth = (row + 1) / rows
        color = mix(mix(palette.far, palette.sky[2], 0.5), palette.near, depth**1.2)
        _paint_towers(canvas, palette, horizon, color, depth)
        canvas.veil(horizon - 0.3, horizon, mix(palette.sky[2], palette.accent, 0.2), 0.0, 0.3 * (1 - depth))
    canvas.mirror(horizon, palette.water, 0.3)
    canvas.veil(horizon, 1.0, palette.near, 0.05, 0.6)
    _paint_glints(canvas, palette, horizon, light)
    return Ground(0.5, 0.98, 0.0)


def _paint_towers(canvas: Canvas, palette: Palette, horizon: float, color: Color, depth: float) -> None:
    rng = canvas.rng
    towers: list[list[Point]] = []
    places: list[tuple[float, float, float]] = []
    x = -0.03
    while x < 1.03:
        wide = rng.uniform(0.035, 0.085) / max(0.7, canvas.aspect) * (0.7 + 0.5 * depth)
        center = 1 - abs(x - 0.5) * 1.1
        tall = rng.uniform(0.12, 0.34) * (0.6 + 0.8 * center) * (1.25 - 0.45 * depth)
        towers.append(_tower(canvas, x, horizon, wide, tall))
        places.append((x, wide, tall))
        x += wide * rng.uniform(0.9, 1.35)
    canvas.shapes(towers, mix(color, palette.near, 0.25), color)
    _light_windows(canvas, palette, horizon, places, depth)


def _tower(canvas: Canvas, x: float, base: float, wide: float, tall: float) -> list[Point]:
    rng, top = canvas.rng, base - tall
    outline: list[Point] = [(x, base), (x, top)]
    match rng.randrange(5):
        case 0:
            outline += [(x + wide * 0.5, top - wide * 0.9 * canvas.aspect), (x + wide, top)]
        case 1:
            outline += [(x + wide * 0.45, top), (x + wide * 0.48, top - tall * 0.25), (x + wide * 0.52, top), (x + wide, top)]
        case 2:
            outline += [(x + wide * 0.2, top), (x + wide * 0.2, top - tall * 0.08), (x + wide * 0.8, top - tall * 0.08)]
            outline += [(x + wide * 0.8, top), (x + wide, top)]
        case 3:
            outline += [(x + wide, top - tall * 0.1)]
        case _:
            outline += [(x + wide, top)]
    return [*outline, (x + wide, base)]


def _light_windows(
    canvas: Canvas, palette: Palette, horizon: float, places: Sequence[tuple[float, float, float]], depth: float
) -> None:
    rng, draw = canvas.rng, ImageDraw.Draw(canvas.image, "RGBA")
    share = (0.4 if palette.is_dark else 0.22) * (0.5 + 0.5 * depth)
    step_x, step_y = canvas.short * 0.0105, canvas.short * 0.015
    for x, wide, tall in places:
        left, right = x * canvas.width + step_x * 0.7, (x + wide) * canvas.width - step_x * 0.9
        y = (horizon - tall) * canvas.height + step_y
        while y < horizon * canvas.height - step_y:
            place = left
            while place < right:
                if rng.random() < share:
                    warm = mix((255, 214, 130), palette.accent, rng.choice((0.0, 0.0, 0.25, 0.7)))
                    corner = (place + step_x * 0.45, y + step_y * 0.45)
                    draw.rectangle((place, y, *corner), fill=(*warm, round(120 + 120 * depth)))
                place += step_x
            y += step_y
