"""Pictures that are no landscapes: space, a garden of large flowers, flowing ribbons."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image, ImageChops, ImageDraw

from sandbox.image_api.painting.canvas import Canvas, Color, Point, mapped, mix, noise, oval, resized, smooth
from sandbox.image_api.painting.palette import Palette
from sandbox.image_api.painting.pen import turned
from sandbox.image_api.painting.scenery import Ground, paint_stars

_BLACK = (6, 6, 18)


def paint_space(canvas: Canvas, palette: Palette) -> Ground:
    """Nebulae, stars, a large planet and a small one."""
    rng = canvas.rng
    deep = mix(palette.sky[0], _BLACK, 0.82)
    canvas.backdrop([(0.0, deep), (1.0, mix(palette.far, _BLACK, 0.75))])
    for color in (palette.accent, palette.sky[1], palette.water):
        _paint_nebula(canvas, color)
    paint_stars(canvas, round(420 * max(1.0, canvas.aspect)), 1.0)
    x, y, radius = rng.choice((0.3, 0.7)), rng.uniform(0.52, 0.62), rng.uniform(0.2, 0.27)
    _paint_planet(canvas, x, y, radius, (palette.accent, palette.sky[1], palette.light), ringed=True)
    small = (palette.water, palette.sky[2], palette.far)
    _paint_planet(canvas, 1 - x, rng.uniform(0.2, 0.3), radius * rng.uniform(0.2, 0.34), small, ringed=False)
    return Ground(1 - x, 0.9, 0.32)


def _paint_nebula(canvas: Canvas, color: Color) -> None:
    rng = canvas.rng
    small = (max(8, canvas.width // 4), max(8, canvas.height // 4))
    cloud = noise(rng, small, (3, 3), 5)
    shape = noise(rng, small, (2, 3), 2)
    mask = mapped(
        ImageChops.multiply(cloud, shape), [round(max(0, v - 52) * 1.5) if v < 190 else 210 for v in range(256)]
    )
    mask = resized(mask, (canvas.width, canvas.height), Image.Resampling.BICUBIC)
    light = Image.composite(Image.new("RGB", mask.size, color), Image.new("RGB", mask.size), mask)
    canvas.image = ImageChops.screen(canvas.image, light)


def _paint_planet(canvas: Canvas, x: float, y: float, radius: float, colors: Sequence[Color], *, ringed: bool) -> None:
    rng = canvas.rng
    rx, ry = radius * canvas.short / canvas.width, radius * canvas.short / canvas.height
    tilt = rng.uniform(-0.45, -0.2)
    canvas.glow(x, y, radius * 1.9, colors[0], 0.4)
    if ringed:
        _paint_ring(canvas, (x, y), (rx, ry), tilt, colors[2], back=True)
    size = max(8, round(radius * 2 * canvas.short))
    ball = Image.new("RGB", (size, size), colors[0])
    draw = ImageDraw.Draw(ball)
    place = 0.0
    while place < size:
        deep = rng.uniform(0.03, 0.12) * size
        draw.rectangle(
            (0, place, size, place + deep), fill=mix(colors[0], rng.choice(colors[1:]), rng.uniform(0.0, 0.7))
        )
        place += deep
    swirl = noise(rng, (size, size), (3, 9), 3)
    ball = Image.composite(ball, Image.new("RGB", ball.size, mix(colors[0], colors[1], 0.5)), swirl)
    ball = ball.rotate(math.degrees(-tilt), Image.Resampling.BICUBIC, fillcolor=colors[0])
    shade = resized(Image.radial_gradient("L"), (size * 2, size * 2)).crop(
        (round(size * 0.66), round(size * 0.7), round(size * 1.66), round(size * 1.7))
    )
    shade = mapped(shade, [min(255, round((v / 165) ** 2.4 * 235)) for v in range(256)])
    ball.paste(_BLACK, (0, 0), shade)
    mask = Image.new("L", (size * 2, size * 2))
    ImageDraw.Draw(mask).ellipse((2, 2, size * 2 - 2, size * 2 - 2), fill=255)
    canvas.image.paste(ball, (round((x - rx) * canvas.width), round((y - ry) * canvas.height)), mask.reduce(2))
    if ringed:
        _paint_ring(canvas, (x, y), (rx, ry), tilt, colors[2], back=False)


def _paint_ring(canvas: Canvas, center: Point, radii: Point, tilt: float, color: Color, *, back: bool) -> None:
    start = math.pi if back else 0.0
    for inner, outer, opacity in ((1.35, 1.62, 0.75), (1.67, 1.95, 0.5), (1.99, 2.06, 0.3)):
        arc = [start + math.pi * step / 60 for step in range(61)]
        edge = [(math.cos(a) * outer, math.sin(a) * outer * 0.27) for a in arc]
        edge += [(math.cos(a) * inner, math.sin(a) * inner * 0.27) for a in reversed(arc)]
        band = [(center[0] + x * radii[0], center[1] + y * radii[1]) for x, y in turned(edge, tilt)]
        canvas.shape(band, mix(color, (255, 255, 255), 0.2), color, opacity=opacity)


def paint_garden(canvas: Canvas, palette: Palette) -> Ground:
    """Soft lights behind, stems and leaves, and flowers that fill the front."""
    rng = canvas.rng
    canvas.backdrop([(0.0, palette.sky[1]), (0.5, palette.sky[2]), (1.0, mix(palette.near, palette.sky[2], 0.35))])
    for _ in range(16):
        tone = mix(rng.choice((palette.light, palette.accent, palette.sky[0])), palette.sky[2], 0.45)
        radius = rng.uniform(0.03, 0.11)
        spot = oval(
            rng.random(),
            rng.uniform(0.0, 0.9),
            radius * canvas.short / canvas.width,
            radius * canvas.short / canvas.height,
        )
        canvas.shape(spot, tone, opacity=0.28, blur=0.012)
    heads = sorted((rng.uniform(0.09, 0.2), place) for place in _spread(canvas, 7))
    for radius, (x, y) in heads:
        _paint_stem(canvas, x, y, radius, palette)
    for radius, (x, y) in heads:
        tones = (
            palette.accent,
            mix(palette.accent, (250, 220, 226), 0.55),
            mix(palette.accent, palette.sky[0], 0.45),
            (248, 226, 160),
        )
        _paint_flower(canvas, x, y, radius, rng.choice(tones), palette)
    return Ground(0.5, 0.98, 0.3)


def _spread(canvas: Canvas, count: int) -> list[Point]:
    """Places that keep a distance from each other."""
    rng = canvas.rng
    places: list[Point] = []
    for _ in range(300):
        place = (rng.uniform(0.1, 0.9), rng.uniform(0.16, 0.78))
        gaps = [
            math.hypot((place[0] - x) * max(1.0, canvas.aspect), (place[1] - y) / min(1.0, canvas.aspect))
            for x, y in places
        ]
        if all(gap > 0.27 for gap in gaps):
            places.append(place)
        if len(places) == count:
            break
    return places


def _paint_stem(canvas: Canvas, x: float, y: float, radius: float, palette: Palette) -> None:
    rng = canvas.rng
    green = mix((58, 120, 74), palette.near, 0.35)
    foot = x + rng.uniform(-0.08, 0.08)
    middle = (x + foot) / 2 + rng.uniform(-0.03, 0.03)
    wide = radius * 0.035 * canvas.short / canvas.width
    line = smooth([(x, y), (middle, (y + 1.05) / 2), (foot, 1.05)], closed=False)
    canvas.shape(
        [*((a - wide, b) for a, b in line), *((a + wide, b) for a, b in reversed(line))], green, mix(green, _BLACK, 0.3)
    )
    for side in (-1, 1):
        base_x, base_y = line[len(line) // 2]
        leaf = smooth([(0.0, 0.0), (0.5, 0.22), (1.0, 0.0), (0.5, -0.1)])
        scale = radius * rng.uniform(0.9, 1.3)
        points = turned([(a * scale, b * scale) for a, b in leaf], side * rng.uniform(-1.0, -0.5))
        canvas.shape(
            [
                (
                    base_x + side * a * canvas.short / canvas.width,
                    base_y + b * side * canvas.short / canvas.height + 0.03 * side,
                )
                for a, b in points
            ],
            mix(green, palette.light, 0.15),
            green,
        )


def _paint_flower(canvas: Canvas, x: float, y: float, radius: float, color: Color, palette: Palette) -> None:
    rng = canvas.rng
    spin, petals = rng.random() * 6.28, rng.choice((5, 6, 8, 11))
    squash = rng.uniform(0.82, 1.0)
    for ring in range(3):
        reach = radius * (1 - 0.26 * ring)
        for petal in range(petals):
            angle = spin + (petal + ring * 0.5) * 2 * math.pi / petals
            wide = 2.1 / petals + 0.1
            outline = smooth(
                [
                    (0.05, 0.0),
                    (0.45, wide * 0.75),
                    (0.88, wide * 0.62),
                    (1.0, 0.0),
                    (0.88, -wide * 0.62),
                    (0.45, -wide * 0.75),
                ]
            )
            light = 0.5 + 0.5 * math.cos(angle + 2.2)
            tone = mix(mix(color, (255, 244, 236), 0.14 + 0.3 * light), mix(color, palette.near, 0.3), 0.12 * ring)
            placed = _placed(canvas, turned([(a * reach, b * reach) for a, b in outline], angle), (x, y), squash)
            canvas.shape(placed, tone, mix(tone, color, 0.65))
            vein = turned([(0.2 * reach, 0.0), (0.85 * reach, reach * 0.012), (0.85 * reach, -reach * 0.012)], angle)
            canvas.shape(_placed(canvas, vein, (x, y), squash), mix(color, palette.near, 0.35), opacity=0.3)
    heart = radius * 0.17
    canvas.shape(_placed(canvas, oval(0, 0, heart, heart), (x, y), squash), (246, 206, 104), (196, 128, 50))
    dots = [
        oval(
            math.cos(turn * 2.4) * heart * 0.085 * turn**0.5 * 2,
            math.sin(turn * 2.4) * heart * 0.085 * turn**0.5 * 2,
            heart * 0.07,
            heart * 0.07,
            8,
        )
        for turn in range(30)
    ]
    canvas.shapes([_placed(canvas, dot, (x, y), squash) for dot in dots], (122, 72, 36), opacity=0.8)


def _placed(canvas: Canvas, points: Sequence[Point], center: Point, squash: float) -> list[Point]:
    across, down = canvas.short / canvas.width, canvas.short / canvas.height
    return [(center[0] + x * across, center[1] + y * squash * down) for x, y in points]


def paint_ribbons(canvas: Canvas, palette: Palette) -> Ground:
    """Silk: sheets of fine lines that flow across."""
    rng = canvas.rng
    high, middle, low = palette.sky
    canvas.backdrop(
        [(0.0, mix(high, _BLACK, 0.25)), (0.55, mix(middle, high, 0.4)), (1.0, mix(palette.near, high, 0.3))]
    )
    canvas.glow(rng.uniform(0.3, 0.7), rng.uniform(0.2, 0.6), 1.0, low, 0.5)
    tones = [*palette.named, palette.accent, low, middle, palette.light, mix(palette.water, palette.light, 0.3)]
    for sheet in range(5):
        first, second = tones[sheet % len(tones)], tones[(sheet + rng.randint(1, 3)) % len(tones)]
        _paint_silk(canvas, 0.12 + 0.17 * sheet + rng.uniform(-0.05, 0.05), first, second)
    return Ground(0.5, 0.9, 0.3)


def _paint_silk(canvas: Canvas, place: float, first: Color, second: Color) -> None:
    rng = canvas.rng
    waves = [
        [(rng.uniform(0.03, 0.15) / turn, turn * rng.uniform(0.5, 1.2), rng.random() * 6.28) for turn in (1, 2, 3)]
        for _ in range(2)
    ]
    wide = rng.uniform(0.1, 0.24)
    threads = 34
    lines: list[list[Point]] = []
    for thread in range(threads + 1):
        share = thread / threads
        line: list[Point] = []
        for step in range(49):
            t = step / 48
            edges = [sum(a * math.sin(f * 6.28 * t + p) for a, f, p in wave) for wave in waves]
            line.append((-0.02 + 1.04 * t, place + edges[0] * (1 - share) + (edges[1] + wide) * share))
        lines.append(line)
    for thread in range(threads):
        share = thread / threads
        sheen = 0.5 + 0.5 * math.sin(share * 7 + place * 9)
        tone = mix(mix(first, second, share), (255, 250, 244), 0.22 * sheen)
        band = [*lines[thread], *reversed(lines[thread + 1])]
        canvas.shape(band, tone, opacity=0.3 + 0.45 * sheen)
