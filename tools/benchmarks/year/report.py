"""The tables of the year: what each act took at both sizes, and how long requests waited while lists were read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tools.benchmarks.year.measuring import Times

WARM_MS, COLD_MS, LONGER_MS = 50.0, 500.0, 100.0


@dataclass(slots=True)
class Findings:
    """What was measured of one database at one size."""

    kind: str
    jobs: int
    warm: Mapping[str, Times] = field(default_factory=dict[str, Times])
    cold: Mapping[str, Times] = field(default_factory=dict[str, Times])
    crowd: Mapping[str, Times] = field(default_factory=dict[str, Times])
    cold_crowd: Mapping[str, Times] = field(default_factory=dict[str, Times])


def acts_table(found: Sequence[Findings]) -> str:
    """One line for each act: median and worst in milliseconds, by database, size and warmth.

    A `!` stands where the median misses its goal, a `~` where only the worst does.
    """
    columns = [(it, name) for it in found for name in ("warm", "cold") if getattr(it, name)]
    if not columns:
        return ""
    names = list(dict.fromkeys(act for it, warmth in columns for act in getattr(it, warmth)))
    width = max(map(len, names))
    heads = [f"{it.kind} {it.jobs:,} {warmth}" for it, warmth in columns]
    lines = [" | ".join([f"{'median and worst, ms':{width}}", *heads])]
    for name in names:
        cells = [
            _cell(getattr(it, warmth).get(name), WARM_MS if warmth == "warm" else COLD_MS) for it, warmth in columns
        ]
        lines.append(
            " | ".join([f"{name:{width}}", *(f"{cell:>{len(head)}}" for cell, head in zip(cells, heads, strict=True))])
        )
    return "\n".join([*lines, *_errors(found)])


def crowd_table(found: Findings) -> str:
    """How long the row of a request took while each list was read: median, worst, and the difference to none."""
    if not found.crowd:
        return ""
    alone = found.crowd[""]
    lines = [
        f"{found.kind}, {found.jobs:,} jobs: a request's row while nothing is read: {alone.median:.1f} ms, "
        f"worst {alone.worst:.0f} ms. While a list is read over and over, and while it is read cold:"
    ]
    width = max(map(len, found.crowd))
    for name, times in found.crowd.items():
        if name:
            cold = found.cold_crowd.get(name)
            more = f" | cold: {_waited(cold, alone)}" if cold else ""
            lines.append(f"  {name:{width}} {_waited(times, alone)}{more}")
    return "\n".join(lines)


def missed(found: Sequence[Findings]) -> int:
    """How many medians miss their goal."""
    return sum(
        times.median > goal or bool(times.error)
        for it in found
        for several, goal in ((it.warm, WARM_MS), (it.cold, COLD_MS))
        for times in several.values()
    )


def _cell(times: Times | None, goal: float) -> str:
    if times is None:
        return ""
    if times.error:
        return "ERROR"
    mark = "!" if times.median > goal else "~" if times.worst > goal else " "
    return f"{times.median:.1f} {times.worst:.0f}{mark}"


def _waited(times: Times, alone: Times) -> str:
    longer = times.median - alone.median
    mark = " !" if longer > LONGER_MS else " ~" if times.worst - alone.worst > LONGER_MS else ""
    return f"{times.median:6.1f} ms ({longer:+.0f}), worst {times.worst:5.0f} ({times.worst - alone.worst:+.0f}){mark}"


def _errors(found: Sequence[Findings]) -> list[str]:
    return [
        f"{it.kind}, {it.jobs:,} jobs, {name}: {times.error}"
        for it in found
        for several in (it.warm, it.cold)
        for name, times in several.items()
        if times.error
    ]
