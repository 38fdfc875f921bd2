"""The small line at the foot of a picture that tells which prompt it came from."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from sandbox.image_api.painting.canvas import mapped, resized

_SIZE = 0.022  # of the shorter side
_WIDTH = 0.78  # of the picture's width, for the prompt
_TELLING_SHARE = 0.6  # less of its letters than this in the font, and the prompt is left out
_IN_NO_FONT = "\U0010fffd"  # drawn as the box that stands for missing letters
_INK = (44, 38, 40)
_CHALK = (250, 246, 236)
#: Letters that decompose into no plain one, and what to write instead where the font lacks them.
_PLAIN = {
    "’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "ß": "ss", "æ": "ae", "Æ": "AE",
    "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "œ": "oe", "Œ": "OE", "þ": "th", "ð": "d",
}  # fmt: skip


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


@lru_cache(maxsize=4096)
def _is_drawable(letter: str) -> bool:
    """Whether Pillow's own font has this letter, rather than a box in its place."""
    return letter == " " or _drawn(letter) != _drawn(_IN_NO_FONT)


def _drawn(letter: str) -> bytes:
    image = Image.new("L", (48, 48))
    ImageDraw.Draw(image).text((8, 4), letter, font=_font(24), fill=255)
    return image.tobytes()


def readable(prompt: str) -> str:
    """What of a prompt can be written with the font: letters it lacks lose their accents or fall away.

    Empty when too little would be left to be told from nonsense.
    """
    letters: list[str] = []
    for letter in " ".join(prompt.split()):
        for part in (letter, _PLAIN.get(letter, ""), _bare(letter)):
            if part and all(_is_drawable(piece) for piece in part):
                letters.append(part)
                break
    text = " ".join("".join(letters).split())
    wanted = sum(letter.isalnum() for letter in prompt)
    return text if wanted and sum(letter.isalnum() for letter in text) >= wanted * _TELLING_SHARE else ""


def _bare(letter: str) -> str:
    return "".join(part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))


def write_caption(image: Image.Image, prompt: str, index: int, *, on_mat: bool) -> None:
    """Write the prompt and the picture's number at the foot: in ink on a mat, else in white on a darkened foot."""
    short = min(image.size)
    font = _font(max(8, round(short * _SIZE)))
    margin, line = round(short * (0.026 if on_mat else 0.032)), round(short * _SIZE * 1.22)
    lines = _wrap(readable(prompt), font, image.width * _WIDTH)
    if not on_mat:
        _darken_foot(image, margin * 2 + line * max(1, len(lines)))
    color = _INK if on_mat else _CHALK
    middle = image.height - round(short * 0.041) if on_mat else image.height - margin - line * max(1, len(lines)) / 2
    draw = ImageDraw.Draw(image, "RGBA")
    for number, text in enumerate(lines):
        y = middle + (number - (len(lines) - 1) / 2) * line
        draw.text((margin, y), text, font=font, fill=(*color, 225), anchor="lm")
    draw.text((image.width - margin, middle), f"easel  {index + 1}", font=font, fill=(*color, 150), anchor="rm")


def _darken_foot(image: Image.Image, deep: int) -> None:
    fade = mapped(Image.linear_gradient("L"), [round(v * 0.62) for v in range(256)])
    image.paste((10, 10, 18), (0, image.height - deep * 2), resized(fade, (image.width, deep * 2)))


def _wrap(text: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """At most two lines, the second one ending in dots if more would follow."""
    lines: list[str] = []
    rest = text
    while rest and len(lines) < 2:
        head = _fitting(rest, font, width)
        lines.append(head)
        rest = rest[len(head) :].strip()
    if rest:
        kept = lines[-1][: max(1, len(lines[-1]) - 3)]
        lines[-1] = kept[: kept.rfind(" ") if kept.rfind(" ") > len(kept) // 2 else len(kept)].rstrip(" ,.") + "..."
    return lines


def _fitting(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """As many words as fit, or as many letters of a word that is too long by itself."""
    if font.getlength(text[:400]) <= width and len(text) <= 400:
        return text
    end = 1
    while end < len(text) and font.getlength(text[: end + 1]) <= width:
        end += 1
    space = text.rfind(" ", 0, end + 1)
    return text[: space if space > end // 2 else end]
