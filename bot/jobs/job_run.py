"""The life of one job up to its result, arrow by arrow. Each arrow is committed before the act it announces.

    received ─> waiting ─> submitting ─> painting ─> ready ─> delivering ─> delivered
    any of them ─> failed | cancelled | timed out | uncertain

The way from *ready* on is in delivery.py; what a start does with a job found in each state, in recovery.py.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Unpack

import structlog

from bot.errors import (
    BadSource,
    Busy,
    DownloadError,
    DownloadGone,
    ImageApiError,
    ModerationDown,
    NotAPicture,
    ReplyError,
    SourceFault,
    StoreUnavailable,
    TooLarge,
    Uncertain,
    Unreachable,
)
from bot.image_api.client import ImageApi, SourceOutOfReach, Submission
from bot.jobs.polling.pacer import Pacer
from bot.jobs.polling.schedule import growing_pause
from bot.jobs.ports import Inspector, Moderator, Replies
from bot.jobs.spool import Spool
from bot.model import MAX_SOURCE_BYTES, Charged, Failure, FailureKind, Job, JobState, Progress, ReplyTarget, Source
from bot.policy.prices import Prices
from bot.store.queries.jobs import JobChanges, Jobs
from bot.telemetry import UNMEASURED, Measures

log = structlog.stdlib.get_logger(__name__)

MAX_RETRIES = 3  # of a submission that certainly started nothing
RETRY_FIRST_S, RETRY_LONGEST_S = 4.0, 60.0


class Stopped(Exception):
    """The process ends: the job is left to the next start."""


class CancelAsked(Exception):
    """Someone with the right to do so pressed Cancel."""


@dataclass(frozen=True, slots=True)
class Deps:
    """What every job is worked on with, the same for all jobs of a process."""

    jobs: Jobs
    api: ImageApi
    replies: Replies
    inspector: Inspector
    spool: Spool
    prices: Prices
    pacer: Pacer
    worker_id: str
    job_timeout_s: float
    deliveries: asyncio.Semaphore  # how many jobs may download and upload at once
    stopping: asyncio.Event
    measures: Measures = UNMEASURED
    moderator: Moderator | None = None


def now() -> datetime:
    """The present, aware, in UTC."""
    return datetime.now(UTC)


class JobRun:
    """Carries one job from the state it is in to its end, or back into the line after a refusal."""

    def __init__(self, deps: Deps, job: Job) -> None:
        self.deps = deps
        self.job = job
        self.log = log.bind(job=job.id)
        self._cancel = asyncio.Event()
        self._interrupt = asyncio.Event()  # cancel or stop
        self._renewed = asyncio.Event()
        if job.cancel_requested:
            self.cancel()

    def cancel(self) -> None:
        """Ask the job to end. Works until its result is there."""
        self._cancel.set()
        self._interrupt.set()

    def stop(self) -> None:
        """Leave the job to the next start as soon as nothing is being written or sent."""
        self._interrupt.set()

    def renewed(self, target: ReplyTarget) -> None:
        """A click on the reply brought a new token: what could not be shown can be shown now."""
        self.job = replace(self.job, target=target)
        self._renewed.set()

    def reopened(self, job: Job) -> None:
        """*Check again* was pressed while the end was being announced: go on with the job as it is now."""
        self.job = job
        self._renewed.set()

    async def pause_until_renewed(self, seconds: float) -> None:
        """Sleep until a click brings a new token, at most so long. Raises Stopped when the process ends."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self._renewed, self.deps.stopping)]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if self.deps.stopping.is_set():
            raise Stopped
        self._renewed.clear()

    async def move(self, to: JobState, **changes: Unpack[JobChanges]) -> None:
        """Commit an arrow. Waits while the database does not answer; raises JobMoved when the job is no longer ours."""
        tries = 0
        while True:
            try:
                self.job = await self.deps.jobs.move(self.job, to, now=now(), worker_id=self.deps.worker_id, **changes)
            except StoreUnavailable as exc:
                tries += 1
                self.log.error(
                    "the database does not take a step of this job; trying again", to=str(to), error=str(exc)
                )
                await self.pause(growing_pause(tries, first_s=0.5, longest_s=15, random=random.random))
            else:
                self._tell_log()
                return

    def _tell_log(self) -> None:
        known = {"task": self.job.task_id, "request": self.job.request_id}
        failure = {"failure": str(self.job.failure.kind)} if self.job.failure else {}
        self.log.info(
            "job moved on", state=str(self.job.state), **{name: it for name, it in known.items() if it}, **failure
        )

    async def pause(self, seconds: float) -> None:
        """Sleep, unless the process ends meanwhile: then raise Stopped."""
        try:
            async with asyncio.timeout(seconds):
                await self.deps.stopping.wait()
        except TimeoutError:
            return
        raise Stopped

    async def end(self, state: JobState, kind: FailureKind, charged: Charged = Charged.NO, detail: str = "") -> None:
        """Commit an end without pictures. The reply is told afterwards, by delivery.tell."""
        await self.move(state, failure=Failure(kind, charged, detail))

    async def move_announced(self, state: JobState, kind: FailureKind, charged: Charged) -> None:
        """Commit an end of which nobody is to be told: there is no reply to tell it in."""
        await self.move(state, failure=Failure(kind, charged), announced=True)

    async def wait_in_queue(self) -> None:
        """From *waiting*: check the words and what was attached, then announce the submission."""
        if self._cancel.is_set():
            await self.end(JobState.CANCELLED, FailureKind.CANCELLED)
            return
        if self.deps.replies.is_gone(self.job):
            await self.end(JobState.CANCELLED, FailureKind.REPLY_DELETED)
            return
        if (kind := await self._judged()) is not None:
            await self.end(JobState.FAILED, kind)
            return
        try:
            if self.job.request.sources:
                size = sum(it.size or MAX_SOURCE_BYTES for it in self.job.request.sources)
                self.deps.spool.reserve(self.job.id, self.job.user_id, size)
            sources = tuple([await self._take_in(index, it) for index, it in enumerate(self.job.request.sources)])
        except BadSource as exc:
            await self.end(JobState.FAILED, FailureKind.BAD_SOURCE, detail=f"{exc.fault} {exc.amount}")
        except DownloadGone:
            await self.end(JobState.FAILED, FailureKind.SOURCE_GONE)
        else:
            if self.deps.stopping.is_set():
                raise Stopped
            request = replace(self.job.request, sources=sources)
            await self.move(JobState.SUBMITTING, request=request, attempts=self.job.attempts + 1)

    async def _judged(self) -> FailureKind | None:
        """What the operator's moderation has against the prompt; asked once, not before each try."""
        if self.deps.moderator is None or self.job.attempts:
            return None
        try:
            allowed = await self.deps.moderator.allows(self.job.request.prompt)
        except ModerationDown:
            return FailureKind.MODERATION_DOWN
        return None if allowed else FailureKind.MODERATED

    async def _take_in(self, index: int, source: Source) -> Source:
        """Fetch and check one source; returns it with an address that works. Raises BadSource or DownloadGone."""
        into = self.deps.spool.source(self.job.id, index)
        try:
            fetched = await self._fetch_source(source, into)
        except TooLarge:
            raise BadSource(SourceFault.TOO_LARGE, source.size) from None
        except NotAPicture as exc:
            raise BadSource(SourceFault.of(exc.head)) from None
        except DownloadGone:
            raise
        except DownloadError as exc:
            self.log.warning("a source cannot be read", error=type(exc).__name__)
            raise BadSource(SourceFault.UNREADABLE) from None
        await self.deps.inspector.check_source(into, self.job.user_id)
        return fetched

    async def _fetch_source(self, source: Source, into: Path) -> Source:
        if source.url:
            try:
                await self.deps.api.fetch_source(source.url, into, max_bytes=MAX_SOURCE_BYTES)
            except DownloadGone:
                if source.kept is None:
                    raise
            else:
                return source
        try:
            fresh = await self.deps.replies.fresh(source)
        except ReplyError as exc:
            raise DownloadGone(str(exc)) from exc
        await self.deps.api.fetch_source(fresh.url, into, max_bytes=MAX_SOURCE_BYTES)
        return fresh

    async def submit(self) -> None:
        """From *submitting*: send the request once, and commit what came of it."""
        try:
            submission = await self._sent()
        except CancelAsked:
            await self.end(JobState.CANCELLED, FailureKind.CANCELLED, Charged.MAYBE)
        except (Busy, Unreachable) as exc:
            await self._back_in_queue(exc)
        except Uncertain as exc:
            await self.move(JobState.UNCERTAIN, failure=Failure(exc.kind, Charged.MAYBE), request_id=exc.request_id)
        except ImageApiError as exc:
            self.log.warning("the image API refused a submission", error=type(exc).__name__, why=str(exc)[:200])
            await self.move(JobState.FAILED, failure=Failure(exc.kind, exc.charged), request_id=exc.request_id)
        else:
            task_id, request_id = submission.task_id, submission.request_id
            if task_id is None:
                await self.move(JobState.READY, request_id=request_id, result_urls=submission.result_urls)
            else:
                await self.move(JobState.PAINTING, task_id=task_id, request_id=request_id)

    async def _sent(self) -> Submission:
        """One submission. Where its answer is the picture itself, Cancel ends the waiting for it (CancelAsked)."""
        if not self.deps.api.paints_at_once:
            return await self._send()
        self.deps.replies.show(self.job, Progress())
        sending = asyncio.create_task(self._send(), name=f"submission of job {self.job.id}")
        cancelled = asyncio.ensure_future(self._cancel.wait())
        try:
            await asyncio.wait([sending, cancelled], return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                raise CancelAsked
            return sending.result()
        finally:
            cancelled.cancel()
            sending.cancel()
            await asyncio.wait([sending, cancelled])

    async def _send(self) -> Submission:
        """One submission. A single source that the API cannot fetch for itself is uploaded instead."""
        here = [self.deps.spool.source(self.job.id, index) for index in range(len(self.job.request.sources))]
        if self.deps.api.paints_at_once and len(here) > 1:
            return await self.deps.api.submit(self.job.request, files=here)
        try:
            return await self.deps.api.submit(self.job.request)
        except SourceOutOfReach:
            # Certainly refused, so nothing has been bought yet.
            if len(here) != 1:
                raise
            self.log.info("the image API cannot fetch the source; uploading it")
            return await self.deps.api.submit(self.job.request, files=here)

    async def _back_in_queue(self, exc: Busy | Unreachable) -> None:
        """After a refusal that certainly started nothing: try again later, at most MAX_RETRIES times."""
        if self.job.attempts > MAX_RETRIES:
            await self.move(JobState.FAILED, failure=Failure(exc.kind), request_id=exc.request_id)
            return
        pause = exc.retry_after or growing_pause(
            self.job.attempts, first_s=RETRY_FIRST_S, longest_s=RETRY_LONGEST_S, random=random.random
        )
        self.log.info("the image API started nothing; back in line", error=type(exc).__name__, pause_s=round(pause, 1))
        await self.move(JobState.WAITING, not_before=now() + timedelta(seconds=pause))
        self.deps.replies.show(self.job, Progress(trouble=exc.kind))

    async def pause_or_cancel(self, seconds: float) -> None:
        """Sleep, unless the job is cancelled (CancelAsked) or the process ends (Stopped)."""
        if not self._interrupt.is_set():
            try:
                async with asyncio.timeout(seconds):
                    await self._interrupt.wait()
            except TimeoutError:
                return
        self._give_way()

    async def turn_or_cancel(self, likelihood: Callable[[], float]) -> None:
        """Wait for a turn to ask the image API, see `Budget.turn`. Raises CancelAsked or Stopped."""
        if self.deps.pacer.budget.take():
            return
        waits = [asyncio.ensure_future(it) for it in (self.deps.pacer.budget.turn(likelihood), self._interrupt.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if self._interrupt.is_set():
            self._give_way()

    def _give_way(self) -> None:
        raise CancelAsked if self._cancel.is_set() else Stopped
