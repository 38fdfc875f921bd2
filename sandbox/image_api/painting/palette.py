"""Colours: one palette per time of day or mood, bent by the colours that a prompt names."""

from __future__ import annotations

import colorsys
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sandbox.image_api.painting.canvas import Color, mix


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of a scene. `sky` runs from the top to the horizon; `far` and `near` are the land's ends of depth."""

    sky: tuple[Color, Color, Color]
    light: Color  # sun or moon
    cloud: Color
    far: Color
    near: Color
    water: Color
    accent: Color
    is_dark: bool = False
    named: tuple[Color, ...] = ()  # the colours that the prompt names

    def bent(self, color: Color, share: float) -> Palette:
        """The same with `share` of a colour in its sky, its land and most of all its accent."""
        high, middle, low = self.sky
        return replace(
            self,
            sky=(mix(high, color, share), mix(middle, color, share * 0.8), mix(low, color, share * 0.4)),
            far=mix(self.far, color, share),
            near=mix(self.near, color, share * 0.5),
            water=mix(self.water, color, share),
            accent=mix(self.accent, color, 0.85),
        )

    def turned(self, degrees: float) -> Palette:
        """The same with all hues turned a little, so that no two pictures share their colours."""
        high, middle, low = (_turned(color, degrees) for color in self.sky)
        return replace(
            self,
            sky=(high, middle, low),
            far=_turned(self.far, degrees),
            near=_turned(self.near, degrees),
            water=_turned(self.water, degrees),
        )


def _turned(color: Color, degrees: float) -> Color:
    hue, light, strength = colorsys.rgb_to_hls(*(part / 255 for part in color))
    red, green, blue = colorsys.hls_to_rgb((hue + degrees / 360) % 1.0, light, strength)
    return round(red * 255), round(green * 255), round(blue * 255)


PALETTES: Mapping[str, Palette] = {
    "dawn": Palette(
        ((96, 128, 178), (236, 176, 172), (255, 226, 186)), (255, 244, 214), (255, 214, 200),
        (205, 168, 178), (52, 58, 88), (150, 150, 178), (228, 120, 110),
    ),
    "day": Palette(
        ((58, 128, 196), (132, 192, 226), (224, 240, 240)), (255, 252, 226), (255, 255, 255),
        (150, 186, 200), (30, 84, 76), (64, 140, 164), (236, 150, 60),
    ),
    "dusk": Palette(
        ((44, 36, 92), (196, 82, 112), (255, 182, 108)), (255, 228, 164), (255, 150, 130),
        (176, 92, 116), (28, 20, 48), (96, 60, 104), (255, 140, 80),
    ),
    "night": Palette(
        ((8, 12, 36), (22, 38, 84), (62, 92, 142)), (240, 240, 222), (92, 112, 160),
        (52, 78, 124), (6, 10, 26), (20, 38, 76), (255, 196, 110), is_dark=True,
    ),
    "mist": Palette(
        ((158, 172, 182), (196, 206, 208), (232, 232, 224)), (255, 250, 236), (244, 244, 240),
        (188, 200, 202), (46, 66, 72), (150, 168, 174), (176, 96, 74),
    ),
    "storm": Palette(
        ((34, 40, 54), (72, 86, 104), (168, 172, 160)), (226, 224, 196), (54, 60, 74),
        (92, 106, 120), (16, 22, 30), (50, 66, 80), (236, 190, 90),
    ),
    "winter": Palette(
        ((92, 128, 176), (176, 202, 226), (248, 232, 226)), (255, 250, 240), (250, 250, 255),
        (188, 206, 226), (222, 232, 244), (120, 156, 190), (206, 84, 70),
    ),
    "autumn": Palette(
        ((118, 150, 176), (232, 196, 150), (252, 224, 172)), (255, 240, 196), (255, 230, 200),
        (206, 150, 108), (84, 38, 26), (140, 120, 110), (220, 100, 36),
    ),
    "desert": Palette(
        ((70, 140, 178), (244, 196, 146), (255, 226, 170)), (255, 246, 214), (255, 226, 196),
        (226, 158, 108), (140, 62, 42), (90, 150, 160), (196, 84, 52),
    ),
    "neon": Palette(
        ((14, 8, 40), (84, 20, 110), (236, 60, 140)), (255, 120, 180), (120, 60, 190),
        (90, 30, 120), (10, 6, 30), (40, 16, 80), (60, 230, 240), is_dark=True,
    ),
    "spring": Palette(
        ((124, 178, 220), (196, 222, 232), (255, 232, 236)), (255, 250, 230), (255, 255, 255),
        (170, 204, 190), (58, 112, 72), (116, 170, 190), (240, 130, 160),
    ),
    "paper": Palette(
        ((236, 228, 212), (242, 236, 222), (246, 240, 228)), (214, 76, 56), (226, 216, 200),
        (186, 184, 176), (38, 40, 48), (196, 196, 190), (214, 76, 56),
    ),
}  # fmt: skip

COLORS: Mapping[str, Color] = {
    "red": (206, 48, 44),
    "orange": (240, 130, 40),
    "yellow": (248, 206, 70),
    "gold": (222, 172, 70),
    "green": (58, 140, 82),
    "emerald": (16, 140, 110),
    "teal": (24, 140, 150),
    "turquoise": (60, 190, 190),
    "blue": (44, 96, 190),
    "purple": (118, 66, 168),
    "violet": (142, 90, 200),
    "pink": (240, 130, 170),
    "brown": (122, 78, 50),
    "black": (24, 22, 28),
    "white": (244, 242, 238),
    "grey": (140, 142, 148),
}

_DAYLIGHT = ("dawn", "day", "dusk", "dusk", "mist", "night", "autumn", "spring")


_SNOW: Color = (224, 232, 246)


def choose_palette(sky: str | None, land: str | None, colors: Sequence[str], rng: random.Random) -> Palette:
    """The palette of a sky, a land or both, or of one that the dice choose, with the named colours in it."""
    palette = PALETTES[sky or land or rng.choice(_DAYLIGHT)].turned(rng.uniform(-9, 9))
    if sky and land:
        soil = PALETTES[land]
        depth = 0.35 if palette.is_dark else 0.6
        palette = replace(
            palette, far=mix(palette.far, soil.far, depth), near=mix(palette.near, soil.near, depth * 0.6)
        )
    for name in colors[:2]:
        palette = palette.bent(COLORS[name], 0.28)
    return replace(palette, named=tuple(COLORS[name] for name in colors))


def snow_color(palette: Palette) -> Color:
    """Snow as it lies under this sky."""
    return mix(_SNOW, palette.sky[0], 0.62 if palette.is_dark else 0.16)
