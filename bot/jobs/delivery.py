"""From the result to the message: download into the spool, upload from there, and announce how a job ended.

*Delivering* is committed before the upload. Found at start, it means that the upload may have arrived: then the
message is looked at first. A failed upload is tried again with growing pauses for a day, because the pictures are paid
for; where no message can be reached any more, they are kept for `/jobs`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bot.errors import (
    ChannelGone,
    DownloadError,
    JobMoved,
    ReplyError,
    ReplyGone,
    ReplyNotUnderstood,
    ReplyOutOfReach,
    ReplyUnavailable,
)
from bot.jobs.backoff import Backoff
from bot.jobs.clock import now
from bot.jobs.downloads import MissingPicture, Results, age_s, fetch_results, fetch_source, try_each_once
from bot.jobs.fair_slots import Transfer
from bot.jobs.job_run import JobRun
from bot.model import Charged, Failure, FailureKind, FollowUp, Job, JobState, PictureInfo, ReplyTarget
from bot.store.queries.jobs import JobChanges

#: A download that takes longer is worth a write of its own first.
AT_ONCE_S = 1.0
#: How long finished pictures are kept and offered to Discord, whatever JOB_TIMEOUT_S says.
GIVE_UP_AFTER = timedelta(hours=24)
PAUSE_FIRST_S, PAUSE_LONGEST_S = 1.0, 300.0
#: After so many answers in a row that nobody understands, the pictures are found under /jobs as well.
MAX_NOT_UNDERSTOOD = 3
#: How often a reply that cannot be reached is tried again: permissions may have come back.
OUT_OF_REACH_PAUSE_S = 600.0


async def take(run: JobRun, addresses: tuple[str, ...]) -> None:
    """From *painting*, once the result is known: download the pictures, and announce the delivery.

    Downloads can be repeated and the task can be asked again, so pictures that come at once need no arrow before them.
    Where one takes longer or fails, *ready* is written, so that what is known outlives this process.
    """
    run.left_api()
    known: JobChanges = {"result_urls": addresses, "ready_at": now()}
    run.job = replace(run.job, **known)
    late = asyncio.Event()

    async def note() -> None:
        await asyncio.sleep(AT_ONCE_S)
        late.set()
        await run.move(JobState.READY, **known)

    noting = asyncio.create_task(note(), name=f"result of job {run.job.id}")
    try:
        missing = await try_each_once(run)
        if late.is_set():
            await noting
    finally:
        noting.cancel()
    if not late.is_set():
        if not missing:
            await _announce_delivery(run, known)
            return
        await run.move(JobState.READY, **known)
    await fetch(run, missing)


async def _announce_delivery(run: JobRun, known: JobChanges | None = None) -> None:
    # The ledger counts what the API has made and charged, not what could be fetched of it.
    made = len(run.job.result_urls)
    cost = 0 if _is_post(run.job) else run.deps.prices.cost_micros(run.job.request, made)
    changes: JobChanges = {"cost_micros": cost, "pictures": made, **(known or {})}
    await run.move(JobState.DELIVERING, **changes)


async def fetch(run: JobRun, tried: Mapping[int, MissingPicture] | None = None) -> None:
    """From *ready*: download the pictures, then announce the delivery. `tried` are those that did not come just now.

    Pictures that can be had are delivered although others of the job cannot. Where there is none at all, a job with
    a task ends as timed out, so that *Check again* can ask for new addresses; only what nothing can bring back is
    lost.
    """
    deps, job = run.deps, run.job
    # A result without a task cannot be asked for later, so there patience is all there is.
    for_none_s = deps.job_timeout_s if job.task_id else GIVE_UP_AFTER.total_seconds()
    results = await fetch_results(run, patience_s=deps.job_timeout_s, patience_for_none_s=for_none_s, tried=tried)
    if results.pictures:
        await _announce_delivery(run)
    else:
        await _end_without(run, results)


async def _end_without(run: JobRun, results: Results) -> None:
    """No picture came. What asking later may bring is not told as lost for good."""
    job = run.job
    kind = FailureKind.TIMED_OUT if results.in_trouble else FailureKind.LOST
    if results.host_refused:
        kind = FailureKind.HOST_REFUSED
    # An opened host gives its pictures to Check again, also those that came without a task.
    can_be_asked_again = results.host_refused or (results.may_come and job.task_id is not None)
    await run.end(JobState.TIMED_OUT if can_be_asked_again else JobState.FAILED, kind, _charged(job))


async def deliver(run: JobRun, *, look_first: bool = False) -> None:
    """From *delivering*: put the pictures into the reply. `look_first` after a crash that may have come too late.

    A reply that nothing reaches is noted in the row (failure UNDELIVERABLE, the state stays). Such a job counts in
    nobody's limit and its user finds the pictures under /jobs, while it waits here for a click or for permissions.
    The same where Discord's answers stay unintelligible: whether the pictures stand there is looked for in the message
    and in its channel before each further try.
    """
    backoff, not_understood = Backoff(PAUSE_FIRST_S, PAUSE_LONGEST_S), 0
    while True:
        try:
            shown = await _put(run, look_first=look_first)
        except ReplyGone:
            await run.end(JobState.FAILED, FailureKind.REPLY_DELETED, _charged(run.job), announced=True)
            return
        except ReplyError as exc:
            if isinstance(exc, ChannelGone) or age_s(run) > GIVE_UP_AFTER.total_seconds():
                await run.end(JobState.FAILED, FailureKind.UNDELIVERABLE, _charged(run.job))
                return
            not_understood = not_understood + 1 if isinstance(exc, ReplyNotUnderstood) else 0
            if isinstance(exc, ReplyOutOfReach) or not_understood >= MAX_NOT_UNDERSTOOD:
                if run.job.failure is None:
                    await run.change(failure=Failure(FailureKind.UNDELIVERABLE, _charged(run.job)))
                run.deps.spool.release(run.job.id)  # it may wait for long, and others are not to wait for it
            await _wait_for_reply(run, exc, backoff)
            look_first = True  # what failed may still have arrived
        else:
            if isinstance(shown, Results):  # those that were here went with the process before, and their host has none
                await _end_without(run, shown)
                return
            target, failure = shown
            # The interaction's token has served its purpose and is not kept.
            target = replace(target, token="")
            await run.move(JobState.DELIVERED, announced=True, target=target, failure=failure)
            return


async def _put(run: JobRun, *, look_first: bool) -> tuple[ReplyTarget, Failure | None] | Results:
    """Where the pictures are now, and how many are missing; without any to show, why. Raises ReplyError."""
    if look_first and (found := await run.deps.replies.find_delivered(run.job)) is not None:
        return found, None
    results = await fetch_results(
        run, patience_s=run.deps.job_timeout_s, patience_for_none_s=GIVE_UP_AFTER.total_seconds()
    )
    if not results.pictures:
        return results
    sources = await source_copies(run)

    def turn(size: int) -> AbstractAsyncContextManager[Transfer]:
        """A turn of this job's user in its channel."""
        return run.deps.uploads.turn(str(run.job.target.channel_id), run.job.user_id, size)

    return await run.deps.replies.deliver(run.job, results.pictures, sources, turn), partial(results)


def answers_nothing(job: Job) -> bool:
    """Whether it is a post that a moderator has approved: a message of the bot's own, with its pictures from the first.

    No interaction is acknowledged by it, so it has no token, and no message before it has its pictures.
    """
    return _is_post(job) and not job.target.token and job.target.message_id is None


def _is_post(job: Job) -> bool:
    """Whether it only shows what another job has bought."""
    return job.request.follows is FollowUp.POST


def _charged(job: Job) -> Charged:
    """Whether these pictures were charged to this job. A post shows pictures that another job has paid for."""
    return Charged.NO if _is_post(job) else Charged.YES


def partial(results: Results) -> Failure | None:
    """What a delivered job lacks; None where it is whole. `detail` is how many came, of how many."""
    if not results.missing:
        return None
    came = len(results.pictures)
    return Failure(FailureKind.PARTIAL, Charged.YES, f"{came} {came + results.missing}")


async def announce(run: JobRun) -> None:
    """Show in the reply how a job ended without pictures. Where the reply is out of reach it is shown at a click.

    The end may stand in the message before Discord's answer is here, and *Check again* may be pressed by then. The
    job is *painting* again from that moment. Where this process has reclaimed it, `run.reopened` brought it here and
    this run goes on with it. Otherwise it is nobody's or another's, and JobMoved is raised.
    """
    backoff = Backoff(PAUSE_FIRST_S, PAUSE_LONGEST_S)
    while run.job.state.is_final and not run.job.announced:
        try:
            await run.deps.replies.close(run.job)
        except ReplyGone:
            run.log.info("nobody is told how the job ended: the reply was deleted")
        except ReplyError as exc:
            hopeless = isinstance(exc, ReplyOutOfReach) and run.job.target.outlives_token
            if not hopeless and age_s(run) <= GIVE_UP_AFTER.total_seconds():
                await _wait_for_reply(run, exc, backoff)
                await _see_whether_it_stands(run)
                continue
            run.log.info("nobody can be told how the job ended", why=type(exc).__name__)
        if run.job.state.is_final:
            await run.change(announced=True)
            if not run.job.state.is_final and not run.is_reopened:
                raise JobMoved(f"job {run.job.id} was taken up again")


async def _see_whether_it_stands(run: JobRun) -> None:
    """Raise JobMoved where another process has announced this end meanwhile, or the job was taken up again after it.

    This process may have slept for longer than its lease, and the end would be shown over pictures that came since.
    """
    job = await run.deps.jobs.get(run.job.id)
    if run.job.state.is_final and (job is None or job.announced or job.state is not run.job.state):
        raise JobMoved(f"the end of job {run.job.id} is announced, or it goes on")


async def _wait_for_reply(run: JobRun, exc: ReplyError, backoff: Backoff) -> None:
    """Wait before the next try: briefly after an outage, or for a click when the reply is out of reach."""
    if isinstance(exc, ReplyUnavailable):
        pause_s = backoff.failed(exc.retry_after)
        run.log.warning("Discord does not take a reply; trying again", error=str(exc), tries=backoff.tries)
        await run.pause(pause_s)
    else:
        run.log.info("a reply is out of reach; it waits for a click or for permissions", why=str(exc))
        await run.pause_until_renewed(OUT_OF_REACH_PAUSE_S)


async def source_copies(run: JobRun) -> Sequence[Path]:
    """The sources as files, shown small beside the result. A source that can no longer be fetched is left out."""
    copies: list[Path] = []
    for index, source in enumerate(run.job.request.sources):
        path = run.deps.spool.source(run.job.id, index)
        if PictureInfo.at(path) is None:
            try:
                # A signed address may have expired meanwhile; the reply that keeps the source has a fresh one.
                await fetch_source(run, source if source.kept is None else replace(source, url=""), path)
            except (DownloadError, OSError) as exc:
                run.log.warning("a source is left out of the reply", error=type(exc).__name__)
                continue
        copies.append(path)
    return copies
