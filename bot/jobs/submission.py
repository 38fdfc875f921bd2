"""From the queue to the image API: check the words and what was attached, then send the request once.

The image API takes sources by their addresses. Those kept with a preset lie in the database and have none, so they are
put into the job's own reply first, small beside the prompt, where they stand until the end.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bot.errors import (
    AnswerLost,
    BadSource,
    Busy,
    ChannelGone,
    DownloadError,
    DownloadGone,
    ImageApiError,
    JobMoved,
    ModerationDown,
    NotAPicture,
    NotWritten,
    ReplyError,
    ReplyGone,
    ReplyUnavailable,
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
from bot.jobs.polling.slow_start import LATE_S, SHUT_S
from bot.model import MAX_SOURCE_BYTES, Charged, Failure, FailureKind, ImageRequest, Job, JobState, Progress, Source

OF_PRESET = "preset"  # in the detail of SOURCE_GONE: it was kept with a preset
SHOW_TRIES = 4


async def prepare(run: JobRun) -> None:
    """From *waiting*: check the prompt and the sources, then announce the submission."""
    job, deps = run.job, run.deps
    if run.cancelled.is_set() or await deps.is_shut_out(job):
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
        request = await _with_addresses(run, replace(job.request, sources=sources))
    except BadSource as exc:
        await run.end(JobState.FAILED, FailureKind.BAD_SOURCE, detail=f"{exc.fault} {exc.amount}")
    except DownloadGone:
        kept = any(it.preset_picture for it in job.request.sources)
        await run.end(JobState.FAILED, FailureKind.SOURCE_GONE, detail=OF_PRESET if kept else "")
    except ReplyGone:
        await run.end(JobState.CANCELLED, FailureKind.REPLY_DELETED, announced=True)
    else:
        if deps.stopping.is_set():
            raise Stopped
        try:
            while not deps.pacer.slow_start.take(job.id):
                await run.pause_or_cancel(SHUT_S)
            if await deps.is_shut_out(job):  # since it was begun to be looked at
                raise CancelAsked
        except CancelAsked:
            await run.end(JobState.CANCELLED, FailureKind.CANCELLED)
            return
        await run.move(JobState.SUBMITTING, request=request, attempts=job.attempts + 1)


async def _taken_in(run: JobRun, index: int, source: Source) -> Source:
    """Fetch and check one source; returns it with an address that works. Raises BadSource or DownloadGone.

    One that is kept with a preset comes back without an address, unless a reply shows it already.
    """
    into = run.deps.spool.source(run.job.id, index)
    if source.preset_picture and not (source.url or source.kept):
        return await _from_preset(run, source, into)
    try:
        fetched = await fetch_source(run, source, into)
    except TooLarge:
        raise BadSource(SourceFault.TOO_LARGE, source.size) from None
    except NotAPicture as exc:
        raise BadSource(SourceFault.of(exc.head)) from None
    except DownloadGone:
        if source.preset_picture is None:
            raise
        return await _from_preset(run, source, into)
    except NotWritten as exc:
        run.log.error("this machine has no room for a source", why=str(exc))
        raise BadSource(SourceFault.NO_ROOM, source.size) from None
    except DownloadError as exc:
        run.log.warning("a source cannot be read", error=type(exc).__name__)
        raise BadSource(SourceFault.UNREADABLE) from None
    await run.deps.inspector.check_source(into, run.job.user_id)
    return fetched


async def _from_preset(run: JobRun, source: Source, into: Path) -> Source:
    """Write down a picture that is kept with a preset. Raises DownloadGone where it was deleted meanwhile."""
    backoff = Backoff(0.5, 15)
    while True:
        try:
            data = await run.deps.preset_picture(source.preset_picture or "")
            break
        except StoreUnavailable as exc:
            run.log.error("the database does not give a preset's picture; trying again", error=str(exc))
            await run.pause(backoff.failed())
    if data is None:
        raise DownloadGone("the preset's picture was deleted")
    try:
        await asyncio.to_thread(into.write_bytes, data)
    except OSError:
        raise BadSource(SourceFault.NO_ROOM, len(data)) from None
    return replace(source, url="", kept=None, shown_as="")


async def _with_addresses(run: JobRun, request: ImageRequest) -> ImageRequest:
    """The request whose sources the image API can fetch. Raises ReplyGone where a person deleted the reply.

    Where Discord does not take them they are left without an address, and uploaded to the image API itself. Putting
    them into the reply buys nothing and may be done twice, so no arrow announces it.
    """
    files = {index: run.deps.spool.source(run.job.id, index) for index, it in enumerate(request.sources) if not it.url}
    if not files or run.deps.api.paints_at_once:
        return request
    backoff = Backoff(1.0, 8.0)
    while True:
        try:
            return (await run.deps.replies.show_sources(replace(run.job, request=request), files)).request
        except (ReplyGone, ChannelGone):
            raise ReplyGone from None
        except ReplyUnavailable as exc:
            pause_s = backoff.failed(exc.retry_after)
            if backoff.tries >= SHOW_TRIES:
                run.log.warning("Discord does not take the pictures of a preset; they are uploaded", error=str(exc))
                return request
            await run.pause(pause_s)
        except ReplyError as exc:
            run.log.info("a reply cannot show the pictures of a preset; they are uploaded", why=str(exc))
            return request


async def submit(run: JobRun) -> None:
    """From *submitting*: send the request once, and commit what came of it."""
    slow_start = run.deps.pacer.slow_start
    try:
        submission = await _sent(run)
    except CancelAsked:
        await run.end(JobState.CANCELLED, FailureKind.CANCELLED, Charged.MAYBE)
    except Busy as exc:
        slow_start.answered(run.job.id)
        await _back_into_queue(run, exc)
    except Unreachable as exc:
        slow_start.lost(run.job.id)
        await _back_into_queue(run, exc)
    except Uncertain as exc:
        # An answer that says nothing of use is an answer: others may go out, but no more than before.
        (slow_start.lost if isinstance(exc, AnswerLost) else slow_start.forget)(run.job.id)
        await run.move(JobState.UNCERTAIN, failure=Failure(exc.kind, Charged.MAYBE), request_id=exc.request_id)
    except ImageApiError as exc:
        slow_start.answered(run.job.id)
        run.deps.pacer.submissions.accepted(run.job.id)  # it had room for it, and has looked at it
        run.log.warning("the image API refused a submission", error=type(exc).__name__, why=str(exc)[:200])
        await run.move(JobState.FAILED, failure=Failure(exc.kind, exc.charged), request_id=exc.request_id)
    else:
        slow_start.answered(run.job.id)
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
        if not await first_of(sending, run.cancelled, within_s=LATE_S):
            run.deps.pacer.slow_start.silent(run.job.id)
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
    """One submission. A source that the API cannot fetch for itself is uploaded instead, where it is the only one."""
    api, request, user_id = run.deps.api, run.job.request, run.job.user_id
    here = [run.deps.spool.source(run.job.id, index) for index in range(len(request.sources))]
    if (api.paints_at_once and len(here) > 1) or not all(source.url for source in request.sources):
        return await api.submit(request, files=here, user_id=user_id)
    try:
        return await api.submit(request, user_id=user_id)
    except SourceOutOfReach:
        # Certainly refused, so nothing has been bought yet.
        if len(here) != 1:
            raise
        run.log.info("the image API cannot fetch the source; uploading it")
        return await api.submit(request, files=here, user_id=user_id)


async def _back_into_queue(run: JobRun, exc: Busy | Unreachable) -> None:
    """After a refusal that certainly started nothing: try again later, unless it has been refused for long enough.

    A busy API also narrows the way for all other jobs of this process; see polling/submissions.py.
    """
    pacer = run.deps.pacer
    pause_s = pacer.refused(run.job.id, exc.retry_after) if isinstance(exc, Busy) else pacer.missed(run.job.id)
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
