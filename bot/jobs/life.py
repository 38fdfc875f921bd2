"""The life of one job up to its result, arrow by arrow. Each arrow is committed before the act it announces.

    received ─> waiting ─> submitting ─> painting ─> ready ─> delivering ─> delivered
    any of them ─> failed | cancelled | timed out | uncertain

The way from *ready* on is in delivery.py; what a start does with a job found in each state, in recovery.py.
"""

from __future__ import annotations

import asyncio
import random
import time
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
    NotAPicture,
    ReplyError,
    SourceFault,
    StoreUnavailable,
    TaskLost,
    TooLarge,
    Uncertain,
    Unreachable,
)
from bot.jobs.pace import growing_pause, pause_before_question, with_jitter
from bot.jobs.ports import Inspector, Replies
from bot.jobs.spool import Spool
from bot.model import MAX_SOURCE_BYTES, Charged, Failure, FailureKind, Job, JobState, Progress, Source
from bot.prices import Prices
from bot.store.jobs import JobChanges, Jobs
from bot.uniall.client import ImageApi, SourceOutOfReach, Submission, TaskReport, TaskState

log = structlog.stdlib.get_logger(__name__)

MAX_RETRIES = 3  # of a submission that certainly started nothing
RETRY_FIRST_S, RETRY_LONGEST_S = 2.0, 60.0
LOST_AFTER_QUESTIONS = 4  # replicas of the API may not know a new task at once
LOST_AFTER_S = 15.0
EMPTY_RESULTS_ASKED = 4  # a task may be "succeeded" a little before its addresses are there


class Stopped(Exception):
    """The process ends: the job is left to the next start."""


class CancelAsked(Exception):
    """Someone with the right to do so pressed Cancel."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What every job is worked on with, the same for all jobs of a process."""

    jobs: Jobs
    api: ImageApi
    replies: Replies
    inspector: Inspector
    spool: Spool
    prices: Prices
    owner: str
    job_timeout_s: float
    deliveries: asyncio.Semaphore  # how many jobs may download and upload at once
    stopping: asyncio.Event


def now() -> datetime:
    """The present, aware, in UTC."""
    return datetime.now(UTC)


class Life:
    """Carries one job from the state it is in to its end, or back into the line after a refusal."""

    def __init__(self, tools: Tools, job: Job) -> None:
        self.tools = tools
        self.job = job
        self.log = log.bind(job=job.id)
        self._cancel = asyncio.Event()
        self._interrupt = asyncio.Event()  # cancel or stop
        if job.cancel_requested:
            self.cancel()

    def cancel(self) -> None:
        """Ask the job to end. Works until its result is there."""
        self._cancel.set()
        self._interrupt.set()

    def stop(self) -> None:
        """Leave the job to the next start as soon as nothing is being written or sent."""
        self._interrupt.set()

    async def move(self, to: JobState, **changes: Unpack[JobChanges]) -> None:
        """Commit an arrow. Waits while the database does not answer; raises JobMoved when the job is no longer ours."""
        tries = 0
        while True:
            try:
                self.job = await self.tools.jobs.move(self.job, to, now=now(), owner=self.tools.owner, **changes)
            except StoreUnavailable as exc:
                tries += 1
                self.log.error(
                    "the database does not take a step of this job; trying again", to=str(to), fault=str(exc)
                )
                await self.pause(growing_pause(tries, first_s=0.5, longest_s=15, random=random.random))
            else:
                self.log.info("job", state=str(to), task=self.job.task_id, failure=_kind(self.job))
                return

    async def pause(self, seconds: float) -> None:
        """Sleep, unless the process ends meanwhile: then raise Stopped."""
        try:
            async with asyncio.timeout(seconds):
                await self.tools.stopping.wait()
        except TimeoutError:
            return
        raise Stopped

    async def end(self, state: JobState, kind: FailureKind, charged: Charged = Charged.NO, detail: str = "") -> None:
        """Commit an end without pictures. The reply is told afterwards, by delivery.tell."""
        await self.move(state, failure=Failure(kind, charged, detail))

    async def move_told(self, state: JobState, kind: FailureKind, charged: Charged) -> None:
        """Commit an end of which nobody is to be told: there is no reply to tell it in."""
        await self.move(state, failure=Failure(kind, charged), told=True)

    async def wait_in_line(self) -> None:
        """From *waiting*: check what was attached, then announce the submission."""
        if self._cancel.is_set():
            await self.end(JobState.CANCELLED, FailureKind.CANCELLED)
            return
        if self.tools.replies.is_gone(self.job):
            await self.end(JobState.CANCELLED, FailureKind.REPLY_DELETED)
            return
        try:
            sources = tuple([await self._take_in(index, it) for index, it in enumerate(self.job.request.sources)])
        except BadSource as exc:
            await self.end(JobState.FAILED, FailureKind.BAD_SOURCE, detail=f"{exc.fault} {exc.amount}")
        except DownloadGone:
            await self.end(JobState.FAILED, FailureKind.SOURCE_GONE)
        else:
            if self.tools.stopping.is_set():
                raise Stopped
            request = replace(self.job.request, sources=sources)
            await self.move(JobState.SUBMITTING, request=request, attempts=self.job.attempts + 1)

    async def _take_in(self, index: int, source: Source) -> Source:
        """Fetch and check one source; returns it with an address that works. Raises BadSource or DownloadGone."""
        into = self.tools.spool.source(self.job.id, index)
        try:
            fetched = await self._fetch_source(source, into)
        except TooLarge:
            raise BadSource(SourceFault.TOO_LARGE, source.size) from None
        except NotAPicture:
            raise BadSource(SourceFault.NOT_A_PICTURE) from None
        except DownloadGone:
            raise
        except DownloadError as exc:
            self.log.warning("a source cannot be read", fault=type(exc).__name__)
            raise BadSource(SourceFault.UNREADABLE) from None
        await self.tools.inspector.check_source(into)
        return fetched

    async def _fetch_source(self, source: Source, into: Path) -> Source:
        if source.url:
            try:
                await self.tools.api.fetch_source(source.url, into, max_bytes=MAX_SOURCE_BYTES)
            except DownloadGone:
                if source.kept is None:
                    raise
            else:
                return source
        try:
            fresh = await self.tools.replies.fresh(source)
        except ReplyError as exc:
            raise DownloadGone(str(exc)) from exc
        await self.tools.api.fetch_source(fresh.url, into, max_bytes=MAX_SOURCE_BYTES)
        return fresh

    async def submit(self) -> None:
        """From *submitting*: send the request once, and commit what came of it."""
        try:
            submission = await self._send()
        except (Busy, Unreachable) as exc:
            await self._back_in_line(exc)
        except Uncertain as exc:
            await self.move(JobState.UNCERTAIN, failure=Failure(exc.kind, Charged.MAYBE), request_id=exc.request_id)
        except ImageApiError as exc:
            self.log.warning("the image API refused a submission", fault=type(exc).__name__, why=str(exc)[:200])
            await self.move(JobState.FAILED, failure=Failure(exc.kind, exc.charged), request_id=exc.request_id)
        else:
            task_id, request_id = submission.task_id, submission.request_id
            if task_id is None:
                await self.move(JobState.READY, request_id=request_id, result_urls=submission.result_urls)
            else:
                await self.move(JobState.PAINTING, task_id=task_id, request_id=request_id)

    async def _send(self) -> Submission:
        """One submission. A single source that the API cannot fetch for itself is uploaded instead."""
        try:
            return await self.tools.api.submit(self.job.request)
        except SourceOutOfReach:
            # Certainly refused, so nothing has been bought yet.
            if len(self.job.request.sources) != 1:
                raise
            self.log.info("the image API cannot fetch the source; uploading it")
            return await self.tools.api.submit(self.job.request, files=[self.tools.spool.source(self.job.id, 0)])

    async def _back_in_line(self, exc: Busy | Unreachable) -> None:
        """After a refusal that certainly started nothing: try again later, at most MAX_RETRIES times."""
        if self.job.attempts > MAX_RETRIES:
            await self.move(JobState.FAILED, failure=Failure(exc.kind), request_id=exc.request_id)
            return
        pause = exc.retry_after or growing_pause(
            self.job.attempts, first_s=RETRY_FIRST_S, longest_s=RETRY_LONGEST_S, random=random.random
        )
        self.log.info("the image API started nothing; back in line", fault=type(exc).__name__, pause_s=round(pause, 1))
        await self.move(JobState.WAITING, not_before=now() + timedelta(seconds=pause))
        self.tools.replies.show(self.job, Progress(trouble=exc.kind))

    async def paint(self) -> None:
        """From *painting*: ask about the task until it has ended or the time is up."""
        try:
            await Watch(self).run()
        except CancelAsked:
            await self.end(JobState.CANCELLED, FailureKind.CANCELLED, Charged.MAYBE)

    async def pause_or_cancel(self, seconds: float) -> None:
        """Sleep, unless the job is cancelled (CancelAsked) or the process ends (Stopped)."""
        if not self._interrupt.is_set():
            try:
                async with asyncio.timeout(seconds):
                    await self._interrupt.wait()
            except TimeoutError:
                return
        raise CancelAsked if self._cancel.is_set() else Stopped


class Watch:
    """Asks the image API about one task, at the pace of pace.py, until it has ended or its time is up."""

    def __init__(self, life: Life) -> None:
        self.life = life
        submitted = life.job.submitted_at or now()
        age_s = max((now() - submitted).total_seconds(), 0.0)  # the wall clock may have stepped back
        self._began = time.monotonic() - age_s
        self._late_start = age_s >= life.tools.job_timeout_s
        self._questions = 0
        self._empty_answers = 0
        self._percent = 0

    @property
    def age_s(self) -> float:
        return time.monotonic() - self._began

    async def run(self) -> None:
        """Until an arrow out of *painting* is committed. Raises CancelAsked, Stopped or JobMoved."""
        life, timeout_s = self.life, self.life.tools.job_timeout_s
        pause = 0.0 if self._late_start else self._pause(None)
        life.tools.replies.show(life.job, Progress(percent=0))
        while True:
            await life.pause_or_cancel(max(min(pause, timeout_s - self.age_s), 0.0))
            self._questions += 1
            try:
                report = await life.tools.api.report(life.job.task_id or "")
            except TaskLost as exc:
                if self._questions >= LOST_AFTER_QUESTIONS and self.age_s > LOST_AFTER_S:
                    await life.move(JobState.FAILED, failure=Failure(exc.kind, Charged.MAYBE))
                    return
                pause = self._pause(exc.retry_after)
            except ImageApiError as exc:
                pause = self._trouble(exc)
            else:
                if await self._settle(report):
                    return
                pause = self._pause(report.retry_after)
            if self.age_s >= timeout_s:
                await life.end(JobState.TIMED_OUT, FailureKind.TIMED_OUT, Charged.MAYBE)
                return

    def _pause(self, retry_after: float | None) -> float:
        pause = with_jitter(pause_before_question(self.age_s), random.random)
        return max(pause, retry_after or 0.0)

    def _trouble(self, exc: ImageApiError) -> float:
        """Any trouble with a question is waited out: the task is paid for and may yet finish."""
        self.life.log.info("a question about a task was not answered", fault=type(exc).__name__)
        kind = FailureKind.BUSY if isinstance(exc, Busy) else FailureKind.UNREACHABLE
        self.life.tools.replies.show(self.life.job, Progress(percent=self._percent, trouble=kind))
        return max(self._pause(exc.retry_after), 1.0)

    async def _settle(self, report: TaskReport) -> bool:
        """Commit what the report decides; False while the task goes on."""
        life = self.life
        if report.state is TaskState.SUCCEEDED and report.result_urls:
            await life.move(JobState.READY, result_urls=report.result_urls)
            return True
        if report.failure is not None:
            failure = Failure(report.failure.kind, report.failure.charged)
            await life.move(JobState.FAILED, failure=failure, request_id=report.request_id or life.job.request_id)
            return True
        if report.state is TaskState.SUCCEEDED:
            self._empty_answers += 1
            if self._empty_answers >= EMPTY_RESULTS_ASKED:
                await life.move(JobState.FAILED, failure=Failure(FailureKind.LOST, Charged.MAYBE))
                return True
        self._percent = max(self._percent, report.percent or 0)
        life.tools.replies.show(life.job, Progress(percent=self._percent))
        return False


def _kind(job: Job) -> str | None:
    return str(job.failure.kind) if job.failure else None
