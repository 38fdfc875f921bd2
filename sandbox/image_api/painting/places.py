"""Places: open sea, a forest of pines, a city over water."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import ImageDraw

from sandbox.image_api.painting.canvas import Canvas, Color, Point, mix, smooth
from sandbox.image_api.painting.palette import Palette
from sandbox.image_api.painting.scenery import Ground, hills, land, paint_foreground, paint_glints, paint_sky

_WHITE = (250, 250, 255)


def paint_sea(canvas: Canvas, palette: Palette) -> Ground:
    """Open water to the horizon, islands, and a headland in front."""
    rng = canvas.rng
    horizon = rng.uniform(0.52, 0.62)
    light, _ = paint_sky(canvas, palette, horizon)
    for index in range(rng.randint(1, 3)):
        color = mix(palette.far, palette.sky[2], 0.5 - 0.15 * index)
        center, reach = rng.uniform(0, 1), rng.uniform(0.1, 0.3)
        tall = rng.uniform(0.02, 0.07)
        bumps = [
            (
                center + reach * (step / 8 - 0.5) * 2,
                horizon - tall * math.sin(math.pi * step / 8) * rng.uniform(0.6, 1.1),
            )
            for step in range(9)
        ]
        canvas.shape(smooth(bumps, closed=False), color, mix(color, palette.near, 0.2))
    canvas.mirror(horizon, palette.water, 0.42)
    canvas.veil(horizon, 1.0, palette.near, 0.0, 0.45)
    paint_glints(canvas, palette, horizon, light)
    _paint_waves(canvas, palette, horizon)
    return _paint_headland(canvas, palette)


def _paint_waves(canvas: Canvas, palette: Palette, horizon: float) -> None:
    rng = canvas.rng
    crests: list[list[Point]] = []
    for _ in range(70):
        depth = rng.random() ** 0.8
        x, y, reach = (
            rng.random(),
            horizon + 0.02 + depth * (0.98 - horizon),
            (0.02 + 0.09 * depth) * rng.uniform(0.5, 1.2),
        )
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
    return Ground(1 - 0.16 if right else 0.16, top - 0.002, 0.3, by_water=True)


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
        canvas.shape(land(hills(canvas, base - 0.02, 0.035)), color, mix(color, dark, 0.5))
        count = round((26 - 4 * row) * max(0.7, canvas.aspect))
        trees: list[list[Point]] = []
        for index in range(count):
            x = (index + rng.uniform(0.1, 0.9)) / count
            if row == rows - 1 and abs(x - 0.5) < 0.26:
                continue
            tall = rng.uniform(0.7, 1.15) * (0.15 + 0.36 * depth)
            tree = pine(canvas, x, base + rng.uniform(0.025, 0.05), tall)
            trees.append(tree)
        canvas.shapes(trees, mix(color, palette.light, 0.08), color)
        canvas.haze(base - 0.01, 0.13, mix(palette.sky[2], palette.cloud, 0.35), 0.5 * (1 - depth))
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
    horizon = 0.74
    light, _ = paint_sky(canvas, palette, horizon)
    rows = 3
    for row in range(rows):
        depth = (row + 1) / rows
        color = mix(mix(palette.far, palette.sky[2], 0.5), palette.near, depth**1.2)
        _paint_towers(canvas, palette, horizon, color, depth)
        canvas.haze(horizon, 0.28, mix(palette.sky[2], palette.accent, 0.2), 0.35 * (1 - depth))
    canvas.mirror(horizon, palette.water, 0.3)
    canvas.veil(horizon, 1.0, palette.near, 0.05, 0.6)
    paint_glints(canvas, palette, horizon, light)
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
            outline += [
                (x + wide * 0.45, top),
                (x + wide * 0.48, top - tall * 0.25),
                (x + wide * 0.52, top),
                (x + wide, top),
            ]
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
