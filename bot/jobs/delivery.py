"""From the result to the message: download into the spool, upload from there, and tell how a job ended."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bot.errors import (
    AddressRefused,
    DownloadError,
    DownloadGone,
    ImageApiError,
    JobMoved,
    NotAPicture,
    ReplyError,
    ReplyGone,
    ReplyUnavailable,
    TooLarge,
)
from bot.jobs.job_run import JobRun, now
from bot.jobs.polling.schedule import growing_pause
from bot.model import MAX_SOURCE_BYTES, Charged, FailureKind, Job, JobState, Picture, PictureInfo, Progress, ReplyTarget

#: A noisy 2k PNG has at most 12.6 MB; four times that leaves room for what nobody foresaw.
MAX_PICTURE_BYTES = 50_000_000
#: How long finished pictures are kept and offered to Discord, whatever JOB_TIMEOUT_S says.
GIVE_UP_AFTER = timedelta(hours=24)
PAUSE_FIRST_S, PAUSE_LONGEST_S = 1.0, 300.0
#: How often a reply that cannot be reached is tried again: permissions may have come back.
OUT_OF_REACH_PAUSE_S = 600.0


async def fetch(run: JobRun) -> None:
    """From *ready*: download the pictures, then announce the delivery."""
    try:
        pictures = await _pictures(run, give_up_after_s=run.deps.job_timeout_s)
    except DownloadError:
        await run.end(JobState.TIMED_OUT, FailureKind.TIMED_OUT, Charged.YES)
        return
    if pictures:
        cost = run.deps.prices.cost_micros(run.job.request, len(pictures))
        await run.move(JobState.DELIVERING, cost_micros=cost, pictures=len(pictures))
    else:
        await run.end(JobState.FAILED, FailureKind.LOST, Charged.YES)


async def fetch_again(run: JobRun) -> Sequence[Picture]:
    """The pictures of a job that has ended, asked for by its user; those that are gone for good are left out.

    Raises DownloadError or OSError when they could be had another time.
    """
    try:
        async with run.deps.deliveries:
            return await _fetch_each(run, leave_out_gone=False)
    except DownloadGone:
        await _ask_for_new_addresses(run)
    async with run.deps.deliveries:
        return await _fetch_each(run, leave_out_gone=True)


async def deliver(run: JobRun, *, look_first: bool = False) -> None:
    """From *delivering*: put the pictures into the reply. `look_first` after a crash that may have come too late."""
    tries = 0
    while True:
        try:
            target = await _put(run, look_first=look_first)
        except ReplyGone:
            await run.move_announced(JobState.FAILED, FailureKind.REPLY_DELETED, Charged.YES)
            return
        except ReplyError as exc:
            if _too_old(run.job):
                await run.end(JobState.FAILED, FailureKind.UNDELIVERABLE, Charged.YES)
                return
            tries += 1
            await _wait_for_reply(run, exc, tries)
            # What failed may still have arrived.
            look_first = True
        else:
            if target is None:
                await run.end(JobState.FAILED, FailureKind.LOST, Charged.YES)
            else:
                # The interaction's token has served its purpose and is not kept.
                await run.move(JobState.DELIVERED, announced=True, target=replace(target, token=""))
            return


async def announce(run: JobRun) -> None:
    """Show in the reply how a job ended without pictures. Where the reply is out of reach it is shown at a click.

    The end may stand in the message before Discord's answer is here, and *Check again* may be pressed by then. The
    job is *painting* again from that moment: `run.reopened` brings it here, where this process goes on with it.
    Otherwise another one has it, and JobMoved is raised.
    """
    tries = 0
    while run.job.state.is_final and not run.job.announced:
        try:
            await run.deps.replies.close(run.job)
        except ReplyGone:
            run.log.info("nobody is told how the job ended: the reply was deleted")
        except ReplyError as exc:
            hopeless = not isinstance(exc, ReplyUnavailable) and run.job.target.outlives_token
            if not hopeless and not _too_old(run.job):
                tries += 1
                await _wait_for_reply(run, exc, tries)
                continue
            run.log.info("nobody can be told how the job ended", why=type(exc).__name__)
        if run.job.state.is_final:
            run.job = await run.deps.jobs.change(run.job.id, announced=True)
            if not run.job.state.is_final:
                raise JobMoved(f"job {run.job.id} was taken up again")


async def _put(run: JobRun, *, look_first: bool) -> ReplyTarget | None:
    """Where the pictures are now; None when there are none left to show. Raises ReplyError."""
    if look_first and (found := await run.deps.replies.find_delivered(run.job)) is not None:
        return found
    pictures = await _pictures(run)
    if not pictures:
        return None
    sources = await _sources(run)
    async with run.deps.deliveries:
        return await run.deps.replies.deliver(run.job, pictures, sources)


async def _wait_for_reply(run: JobRun, exc: ReplyError, tries: int) -> None:
    """Until Discord may take it: soon after trouble, at a click or now and then where the reply is out of reach."""
    if isinstance(exc, ReplyUnavailable):
        run.log.warning("Discord does not take a reply; trying again", error=str(exc), tries=tries)
        await run.pause(max(exc.retry_after, _pause(tries)))
    else:
        run.log.info("a reply is out of reach; it waits for a click or for permissions", why=str(exc))
        await run.pause_until_renewed(OUT_OF_REACH_PAUSE_S)


def _pause(tries: int) -> float:
    return growing_pause(tries, first_s=PAUSE_FIRST_S, longest_s=PAUSE_LONGEST_S, random=random.random)


def _too_old(job: Job) -> bool:
    return _age_s(job) > GIVE_UP_AFTER.total_seconds()


def _age_s(job: Job) -> float:
    return (now() - (job.ready_at or job.finished_at or job.received_at)).total_seconds()


async def _pictures(run: JobRun, *, give_up_after_s: float = GIVE_UP_AFTER.total_seconds()) -> Sequence[Picture]:
    """The job's pictures, from the spool or from their addresses; those that are gone for good are left out.

    Raises DownloadError when they could be fetched again later by asking the task anew, but not for so long.
    """
    tries, asked_again = 0, False
    while True:
        try:
            # Only while bytes flow: a job that waits for its host must not hold up everybody else's pictures.
            async with run.deps.deliveries:
                return await _fetch_each(run, leave_out_gone=asked_again)
        except DownloadGone:
            asked_again = True
            await _ask_for_new_addresses(run)
        except (DownloadError, OSError) as exc:
            # No network, or no room on the disk: neither is a reason to lose what was paid for.
            if _too_old(run.job):
                return []
            if run.job.task_id is not None and _age_s(run.job) > give_up_after_s:
                raise DownloadError(str(exc)) from exc
            run.deps.replies.show(run.job, Progress(percent=100, trouble=FailureKind.UNREACHABLE))
            tries += 1
            run.log.warning("a finished picture cannot be fetched; trying again", error=str(exc), tries=tries)
            await run.pause(_pause(tries))


async def _fetch_each(run: JobRun, *, leave_out_gone: bool) -> Sequence[Picture]:
    pictures: list[Picture] = []
    for index, url in enumerate(run.job.result_urls):
        path = run.deps.spool.picture(run.job.id, index)
        try:
            got = PictureInfo.at(path) or await run.deps.api.download(url, path, max_bytes=MAX_PICTURE_BYTES)
        except DownloadGone:
            if not leave_out_gone:
                raise
        except (NotAPicture, TooLarge, AddressRefused) as exc:
            run.log.warning("a result is no usable picture and is left out", error=type(exc).__name__)
        else:
            pictures.append(Picture(path, got.format, got.bytes, url))
    return pictures


async def _ask_for_new_addresses(run: JobRun) -> None:
    """Result addresses expire; the task may still have new ones."""
    if run.job.task_id is None:
        return
    try:
        report = await run.deps.api.report(run.job.task_id, run.job.request)
    except ImageApiError as exc:
        run.log.warning("the image API gives no new addresses", error=type(exc).__name__)
        return
    if report.result_urls:
        run.job = await run.deps.jobs.change(run.job.id, result_urls=report.result_urls)


async def _sources(run: JobRun) -> Sequence[Path]:
    """Copies of the sources, to be kept beside the result. One that cannot be had any more is left out."""
    kept: list[Path] = []
    for index, source in enumerate(run.job.request.sources):
        path = run.deps.spool.source(run.job.id, index)
        if PictureInfo.at(path) is None:
            try:
                fresh = source if source.kept is None else await run.deps.replies.fresh(source)
                await run.deps.api.fetch_source(fresh.url, path, max_bytes=MAX_SOURCE_BYTES)
            except (DownloadError, ReplyError, OSError) as exc:
                run.log.warning("a source is left out of the reply", error=type(exc).__name__)
                continue
        kept.append(path)
    return kept
