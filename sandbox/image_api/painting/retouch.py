"""Edits: what a prompt does to pictures that are there already."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from sandbox.image_api.painting.canvas import mapped, mix, noise, resized
from sandbox.image_api.painting.palette import Palette

MAT_FOOT = 0.082  # height of the mat below an edit, as a part of its shorter side
_BRUSHWORK_SIDE = 512  # pixels of the shorter side
_STYLES = ("oil", "duotone", "poster", "dream", "ink")
_STYLE_WORDS = {
    "oil": ("oil", "paint", "painting", "watercolor", "watercolour", "brush", "gogh", "impressionist", "gemaelde"),
    "duotone": ("duotone", "print", "risograph", "retro", "vintage"),
    "poster": ("poster", "pop", "comic", "cartoon", "warhol", "anime", "stained"),
    "dream": ("dream", "soft", "glow", "magic", "fantasy", "romantic"),
    "ink": ("ink", "sketch", "drawing", "pencil", "line", "charcoal", "engraving"),
}


def choose_style(prompt: str, index: int, rng: random.Random, *, names_colors: bool) -> str:
    """The style a prompt names; two tones where it names colours; else another for each picture of a task."""
    words = set(re.findall(r"[a-z]+", prompt.casefold()))
    named = [style for style, spellings in _STYLE_WORDS.items() if words & set(spellings)]
    if named:
        return named[0]
    return "duotone" if names_colors else _STYLES[(rng.randrange(len(_STYLES)) + index) % len(_STYLES)]


def retouch(
    sources: Sequence[Image.Image], size: tuple[int, int], palette: Palette, style: str, rng: random.Random
) -> Image.Image:
    """Combine the sources on a canvas of `size`, repaint them in a style and a palette, and frame them."""
    painted = _STYLE_PAINTERS[style](_arranged(sources, size, rng), palette, rng)
    _frame(painted, palette)
    return painted


def _arranged(sources: Sequence[Image.Image], size: tuple[int, int], rng: random.Random) -> Image.Image:
    """The first source fills the canvas, the others lie on it as prints."""
    picture = ImageOps.fit(sources[0], size, Image.Resampling.BICUBIC)
    short = min(size)
    for number, source in enumerate(sources[1:]):
        card = ImageOps.contain(source, (round(short * 0.37), round(short * 0.37)), Image.Resampling.BICUBIC)
        card = ImageOps.expand(card, border=round(short * 0.012), fill=(250, 247, 240)).convert("RGBA")
        card = card.rotate(rng.uniform(3, 8) * (-1) ** number, Image.Resampling.BICUBIC, expand=True)
        right, lower = size[0] - card.width - round(short * 0.07), size[1] - card.height - round(short * 0.13)
        place = (right, lower) if number == 0 else (round(short * 0.07), round(short * 0.07))
        shadow = mapped(card.getchannel("A"), [v // 2 for v in range(256)])
        picture.paste((8, 8, 16), (place[0] + round(short * 0.012), place[1] + round(short * 0.016)), shadow)
        picture.paste(card.convert("RGB"), place, card.getchannel("A"))
    return picture


def _for_brushwork(picture: Image.Image) -> Image.Image:
    """The picture at a size whose strokes look the same in every resolution, and soon done."""
    scale = min(1.0, _BRUSHWORK_SIDE / min(picture.size))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return resized(picture, size, Image.Resampling.BOX)


def _duotone(picture: Image.Image, palette: Palette, rng: random.Random) -> Image.Image:
    grey = ImageOps.autocontrast(ImageOps.grayscale(picture), cutoff=1)
    first, second = (*palette.named, palette.accent, palette.light)[:2]
    dark, bright = sorted((first, second), key=sum)
    toned = ImageOps.colorize(
        grey, mix(dark, (12, 10, 24), 0.55), mix(bright, (255, 252, 244), 0.6), mix(dark, bright, 0.35)
    )
    return Image.blend(toned, picture, 0.06)


def _poster(picture: Image.Image, palette: Palette, rng: random.Random) -> Image.Image:
    flat = resized(_for_brushwork(picture).filter(ImageFilter.MedianFilter(5)), picture.size, Image.Resampling.BICUBIC)
    tones = [palette.near, palette.far, palette.accent, palette.sky[1], palette.sky[2], palette.light]
    tones.sort(key=sum)
    steps = [tones[min(len(tones) - 1, v * len(tones) // 256)] for v in range(256)]
    grey = ImageOps.autocontrast(ImageOps.grayscale(flat), cutoff=2)
    toned = Image.merge("RGB", [mapped(grey, [step[band] for step in steps]) for band in range(3)])
    toned = Image.blend(toned, ImageOps.posterize(flat, 3), 0.3)
    return ImageChops.multiply(toned, _lines(picture, 2.0))


def _oil(picture: Image.Image, palette: Palette, rng: random.Random) -> Image.Image:
    strokes = _for_brushwork(picture).filter(ImageFilter.ModeFilter(7)).filter(ImageFilter.EDGE_ENHANCE)
    tint = ImageOps.colorize(ImageOps.grayscale(strokes), palette.near, palette.light, palette.accent)
    painted = resized(Image.blend(strokes, tint, 0.32), picture.size, Image.Resampling.BICUBIC)
    weave = noise(rng, strokes.size, (max(2, strokes.width // 8), max(2, strokes.height // 20)), 2)
    relief = [round(128 + (v - 128) * 0.35) for v in range(256)]
    weave = mapped(resized(weave.filter(ImageFilter.EMBOSS), picture.size), relief)
    return ImageChops.overlay(painted, Image.merge("RGB", (weave, weave, weave)))


def _dream(picture: Image.Image, palette: Palette, rng: random.Random) -> Image.Image:
    blurred = picture.filter(ImageFilter.GaussianBlur(min(picture.size) * 0.012))
    glowing = Image.blend(picture, ImageChops.screen(picture, blurred), 0.55)
    tint = ImageOps.colorize(ImageOps.grayscale(glowing), palette.sky[0], palette.light, palette.sky[1])
    lights = Image.new("RGB", picture.size)
    draw = ImageDraw.Draw(lights)
    for _ in range(40):
        x, y = rng.random() * picture.width, rng.random() * picture.height
        radius = min(picture.size) * rng.uniform(0.004, 0.022)
        shine = mix((0, 0, 0), palette.light, rng.uniform(0.15, 0.6))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=shine)
    lights = lights.filter(ImageFilter.GaussianBlur(min(picture.size) * 0.004))
    return ImageChops.screen(Image.blend(glowing, tint, 0.4), lights)


def _ink(picture: Image.Image, palette: Palette, rng: random.Random) -> Image.Image:
    paper = mix((250, 245, 234), palette.sky[2], 0.15)
    grey = ImageOps.autocontrast(ImageOps.grayscale(picture.filter(ImageFilter.BoxBlur(3))), cutoff=2)
    wash = ImageOps.colorize(grey, mix(palette.near, palette.accent, 0.35), paper)
    wash = Image.blend(wash, Image.new("RGB", wash.size, paper), 0.45)
    return ImageChops.multiply(wash, _lines(picture, 3.2))


def _lines(picture: Image.Image, strength: float) -> Image.Image:
    """Dark lines on white, where brightness changes."""
    grey = ImageOps.grayscale(picture)
    soft = grey.filter(ImageFilter.GaussianBlur(max(1.0, min(picture.size) * 0.003)))
    edges = ImageChops.difference(grey.filter(ImageFilter.BoxBlur(1)), soft)
    lines = mapped(edges, [max(30, round(255 - max(0, v - 3) * strength * 4)) for v in range(256)])
    return Image.merge("RGB", (lines, lines, lines))


_STYLE_PAINTERS = {"oil": _oil, "duotone": _duotone, "poster": _poster, "dream": _dream, "ink": _ink}


def _frame(picture: Image.Image, palette: Palette) -> None:
    """A mat with room for the caption and a thin line, so that an edit is told from its source at once."""
    width, height = picture.size
    short = min(picture.size)
    mat, foot, thin = round(short * 0.026), round(short * MAT_FOOT), max(1, round(short * 0.003))
    tone = mix((248, 244, 236), palette.accent, 0.06)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, width - 1, height - 1), outline=tone, width=mat)
    draw.rectangle((0, height - foot, width, height), fill=tone)
    draw.rectangle((mat, mat, width - 1 - mat, height - 1 - foot), outline=palette.accent, width=thin)
