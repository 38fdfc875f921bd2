"""Sets the pace of all questions about tasks in this process, and learns it together with the other processes.

For each kind of task there is one histogram and the schedule made from it. Every ten seconds the processes exchange
what they learned through the database: each adds its own observations to what stands there, in one transaction, so
nothing is counted twice and a new process starts with everything.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from bot.jobs.polling.budget import Budget
from bot.jobs.polling.forecast import Forecast, typical_s
from bot.jobs.polling.latency import share_below
from bot.jobs.polling.refusals import Judgement, RefusalJudge
from bot.jobs.polling.schedule import PRICE_S, next_question, schedule, with_jitter
from bot.jobs.polling.slow_start import SlowStart
from bot.jobs.polling.stats import LatencyStats, Observation, kind_of
from bot.jobs.polling.submissions import SubmissionGate
from bot.model import ImageRequest

EARLY_S = (1.6, 2.2)  # the first question, where it is worth it: between these ages
PROBES = 0.05  # of all tasks, asked about early where it is not worth it
FRESH_S = 1.0  # a task that is older when its watch begins teaches nothing: nobody knows how long it has been ready
RENEW_AFTER = 10  # a schedule follows what was learned after so many lessons, and whenever it was shared
_PREFIX = "pace:"


class StatsStore(Protocol):
    """Where experience is kept, shared by all processes on one database."""

    async def revise(self, prefix: str, change: Change) -> Mapping[str, str]: ...


class Change(Protocol):
    """Turns the stored texts, by name, into those to write. It may be called more than once."""

    def __call__(self, texts: Mapping[str, str], /) -> Mapping[str, str]: ...


class _Kind:
    """What is known here of one kind of task, and what of that the others don't know yet."""

    def __init__(self) -> None:
        self.experience = LatencyStats.none_yet()
        self.unshared: list[Observation] = []
        self.taught = 0  # how often what is known has changed
        self._ages: Sequence[float] = ()
        self._below: Sequence[float] = ()
        self._unheeded = 0  # lessons since the schedule was made

    def learn(self, lesson: Observation) -> None:
        """Take in one lesson, and keep it for the other processes."""
        self.experience = lesson(self.experience)
        self.unshared.append(lesson)
        self.taught += 1
        self._unheeded += 1

    def merge(self, experience: LatencyStats, shared: int) -> None:
        """Go on from what all processes know, the first `shared` lessons of this one included."""
        del self.unshared[:shared]
        for lesson in self.unshared:
            experience = lesson(experience)
        self.experience = experience
        self.taught += 1
        self._unheeded = RENEW_AFTER

    def plan(self, floor_s: float) -> tuple[Sequence[float], Sequence[float]]:
        """The schedule, and the shares of tasks that end by each edge of the histogram."""
        if self._unheeded >= RENEW_AFTER or not self._ages:
            self._unheeded = 0
            self._ages = schedule(self.experience.latency, floor_s=floor_s)
            self._below = self.experience.latency.below()
        return self._ages, self._below


class Pacer:
    """Plans the questions of every task, and bounds the submissions of this process."""

    def __init__(
        self, stats_store: StatsStore, *, floor_s: float, per_s: float, chance: Callable[[], float] = random.random
    ) -> None:
        """`floor_s` is the least time between two questions about one task, `per_s` the most questions of all.

        `chance` gives numbers from 0 to 1.
        """
        self.budget = Budget(per_s)
        self.submissions = SubmissionGate()
        self._questions = RefusalJudge()
        self.slow_start = SlowStart()
        self.forecast = Forecast(self._typical_s, self.submissions)
        self.floor_s = floor_s
        self.chance = chance
        self._notebook = stats_store
        self._kinds: dict[str, _Kind] = {}
        self._typical: dict[str, float | None] = {}  # by kind, until anything more is learned
        self._typical_of = 0
        self._has_read = False

    def course(self, request: ImageRequest, age_s: float) -> PollPlan:
        """The plan for one task. `age_s` is the age of the task when polling begins."""
        return PollPlan(self, self._kinds.setdefault(kind_of(request), _Kind()), age_s)

    def pause_s(self) -> float:
        """In how many seconds it is worth looking at the queue again."""
        return self.slow_start.pause_s(self.submissions.pause_s())

    def room(self, slots: int) -> int:
        """How many of the free `slots` may be used now, by what the image API is known to accept."""
        allowed = self.submissions.room()
        return min(slots, self.slow_start.free(), slots if allowed is None else allowed)

    def sends(self, job_id: str) -> None:
        """A submission goes out for which there was room."""
        self.submissions.sent(1)
        self.slow_start.take(job_id)

    def refused(self, job_id: str, retry_after: float | None) -> float | None:
        """A submission was refused for too much work.

        Returns in how many seconds its job may be tried again, None when it was refused for long enough. An API that
        takes nothing for the moment is also asked less.
        """
        if self.submissions.refused(job_id, retry_after) is Judgement.CLOSED:
            self.budget.refused()
        return self.submissions.again_in_s(job_id, retry_after)

    def missed(self, job_id: str) -> float | None:
        """The same for a submission that has certainly not reached the image API."""
        self.submissions.missed(job_id)
        return self.submissions.again_in_s(job_id, None)

    def question_answered(self, job_id: str) -> None:
        """The image API has answered a question about this job's task."""
        self._questions.taken(job_id, time.monotonic())

    def question_refused(self, job_id: str) -> None:
        """A question was refused for too much work. Where that is not about its task, fewer are asked.

        An API that answers no question for the moment gets no submission either.
        """
        verdict = self._questions.refused(job_id, time.monotonic())
        if verdict is not Judgement.NOTHING:
            self.budget.refused()
        if verdict is Judgement.CLOSED:
            self.submissions.close()

    def forget(self, job_id: str) -> None:
        """The job has ended, or goes on elsewhere."""
        self.submissions.forget(job_id)
        self._questions.forget(job_id)

    def painted_at_once(self, request: ImageRequest, took_s: float) -> None:
        """Learn from a submission that was answered by the picture itself, after `took_s` seconds."""
        self._kinds.setdefault(kind_of(request), _Kind()).learn(
            partial(LatencyStats.ended, low_s=took_s, high_s=took_s)
        )

    def _typical_s(self, request: ImageRequest) -> float | None:
        """How long a task of this request takes, cautiously; None where that is not known."""
        name = kind_of(request)
        kind = self._kinds.setdefault(name, _Kind())
        if (taught := sum(it.taught for it in self._kinds.values())) != self._typical_of:
            self._typical.clear()
            self._typical_of = taught
        if name not in self._typical:
            prefix = f"{request.model}:"
            others = [it.experience.latency for of, it in self._kinds.items() if of.startswith(prefix)]
            self._typical[name] = typical_s(kind.experience.latency, others, str(request.model))
        return self._typical[name]

    async def share(self) -> None:
        """Tell the other processes what was learned here, and learn what they did. Raises StoreUnavailable."""
        telling = {f"{_PREFIX}{name}": tuple(kind.unshared) for name, kind in self._kinds.items() if kind.unshared}
        if not telling and self._has_read:
            return
        known = await self._notebook.revise(_PREFIX, partial(_with_observations, telling))
        self._has_read = True
        for name, text in known.items():
            kind = self._kinds.setdefault(name.removeprefix(_PREFIX), _Kind())
            kind.merge(LatencyStats.read(text), shared=len(telling.get(name, ())))


class PollPlan:
    """The questions about one task. All ages are seconds since the task was accepted."""

    def __init__(self, pacer: Pacer, kind: _Kind, age_s: float) -> None:
        self._pacer = pacer
        self._kind = kind
        self._teaches = age_s < FRESH_S
        earliest, latest = EARLY_S
        early_s = earliest + (latest - earliest) * pacer.chance()
        self._early_s = max(early_s, pacer.floor_s) if self._teaches else None
        self._asks_early = False
        self._asked_s = 0.0  # it had not ended then

    def pause(self, age_s: float) -> float:
        """Seconds from now until the task is asked about next."""
        if self._early_s is not None:
            return max(self._early_s - age_s, 0.0)
        ages, _ = self._kind.plan(self._pacer.floor_s)
        pause = next_question(ages, age_s, floor_s=self._pacer.floor_s) - age_s
        return max(with_jitter(pause, self._pacer.chance), self._pacer.floor_s)

    def is_due(self, age_s: float) -> bool:
        """Whether to ask the question that is due. The early question is dropped where it would gain too little."""
        if self._early_s is None:
            return True
        early_s, self._early_s = self._early_s, None
        ages, _ = self._kind.plan(self._pacer.floor_s)
        gain = self._kind.experience.early_gain_s(early_s, next_question(ages, age_s, floor_s=self._pacer.floor_s))
        self._asks_early = gain >= PRICE_S or self._pacer.chance() < PROBES
        return self._asks_early

    def likelihood(self, age_s: float) -> float:
        """How likely it is that the task has ended since it was last asked about."""
        _, below = self._kind.plan(self._pacer.floor_s)
        before = share_below(below, self._asked_s)
        return (share_below(below, age_s) - before) / max(1 - before, 1e-9)

    def goes_on(self, asked_s: float) -> None:
        """The task had not ended at this age."""
        self._asked_s = asked_s
        if self._asks_early:
            self._asks_early = False
            self._kind.learn(_LOOKED_IN_VAIN)

    def ended(self, age_s: float, *, refused: bool) -> None:
        """The task has been found ended at this age, with pictures or `refused`."""
        if not self._teaches:
            return
        self._teaches = False  # one task counts once, however often it is asked about afterwards
        if refused and self._asked_s == 0:
            # Whether it was the early question that found it or the first one that was asked instead.
            self._kind.learn(_FOUND_EARLY)
        else:
            self._kind.learn(partial(LatencyStats.ended, low_s=self._asked_s, high_s=age_s))

    def given_up(self) -> None:
        """The task's time is up, and it had not ended."""
        if self._teaches:
            self._teaches = False
            self._kind.learn(partial(LatencyStats.ended, low_s=self._asked_s, high_s=math.inf))


_LOOKED_IN_VAIN: Observation = partial(LatencyStats.looked_early, found=False)
_FOUND_EARLY: Observation = partial(LatencyStats.looked_early, found=True)


def _with_observations(telling: Mapping[str, Sequence[Observation]], texts: Mapping[str, str], /) -> Mapping[str, str]:
    written: dict[str, str] = {}
    for name, lessons in telling.items():
        experience = LatencyStats.read(texts.get(name, ""))
        for lesson in lessons:
            experience = lesson(experience)
        written[name] = experience.text()
    return written
