"""Paints what a prompt asks for: pictures of the true size and format, the same for the same order."""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps

from bot.model import MAX_SOURCE_PIXELS, OFFERED_FORMATS, AspectRatio, PictureFormat, Resolution
from sandbox.image_api.painting.canvas import Canvas
from sandbox.image_api.painting.caption import write_caption
from sandbox.image_api.painting.figures import paint_figures
from sandbox.image_api.painting.imagery import paint_garden, paint_ribbons, paint_space
from sandbox.image_api.painting.palette import Palette, choose_palette
from sandbox.image_api.painting.places import paint_city, paint_forest, paint_sea
from sandbox.image_api.painting.portrait import paint_portrait
from sandbox.image_api.painting.retouch import choose_style, retouch
from sandbox.image_api.painting.scenery import Ground, paint_mountains
from sandbox.image_api.painting.wishes import Wishes, read_wishes

#: Pixels of the 1k tier, as resellers of the same models list them; 2k is double.
SIZES: Mapping[AspectRatio, tuple[int, int]] = {
    AspectRatio.SQUARE: (1024, 1024),
    AspectRatio.PORTRAIT: (896, 1280),
    AspectRatio.LANDSCAPE: (1280, 896),
    AspectRatio.TALL: (768, 1408),
    AspectRatio.WIDE: (1408, 768),
}
#: Which land a scene lies in when the prompt names none.
_OWN_LAND = {"garden": "spring"}
_AUTO_PIXELS = 1024 * 1024
_GRID = 16  # pixels; sides of pictures in their source's ratio are multiples of it
_WIDEST = 3.0  # sides of a source's ratio are kept within 1:3 and 3:1


class UnusableSource(Exception):
    """A source that is no picture, is damaged or has too many pixels. The message says which."""


@dataclass(frozen=True, slots=True)
class Commission:
    """One picture to be painted. With sources it is an edit of these files."""

    prompt: str
    index: int = 0  # among the pictures of one task, from 0
    seed: int = 0
    aspect_ratio: AspectRatio = AspectRatio.SQUARE
    resolution: Resolution = Resolution.ONE_K
    format: PictureFormat = PictureFormat.JPEG
    sources: tuple[Path, ...] = ()


def paint(commission: Commission) -> bytes:
    """The picture as a file in the format asked for. Raises UnusableSource."""
    image = _edit(commission) if commission.sources else _invent(commission)
    write_caption(image, commission.prompt, commission.index, on_mat=bool(commission.sources))
    return _encoded(image, commission.format)


def _dice(commission: Commission) -> random.Random:
    return random.Random(f"{commission.seed}|{commission.index}|{commission.prompt}")  # noqa: S311 - brush strokes


def _invent(commission: Commission) -> Image.Image:
    rng = _dice(commission)
    wishes = read_wishes(commission.prompt, rng)
    size = _pixels(SIZES[commission.aspect_ratio], commission.resolution)
    # silk has a hundred and more sheets but no fine detail: painted small, it is the same in a quarter of the time
    is_silk = wishes.scene == "ribbons"
    canvas = Canvas(*(SIZES[commission.aspect_ratio] if is_silk else size), rng)
    palette = choose_palette(wishes.sky, wishes.land or _OWN_LAND.get(wishes.scene), wishes.colors, rng)
    ground = _paint_scene(canvas, palette, wishes)
    canvas.enlarge(size)
    paint_figures(canvas, palette, wishes.figures, ground, wishes.coat)
    return canvas.finish()


def _paint_scene(canvas: Canvas, palette: Palette, wishes: Wishes) -> Ground:
    snowy = wishes.land == "winter"
    match wishes.scene:
        case "sea":
            return paint_sea(canvas, palette)
        case "forest":
            return paint_forest(canvas, palette, snowy=snowy)
        case "city":
            return paint_city(canvas, palette)
        case "space":
            return paint_space(canvas, palette)
        case "garden":
            return paint_garden(canvas, palette)
        case "portrait" | "portrait of a man":
            return paint_portrait(canvas, palette, long_hair=wishes.scene == "portrait")
        case "ribbons":
            return paint_ribbons(canvas, palette)
        case _:
            soft = wishes.land in {"desert", "spring"}
            return paint_mountains(canvas, palette, snowy=snowy, soft=soft, lake=wishes.scene == "lake")


def _edit(commission: Commission) -> Image.Image:
    rng = _dice(commission)
    sources = [_opened(path) for path in commission.sources]
    wishes = read_wishes(commission.prompt, rng)
    palette = choose_palette(wishes.sky, wishes.land, wishes.colors, rng)
    style = choose_style(commission.prompt, commission.index, rng, names_colors=bool(wishes.colors))
    return retouch(sources, _edit_size(commission, sources[0]), palette, style, rng)


def _edit_size(commission: Commission, source: Image.Image) -> tuple[int, int]:
    if commission.aspect_ratio is not AspectRatio.AUTO:
        return _pixels(SIZES[commission.aspect_ratio], commission.resolution)
    ratio = min(_WIDEST, max(1 / _WIDEST, source.width / source.height))
    width = round(math.sqrt(_AUTO_PIXELS * ratio) / _GRID) * _GRID
    return _pixels((width, round(width / ratio / _GRID) * _GRID), commission.resolution)


def _pixels(size: tuple[int, int], resolution: Resolution) -> tuple[int, int]:
    return (size[0] * 2, size[1] * 2) if resolution is Resolution.TWO_K else size


def _opened(path: Path) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is ours
            with Image.open(path, formats=[entry.value for entry in OFFERED_FORMATS]) as image:
                if image.width * image.height > MAX_SOURCE_PIXELS:
                    raise UnusableSource("invalid image: too many pixels")
                image.draft("RGB", (2048, 2048))
                return ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UnusableSource("invalid image: it cannot be decoded") from error


def _encoded(image: Image.Image, picture_format: PictureFormat) -> bytes:
    with BytesIO() as buffer:
        match picture_format:
            case PictureFormat.JPEG:
                image.save(buffer, "JPEG", quality=90)
            case PictureFormat.PNG:
                image.save(buffer, "PNG", compress_level=3)
            case PictureFormat.WEBP:
                image.save(buffer, "WEBP", quality=85, method=2)
            case PictureFormat.GIF | PictureFormat.AVIF:  # no format to ask for, but hosts send them unasked
                image.save(buffer, picture_format.value)
        return buffer.getvalue()
