"""How many submissions may wait for their answers at once, so that an outage takes few of them with it.

Whatever is on its way when the image API breaks its connections is lost: it may have been bought, so it is never sent
again, and its user gets no picture. The image API's page knows no key that would make a second try safe. What is left
is to have few on their way as long as nobody knows how the API does, which is how TCP finds out what a network bears:

- A process begins with FIRST submissions. Each answer of the last RECENT_S seconds lets one more out, so their number
  doubles with every round, and fifty are out after four rounds. After a quiet time it begins anew.
- A lost answer shuts the way. It opens again, to one submission at a time and growing from there, when the API answers
  anything: a question that costs nothing is asked for that. A question that gets no answer shuts the way, too. Where
  questions are answered and submissions are not, the pauses between these grow.
- Where not even such a question is answered, one submission goes out every TRIAL_S seconds, and its outcome decides.

An answer is anything that the API says, a refusal too. An error that leaves the outcome open (a 502) is none, but the
connection was not lost either: it changes nothing here, and the breaker counts it. A submission that has been silent
for LATE_S counts no more, so one request that hangs holds nobody up for longer than that.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Awaitable, Callable

import structlog

from bot.errors import Busy, ImageApiError, Unexpected, Unreachable
from bot.jobs.backoff import growing_pause

log = structlog.stdlib.get_logger(__name__)

FIRST = 4
RECENT_S = 10.0
LATE_S = 2.0
ASK_FIRST_S, ASK_LONGEST_S = 0.25, 2.0  # between two questions that cost nothing
PAUSE_FIRST_S, PAUSE_LONGEST_S = 0.2, 0.5  # after a lost answer, though questions are answered
TRIAL_S = 5.0
SHUT_S = 0.1  # so soon is it worth looking again while the way is full


class SlowStart:
    """Bounds the submissions that are out. `clock` gives monotonic seconds, `chance` numbers from 0 to 1."""

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, chance: Callable[[], float] = random.random
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._first = FIRST
        self._out: dict[str, float] = {}  # when each was sent, by job
        self._answers = deque[float](maxlen=1000)
        self._shut_at: float | None = None
        self._ask_at = 0.0
        self._asked_in_vain = 0
        self._lost_in_a_row = 0
        self._not_before = 0.0

    def free(self) -> int:
        """How many more may go out now."""
        now = self._clock()
        while self._answers and self._answers[0] <= now - RECENT_S:
            self._answers.popleft()
        waiting = sum(now - sent_at < LATE_S for sent_at in self._out.values())
        if now < self._not_before:
            return 0
        if self._shut_at is not None:
            return int(now - self._shut_at >= TRIAL_S and not waiting)
        return max(self._first + len(self._answers) - waiting, 0)

    def take(self, job_id: str) -> bool:
        """Send this job's submission, where one more may go out; False where it may not yet."""
        if self.free() <= 0:
            return False
        self._out[job_id] = self._clock()
        return True

    def answered(self, job_id: str) -> None:
        """The image API has said something about this job's submission."""
        self._out.pop(job_id, None)
        self._lost_in_a_row = 0
        self.heard()
        self._grow()

    def silent(self, job_id: str) -> None:
        """A connection holds, and its answer comes when the picture is painted: that is as good as an answer."""
        if self._out.pop(job_id, None) is not None:
            self._grow()

    def lost(self, job_id: str) -> None:
        """Nothing came back for this job's submission, or it did not reach the image API."""
        now, knew = self._clock(), self._shut_at is not None
        self._out.pop(job_id, None)
        self._answers.clear()
        self._first = 1
        if not knew or now - (self._shut_at or now) >= TRIAL_S:  # not one of many that are lost together
            self._lost_in_a_row += 1
            self._not_before = now + self._pause(self._lost_in_a_row, PAUSE_FIRST_S, PAUSE_LONGEST_S)
        self._shut_at = None  # the next trial waits for its whole time again
        self.doubt()

    def forget(self, job_id: str) -> None:
        """The job has ended, goes on elsewhere, or got an answer that says nothing of use."""
        self._out.pop(job_id, None)

    def doubt(self) -> None:
        """A question to the image API was not answered: nothing goes out until one is."""
        if self._shut_at is None:
            self._shut_at = self._ask_at = self._clock()
            self._asked_in_vain = 0

    def heard(self) -> None:
        """The image API has answered something, so it is there."""
        self._shut_at = None

    @property
    def asks(self) -> bool:
        """Whether it is time for a question that costs nothing."""
        return self._shut_at is not None and self._clock() >= self._ask_at

    async def probe(self, question: Callable[[], Awaitable[None]]) -> bool:
        """Ask the question that costs nothing; whether the image API has answered, and is not in trouble."""
        try:
            await question()
        except (Busy, Unreachable, Unexpected) as exc:
            log.info("the image API does not answer as it should", error=type(exc).__name__)
            self._asked_in_vain += 1
            self._ask_at = self._clock() + self._pause(self._asked_in_vain, ASK_FIRST_S, ASK_LONGEST_S)
            return False
        except ImageApiError as exc:
            log.info("the image API answers, though not as it should", error=type(exc).__name__)
        self.heard()
        return True

    def pause_s(self, otherwise_s: float) -> float:
        """In how many seconds it is worth looking again; `otherwise_s` where the way is open."""
        return otherwise_s if self.free() > 0 else min(SHUT_S, otherwise_s)

    def _pause(self, tries: int, first_s: float, longest_s: float) -> float:
        return growing_pause(tries, first_s=first_s, longest_s=longest_s, random=self._chance)

    def _grow(self) -> None:
        self._answers.append(self._clock())
        if len(self._answers) >= FIRST:
            self._first = FIRST
