"""What a start does with a job that it finds in each state. The process that had it is gone.

A job is found here, too, after a step of it has raised what nobody expected: then as little is known of what was
under way as after a crash.

| found as     | what is known                                  | what happens                                        |
|--------------|------------------------------------------------|-----------------------------------------------------|
| received     | the row stands, the acknowledgement perhaps    | look for the reply: there → in the queue (a post is |
|              |                                                | delivered), not there → ended; where nobody can     |
|              |                                                | look, ended too, and /jobs and a click on the card  |
|              |                                                | tell it; a post that a moderator has approved needs |
|              |                                                | none and is delivered                               |
| waiting      | acknowledged, nothing bought                   | stays in the queue                                  |
| submitting   | the request may have been accepted             | uncertain: the user is told, nothing is sent again  |
| painting     | bought, task id known                          | ask about the task, at once if its time is up       |
| ready        | the pictures' addresses are known              | download what the spool has not kept                |
| delivering   | the upload may have arrived                    | look at the message, deliver only if it is not there|
| restored     | unfinished when a backup was made: anything    | look for its pictures first; a task is asked about, |
|              | may have come of it since                      | where none is known the outcome is uncertain        |
| an end that  | the end is committed, the reply perhaps not yet| announce it                                         |
| is not       |                                                |                                                     |
| announced    |                                                |                                                     |
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from bot.errors import ChannelGone, ReplyGone, ReplyOutOfReach, ReplyUnavailable
from bot.jobs import delivery
from bot.jobs.backoff import Backoff
from bot.jobs.clock import now
from bot.jobs.job_run import JobRun
from bot.model import Charged, FailureKind, FollowUp, Job, JobState, ReplyTarget

#: Discord takes an acknowledgement for 3 s. Until then, and a little longer, that of a killed process may still be on
#: its way: a look that finds no reply says nothing yet.
ACKNOWLEDGED_WITHIN_S = 4.0


async def resume(run: JobRun) -> None:
    """Carry a job that was found at start over the one step whose outcome is not known."""
    match run.job.state:
        case JobState.RECEIVED:
            await _look_for_reply(run)
        case JobState.SUBMITTING:
            await run.end(JobState.UNCERTAIN, FailureKind.UNCERTAIN, Charged.MAYBE)
        case JobState.DELIVERING:
            await delivery.deliver(run, look_first=True)
        case JobState.RESTORED:
            await _look_for_pictures(run)
        case _:
            pass


async def end_broken(run: JobRun) -> None:
    """End a job that no step of this version can carry on, and say only what is known of it."""
    job = run.job
    match job.state:
        case JobState.RECEIVED | JobState.WAITING:
            await run.end(JobState.FAILED, FailureKind.UNKNOWN)
        case JobState.PAINTING | JobState.READY if job.task_id is not None:
            # The task is paid for: Check again can ask about it once more.
            await run.end(JobState.TIMED_OUT, FailureKind.UNKNOWN, Charged.MAYBE)
        case JobState.DELIVERING:
            await run.end(JobState.FAILED, FailureKind.UNDELIVERABLE, Charged.YES)
        case _ if not job.state.is_final:
            await run.end(JobState.FAILED, FailureKind.UNKNOWN, Charged.MAYBE)
        case _:  # its end cannot be shown
            await run.change(announced=True)


class _Look(Protocol):
    async def __call__(self, job: Job, /) -> ReplyTarget | None: ...


async def _looked(run: JobRun, look: _Look) -> ReplyTarget | None:
    """What a look at the reply finds, once Discord answers. Raises ReplyGone or ReplyOutOfReach.

    It is tried for a day from now on, since the job itself may be weeks old.
    """
    backoff, began = Backoff(1, 30), now()
    while now() - began < delivery.GIVE_UP_AFTER:
        try:
            return await look(run.job)
        except ReplyUnavailable as exc:
            await run.pause(backoff.failed(exc.retry_after))
    raise ReplyOutOfReach


async def _look_for_reply(run: JobRun) -> None:
    """A job that was received goes on only if a reply carries its id: whoever was refused is never charged.

    Where nobody can look (a private reply, or a place without the bot, whose token has ended) its card may stand there
    as "in line". Nothing reaches that card but a click on it, which shows how the job ended.
    """
    if delivery.answers_nothing(run.job):
        await run.move(JobState.DELIVERING)
        return
    try:
        target = await _found_reply(run)
        early_s = ACKNOWLEDGED_WITHIN_S - (now() - run.job.received_at).total_seconds()
        if target is None and early_s > 0:
            await run.pause(min(early_s, ACKNOWLEDGED_WITHIN_S))  # clocks may be apart
            target = await _found_reply(run)
    except ReplyOutOfReach:
        await run.end(JobState.FAILED, FailureKind.INTERRUPTED, announced=True)
        return
    if target is None:
        await run.end(JobState.FAILED, FailureKind.UNACKNOWLEDGED, announced=True)
    else:
        is_post = run.job.request.follows is FollowUp.POST
        await run.move(JobState.DELIVERING if is_post else JobState.WAITING, target=target)


async def _found_reply(run: JobRun) -> ReplyTarget | None:
    """The reply that carries the job's id; None where there is none. Raises ReplyOutOfReach where nobody can look."""
    try:
        return await _looked(run, run.deps.replies.find)
    except (ReplyGone, ChannelGone):
        return None


async def _look_for_pictures(run: JobRun) -> None:
    try:
        target = await _looked(run, run.deps.replies.find_delivered)
    except ReplyGone:
        await run.end(JobState.FAILED, FailureKind.REPLY_DELETED, Charged.MAYBE, announced=True)
        return
    except ReplyOutOfReach:
        target = None
    if target is not None:
        await run.move(JobState.DELIVERED, announced=True, target=replace(target, token=""))
    elif run.job.request.follows is FollowUp.POST and run.job.target.message_id is None:
        await run.end(JobState.FAILED, FailureKind.UNACKNOWLEDGED, announced=True)
    elif run.job.result_urls:
        await run.move(JobState.READY)
    elif run.job.task_id is not None:
        await run.move(JobState.PAINTING)
    else:
        await run.end(JobState.UNCERTAIN, FailureKind.UNCERTAIN, Charged.MAYBE)
