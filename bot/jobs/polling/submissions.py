"""How fast this process submits, as the refusals of a busy image API have taught it.

An API that takes five submissions a second refuses forty-five of fifty that come at once. Trying each of these again
by itself makes it worse. So a refusal closes the way for the whole process, for as long as the API asked, and then
opens it narrower: at a little less than the rate at which the API has accepted, or at half the rate before where that
is more, because few are accepted where few were sent. From there the rate grows by some percent a second until the next
refusal, or until it bounds nothing any more. What may not go out yet stays in the queue, where its user sees its place.

A refusal counts against its job only while the API takes nothing else: then the API is in trouble and the user should
know. While others are accepted the job has merely not been among the quick ones.
"""

from __future__ import annotations

import math
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from bot.jobs.backoff import growing_pause, spread

MAX_RETRIES = 3  # refusals of one job while the API accepts nothing else
MOST_REFUSALS = 16  # refusals of one job in all: something about it, and not the crowd, is refused
RETRY_FIRST_S, RETRY_LONGEST_S = 4.0, 60.0
CLOSED_S = 1.0  # without a Retry-After
LEAST_PER_S, UNBOUNDED_PER_S = 0.5, 50.0
NARROWER = 0.85  # of the rate that was accepted
UNKNOWN_PER_S = 5.0  # what the first refusal halves; models of this family have been seen to take as many
GROWTH_PER_S, GROWTH_SHARE = 0.1, 0.05  # a second: so much, and so much of what it is
WINDOW_S = 2.0  # acceptances of so long say what the API takes


@dataclass(slots=True)
class _Refused:
    """The refusals of one job so far."""

    total: int = 0
    alone: int = 0  # those between which nothing was accepted
    last_at: float = 0.0


class SubmissionGate:
    """Bounds the submissions of this process. `clock` gives monotonic seconds, `chance` numbers from 0 to 1."""

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, chance: Callable[[], float] = random.random
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._rate = math.inf
        self._saved = 1.0
        self._filled_at = clock()
        self._closed_until = -math.inf
        self._narrow_at: float | None = None  # when the rate is set by what was accepted, after a refusal
        self._accepted = deque[float](maxlen=1000)
        self._refused: dict[str, _Refused] = {}

    @property
    def is_busy(self) -> bool:
        """Whether the image API has recently refused for too much work."""
        return self._rate < math.inf or self._narrow_at is not None

    def room(self) -> int | None:
        """How many submissions may go out now; None where nothing bounds them."""
        now = self._fill()
        if now < self._closed_until:
            return 0
        return None if self._rate == math.inf else int(self._saved)

    def pause_s(self) -> float:
        """In how many seconds it is worth asking for room again."""
        rest = self._closed_until - self._clock()
        if rest > 0:
            return rest
        return 1.0 if self._rate == math.inf else min(max(1 / self._rate, 0.1), 1.0)

    def wait_s(self, submissions: int) -> float:
        """In how many seconds so many have gone out, as the rate is now; 0 where nothing bounds them."""
        now = self._fill()
        closed_s = max(self._closed_until - now, 0.0)
        return closed_s if self._rate == math.inf else closed_s + max(submissions - self._saved, 0.0) / self._rate

    def sent(self, submissions: int) -> None:
        """So many go out now."""
        self._saved -= submissions

    def accepted(self, job_id: str) -> None:
        """The image API has taken a submission."""
        self._accepted.append(self._clock())
        self._refused.pop(job_id, None)

    def forget(self, job_id: str) -> None:
        """The job has ended, or goes on elsewhere."""
        self._refused.pop(job_id, None)

    def narrow(self, retry_after: float | None = None) -> None:
        """The image API had too much to do: leave it alone for a while, then come more slowly."""
        now = self._fill()
        self._closed_until = max(self._closed_until, now + spread(retry_after or CLOSED_S, self._chance))
        if self._narrow_at is None:
            # Set when the way opens again: by then the answers to what went out together have all come.
            self._narrow_at = now

    def refused(self, job_id: str, retry_after: float | None) -> float | None:
        """Seconds until this job may be tried again; None when it has been refused for long enough."""
        known = self._refused.setdefault(job_id, _Refused())
        taken_since = bool(self._accepted) and self._accepted[-1] > known.last_at
        known.alone += known.total == 0 or not taken_since
        known.total += 1
        known.last_at = self._clock()
        if known.alone > MAX_RETRIES or known.total > MOST_REFUSALS:
            del self._refused[job_id]
            return None
        if retry_after is not None:
            return spread(retry_after, self._chance)
        return growing_pause(known.total, first_s=RETRY_FIRST_S, longest_s=RETRY_LONGEST_S, random=self._chance)

    def _fill(self) -> float:
        now = self._clock()
        passed, self._filled_at = now - self._filled_at, now
        if self._narrow_at is not None and now >= self._closed_until:
            began, self._narrow_at = self._narrow_at - WINDOW_S, None
            accepted = sum(1 for when in self._accepted if when >= began)
            half = min(self._rate, UNKNOWN_PER_S) / 2
            self._rate = min(max(NARROWER * accepted / WINDOW_S, half, LEAST_PER_S), self._rate)
            self._saved = min(self._saved, 1.0)
        elif self._rate < math.inf and self._narrow_at is None:
            self._rate += (GROWTH_PER_S + GROWTH_SHARE * self._rate) * passed
            if self._rate > UNBOUNDED_PER_S:
                self._rate = math.inf
        if self._rate < math.inf:
            self._saved = min(max(self._saved, 0.0) + self._rate * passed, max(self._rate / 2, 1.0))
        return now
