"""How long tasks take, as far as it is known: a histogram that learns from tasks and slowly forgets. Pure.

A question learns an interval only: the task had not ended when it was last asked about, and had when it was asked
now. Taking the time of the last question for the end would teach the bot its own questions. So each task is spread
over its interval as tasks before it fell (one step of expectation and maximisation for interval-censored data, as in
Turnbull's estimator), and a part of it evenly, so that a change within the interval is found, too.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate, pairwise

#: What this model is publicly reported to take: half of all tasks within the one, 95 % within the other.
PUBLISHED_MEDIAN_S, PUBLISHED_P95_S = 7.7, 11.9
_Z95 = 1.6448536269514722  # the 95th percentile of the standard normal distribution

FIRST_EDGE_S, LAST_EDGE_S, BINS_PER_E = 1.0, 600.0, 20  # bins are 5 % wide
#: Where the bins end, in seconds. The first begins at 0; what takes longer than the last counts as within it.
EDGES: Sequence[float] = tuple(
    FIRST_EDGE_S * math.exp(step / BINS_PER_E)
    for step in range(math.ceil(BINS_PER_E * math.log(LAST_EDGE_S / FIRST_EDGE_S)) + 1)
)
_WIDTHS: Sequence[float] = (EDGES[0], *(high - low for low, high in pairwise(EDGES)))

PRIOR_TASKS = 20.0  # what is published counts as much as so many tasks of our own
#: A task that what is published hardly knows, one in forty at either end, takes so much of it away: twenty such tasks
#: leave next to nothing, while among tasks like the published ones it fades no sooner than they take its place.
RARE, WRONG = 0.025, 0.3
MEMORY_TASKS = 200.0  # a task counts less with every one after it: after so many 1/e of what it did
EVENLY = 0.1  # the share of a task that is spread over its interval evenly, in proportion of time
TAIL = 0.005  # of all tasks anything is expected, so that no age is without hope


@dataclass(frozen=True, slots=True)
class Latency:
    """Tasks by how long they took: `weights[i]` of them up to EDGES[i] seconds, and longer than the edge before.

    `published_left` is how much of what was published is still among them, from 1 to 0.
    """

    weights: Sequence[float]
    published_left: float = 1.0

    @classmethod
    @cache
    def published(cls) -> Latency:
        """Before any task of our own: log-normal through the two published numbers. Made once: every forecast asks."""
        sigma = math.log(PUBLISHED_P95_S / PUBLISHED_MEDIAN_S) / _Z95
        below = [0.5 * (1 + math.erf(math.log(edge / PUBLISHED_MEDIAN_S) / sigma / math.sqrt(2))) for edge in EDGES]
        return cls(tuple(PRIOR_TASKS * (high - low) for low, high in pairwise((0.0, *below))))

    def after(self, low_s: float, high_s: float) -> Latency:
        """With one more task, which ended between these two ages; an infinite `high_s` is one that was given up."""
        first, last = _bin(low_s), _bin(high_s)
        inside = [_share(index, low_s, high_s) for index in range(first, last + 1)]
        known = [share * self.weights[first + offset] for offset, share in enumerate(inside)]
        even = [share * _WIDTHS[first + offset] for offset, share in enumerate(inside)]
        known_sum, even_sum = sum(known), sum(even)
        by_even = EVENLY if known_sum > 0 else 1.0
        if even_sum <= 0:
            even, even_sum = [1.0] * len(even), float(len(even))
        weights, left = [weight * (1 - 1 / MEMORY_TASKS) for weight in self.weights], self.published_left
        left *= 1 - 1 / MEMORY_TASKS
        if _is_news(low_s, high_s):
            began = Latency.published().weights
            weights = [max(it - WRONG * left * known, 0.0) for it, known in zip(weights, began, strict=True)]
            left *= 1 - WRONG
        for offset in range(len(inside)):
            weights[first + offset] += by_even * even[offset] / even_sum
            if known_sum > 0:
                weights[first + offset] += (1 - by_even) * known[offset] / known_sum
        return replace(self, weights=tuple(weights), published_left=left)

    def below(self) -> list[float]:
        """For each edge the share of tasks that end by then, never quite all before the last."""
        total = sum(self.weights) or 1.0
        even = 1 / len(EDGES)
        return list(accumulate((1 - TAIL) * weight / total + TAIL * even for weight in self.weights))

    def median_s(self) -> float:
        """Half of all tasks are expected to end by this age."""
        return self.quantile_s(0.5)

    def quantile_s(self, share: float) -> float:
        """By this age such a `share` of all tasks is expected to end."""
        return EDGES[min(bisect_right(self.below(), share), len(EDGES) - 1)]

    @property
    def tasks(self) -> float:
        """How many tasks it is made of; older ones count for less."""
        return sum(self.weights)

    def learned(self) -> Latency:
        """Without what was published: tasks of our own alone."""
        left, began = self.published_left, Latency.published().weights
        return Latency(tuple(max(it - left * known, 0.0) for it, known in zip(self.weights, began, strict=True)), 0.0)

    @classmethod
    def together(cls, several: Sequence[Latency]) -> Latency:
        """Tasks of several kinds as one."""
        return cls(tuple(map(sum, zip(*(it.weights for it in several), strict=True))) or (0.0,) * len(EDGES), 0.0)


@cache
def _published_below() -> Sequence[float]:
    return tuple(accumulate(weight / PRIOR_TASKS for weight in Latency.published().weights))


def _is_news(low_s: float, high_s: float) -> bool:
    """Whether a task that ended between these ages is hardly to be expected from what is published."""
    below = _published_below()
    return share_below(below, low_s) > 1 - RARE or share_below(below, high_s) < RARE


def share_below(below: Sequence[float], age_s: float) -> float:
    """The share of tasks that end by this age, between the edges by a straight line; `below` is Latency.below()."""
    index = _bin(age_s)
    before = below[index - 1] if index else 0.0
    start = EDGES[index] - _WIDTHS[index]
    within = min(max((age_s - start) / _WIDTHS[index], 0.0), 1.0)
    return min(before + within * (below[index] - before), 1.0)


def _bin(age_s: float) -> int:
    if age_s <= EDGES[0]:
        return 0
    if age_s >= EDGES[-1]:
        return len(EDGES) - 1
    return min(math.ceil(BINS_PER_E * math.log(age_s / FIRST_EDGE_S) - 1e-9), len(EDGES) - 1)


def _share(index: int, low_s: float, high_s: float) -> float:
    """How much of a bin lies between the two ages."""
    start = EDGES[index] - _WIDTHS[index]
    return max(min(high_s, EDGES[index]) - max(low_s, start), 0.0) / _WIDTHS[index]
