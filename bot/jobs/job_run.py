"""One job in the hands of this process: its state, the ways to interrupt it, and how an arrow is committed.

    received ─> waiting ─> submitting ─> painting ─> ready ─> delivering ─> delivered
    any of them ─> failed | cancelled | timed out | uncertain

Every arrow is committed *before* the act it announces. A process that dies between the two leaves a row that claims
no more than was done: found as *submitting*, the request may have gone out; found as *painting*, it certainly has.
The steps stand in submission.py, task_poller.py and delivery.py, what a start does with a job found in each state in
recovery.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Unpack

import structlog

from bot.errors import StoreUnavailable
from bot.image_api.client import ImageApi
from bot.jobs.backoff import Backoff, first_of
from bot.jobs.clock import now
from bot.jobs.fair_slots import FairSlots, UploadSlots
from bot.jobs.polling.pacer import Pacer
from bot.jobs.ports import Inspector, Moderator, Replies
from bot.jobs.spool import Spool
from bot.model import Charged, Failure, FailureKind, Job, JobState, ReplyTarget
from bot.policy.prices import Prices
from bot.store.queries.jobs import JobChanges, Jobs
from bot.store.queries.lists import Lists
from bot.telemetry import UNMEASURED, Measures

log = structlog.stdlib.get_logger(__name__)

TRANSFERS = 16  # downloads, and as many small uploads, that begin at once: each holds files and connections


async def _no_picture(_: str) -> bytes | None:
    return None


async def _lets_all_in(_: Job) -> bool:
    return False


class Stopped(Exception):
    """The process ends: the job is left to the next start."""


class CancelAsked(Exception):
    """Someone with the right to do so pressed Cancel."""


@dataclass(frozen=True, slots=True)
class Deps:
    """What every job is worked on with, the same for all jobs of a process."""

    jobs: Jobs
    lists: Lists
    api: ImageApi
    replies: Replies
    inspector: Inspector
    spool: Spool
    prices: Prices
    pacer: Pacer
    worker_id: str
    job_timeout_s: float
    downloads: FairSlots = field(default_factory=lambda: FairSlots(TRANSFERS))
    uploads: UploadSlots = field(default_factory=lambda: UploadSlots(TRANSFERS))
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    measures: Measures = UNMEASURED
    moderator: Moderator | None = None
    preset_picture: Callable[[str], Awaitable[bytes | None]] = _no_picture
    #: Whether the operator lets the person, or the server, in no more: nothing is bought for them then.
    is_shut_out: Callable[[Job], Awaitable[bool]] = _lets_all_in


class JobRun:
    """One job that this process works on. `job` is the row as it was last read or written."""

    def __init__(self, deps: Deps, job: Job, left_api: Callable[[], None] = lambda: None) -> None:
        """`left_api` is called when the image API has nothing more to do for the job."""
        self.left_api = left_api
        self.deps = deps
        self.job = job
        self.log = log.bind(job=job.id)
        self.cancelled = asyncio.Event()
        self.is_reopened = False
        self._renewed = asyncio.Event()
        if job.cancel_requested:
            self.cancel()

    def cancel(self) -> None:
        """Ask the job to end. Works until its result is there."""
        self.cancelled.set()

    def renewed(self, target: ReplyTarget) -> None:
        """A click on the reply brought a new token: what could not be shown can be shown now."""
        self.job = replace(self.job, target=target)
        self._renewed.set()

    def reopened(self, job: Job) -> None:
        """*Check again* was pressed while the end was being announced: go on with the job as it is now."""
        self.job = job
        self.is_reopened = True
        self._renewed.set()

    async def pause(self, seconds: float) -> None:
        """Sleep. Raises Stopped when the process ends meanwhile."""
        if await first_of(self.deps.stopping, within_s=max(seconds, 0.0)):
            raise Stopped

    async def pause_until_renewed(self, seconds: float) -> None:
        """Sleep until a click brings a new token, at most so long. Raises Stopped when the process ends."""
        await first_of(self.deps.stopping, self._renewed, within_s=max(seconds, 0.0))
        if self.deps.stopping.is_set():
            raise Stopped
        self._renewed.clear()

    async def pause_or_cancel(self, seconds: float) -> None:
        """Sleep. Raises CancelAsked when the job is cancelled meanwhile, Stopped when the process ends."""
        if await first_of(self.cancelled, self.deps.stopping, within_s=max(seconds, 0.0)):
            raise CancelAsked if self.cancelled.is_set() else Stopped

    async def move(self, to: JobState, **changes: Unpack[JobChanges]) -> None:
        """Commit an arrow. Waits while the database does not answer; raises JobMoved when the job is no longer ours.

        "Ours" means that the row still carries our worker id: another process that took the job over, because our
        lease had run out, has written its own.
        """
        self.job = await self._committed(
            lambda: self.deps.jobs.move(self.job, to, now=now(), worker_id=self.deps.worker_id, **changes)
        )
        job = self.job
        known = {"task": job.task_id, "request": job.request_id, "failure": job.failure and str(job.failure.kind)}
        self.log.info("job moved on", state=str(job.state), **{name: it for name, it in known.items() if it})

    async def change(self, **changes: Unpack[JobChanges]) -> None:
        """Write something about the job besides its state, whoever has it. Waits while the database does not answer."""
        self.job = await self._committed(lambda: self.deps.jobs.change(self.job.id, **changes))

    async def _committed(self, write: Callable[[], Awaitable[Job]]) -> Job:
        backoff = Backoff(0.5, 15)
        while True:
            try:
                return await write()
            except StoreUnavailable as exc:
                self.log.error("the database does not take a step of this job; trying again", error=str(exc))
                await self.pause(backoff.failed())

    async def end(
        self,
        state: JobState,
        kind: FailureKind,
        charged: Charged = Charged.NO,
        detail: str = "",
        *,
        announced: bool = False,
    ) -> None:
        """Commit an end without pictures. The reply shows it afterwards, see delivery.announce.

        `announced` says that there is no reply to show it in.
        """
        failure = Failure(kind, charged, detail)
        if announced:
            await self.move(state, failure=failure, announced=True)
        else:
            await self.move(state, failure=failure)
