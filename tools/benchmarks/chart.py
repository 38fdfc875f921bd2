"""The figures as a picture: an SVG file written by hand, one panel for each figure that people ask about.

`python -m tools.benchmarks.chart RESULTS.json CHART.svg`, or `make bench-chart`, draws it from the results of a bench.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from tools.benchmarks.figures import Figures
from tools.benchmarks.process import Contestant
from tools.benchmarks.results import Results
from tools.benchmarks.table import Reading

COLOURS = {Contestant.EASEL: "#3b6ef5", Contestant.PLAIN: "#b4bcc8", Contestant.PUBLISHED: "#d9a441"}
INK, FAINT, PAPER = "#1f2328", "#656d76", "#ffffff"
COLUMNS, WIDTH, HEIGHT, MARGIN, TOP = 3, 280, 210, 24, 64
_BAR, _GAP = 26, 4
_FONT = "font-family='-apple-system,Segoe UI,Helvetica,Arial,sans-serif'"


@dataclass(frozen=True, slots=True)
class Panel:
    """One figure of all bursts, as bars; less is better in each."""

    title: str
    read: Reading
    digits: int = 0


PANELS: Sequence[Panel] = (
    Panel("result ready → shown, mean, s", lambda it: it.lag_mean_s, 1),
    Panel("questions to the image API per task", lambda it: it.questions_per_task, 1),
    Panel("Discord edits per job", lambda it: it.edits_per_job, 1),
    Panel("acknowledgement, p99, ms", lambda it: it.ack_p99_ms),
    Panel("memory, peak, MB", lambda it: it.peak_mb),
    Panel("processor time per job, ms", lambda it: it.cpu_per_job_ms, 1),
)


def chart(bursts: Sequence[Figures]) -> str:
    """The bursts at once, side by side for each size; the stream and the published bot are left to the table."""
    at_once = [it for it in bursts if not it.over_s and it.contestant != Contestant.PUBLISHED]
    width = COLUMNS * WIDTH + 2 * MARGIN
    height = TOP + math.ceil(len(PANELS) / COLUMNS) * HEIGHT + MARGIN
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' width='{width}' height='{height}' "
        f"{_FONT} role='img' aria-label='Easel and a plain bot under load'>",
        f"<rect width='{width}' height='{height}' rx='8' fill='{PAPER}'/>",
        *_legend(width),
    ]
    for place, panel in enumerate(PANELS):
        left, top = MARGIN + place % COLUMNS * WIDTH, TOP + place // COLUMNS * HEIGHT
        parts.append(f"<g transform='translate({left} {top})'>{''.join(_panel(panel, at_once))}</g>")
    return "\n".join([*parts, "</svg>", ""])


def _legend(width: int) -> list[str]:
    parts = [_text(MARGIN, 36, "Jobs at once; less is better", 15, INK, weight="600")]
    for place, (contestant, colour) in enumerate(
        reversed([(it, COLOURS[it]) for it in (Contestant.EASEL, Contestant.PLAIN)])
    ):
        left = width - MARGIN - 90 - place * 150
        parts.append(f"<rect x='{left}' y='25' width='12' height='12' rx='2' fill='{colour}'/>")
        parts.append(_text(left + 18, 36, "plain bot" if contestant is Contestant.PLAIN else contestant, 13, INK))
    return parts


def _panel(panel: Panel, bursts: Sequence[Figures]) -> list[str]:
    floor, tallest = HEIGHT - 46, HEIGHT - 100
    most = max((panel.read(burst) for burst in bursts), default=0.0) or 1.0
    parts = [_text(0, 14, panel.title, 13, INK, weight="600")]
    sizes = sorted({burst.jobs for burst in bursts})
    step = (WIDTH - 20) / max(len(sizes), 1)
    for place, jobs in enumerate(sizes):
        group = [burst for burst in bursts if burst.jobs == jobs]
        middle = place * step + step / 2
        left = middle - (len(group) * (_BAR + _GAP) - _GAP) / 2
        for index, burst in enumerate(group):
            value, x = panel.read(burst), left + index * (_BAR + _GAP)
            tall = max(value / most * tallest, 1.0)
            colour = COLOURS[Contestant(burst.contestant)]
            parts.append(
                f"<rect x='{x:.1f}' y='{floor - tall:.1f}' width='{_BAR}' height='{tall:.1f}' rx='2' fill='{colour}'/>"
            )
            parts.append(_text(x + _BAR / 2, floor - tall - 5, f"{value:,.{panel.digits}f}", 11, INK, anchor="middle"))
        parts.append(_text(middle, floor + 17, f"{jobs:,}", 12, FAINT, anchor="middle"))
    parts.append(f"<path d='M0 {floor}.5H{WIDTH - 20}' stroke='{FAINT}' stroke-opacity='.4'/>")
    return parts


def _text(x: float, y: float, text: str, size: int, colour: str, *, weight: str = "400", anchor: str = "start") -> str:
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size}' font-weight='{weight}' text-anchor='{anchor}' "
        f"fill='{colour}'>{escape(text)}</text>"
    )


def main(arguments: Sequence[str]) -> int:
    """Draw the chart of a results file; 2 where the arguments are not two files."""
    if len(arguments) != 2:
        print("Name the results file of a bench, and the SVG file to write.", file=sys.stderr)
        return 2
    results, picture = map(Path, arguments)
    picture.write_text(chart(Results.read(results).bursts), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
