"""Makes a picture smaller in bytes: at a lower quality first, then in fewer pixels. For the picture process only.

JPEG is tried before WebP: encoding a large WebP takes several times the memory. Orientation is applied and notes go,
except the provenance of results.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from io import BytesIO

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from bot.model import PictureFormat
from bot.pictures.provenance import Provenance
from bot.pictures.structure import Structure, plain_profile

QUALITIES = (95, 92, 88, 84, 78, 70, 60)  # best first; below 60 fewer pixels look better
FULL_CHROMA_FROM = 90  # a JPEG of this quality keeps the colour of every pixel
# Encoding WebP takes 150 MB at this size with the least effort, and 180 MB with the usual (measured).
MAX_WEBP_PIXELS = 2048 * 2048
MANY_WEBP_PIXELS = 1448 * 1448  # from here on the usual effort takes too much memory
USUAL_EFFORT, LEAST_EFFORT = 4, 0  # as libwebp counts its methods
MIN_SIDE = 64  # pixels of the longer side; a smaller picture is no use to anyone
STRIP_PIXELS = 1_000_000

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIXTEEN_BITS = {"I", "I;16", "I;16B"}  # Pillow's modes for 16 bits of grey
# The colour space that a profile's own header names (ICC.1, 7.2.6), for each of the modes we write.
_PROFILE_SPACES = {"L": b"GRAY", "RGB": b"RGB ", "RGBA": b"RGB ", "CMYK": b"CMYK"}


def encode(
    picture: Image.Image,
    found: Structure,
    max_bytes: int,
    *,
    max_side: int | None = None,
    provenance: Provenance | None = None,
) -> tuple[bytes, PictureFormat] | None:
    """Encode an opened picture into at most `max_bytes`, as well as they allow; None where nothing fits.

    `picture` is closed as soon as it is not needed, for the memory.
    The format is kept where that is possible: PNG becomes JPEG, or WebP where something shows through it, and
    WebP too large to encode becomes JPEG. The picture is turned upright and keeps its colour profile. Of its notes
    only those that `provenance` holds go along.
    """
    if max_side and isinstance(picture, JpegImageFile):
        scale = min(1.0, max_side / max(picture.size))
        picture.draft(None, (math.ceil(picture.width * scale), math.ceil(picture.height * scale)))
    picture.load()
    profile, turn = plain_profile(picture.info.get("icc_profile") or b""), _TURNS.get(found.orientation)
    mode = _mode(picture)
    upright = _sized(picture, mode, _max_scale(picture, mode, max_side))
    if upright is not picture:
        picture.close()
    if turn is not None:
        upright = upright.transpose(turn)
    if profile and profile[16:20] != _PROFILE_SPACES[mode]:
        profile = None
    as_webp = mode == "RGBA" or (found.format is PictureFormat.WEBP and math.prod(upright.size) <= MAX_WEBP_PIXELS)
    target = PictureFormat.WEBP if as_webp else PictureFormat.JPEG

    def save(image: Image.Image, quality: int) -> bytes:
        """Write the picture with these options."""
        data = _save(image, target, quality, profile)
        return provenance.written(data, target, image.size, alpha=mode == "RGBA") if provenance else data

    data = _squeeze(upright, max_bytes, save)
    return None if data is None else (data, target)


def _squeeze(image: Image.Image, max_bytes: int, save: Callable[[Image.Image, int], bytes]) -> bytes | None:
    """Find the best quality that fits, and only where none does take fewer pixels."""
    while True:
        best, size = None, 0
        low, high = 0, len(QUALITIES)
        while low < high:
            middle = (low + high) // 2
            data = save(image, QUALITIES[middle])
            if len(data) <= max_bytes:
                best, high = data, middle
            else:
                size, low = len(data), middle + 1
        scale = min(0.75, max(0.25, math.sqrt(max_bytes / size))) if size else 1.0
        if best is not None or max(image.size) * scale < MIN_SIDE:
            return best
        _scale_down(image, image.width * scale, image.height * scale)


def _save(image: Image.Image, target: PictureFormat, quality: int, profile: bytes | None) -> bytes:
    buffer = BytesIO()
    if target is PictureFormat.WEBP:
        effort = LEAST_EFFORT if math.prod(image.size) > MANY_WEBP_PIXELS else USUAL_EFFORT
        image.save(buffer, "WEBP", quality=quality, method=effort, icc_profile=profile)
    else:
        image.save(
            buffer, "JPEG", quality=quality, subsampling=0 if quality >= FULL_CHROMA_FROM else 2, icc_profile=profile
        )
    return buffer.getvalue()


def _mode(picture: Image.Image) -> str:
    """Choose the mode to encode: as few channels as show the same picture."""
    if picture.mode in _SIXTEEN_BITS:
        return "L"
    if picture.has_transparency_data and not _is_opaque(picture):
        return "RGBA"
    if picture.mode in {"1", "L", "LA"}:
        return "L"
    return "CMYK" if picture.mode == "CMYK" else "RGB"


def _is_opaque(picture: Image.Image) -> bool:
    return "A" in picture.getbands() and picture.getchannel("A").getextrema() == (255, 255)


def _max_scale(picture: Image.Image, mode: str, max_side: int | None) -> float:
    scale = min(1.0, max_side / max(picture.size)) if max_side else 1.0
    if mode == "RGBA":
        scale = min(scale, math.sqrt(MAX_WEBP_PIXELS / math.prod(picture.size)))
    return scale


def _sized(picture: Image.Image, mode: str, scale: float) -> Image.Image:
    """Bring a picture into the mode and scale to encode; a large one strip by strip.

    Pillow needs two more copies of the whole to change mode and to scale what shows through: 480 MB at 50 megapixels.
    """
    width, height = picture.width * scale, picture.height * scale
    factor = math.floor(1 / scale)
    image = _reduced(picture, mode, factor) if factor >= 2 else _converted(picture, mode)
    _scale_down(image, width, height)
    return image


def _scale_down(image: Image.Image, width: float, height: float) -> None:
    image.thumbnail((max(1, math.floor(width)), max(1, math.floor(height))), Image.Resampling.LANCZOS)


def _reduced(picture: Image.Image, mode: str, factor: int) -> Image.Image:
    rows = factor * max(1, STRIP_PIXELS // (picture.width * factor))
    whole = Image.new(mode, (math.ceil(picture.width / factor), math.ceil(picture.height / factor)))
    for top in range(0, picture.height, rows):
        strip = picture.crop((0, top, picture.width, min(top + rows, picture.height)))
        whole.paste(_converted(strip, mode).reduce(factor), (0, top // factor))
    return whole


def _converted(picture: Image.Image, mode: str) -> Image.Image:
    if picture.mode in _SIXTEEN_BITS:
        # Pillow cuts 16 bits off at 255 instead of scaling them.
        picture = picture.point(lambda level: level * (1 / 256))  # pyright: ignore[reportUnknownMemberType] # names numpy
    converted = picture if picture.mode == mode else picture.convert(mode)
    converted.info = {}
    return converted
