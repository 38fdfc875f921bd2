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
    NotAPicture,
    ReplyError,
    ReplyGone,
    ReplyUnavailable,
    TooLarge,
)
from bot.jobs.job_run import Life, now
from bot.jobs.polling.schedule import growing_pause
from bot.model import MAX_SOURCE_BYTES, Charged, FailureKind, Job, JobState, Picture, Progress, ReplyTarget

#: A noisy 2k PNG has at most 12.6 MB; four times that leaves room for what nobody foresaw.
MAX_PICTURE_BYTES = 50_000_000
#: How long finished pictures are kept and offered to Discord, whatever JOB_TIMEOUT_S says.
GIVE_UP_AFTER = timedelta(hours=24)
PAUSE_FIRST_S, PAUSE_LONGEST_S = 1.0, 300.0
#: How often a reply that cannot be reached is tried again: permissions may have come back.
OUT_OF_REACH_PAUSE_S = 600.0


async def fetch(life: Life) -> None:
    """From *ready*: download the pictures, then announce the delivery."""
    try:
        pictures = await _pictures(life, give_up_after_s=life.tools.job_timeout_s)
    except DownloadError:
        await life.end(JobState.TIMED_OUT, FailureKind.TIMED_OUT, Charged.YES)
        return
    if pictures:
        cost = life.tools.prices.cost_micros(life.job.request, len(pictures))
        await life.move(JobState.DELIVERING, cost_micros=cost, pictures=len(pictures))
    else:
        await life.end(JobState.FAILED, FailureKind.LOST, Charged.YES)


async def fetch_again(life: Life) -> Sequence[Picture]:
    """The pictures of a job that has ended, asked for by its user; those that are gone for good are left out.

    Raises DownloadError or OSError when they could be had another time.
    """
    try:
        async with life.tools.deliveries:
            return await _fetch_each(life, leave_out_gone=False)
    except DownloadGone:
        await _ask_for_new_addresses(life)
    async with life.tools.deliveries:
        return await _fetch_each(life, leave_out_gone=True)


async def deliver(life: Life, *, look_first: bool = False) -> None:
    """From *delivering*: put the pictures into the reply. `look_first` after a crash that may have come too late."""
    tries = 0
    while True:
        try:
            target = await _put(life, look_first=look_first)
        except ReplyGone:
            await life.move_told(JobState.FAILED, FailureKind.REPLY_DELETED, Charged.YES)
            return
        except ReplyError as exc:
            if _too_old(life.job):
                await life.end(JobState.FAILED, FailureKind.UNDELIVERABLE, Charged.YES)
                return
            tries += 1
            await _wait_for_reply(life, exc, tries)
            # What failed may still have arrived.
            look_first = True
        else:
            if target is None:
                await life.end(JobState.FAILED, FailureKind.LOST, Charged.YES)
            else:
                # The interaction's token has served its purpose and is not kept.
                await life.move(JobState.DELIVERED, told=True, target=replace(target, token=""))
            return


async def tell(life: Life) -> None:
    """Show in the reply how a job ended without pictures. Where the reply is out of reach it is told at a click."""
    tries = 0
    while not life.job.told:
        try:
            await life.tools.replies.close(life.job)
        except ReplyGone:
            life.log.info("nobody is told how the job ended: the reply was deleted")
        except ReplyError as exc:
            hopeless = not isinstance(exc, ReplyUnavailable) and life.job.target.outlives_token
            if not hopeless and not _too_old(life.job):
                tries += 1
                await _wait_for_reply(life, exc, tries)
                continue
            life.log.info("nobody can be told how the job ended", why=type(exc).__name__)
        life.job = await life.tools.jobs.change(life.job.id, told=True)


async def _put(life: Life, *, look_first: bool) -> ReplyTarget | None:
    """Where the pictures are now; None when there are none left to show. Raises ReplyError."""
    if look_first and (found := await life.tools.replies.find_delivered(life.job)) is not None:
        return found
    pictures = await _pictures(life)
    if not pictures:
        return None
    sources = await _sources(life)
    async with life.tools.deliveries:
        return await life.tools.replies.deliver(life.job, pictures, sources)


async def _wait_for_reply(life: Life, exc: ReplyError, tries: int) -> None:
    """Until Discord may take it: soon after trouble, at a click or now and then where the reply is out of reach."""
    if isinstance(exc, ReplyUnavailable):
        life.log.warning("Discord does not take a reply; trying again", fault=str(exc), tries=tries)
        await life.pause(max(exc.retry_after, _pause(tries)))
    else:
        life.log.info("a reply is out of reach; it waits for a click or for permissions", why=str(exc))
        await life.pause_until_renewed(OUT_OF_REACH_PAUSE_S)


def _pause(tries: int) -> float:
    return growing_pause(tries, first_s=PAUSE_FIRST_S, longest_s=PAUSE_LONGEST_S, random=random.random)


def _too_old(job: Job) -> bool:
    return _age_s(job) > GIVE_UP_AFTER.total_seconds()


def _age_s(job: Job) -> float:
    return (now() - (job.ready_at or job.finished_at or job.received_at)).total_seconds()


async def _pictures(life: Life, *, give_up_after_s: float = GIVE_UP_AFTER.total_seconds()) -> Sequence[Picture]:
    """The job's pictures, from the spool or from their addresses; those that are gone for good are left out.

    Raises DownloadError when they could be fetched again later by asking the task anew, but not for so long.
    """
    tries, asked_again = 0, False
    while True:
        try:
            # Only while bytes flow: a job that waits for its host must not hold up everybody else's pictures.
            async with life.tools.deliveries:
                return await _fetch_each(life, leave_out_gone=asked_again)
        except DownloadGone:
            asked_again = True
            await _ask_for_new_addresses(life)
        except (DownloadError, OSError) as exc:
            # No network, or no room on the disk: neither is a reason to lose what was paid for.
            if _too_old(life.job):
                return []
            if life.job.task_id is not None and _age_s(life.job) > give_up_after_s:
                raise DownloadError(str(exc)) from exc
            life.tools.replies.show(life.job, Progress(percent=100, trouble=FailureKind.UNREACHABLE))
            tries += 1
            life.log.warning("a finished picture cannot be fetched; trying again", fault=str(exc), tries=tries)
            await life.pause(_pause(tries))


async def _fetch_each(life: Life, *, leave_out_gone: bool) -> Sequence[Picture]:
    pictures: list[Picture] = []
    for index, url in enumerate(life.job.result_urls):
        path = life.tools.spool.picture(life.job.id, index)
        try:
            got = life.tools.spool.held(path) or await life.tools.api.download(url, path, max_bytes=MAX_PICTURE_BYTES)
        except DownloadGone:
            if not leave_out_gone:
                raise
        except (NotAPicture, TooLarge, AddressRefused) as exc:
            life.log.warning("a result is no usable picture and is left out", fault=type(exc).__name__)
        else:
            pictures.append(Picture(path, got.format, got.bytes, url))
    return pictures


async def _ask_for_new_addresses(life: Life) -> None:
    """Result addresses expire; the task may still have new ones."""
    if life.job.task_id is None:
        return
    try:
        report = await life.tools.api.report(life.job.task_id)
    except ImageApiError as exc:
        life.log.warning("the image API gives no new addresses", fault=type(exc).__name__)
        return
    if report.result_urls:
        life.job = await life.tools.jobs.change(life.job.id, result_urls=report.result_urls)


async def _sources(life: Life) -> Sequence[Path]:
    """Copies of the sources, to be kept beside the result. One that cannot be had any more is left out."""
    kept: list[Path] = []
    for index, source in enumerate(life.job.request.sources):
        path = life.tools.spool.source(life.job.id, index)
        if life.tools.spool.held(path) is None:
            try:
                fresh = source if source.kept is None else await life.tools.replies.fresh(source)
                await life.tools.api.fetch_source(fresh.url, path, max_bytes=MAX_SOURCE_BYTES)
            except (DownloadError, ReplyError, OSError) as exc:
                life.log.warning("a source is left out of the reply", fault=type(exc).__name__)
                continue
        kept.append(path)
    return kept
