"""What finished tasks of one kind have taught, as it is kept in the database. Pure.

Beside how long tasks take, it knows how often an early question is worth asking: refusals come within a second or
two, long before pictures do. Asking every task so early would cost a question each, so it is done while refusals
are to be expected, and now and then to see whether they are back.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.jobs.polling.latency import EDGES, MEMORY_TASKS, PRIOR_TASKS, Latency
from bot.model import ImageRequest

#: Before any early question: one in ten finds an end, and that counts as much as ten questions.
_EARLY_ASKED, _EARLY_FOUND = 10.0, 1.0


@dataclass(frozen=True, slots=True)
class LatencyStats:
    """With tasks of one kind. `early_asked` and `early_found` count early questions, older ones for less."""

    latency: Latency
    early_asked: float = _EARLY_ASKED
    early_found: float = _EARLY_FOUND

    @classmethod
    def none_yet(cls) -> LatencyStats:
        """What is known before the first task."""
        return cls(Latency.published())

    def ended(self, low_s: float, high_s: float) -> LatencyStats:
        """One more task has ended between these two ages."""
        return replace(self, latency=self.latency.after(low_s, high_s))

    def looked_early(self, found: bool) -> LatencyStats:
        """One more task was asked about early, or is known to have been refused and would have been found so."""
        kept = 1 - 1 / MEMORY_TASKS
        return replace(self, early_asked=self.early_asked * kept + 1, early_found=self.early_found * kept + found)

    def early_gain_s(self, early_s: float, first_s: float) -> float:
        """How much waiting an early question spares on average, where the next one comes at `first_s`."""
        return self.early_found / self.early_asked * max(first_s - early_s, 0.0)

    def text(self) -> str:
        """JSON for the database; `read` reads it."""
        numbers = [float(f"{weight:.3g}") for weight in self.latency.weights]
        early = [round(self.early_asked, 3), round(self.early_found, 3)]
        left = round(self.latency.published_left, 6)
        return json.dumps({"latency": numbers, "early": early, "left": left}, separators=(",", ":"))

    @classmethod
    def read(cls, text: str) -> LatencyStats:
        """What `text` wrote; no experience yet for anything else, such as what a version with other bins wrote."""
        try:
            kept = json.loads(text)
            weights = tuple(float(number) for number in kept["latency"])
            asked, found = (float(number) for number in kept["early"])
            left = float(kept["left"]) if "left" in kept else _left_once(sum(weights))
        except (KeyError, TypeError, ValueError):
            return cls.none_yet()
        sound = len(weights) == len(EDGES) and all(0 <= it < math.inf for it in weights) and sum(weights) > 0
        sound = sound and 0 <= left <= 1 and 0 <= found <= asked < math.inf
        return cls(Latency(weights, left), asked, found) if sound else cls.none_yet()


def _left_once(tasks: float) -> float:
    """How much of what is published is left in a text of a version that did not write it down.

    There each task took 1 / MEMORY_TASKS of all and added one, so the sum tells.
    """
    return min(max((MEMORY_TASKS - tasks) / (MEMORY_TASKS - PRIOR_TASKS), 0.0), 1.0)


#: What one question taught; applied to what is known here, and again to what all processes know together.
Observation = Callable[[LatencyStats], LatencyStats]


def kind_of(request: ImageRequest) -> str:
    """What tasks are timed by: the model, the resolution, how many pictures, and whether it is an edit."""
    act = "edit" if request.sources else "imagine"
    return f"{request.model}:{request.resolution}:{request.count}:{act}"
