"""A circuit breaker: after several failures in a row the image API is left alone for a while. Pure, no network.

closed ──N failures in a row──> open ──the pause is over──> one trial ──success──> closed
                                  ^                             │
                                  └────────failure, longer pause┘

Calls of two kinds fail. A question about one task may fail for that task's sake: one person's tasks must not stop
everybody's. So such questions bring the breaker to its edge and no further, and never are the trial. A submission, or
the question that costs nothing and is about no task, decides. The runner asks that one as soon as any question fails
(`jobs/polling/slow_start.py`), so an outage opens the breaker as soon as without the distinction.

The same holds for submissions of one person where others are there too: prompts that make the API hang stop only their
author. A second person's failure opens the breaker then, or the question that costs nothing. One who is alone stops
nobody, so there three failures in a row are enough, and spare the money of the next try.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from bot.errors import Unreachable


@dataclass(slots=True)
class Verdict:
    """What one call told about the image API: True = it answers, False = it is in trouble, None = nothing.

    A failure may be about `user_id`, who asked for it, alone; None where it is about nobody.
    """

    ok: bool | None = None
    user_id: int | None = None


class Breaker:
    """Counts failures in a row and says whether a call may go out now.

    `pause_s` is the first pause in seconds; each failed trial doubles it up to `max_pause_s`. `clock` gives
    monotonic seconds.
    """

    def __init__(
        self,
        *,
        threshold: int = 5,
        pause_s: float = 5.0,
        max_pause_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._threshold = threshold
        self._first_pause_s = pause_s
        self._max_pause_s = max_pause_s
        self._clock = clock
        #: Whether nobody but this person waits or is served. The runner knows and says.
        self.is_alone: Callable[[int], bool] = lambda _: True
        self._failures = 0
        self._failed_for: set[int | None] = set()  # whose submissions these were
        self._pause_s = pause_s
        self._retry_at: float | None = None
        self._on_trial = False

    @property
    def is_open(self) -> bool:
        """True while calls are held back: the pause runs, or one trial call is out."""
        return self._retry_at is not None and (self._on_trial or self._clock() < self._retry_at)

    @property
    def retry_at(self) -> float | None:
        """When the next trial may go out, on `clock`; None while closed."""
        return self._retry_at

    @contextmanager
    def call(self, *, of_one_task: bool = False, user_id: int | None = None) -> Generator[Verdict, None, None]:
        """Wrap one call and set `ok` of the Verdict in it.

        `of_one_task`: its failure may be about that task alone. `user_id`: it may be about that person alone.
        Raises Unreachable, with the rest of the pause as `retry_after`, while the breaker is open.
        """
        trial = self._enter(of_one_task=of_one_task)
        verdict = Verdict(user_id=user_id)
        try:
            yield verdict
        finally:
            self._leave(verdict, trial=trial, of_one_task=of_one_task)

    def _enter(self, *, of_one_task: bool) -> bool:
        if self._retry_at is None:
            return False
        if self.is_open or of_one_task:
            rest = max(self._retry_at - self._clock(), 1.0)
            raise Unreachable("the image API has failed several times in a row and is left alone", retry_after=rest)
        self._on_trial = True
        return True

    def _leave(self, verdict: Verdict, *, trial: bool, of_one_task: bool) -> None:
        if trial:
            self._on_trial = False
        if verdict.ok is True:
            self._failures = 0
            self._failed_for.clear()
            self._pause_s = self._first_pause_s
            self._retry_at = None
        elif verdict.ok is False and (of_one_task or self._is_about_one(verdict.user_id)):
            self._failures = max(min(self._failures + 1, self._threshold - 1), self._failures)
            if trial:
                self._fail(trial=True)
        elif verdict.ok is False:
            self._fail(trial=trial)

    def _is_about_one(self, user_id: int | None) -> bool:
        """Whether the submissions that have failed in a row are all of one person, beside others."""
        self._failed_for.add(user_id)
        return user_id is not None and len(self._failed_for) == 1 and not self.is_alone(user_id)

    def _fail(self, *, trial: bool) -> None:
        self._failures += 1
        if trial:
            self._pause_s = min(self._pause_s * 2, self._max_pause_s)
        # a call that went out before the breaker opened must not make the pause longer
        if trial or (self._retry_at is None and self._failures >= self._threshold):
            self._retry_at = self._clock() + self._pause_s
