"""The painter's own process: one order per line on standard input, one answer per line on standard output."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from bot.model import AspectRatio, PictureFormat, Resolution
from sandbox.image_api.behaviour import strip_markers
from sandbox.image_api.painter import Commission, UnusableSource, paint

_NICENESS = 5  # the bot's own work goes first on a small machine


def serve() -> None:
    """Paint until standard input ends."""
    if sys.platform != "win32":
        os.nice(_NICENESS)
    for line in sys.stdin:
        order = json.loads(line)
        commission = Commission(
            prompt=strip_markers(order["prompt"]),
            index=order["index"],
            seed=order["seed"],
            aspect_ratio=AspectRatio(order["aspect_ratio"]),
            resolution=Resolution(order["resolution"]),
            format=PictureFormat(order["format"]),
            sources=tuple(Path(path) for path in order["sources"]),
        )
        fault = ""
        try:
            Path(order["target"]).write_bytes(paint(commission))
        except UnusableSource as error:
            fault = str(error)
        sys.stdout.write(json.dumps({"fault": fault}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
