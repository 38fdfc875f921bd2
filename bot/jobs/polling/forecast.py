"""About when pictures will be there: from how long tasks take, and how quickly the queue moves.

A forecast is a cautious guess (CAUTION of all tasks are quicker), and None where nothing was learned: no time is better
than an invented one. How long the queue takes is measured while it moves, whoever moves it, so other processes and a
busy API are in it. Before that it is reckoned from the slots: one round of tasks for each full round of places ahead.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.jobs.polling.latency import Latency
from bot.jobs.polling.submissions import SubmissionGate
from bot.model import FailureKind, ImageRequest, Job, Progress

CAUTION = 0.8
ENOUGH_TASKS = 2.9  # three of our own say more than what is published; older ones count a little less
ENOUGH_LEFT = 3  # jobs that left the queue, before its pace is believed
WINDOW_S = 120.0  # the pace of the queue is that of the last two minutes
#: The model that latency.PUBLISHED_MEDIAN_S and PUBLISHED_P95_S are published of.
PUBLISHED_MODEL = "grok-imagine-image"


def typical_s(kind: Latency, others: Sequence[Latency], model: str) -> float | None:
    """How long a task takes, cautiously: by its own kind, else by `others` of its model, else as published."""
    for known in (kind.learned(), Latency.together([it.learned() for it in others])):
        if known.tasks >= ENOUGH_TASKS:
            return known.quantile_s(CAUTION)
    return kind.quantile_s(CAUTION) if model == PUBLISHED_MODEL else None


@dataclass(frozen=True, slots=True)
class QueueState:
    """How many jobs wait, how many of this process's slots are free, and whether the API can be reached at all."""

    length: int
    free: int
    slots: int
    out_of_reach: bool


class QueuePace:
    """How many jobs a second leave the queue. A job that comes back (a busy API refused it) has not left."""

    def __init__(self) -> None:
        self._waiting: frozenset[str] = frozenset()
        self._left: dict[str, float] = {}  # when each was first missed, oldest first
        self._since = 0.0  # the queue has not been empty since then

    def look(self, ids: Sequence[str], at_s: float) -> None:
        """These wait at this moment."""
        waiting = frozenset(ids)
        if not self._waiting:
            self._since = at_s
            self._left.clear()
        for job_id in self._waiting - waiting:
            self._left[job_id] = at_s
        for job_id in waiting & self._left.keys():
            del self._left[job_id]
        self._left = {job_id: left_at for job_id, left_at in self._left.items() if left_at > at_s - WINDOW_S}
        self._waiting = waiting

    def per_s(self, at_s: float) -> float | None:
        """None while too few have left to tell."""
        seen_s = min(at_s - self._since, WINDOW_S)
        return len(self._left) / seen_s if len(self._left) >= ENOUGH_LEFT and seen_s > 0 else None


class Forecast:
    """What this process expects. `typical` gives the seconds that a task of such a request takes, None if unknown."""

    def __init__(
        self,
        typical: Callable[[ImageRequest], float | None],
        gate: SubmissionGate,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._typical = typical
        self._gate = gate
        self._clock = clock
        self._pace = QueuePace()

    def look(self, ids: Sequence[str]) -> None:
        """The queue of all processes as it is now."""
        self._pace.look(ids, self._clock())

    def painted_at(self, job: Job, now: datetime) -> datetime | None:
        """When the pictures of a job that is being painted, or sent, are expected; it may have passed."""
        typical = self._typical(job.request)
        return None if typical is None else (job.submitted_at or now) + timedelta(seconds=typical)

    def in_queue(
        self, request: ImageRequest, place: int, queue: QueueState, now: datetime, *, pauses_s: float | None = None
    ) -> Progress:
        """How a job stands at this place. While the API is out of reach nobody can tell how long it takes.

        `pauses_s` is for how long a job waits besides that the API refused last; others may overtake it meanwhile.
        """
        if queue.out_of_reach:
            return Progress(place, queue.length, trouble=FailureKind.UNREACHABLE)
        trouble = FailureKind.BUSY if self._gate.is_busy or pauses_s is not None else None
        typical = self._typical(request)
        if typical is None:
            return Progress(place, queue.length, trouble=trouble)
        wait_s = 0.0
        if place > queue.free:
            per_s = self._pace.per_s(self._clock())
            wait_s = place / per_s if per_s else math.ceil((place - max(queue.free, 0)) / queue.slots) * typical
        due = now + timedelta(seconds=max(wait_s, self._gate.wait_s(place), pauses_s or 0.0) + typical)
        return Progress(place, queue.length, due, trouble=trouble)
