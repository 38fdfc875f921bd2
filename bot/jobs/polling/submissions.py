"""How fast this process submits, as the refusals of a busy image API have taught it.

An API that takes five submissions a second refuses forty-five of fifty that come at once. Trying each of these again
by itself makes it worse. So refusals are judged together (refusals.py), and what is learned holds for the process:

- Where the API takes nothing for the moment, the way is closed for as long as it asked. It then opens narrower: at a
  little less than the rate at which the API has accepted, or at half the rate before where that is more, because few
  are accepted where few were sent. While it is closed for long, one submission goes out every TRIAL_S all the same:
  a few jobs that are refused for themselves must not stop everybody's.
- Where it refuses a little too much, the rate falls to what it has been accepting, and nobody waits.
- Where a refusal is about its job, the job alone waits, longer each time, and the way stays as it is.

The rate grows by some percent a second until the next refusal, or until it bounds nothing any more. What may not go
out yet stays in the queue, where its user sees its place.

A refusal counts against its job only while the API takes nothing else, or where so many in a row are no chance: then
the API or the job is in trouble and the user should know. Otherwise the job has merely not been among the quick ones.
"""

from __future__ import annotations

import math
import random
import time
from collections import deque
from collections.abc import Callable

from bot.jobs.backoff import growing_pause, spread
from bot.jobs.polling.refusals import Judgement, RefusalJudge

MAX_RETRIES = 3  # of one job while the API takes nothing else
MOST_TRIES = 60  # of one job in all, where the API refuses nearly everybody nearly always
RETRY_FIRST_S, RETRY_LONGEST_S = 4.0, 60.0
OWN_LONGEST_S = 6.0  # of a job that is refused for itself: its user is told within half a minute
RETRY_LEAST_S = 2.0  # where a pause that the API asked for has to grow: what it grows from, at least
CLOSED_S = 1.0  # without a Retry-After
TRIAL_S = 5.0
LEAST_PER_S, UNBOUNDED_PER_S = 0.5, 50.0
NARROWER = 0.85  # of the rate that was accepted
UNKNOWN_PER_S = 5.0  # what a first closing halves; models of this family have been seen to take as many
GROWTH_PER_S, GROWTH_SHARE = 0.1, 0.05  # a second: so much, and so much of what it is
WINDOW_S = 4.0  # acceptances of so long say what the API takes
SETTLE_S = 3.0  # between two times that the rate falls: what the first has done shows by then
PROVEN_S = 20.0  # so slowly is forgotten what it has once taken


class SubmissionGate:
    """Bounds the submissions of this process. `clock` gives monotonic seconds, `chance` numbers from 0 to 1."""

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, chance: Callable[[], float] = random.random
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._judge = RefusalJudge()
        self._rate = math.inf
        self._saved = 1.0
        self._filled_at = clock()
        self._closed_until = self._trial_at = -math.inf
        self._on_trial = False  # a submission has gone out through the closed way
        self._narrow_at: float | None = None  # when the rate is set by what was accepted, after a refusal
        self._accepted = deque[float](maxlen=1000)
        self._proven, self._proven_at = 0.0, clock()
        self._slowed_at = -math.inf
        self._closings = 0  # without anything accepted between

    @property
    def is_busy(self) -> bool:
        """Whether the image API has recently refused for too much work."""
        return self._rate < math.inf or self._narrow_at is not None

    def room(self) -> int | None:
        """How many submissions may go out now; None where nothing bounds them."""
        now = self._fill()
        if now < self._closed_until:
            return int(now >= self._trial_at)
        return None if self._rate == math.inf else int(self._saved)

    def pause_s(self) -> float:
        """In how many seconds it is worth asking for room again."""
        now = self._clock()
        if now < self._closed_until:
            return max(min(self._closed_until, self._trial_at) - now, 0.1)
        return 1.0 if self._rate == math.inf else min(max(1 / self._rate, 0.1), 1.0)

    def wait_s(self, submissions: int) -> float:
        """In how many seconds so many have gone out, as the rate is now; 0 where nothing bounds them."""
        now = self._fill()
        closed_s = max(self._closed_until - now, 0.0)
        return closed_s if self._rate == math.inf else closed_s + max(submissions - self._saved, 0.0) / self._rate

    def pauses_s(self, job_id: str) -> float | None:
        """For how long a job pauses that was refused last; None for any other job."""
        known = self._judge.of(job_id)
        return max(known.again_at - self._clock(), 0.0) if known is not None and known.refused else None

    def sent(self, submissions: int) -> None:
        """So many go out now."""
        self._saved -= submissions
        if submissions and (now := self._clock()) < self._closed_until:
            self._on_trial, self._trial_at = True, now + TRIAL_S

    def accepted(self, job_id: str) -> None:
        """The image API has had room for a submission, whatever it thinks of it."""
        now = self._fill()
        self._accepted.append(now)
        self._judge.taken(job_id, now)
        self._closings = 0
        self._proven = max(self._proven_now(now), self._per_s(now))
        self._proven_at = now
        if self._on_trial and now < self._closed_until:
            # What closed the way was about those jobs, or is over: go on as before, but not in a rush.
            self._closed_until, self._narrow_at = now, None
            self._rate = min(self._rate, max(self._proven, UNKNOWN_PER_S))

    def forget(self, job_id: str) -> None:
        """The job has ended, or goes on elsewhere."""
        self._judge.forget(job_id)

    def refused(self, job_id: str, retry_after: float | None) -> Judgement:
        """A submission was refused for too much work. Returns what that says about the API, and acts on it."""
        verdict = self._judge.refused(job_id, self._fill())
        if verdict is Judgement.CLOSED:
            self.close(retry_after)
        elif verdict is Judgement.SLOWER:
            self._slow_down()
        elif self._on_trial:
            self._trial_at = self._clock()  # that has not told what was to be tried
        known = self._judge.of(job_id)
        if known is not None and known.is_own:
            self._saved += 1  # the rate is for those that may be taken
        return verdict

    def missed(self, job_id: str) -> None:
        """A submission has certainly not reached the image API."""
        self._judge.missed(job_id, self._clock())

    def again_in_s(self, job_id: str, retry_after: float | None) -> float | None:
        """Seconds until a job may be tried again that was not taken; None when it was tried often enough.

        Where the crowd explains its refusals it waits as long as was asked, else longer each time.
        """
        known = self._judge.of(job_id)
        if known is None:
            return 0.0
        if known.in_a_row > MAX_RETRIES or known.total > MOST_TRIES or self._judge.is_hopeless(known):
            self._judge.forget(job_id)
            return None
        tries = known.total if known.is_own else known.in_a_row
        pause_s = 0.0 if retry_after is None else spread(retry_after, self._chance)
        if retry_after is None or tries > 1:
            first_s = RETRY_FIRST_S if retry_after is None else max(retry_after, RETRY_LEAST_S)
            longest_s = max(OWN_LONGEST_S if known.is_own else RETRY_LONGEST_S, first_s)
            growing_s = growing_pause(tries, first_s=first_s, longest_s=longest_s, random=self._chance)
            pause_s = max(pause_s, growing_s)
        known.again_at = self._clock() + pause_s
        return pause_s

    def close(self, retry_after: float | None = None) -> None:
        """The image API takes nothing for the moment: leave it alone for a while, then come more slowly."""
        now = self._fill()
        if now >= self._closed_until:
            self._on_trial, self._trial_at = False, now + TRIAL_S
            self._closings += 1
        pause_s = max(retry_after or 0.0, min(CLOSED_S * 2 ** (self._closings - 1), TRIAL_S))
        self._closed_until = max(self._closed_until, now + spread(pause_s, self._chance))
        if self._narrow_at is None:
            # Set when the way opens again: by then the answers to what went out together have all come.
            self._narrow_at = now

    def _slow_down(self) -> None:
        """The image API has refused a little of what came: come as fast as it accepts, and no faster."""
        now = self._clock()
        if self._narrow_at is None and now >= self._slowed_at + SETTLE_S:
            self._slowed_at = now
            least = UNKNOWN_PER_S if self._rate == math.inf else min(self._rate, UNKNOWN_PER_S) / 2
            accepted = max(self._per_s(now), NARROWER * self._proven_now(now))
            self._rate = min(self._rate, max(accepted, least, LEAST_PER_S))
            self._saved = min(self._saved, 1.0)

    def _per_s(self, now: float) -> float:
        """How many it has accepted a second of late."""
        return sum(1 for when in self._accepted if when > now - WINDOW_S) / WINDOW_S

    def _proven_now(self, now: float) -> float:
        return self._proven * math.exp((self._proven_at - now) / PROVEN_S)

    def _fill(self) -> float:
        now = self._clock()
        passed, self._filled_at = now - self._filled_at, now
        if self._narrow_at is not None and now >= self._closed_until:
            at, self._narrow_at = self._narrow_at, None
            half = min(self._rate, UNKNOWN_PER_S) / 2
            self._rate = min(max(NARROWER * self._per_s(at), half, LEAST_PER_S), self._rate)
            self._saved = min(self._saved, 1.0)
        elif self._rate < math.inf and self._narrow_at is None:
            self._rate += (GROWTH_PER_S + GROWTH_SHARE * self._rate) * passed
            if self._rate > UNBOUNDED_PER_S:
                self._rate = math.inf
        if self._rate < math.inf:
            self._saved = min(max(self._saved, 0.0) + self._rate * passed, max(self._rate / 2, 1.0))
        return now
