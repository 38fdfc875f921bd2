"""From the queue to the image API: check the words and what was attached, then send the request once."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import timedelta

from bot.errors import (
    BadSource,
    Busy,
    DownloadError,
    DownloadGone,
    ImageApiError,
    JobMoved,
    ModerationDown,
    NotAPicture,
    SourceFault,
    StoreUnavailable,
    TooLarge,
    Uncertain,
    Unreachable,
)
from bot.image_api.client import SourceOutOfReach, Submission
from bot.jobs.backoff import Backoff, first_of
from bot.jobs.clock import now
from bot.jobs.downloads import fetch_source
from bot.jobs.job_run import CancelAsked, JobRun, Stopped
from bot.model import MAX_SOURCE_BYTES, Charged, Failure, FailureKind, Job, JobState, Progress, Source


async def prepare(run: JobRun) -> None:
    """From *waiting*: check the prompt and the sources, then announce the submission."""
    job, deps = run.job, run.deps
    if run.cancelled.is_set():
        await run.end(JobState.CANCELLED, FailureKind.CANCELLED)
        return
    if deps.replies.is_gone(job):
        await run.end(JobState.CANCELLED, FailureKind.REPLY_DELETED)
        return
    if deps.moderator is not None and not job.attempts:  # asked once, not before each try
        try:
            allowed = await deps.moderator.allows(job.request.prompt)
        except ModerationDown:
            await run.end(JobState.FAILED, FailureKind.MODERATION_DOWN)
            return
        if not allowed:
            await run.end(JobState.FAILED, FailureKind.MODERATED)
            return
    try:
        if job.request.sources:
            size = sum(it.size or MAX_SOURCE_BYTES for it in job.request.sources)
            deps.spool.reserve(job.id, job.user_id, size)
        sources = tuple([await _taken_in(run, index, it) for index, it in enumerate(job.request.sources)])
    except BadSource as exc:
        await run.end(JobState.FAILED, FailureKind.BAD_SOURCE, detail=f"{exc.fault} {exc.amount}")
    except DownloadGone:
        await run.end(JobState.FAILED, FailureKind.SOURCE_GONE)
    else:
        if deps.stopping.is_set():
            raise Stopped
        await run.move(JobState.SUBMITTING, request=replace(job.request, sources=sources), attempts=job.attempts + 1)


async def _taken_in(run: JobRun, index: int, source: Source) -> Source:
    """Fetch and check one source; returns it with an address that works. Raises BadSource or DownloadGone."""
    into = run.deps.spool.source(run.job.id, index)
    try:
        fetched = await fetch_source(run, source, into)
    except TooLarge:
        raise BadSource(SourceFault.TOO_LARGE, source.size) from None
    except NotAPicture as exc:
        raise BadSource(SourceFault.of(exc.head)) from None
    except DownloadGone:
        raise
    except DownloadError as exc:
        run.log.warning("a source cannot be read", error=type(exc).__name__)
        raise BadSource(SourceFault.UNREADABLE) from None
    await run.deps.inspector.check_source(into, run.job.user_id)
    return fetched


async def submit(run: JobRun) -> None:
    """From *submitting*: send the request once, and commit what came of it."""
    try:
        submission = await _sent(run)
    except CancelAsked:
        await run.end(JobState.CANCELLED, FailureKind.CANCELLED, Charged.MAYBE)
    except (Busy, Unreachable) as exc:
        await _back_into_queue(run, exc)
    except Uncertain as exc:
        await run.move(JobState.UNCERTAIN, failure=Failure(exc.kind, Charged.MAYBE), request_id=exc.request_id)
    except ImageApiError as exc:
        run.log.warning("the image API refused a submission", error=type(exc).__name__, why=str(exc)[:200])
        await run.move(JobState.FAILED, failure=Failure(exc.kind, exc.charged), request_id=exc.request_id)
    else:
        run.deps.pacer.submissions.accepted(run.job.id)
        task_id, request_id = submission.task_id, submission.request_id
        if task_id is None:
            await run.move(JobState.READY, request_id=request_id, result_urls=submission.result_urls)
            return
        try:
            await run.move(JobState.PAINTING, task_id=task_id, request_id=request_id)
        except JobMoved:
            await _keep_task(run, task_id, request_id)
            raise


async def _sent(run: JobRun) -> Submission:
    """One submission. Where its answer is the picture itself, Cancel ends the waiting for it (CancelAsked)."""
    if not run.deps.api.paints_at_once:
        return await _send(run)
    began_s = time.monotonic()
    run.deps.replies.show(run.job, Progress(due=run.deps.pacer.forecast.painted_at(run.job, now())))
    sending = asyncio.create_task(_send(run), name=f"submission of job {run.job.id}")
    try:
        await first_of(sending, run.cancelled)
        if not sending.done():
            raise CancelAsked
        submission = sending.result()
        if submission.task_id is None:
            run.deps.pacer.painted_at_once(run.job.request, time.monotonic() - began_s)
        return submission
    finally:
        sending.cancel()
        await asyncio.wait([sending])


async def _send(run: JobRun) -> Submission:
    """One submission. A single source that the API cannot fetch for itself is uploaded instead."""
    api, request = run.deps.api, run.job.request
    here = [run.deps.spool.source(run.job.id, index) for index in range(len(request.sources))]
    if api.paints_at_once and len(here) > 1:
        return await api.submit(request, files=here)
    try:
        return await api.submit(request)
    except SourceOutOfReach:
        # Certainly refused, so nothing has been bought yet.
        if len(here) != 1:
            raise
        run.log.info("the image API cannot fetch the source; uploading it")
        return await api.submit(request, files=here)


async def _back_into_queue(run: JobRun, exc: Busy | Unreachable) -> None:
    """After a refusal that certainly started nothing: try again later, unless it has been refused for long enough.

    A busy API also narrows the way for all other jobs of this process; see polling/submissions.py.
    """
    if isinstance(exc, Busy):
        run.deps.pacer.too_much(exc.retry_after)
    pause_s = run.deps.pacer.submissions.refused(run.job.id, exc.retry_after)
    if pause_s is None:
        await run.move(JobState.FAILED, failure=Failure(exc.kind), request_id=exc.request_id)
        return
    run.log.info(
        "the image API started nothing; back in the queue", error=type(exc).__name__, pause_s=round(pause_s, 1)
    )
    await run.move(JobState.WAITING, not_before=now() + timedelta(seconds=pause_s))
    run.deps.replies.show(run.job, Progress(trouble=exc.kind))


async def _keep_task(run: JobRun, task_id: str, request_id: str | None) -> None:
    """Write down a task id that was learned after the lease was lost: the task is paid for and may yet be delivered.

    The process that took the job over knows only that the request may have gone out, so it ends the job as
    *uncertain*. Here it is known to be painted: it goes on from there, in the hands of whoever reclaims it.
    """
    backoff = Backoff(0.5, 5)
    while backoff.tries < 10:
        try:
            job: Job | None = await run.deps.jobs.get(run.job.id)
            if job is None or job.task_id is not None or job.state not in {JobState.SUBMITTING, JobState.UNCERTAIN}:
                return
            if job.state is JobState.UNCERTAIN:
                await run.deps.jobs.move(job, JobState.PAINTING, now=now(), task_id=task_id, request_id=request_id)
                run.log.warning("the lease was lost while the request was on its way; its task is taken back")
                return
        except (JobMoved, StoreUnavailable) as exc:
            run.log.info("a task id is not written down yet", error=type(exc).__name__)
        await run.pause(backoff.failed())
