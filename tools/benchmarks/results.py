"""The figures of several runs as one, and the file that keeps them: table and chart are made from it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from statistics import median
from typing import Any

from tools.benchmarks.figures import Figures

#: Of these the worst run counts: a median would hide what must never happen.
_WORST = frozenset({"refused", "lost", "twice", "exit_code", "complaints"})


@dataclass(frozen=True, slots=True)
class Results:
    """All bursts of one bench, each the median of its `runs`.

    `left_out` says which bots are missing, and why; `failed` which runs gave no figures.
    """

    bursts: Sequence[Figures]
    runs: int
    took_s: float
    left_out: Sequence[str] = ()
    failed: Sequence[str] = ()

    def write(self, path: Path) -> None:
        """Keep them as JSON. Raises OSError."""
        told = {**asdict(self), "bursts": [_without_nan(asdict(it)) for it in self.bursts]}
        path.write_text(json.dumps(told, indent=2) + "\n", "utf-8")

    @classmethod
    def read(cls, path: Path) -> Results:
        """What was kept. Raises OSError, ValueError, KeyError or TypeError for a file of another version."""
        told: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return cls(
            [Figures(**_with_nan(it)) for it in told["bursts"]],
            told["runs"],
            told["took_s"],
            told["left_out"],
            told["failed"],
        )


def _without_nan(told: dict[str, Any]) -> dict[str, Any]:
    """Null for a figure that a bot cannot have: JSON has no other word for it."""
    return {name: None if isinstance(it, float) and math.isnan(it) else it for name, it in told.items()}


def _with_nan(told: dict[str, Any]) -> dict[str, Any]:
    return {name: math.nan if it is None else it for name, it in told.items()}


def median_of(runs: Sequence[Figures]) -> Figures:
    """Several runs of the same burst as one: the median of each figure, and the worst of what must not happen."""
    first = runs[0]
    found: dict[str, Any] = {}
    for name in (it.name for it in fields(Figures)):
        values = [getattr(run, name) for run in runs]
        if name in _WORST:
            found[name] = max(values, key=abs)
        elif isinstance(values[0], float):
            found[name] = median(values)
        elif isinstance(values[0], int) and not isinstance(values[0], bool):
            found[name] = sorted(values)[len(values) // 2]
    return replace(first, **found)
