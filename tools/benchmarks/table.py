"""The figures of several bursts side by side, beside what they are to be.

An aim that differs stands as `12 | 8 | 10`: for 10 jobs at once, for 1,000 and for a stream.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tools.benchmarks.figures import Figures
from tools.benchmarks.process import Contestant

Reading = Callable[[Figures], float]
#: An aim that differs: for so many jobs at once, and for a stream (`STREAM`).
Aims = Mapping[int, float]
STREAM = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. A reading above `at_most` is marked; `digits` after the point.

    Some aims are set `on_published` latency and mean nothing on another, but for the stream, which has its own.
    """

    label: str
    read: Reading
    digits: int = 0
    at_most: float | Aims | None = None
    on_published: bool = False

    @property
    def aim(self) -> str:
        """The aim as it is printed."""
        if isinstance(self.at_most, Mapping):
            return " | ".join(dict.fromkeys(f"{aim:g}" for aim in self.at_most.values()))
        return "" if self.at_most is None else f"{self.at_most:g}"

    def aim_for(self, burst: Figures) -> float | None:
        """What this burst is held against; None where there is no aim for its kind."""
        if not isinstance(self.at_most, Mapping):
            return self.at_most
        return self.at_most.get(STREAM if burst.over_s else burst.jobs)


QUESTIONS: Aims = {10: 3.2, 200: 3.2, 1000: 3.2, STREAM: 3.2}
ROWS: Sequence[Row | str] = (
    "jobs",
    Row("delivered", lambda it: it.delivered),
    Row("refused before anything was bought", lambda it: it.refused, at_most=0),
    Row("lost", lambda it: it.lost, at_most=0),
    Row("delivered or bought twice", lambda it: it.twice, at_most=0),
    Row("submissions the image API took", lambda it: it.accepted),
    Row("wall time, s", lambda it: it.wall_s, 1),
    "acknowledgement, ms (interaction sent → callback received)",
    Row("p50", lambda it: it.ack_p50_ms),
    Row("p99", lambda it: it.ack_p99_ms, at_most={1000: 1000, STREAM: 50}),
    Row("longest", lambda it: it.ack_max_ms, at_most=3000),
    "delivery lag, s (result ready → pictures in the message)",
    Row("p50", lambda it: it.lag_p50_s, 2),
    Row("p95", lambda it: it.lag_p95_s, 2),
    Row("mean", lambda it: it.lag_mean_s, 2, {10: 0.45, 200: 0.6, 1000: 1.2}, on_published=True),
    "requests",
    Row("to the image API per task, downloads aside", lambda it: it.requests_per_task, 2),
    Row("of these, questions about the task", lambda it: it.questions_per_task, 2, QUESTIONS, on_published=True),
    Row("Discord edits per job", lambda it: it.edits_per_job, 2, 4),
    Row("most edits of one job", lambda it: it.edits_most),
    Row("answers 429 of Discord", lambda it: it.rate_limited),
    "start of the bot",
    Row("until Discord has its session, s", lambda it: it.ready_s, 2, 1.0),
    Row("processor time until then, s", lambda it: it.ready_cpu_s, 2, 0.6),
    "resident memory of the bot, MB",
    Row("idle", lambda it: it.idle_mb, 1, 70),
    Row("peak of the start", lambda it: it.start_peak_mb, 1),
    Row("peak with the jobs", lambda it: it.peak_mb, 1, 110),
    Row("a little later", lambda it: it.afterwards_mb, 1),
    Row("picture processes, peak", lambda it: it.picture_peak_mb, 1),
    "processor time",
    Row("per job, idle subtracted, ms", lambda it: it.cpu_per_job_ms, 1, {10: 12, 1000: 8, STREAM: 10}),
    Row("per job in picture processes, ms", lambda it: it.picture_cpu_per_job_ms, 1),
    Row("idle, % of one core", lambda it: it.idle_cpu_percent, 1),
    "beside",
    Row("lag of the sandbox's own event loop, p99, ms", lambda it: it.sandbox_lag_p99_ms),
    Row("warnings and errors in the bot's log", lambda it: it.complaints),
    Row("exit code after SIGTERM", lambda it: it.exit_code, at_most=0),
)
#: What should cost a job no more in a crowd than among a few.
GROWING: Sequence[Row] = (
    Row("acknowledgement, p50", lambda it: it.ack_p50_ms),
    Row("acknowledgement, p99", lambda it: it.ack_p99_ms),
    Row("delivery lag, mean", lambda it: it.lag_mean_s),
    Row("delivery lag, p95", lambda it: it.lag_p95_s),
    Row("questions per task", lambda it: it.questions_per_task),
    Row("Discord edits per job", lambda it: it.edits_per_job),
    Row("memory, peak", lambda it: it.peak_mb),
    Row("memory above idle", lambda it: it.peak_mb - it.idle_mb),
    Row("processor time per job", lambda it: it.cpu_per_job_ms, at_most=1.2),
)
_LABEL, _CELL, _TOLD = 50, 12, 84


def table(bursts: Sequence[Figures]) -> str:
    """The whole table as text; `!` marks what is above its aim."""
    heads = [f"{it.jobs:,}" + (f" × {it.count}" if it.count > 1 else "") for it in bursts]
    when = [f"in {it.over_s:g} s" if it.over_s else "at once" for it in bursts]
    bodies = [row if isinstance(row, str) else _line(f"  {row.label}", _cells(row, bursts)) for row in ROWS]
    return "\n".join(
        [_line("", [it.contestant for it in bursts]), _line("", when), _line("", [*heads, "aim"]), *bodies]
    )


def growth(bursts: Sequence[Figures]) -> str:
    """How each figure of a contestant grows from its smallest burst to its largest, as text."""
    pairs = [(few, many) for few, many in _smallest_and_largest(bursts) if few.jobs < many.jobs]
    if not pairs:
        return ""
    title = [f"growth from {pairs[0][0].jobs:,} to {pairs[0][1].jobs:,} jobs at once, times"]
    heads = _line("", [few.contestant for few, _ in pairs])
    return "\n".join([*title, heads, *(_line(f"  {row.label}", _growths(row, pairs)) for row in GROWING)])


def aims(bursts: Sequence[Figures]) -> str:
    """Each aim with what was measured of Easel, and whether it is met, as text; of several bursts the worst."""
    easel = [it for it in bursts if it.contestant == Contestant.EASEL]
    lines: list[str] = []
    section = ""
    for row in ROWS:
        if isinstance(row, str):
            section = row.partition(",")[0].partition(" (")[0]
            continue
        found: dict[tuple[float, str], float] = {}
        for burst in easel:
            aim, value = _aim(row, burst), row.read(burst)
            if aim is not None and not math.isnan(value):
                which = _when(burst) if isinstance(row.at_most, Mapping) else ""
                found[aim, which] = max(value, found.get((aim, which), value))
        for (aim, which), value in found.items():
            told = f"{section}: {row.label}" + (f", {which}" if which else "")
            lines.append(
                f"  {told:<{_TOLD}}{value:>10,.{row.digits}f}{aim:>8,g}  {'met' if value <= aim else 'NOT MET'}"
            )
    return "\n".join(["aims of Easel (measured, at most)", *lines]) if lines else ""


def _when(burst: Figures) -> str:
    return f"{burst.jobs:,} " + (f"within {burst.over_s:g} s" if burst.over_s else "at once")


def _smallest_and_largest(bursts: Sequence[Figures]) -> list[tuple[Figures, Figures]]:
    at_once: dict[str, list[Figures]] = {}
    for burst in bursts:
        if not burst.over_s:
            at_once.setdefault(burst.contestant, []).append(burst)
    return [(min(these, key=_jobs), max(these, key=_jobs)) for these in at_once.values()]


def _jobs(burst: Figures) -> int:
    return burst.jobs


def _growths(row: Row, pairs: Sequence[tuple[Figures, Figures]]) -> list[str]:
    cells: list[str] = []
    for few, many in pairs:
        times = row.read(many) / (row.read(few) or math.nan)
        aim = row.aim_for(many)
        cells.append(f"{times:.2f}{'!' if aim is not None and not times <= aim else ' '}")
    return [*cells, row.aim]


def _cells(row: Row, bursts: Sequence[Figures]) -> list[str]:
    return [*(_cell(row, it) for it in bursts), f"  {row.aim}"]


def _cell(row: Row, burst: Figures) -> str:
    value, aim = row.read(burst), _aim(row, burst)
    if math.isnan(value):
        return "– "
    missed = aim is not None and not value <= aim
    return f"{value:,.{row.digits}f}{'!' if missed else ' '}"


def _aim(row: Row, burst: Figures) -> float | None:
    return row.aim_for(burst) if burst.published or burst.over_s or not row.on_published else None


def _line(label: str, cells: Sequence[str]) -> str:
    return (label.ljust(_LABEL) + "".join(cell.rjust(_CELL) for cell in cells)).rstrip()
