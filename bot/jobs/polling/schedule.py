"""When to ask the image API about a task again. Pure functions over seconds.

A question costs a request, a picture that waits for its question costs its user time. PRICE_S says how many seconds
of waiting one question is worth; the schedule is the one with the least cost on average, found exactly (by dynamic
programming over ages) for the latency that latency.py has learned. On the published latency that is a first question
at 6.5 s, then about every second while an end is likeliest, and wider in the tail: 0.6 s late on average with 3.2
questions, where a fixed interval of 3 s is 1.5 s late with as many.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise

from bot.jobs.polling.latency import EDGES, LAST_EDGE_S, Latency, share_below

PRICE_S = 0.21  # one question is worth so much waiting
LONGEST_PAUSE_S = 15.0  # whatever was learned, a picture waits no longer than this for its question
SHORTEST_PAUSE_S = 0.3  # a question that is almost due has just been asked
JITTER = 0.1  # a pause is stretched or shortened by up to this share, so that jobs don't ask in step ...
LONGEST_JITTER_S = 0.3  # ... and by no more than this, since it makes pictures late
_STEP = 0.02  # ages that are considered lie this far apart, as a share of the age

#: Ages in seconds at which a question may be planned, from the start of a task.
_AGES: Sequence[float] = (
    0.0,
    *(math.exp(step * _STEP) * EDGES[0] for step in range(math.ceil(math.log(LAST_EDGE_S / EDGES[0]) / _STEP) + 1)),
)


def schedule(latency: Latency, *, price_s: float = PRICE_S, floor_s: float = 0.0) -> Sequence[float]:
    """Ages at which to ask about a task until it has ended, rising, at least `floor_s` apart. Takes some ms."""
    plan = _Plan(latency, price_s, floor_s)
    ages: list[float] = []
    place = 0
    while place < len(_AGES) - 1:
        place = plan.following[place]
        ages.append(_AGES[place])
    return tuple(ages)


class _Plan:
    """For each age at which a question found the task unfinished, which age is best to ask at next."""

    def __init__(self, latency: Latency, price_s: float, floor_s: float) -> None:
        edges = latency.below()
        self._below = [share_below(edges, age) for age in _AGES]
        steps = zip(pairwise(self._below), pairwise(_AGES), strict=True)
        # Up to each age, the sum of the ages at which tasks end: so that the waiting in an interval needs no loop.
        self._moments = list(accumulate(((b - a) * (s + t) / 2 for (a, b), (s, t) in steps), initial=0.0))
        self._price_s, self._floor_s = price_s, floor_s
        last = len(_AGES) - 1
        self._cost, self.following = [0.0] * (last + 1), [last] * (last + 1)
        for here in range(last - 1, -1, -1):
            self._cost[here], self.following[here] = self._best_from(here)

    def _best_from(self, here: int) -> tuple[float, int]:
        age, below, moment = _AGES[here], self._below[here], self._moments[here]
        question = self._price_s * (1 - below)
        first = min(bisect_left(_AGES, age + self._floor_s, lo=here + 1), len(_AGES) - 1)
        end = max(bisect_right(_AGES, age + LONGEST_PAUSE_S), first + 1)
        best, choice = math.inf, first
        for there in range(first, end):
            waiting = _AGES[there] * (self._below[there] - below) - (self._moments[there] - moment)
            if waiting + question >= best:
                break  # from here on it only grows
            if waiting + question + self._cost[there] < best:
                best, choice = waiting + question + self._cost[there], there
        return best, choice


def next_question(ages: Sequence[float], age_s: float, *, floor_s: float) -> float:
    """The age at which a task of this age is asked about next, by a schedule; beyond its end at the longest pause."""
    place = bisect_right(ages, age_s + max(floor_s, SHORTEST_PAUSE_S))
    return ages[place] if place < len(ages) else age_s + max(LONGEST_PAUSE_S, floor_s)


def with_jitter(pause_s: float, random: Callable[[], float]) -> float:
    """The pause, a little stretched or shortened; `random` gives numbers from 0 to 1."""
    return pause_s + min(JITTER * pause_s, LONGEST_JITTER_S) * (2 * random() - 1)
