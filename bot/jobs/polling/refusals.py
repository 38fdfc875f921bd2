"""Whether a refusal for too much work is about the crowd, or about the one job that got it.

Both look the same. An API that takes five submissions a second says 429 to the sixth; one that does not like a prompt,
or has no room for its model, says 429 to that prompt again and again. Taking the second for the first lets one
person's request slow down everybody's. Three things tell them apart:

- A crowd's refusals come in a row. Where CLOSES different jobs are refused and nothing is taken between, the API takes
  nothing for the moment.
- A crowd's refusals are many. One in TOLERATED may have reasons of its own and is excused.
- A crowd's refusals strike at random. `by_chance` is how likely it is that the crowd explains all refusals of one job:
  the share of tries that are refused, to the power of its refusals. From the moment that a job is under suspicion, its
  refusals teach nothing about the crowd. One that is refused for itself also excuses the first refusal of one more
  of its kind.

What this decides was tried by simulation, with limits per second and per minute, limits of tasks at once, and up to
15 % of prompts that are refused for themselves, once or always.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from enum import Enum, auto

CLOSES = 3
TOLERATED = 20
MOST_EXCUSED = 4.0
#: A job under suspicion, one that is refused for itself, and one that is given up: below these chances.
SUSPECT, ITS_OWN, HOPELESS = 0.5, 0.02, 1e-5
ITS_OWN_SHARE = 0.3  # where more of the others are refused, nobody is given up for that
OUTCOMES = 40  # so many tries of jobs without suspicion say how likely a refusal is
FORGOTTEN_S, MOST_KNOWN = 600.0, 1000


class Judgement(Enum):
    """What a refusal says about the API."""

    NOTHING = auto()
    SLOWER = auto()  # a little too much comes
    CLOSED = auto()  # it takes nothing for the moment


@dataclass(slots=True)
class FailedTries:
    """The tries of one job that the API has not taken so far."""

    total: int = 0
    refused: int = 0  # of these; the others did not reach the API
    in_a_row: int = 0  # the last ones, between which nothing was taken
    by_chance: float = 1.0
    last_at: float = 0.0
    again_at: float = 0.0  # when the job may be tried again

    @property
    def is_own(self) -> bool:
        """Whether the job is refused for itself."""
        return self.by_chance < ITS_OWN


class RefusalJudge:
    """Judges one kind of request, submissions or questions. All times are monotonic seconds."""

    def __init__(self) -> None:
        self._outcomes = deque[bool](maxlen=OUTCOMES)  # whether each was refused
        self._in_a_row: set[str] = set()
        self._excuses = 1.0
        self._known = OrderedDict[str, FailedTries]()  # the last tried one stands last
        self._taken_at = 0.0

    def taken(self, job_id: str, now: float) -> None:
        """The API has taken a request of this job."""
        self._taken_at = now
        self._known.pop(job_id, None)
        self._outcomes.append(False)
        self._in_a_row.clear()
        self._excuses = min(self._excuses + 1 / TOLERATED, MOST_EXCUSED)

    def refused(self, job_id: str, now: float) -> Judgement:
        """The API has refused a request of this job for too much work."""
        known = self._failed(job_id, now)
        was_suspect, was_own = known.by_chance < SUSPECT, known.is_own
        if known.in_a_row == 1:  # something was taken since its last refusal: that one cannot explain this one
            known.by_chance *= self._share
        known.refused += 1
        if was_suspect:
            self._excuses = min(self._excuses + (known.is_own and not was_own), MOST_EXCUSED)
            return Judgement.NOTHING
        self._outcomes.append(True)
        self._in_a_row.add(job_id)
        if len(self._in_a_row) >= CLOSES:
            return Judgement.CLOSED
        if self._excuses >= 1:
            self._excuses -= 1
            return Judgement.NOTHING
        return Judgement.SLOWER

    def missed(self, job_id: str, now: float) -> None:
        """A request of this job did not reach the API."""
        self._failed(job_id, now)

    def of(self, job_id: str) -> FailedTries | None:
        """How a job stands whose last try was not taken; None for any other."""
        return self._known.get(job_id)

    def is_hopeless(self, known: FailedTries) -> bool:
        """Whether so many refusals of one job are no chance, and the API is taking nearly everything else."""
        return known.by_chance < HOPELESS and self._share < ITS_OWN_SHARE

    @property
    def _share(self) -> float:
        """Of the last tries of jobs without suspicion, how many were refused; cautious while there are few."""
        return (sum(self._outcomes) + 1) / (len(self._outcomes) + 4)

    def forget(self, job_id: str) -> None:
        """The job has ended, or is told that it will not be tried again."""
        self._known.pop(job_id, None)

    def _failed(self, job_id: str, now: float) -> FailedTries:
        known = self._known.setdefault(job_id, FailedTries())
        self._known.move_to_end(job_id)
        known.in_a_row = 1 if known.total == 0 or self._taken_at > known.last_at else known.in_a_row + 1
        known.total += 1
        known.last_at = now
        if len(self._known) > MOST_KNOWN:
            self._forget_old(now)
        return known

    def _forget_old(self, now: float) -> None:
        """Forget jobs that were tried long ago: other processes have taken them over."""
        while now - next(iter(self._known.values())).last_at >= FORGOTTEN_S:
            self._known.popitem(last=False)
