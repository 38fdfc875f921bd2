"""Animals that sit and look at the viewer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sandbox.image_api.painting.canvas import Color, Point, mix, oval, smooth
from sandbox.image_api.painting.palette import Palette
from sandbox.image_api.painting.pen import CREAM, INK, Pen, both


@dataclass(frozen=True, slots=True)
class Coat:
    """What makes one sitting animal another."""

    fur: Color
    belly: Color
    socks: Color
    ears: str  # pointed, large, floppy, long, round
    tail: str  # bushy, slim, tuft, none
    muzzle: str  # sharp, flat, long


COATS: Mapping[str, Coat] = {
    "fox": Coat((222, 98, 36), CREAM, (66, 38, 34), "large", "bushy", "sharp"),
    "wolf": Coat((118, 124, 136), (224, 226, 230), (96, 100, 112), "pointed", "bushy", "sharp"),
    "cat": Coat((74, 72, 84), (236, 230, 226), (236, 230, 226), "pointed", "slim", "flat"),
    "dog": Coat((206, 150, 88), CREAM, CREAM, "floppy", "slim", "long"),
    "rabbit": Coat((204, 186, 168), (250, 246, 240), (250, 246, 240), "long", "tuft", "flat"),
    "bear": Coat((112, 78, 56), (178, 138, 102), (92, 62, 46), "round", "none", "long"),
}
_EARS: Mapping[str, list[Point]] = {
    "large": [(0.05, 0.77), (0.11, 0.86), (0.205, 1.0), (0.25, 0.84), (0.25, 0.7)],
    "pointed": [(0.05, 0.79), (0.1, 0.85), (0.18, 0.95), (0.225, 0.84), (0.22, 0.7)],
    "floppy": [(0.1, 0.82), (0.2, 0.84), (0.3, 0.72), (0.31, 0.56), (0.25, 0.52), (0.2, 0.66)],
    "long": [(0.02, 0.76), (0.03, 0.95), (0.08, 1.14), (0.13, 1.14), (0.15, 0.95), (0.13, 0.76)],
    "round": oval(0.165, 0.82, 0.07, 0.075, 20),
}


def paint_sitting(pen: Pen, name: str, fur: Color | None) -> None:
    """One of the animals above, seen from the front; its fur in another colour where one is given."""
    coat = COATS[name]
    if fur:
        coat = replace(coat, fur=mix(coat.fur, fur, 0.8))
    pen.shadow()
    _paint_tail(pen, coat)
    body = smooth(both([(0.0, 0.6), (0.12, 0.54), (0.17, 0.4), (0.235, 0.24), (0.265, 0.1), (0.22, 0.0), (0.06, 0.0)]))
    pen.fill(body, coat.fur, mix(coat.fur, INK, 0.18))
    chest = smooth(both([(0.0, 0.56), (0.11, 0.5), (0.1, 0.34), (0.05, 0.2), (0.0, 0.14)]))
    pen.fill(chest, coat.belly)
    for side in (-1, 1):
        pen.fill(
            smooth([(side * x, y) for x, y in ((0.15, 0.24), (0.25, 0.14), (0.25, 0.02), (0.14, 0.0), (0.11, 0.1))]),
            mix(coat.fur, INK, 0.08),
        )
        pen.fill(
            smooth(
                [
                    (side * x, y)
                    for x, y in ((0.035, 0.32), (0.115, 0.32), (0.115, 0.1), (0.12, 0.0), (0.02, 0.0), (0.03, 0.1))
                ]
            ),
            mix(coat.fur, CREAM, 0.1),
        )
        pen.fill(
            smooth(
                [(side * x, y) for x, y in ((0.03, 0.11), (0.115, 0.11), (0.13, 0.02), (0.11, -0.005), (0.025, -0.005))]
            ),
            coat.socks,
        )
    _paint_head(pen, coat)


def _paint_tail(pen: Pen, coat: Coat) -> None:
    if coat.tail == "bushy":
        tail: list[Point] = [
            (0.16, 0.03),
            (0.34, -0.01),
            (0.5, 0.07),
            (0.57, 0.25),
            (0.53, 0.42),
            (0.44, 0.56),
            (0.4, 0.42),
            (0.37, 0.27),
            (0.3, 0.17),
            (0.18, 0.16),
        ]
        pen.fill(smooth(tail), coat.fur, mix(coat.fur, INK, 0.2))
        pen.fill(
            smooth([(0.395, 0.4), (0.44, 0.57), (0.53, 0.43), (0.55, 0.36), (0.5, 0.39), (0.47, 0.34), (0.44, 0.39)]),
            coat.belly,
        )
    elif coat.tail == "slim":
        tail = [
            (0.18, 0.02),
            (0.36, 0.0),
            (0.45, 0.1),
            (0.4, 0.22),
            (0.43, 0.36),
            (0.49, 0.4),
            (0.5, 0.36),
            (0.47, 0.31),
            (0.46, 0.24),
            (0.52, 0.12),
            (0.44, -0.03),
            (0.2, -0.02),
        ]
        pen.fill(smooth(tail), mix(coat.fur, INK, 0.12))
    elif coat.tail == "tuft":
        pen.fill(oval(0.26, 0.07, 0.07, 0.07), coat.belly)


def _paint_head(pen: Pen, coat: Coat) -> None:
    ear = _EARS[coat.ears]
    in_front = coat.ears == "floppy"
    if not in_front:
        _paint_ears(pen, coat, ear)
    if coat.muzzle == "sharp":
        head = smooth(
            both([(0.0, 0.82), (0.13, 0.81), (0.21, 0.74), (0.285, 0.6), (0.2, 0.575), (0.1, 0.51), (0.0, 0.455)])
        )
    else:
        head = smooth(
            both([(0.0, 0.845), (0.12, 0.83), (0.215, 0.74), (0.235, 0.64), (0.18, 0.54), (0.08, 0.5), (0.0, 0.49)])
        )
    pen.fill(head, mix(coat.fur, CREAM, 0.08), coat.fur)
    for side in (-1, 1):
        if coat.muzzle == "sharp":
            cheek = [
                (0.0, 0.46),
                (0.1, 0.51),
                (0.2, 0.575),
                (0.27, 0.605),
                (0.17, 0.65),
                (0.08, 0.6),
                (0.035, 0.56),
                (0.0, 0.55),
            ]
            pen.fill([(side * x, y) for x, y in smooth(cheek)], coat.belly)
        pen.fill(oval(side * 0.095, 0.675, 0.023, 0.03, 20), INK)
        pen.fill(oval(side * 0.095 + 0.008, 0.686, 0.008, 0.009, 12), (255, 255, 255))
    if in_front:
        _paint_ears(pen, coat, ear)
    _paint_muzzle(pen, coat)


def _paint_ears(pen: Pen, coat: Coat, ear: Sequence[Point]) -> None:
    middle_x, middle_y = (sum(part) / len(ear) for part in zip(*ear, strict=True))
    inner = [(middle_x + (x - middle_x) * 0.55, middle_y + (y - middle_y) * 0.6) for x, y in ear]
    dark = mix(coat.fur, INK, 0.3) if coat.ears == "floppy" else coat.fur
    tip = mix(coat.fur, INK, 0.55) if coat.ears == "large" else dark
    outline = smooth(ear) if coat.ears in {"floppy", "long", "round"} else list(ear)
    lining = mix(coat.belly, (226, 150, 140), 0.45)
    for side in (-1, 1):
        pen.fill([(side * x, y) for x, y in outline], tip, dark)
        if coat.ears != "floppy":
            pen.fill([(side * x, y) for x, y in inner], lining if coat.ears != "large" else mix(coat.fur, INK, 0.45))


def _paint_muzzle(pen: Pen, coat: Coat) -> None:
    if coat.muzzle == "sharp":
        pen.fill(oval(0.0, 0.478, 0.034, 0.026, 20), INK)
        return
    if coat.muzzle == "long":
        pen.fill(oval(0.0, 0.575, 0.1, 0.075), coat.belly)
        pen.fill(oval(0.0, 0.615, 0.038, 0.026, 20), INK)
        pen.fill([(-0.005, 0.6), (0.005, 0.6), (0.005, 0.545), (-0.005, 0.545)], INK)
        return
    pen.fill(oval(-0.04, 0.585, 0.055, 0.042), coat.belly)
    pen.fill(oval(0.04, 0.585, 0.055, 0.042), coat.belly)
    pen.fill(smooth([(-0.026, 0.625), (0.026, 0.625), (0.0, 0.596)]), (206, 120, 116))
    for side in (-1, 1):
        for drop in (0.0, 0.025):
            pen.fill(
                [(side * 0.08, 0.59 - drop), (side * 0.25, 0.6 - drop * 1.8), (side * 0.25, 0.603 - drop * 1.8)],
                CREAM,
                opacity=0.7,
            )


def paint_owl(pen: Pen, palette: Palette) -> None:
    """An owl on the ground."""
    brown, pale = (112, 84, 62), (214, 190, 154)
    pen.shadow()
    pen.fill(smooth(both([(0.0, 0.84), (0.2, 0.92), (0.27, 0.7), (0.28, 0.4), (0.2, 0.1), (0.07, 0.0)])), brown)
    pen.fill(smooth(both([(0.0, 0.52), (0.14, 0.46), (0.16, 0.28), (0.08, 0.08), (0.0, 0.05)])), pale)
    for row in range(4):
        for column in range(-1, 2):
            pen.fill(
                smooth(
                    [
                        (column * 0.08 - 0.03, 0.42 - row * 0.08),
                        (column * 0.08 + 0.03, 0.42 - row * 0.08),
                        (column * 0.08, 0.37 - row * 0.08),
                    ]
                ),
                brown,
                opacity=0.6,
            )
    for side in (-1, 1):
        pen.fill(oval(side * 0.11, 0.68, 0.115, 0.12), pale)
        pen.fill(oval(side * 0.1, 0.68, 0.066, 0.068), (248, 190, 70))
        pen.fill(oval(side * 0.1, 0.68, 0.036, 0.038, 20), INK)
        pen.fill(
            smooth([(side * 0.27, 0.5), (side * 0.31, 0.3), (side * 0.24, 0.08), (side * 0.17, 0.26)]),
            mix(brown, INK, 0.3),
        )
    pen.fill([(-0.025, 0.63), (0.025, 0.63), (0.0, 0.56)], (222, 150, 60))
