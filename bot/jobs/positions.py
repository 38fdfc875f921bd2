"""The jobs in line: what each is told of its place, and about when its pictures will be there.

One process that has the database alone shows every job its place as it moves up: the first in line at every look, those
behind them by turns, so that a line of thousands leaves the process time for the pictures. Where several processes
share the queue, any of them may take a job at any moment, and an edit of another one that came late would stand over
the pictures. So a job keeps the card that it was acknowledged with. Only a time on it that has passed is taken away,
and while that is done the job is held: a short lease keeps everybody from taking it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import islice

import structlog

from bot.errors import ReplyError
from bot.jobs.clock import now
from bot.jobs.job_run import Deps
from bot.jobs.polling.forecast import QueueState
from bot.model import Job, JobState, Progress

log = structlog.stdlib.get_logger(__name__)

#: A held job whose process dies waits so much longer. The edit itself may take less: then it is over before.
HOLD, EDIT_S = timedelta(seconds=12), 8.0
HELD_AT_ONCE = 20  # Discord takes 50 requests a second, and other edits need theirs
#: How many cards are looked at every two seconds, and how many of them are the first in line. An edit costs some 3 ms
#: of processor time.
SHOWN_AT_ONCE, FIRST_IN_LINE = 40, 20
#: A reply that the interaction's token alone reaches gets the button that brings a new one before the token ends. That
#: waits for no turn, wherever the job stands: more than the 90 s before the end at which the button comes.
TOKEN_ENDS_SOON = timedelta(minutes=3)


class Positions:
    """Shows the jobs in line where they stand. `taken` says how many of this process's `slots` are in use."""

    def __init__(self, deps: Deps, *, slots: int, taken: Callable[[], int]) -> None:
        self._deps = deps
        self._slots = slots
        self._taken = taken
        self._turn = 0

    def of(self, job: Job, place: int, length: int) -> Progress:
        """How a job stands at a place in line."""
        out_of_reach = self._deps.api.breaker.retry_at is not None
        queue = QueueState(length, self._slots - self._taken(), self._slots, out_of_reach)
        pacer = self._deps.pacer
        return pacer.forecast.in_queue(job.request, place, queue, now(), pauses_s=pacer.submissions.pauses_s(job.id))

    def show(self, ids: Sequence[str], queue: Mapping[str, Job]) -> None:
        """Show the jobs of `queue` their places among all `ids`, where nobody else can take one meanwhile."""
        known = [(place, queue[job_id]) for place, job_id in enumerate(ids, start=1) if job_id in queue]
        for place, job in self._of_this_look(known):
            self._deps.replies.show(job, self.of(job, place, len(ids)))

    def _of_this_look(self, line: Sequence[tuple[int, Job]]) -> Iterator[tuple[int, Job]]:
        """The first of a line, those behind them for whom it is time, and of the others the next ones in turn."""
        yield from line[:FIRST_IN_LINE]
        others = line[FIRST_IN_LINE:]
        soon = now() + TOKEN_ENDS_SOON
        yield from (it for it in others if not it[1].target.outlives_token and it[1].target.token_expires_at <= soon)
        yield from islice((it for it in others if self._deps.replies.is_late(it[1])), HELD_AT_ONCE)
        size = min(len(others), SHOWN_AT_ONCE - FIRST_IN_LINE)
        for number in range(self._turn, self._turn + size):
            yield others[number % len(others)]
        self._turn = (self._turn + size) % max(len(others), 1)

    async def correct(self, ids: Sequence[str], queue: Mapping[str, Job]) -> None:
        """Take away times that have passed, where other processes share the queue. Raises StoreUnavailable."""
        jobs, worker_id = self._deps.jobs, self._deps.worker_id
        late = [job_id for job_id, job in queue.items() if self._deps.replies.is_late(job)][:HELD_AT_ONCE]
        held = await jobs.hold(worker_id, late, now=now(), lease=HOLD)
        if not held:
            return
        places = {job_id: place for place, job_id in enumerate(ids, start=1)}
        async with asyncio.TaskGroup() as group:
            edits = [
                group.create_task(self._correct(job, self.of(job, places.get(job.id, 1), len(ids)))) for job in held
            ]
        done = [job.id for job, edit in zip(held, edits, strict=True) if edit.result()]
        still = await jobs.let_go(worker_id, done)
        for job_id in set(done) - set(still):
            # Somebody cancelled it meanwhile, and this edit may have come after the one that said so.
            if (job := await jobs.get(job_id)) is not None and job.state is JobState.CANCELLED:
                await self._close(job)

    async def _correct(self, job: Job, progress: Progress) -> bool:
        """Whether the edit is certainly over. Else the job waits until its lease has run out."""
        try:
            async with asyncio.timeout(EDIT_S):
                await self._deps.replies.correct(job, progress)
        except TimeoutError:
            return False
        return True

    async def _close(self, job: Job) -> None:
        try:
            await self._deps.replies.close(job)
        except ReplyError as exc:
            log.warning("a cancelled job may still be shown as waiting", job=job.id, error=type(exc).__name__)
