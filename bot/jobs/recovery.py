"""What a start does with a job that it finds in each state. The process that had it is gone.

| found as     | what is known                                  | what happens                                        |
|--------------|------------------------------------------------|-----------------------------------------------------|
| received     | the row stands, the acknowledgement perhaps    | look for the reply: there → in line, else ended     |
| waiting      | acknowledged, nothing bought                   | stays in line                                       |
| submitting   | the request may have been accepted             | uncertain: the user is told, nothing is sent again  |
| painting     | bought, task id known                          | ask about the task, at once if its time is up       |
| ready        | the pictures' addresses are known              | download what the spool has not kept                |
| delivering   | the upload may have arrived                    | look at the message, deliver only if it is not there|
| restored     | unfinished when a backup was made: anything    | look for its pictures first; a task is asked about, |
|              | may have come of it since                      | where none is known the outcome is uncertain        |
| final, untold| the end is committed, the reply perhaps not yet| tell                                                |
"""

from __future__ import annotations

import random
from dataclasses import replace

from bot.errors import ReplyGone, ReplyOutOfReach, ReplyUnavailable
from bot.jobs import delivery
from bot.jobs.job_run import JobRun, now
from bot.jobs.polling.schedule import growing_pause
from bot.model import Charged, FailureKind, JobState


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


async def _look_for_reply(run: JobRun) -> None:
    tries = 0
    while now() - run.job.received_at < delivery.GIVE_UP_AFTER:
        try:
            target = await run.deps.replies.find(run.job)
        except (ReplyGone, ReplyOutOfReach):
            break
        except ReplyUnavailable as exc:
            tries += 1
            pause = growing_pause(tries, first_s=1, longest_s=30, random=random.random)
            await run.pause(max(exc.retry_after, pause))
            continue
        if target is None:
            break
        await run.move(JobState.WAITING, target=target)
        return
    await run.move_announced(JobState.FAILED, FailureKind.UNACKNOWLEDGED, Charged.NO)


async def _look_for_pictures(run: JobRun) -> None:
    tries, began = 0, now()  # the job itself may be weeks old
    while now() - began < delivery.GIVE_UP_AFTER:
        try:
            target = await run.deps.replies.find_delivered(run.job)
        except ReplyGone:
            await run.move_announced(JobState.FAILED, FailureKind.REPLY_DELETED, Charged.MAYBE)
            return
        except ReplyOutOfReach:
            break
        except ReplyUnavailable as exc:
            tries += 1
            pause = growing_pause(tries, first_s=1, longest_s=30, random=random.random)
            await run.pause(max(exc.retry_after, pause))
            continue
        if target is not None:
            await run.move(JobState.DELIVERED, announced=True, target=replace(target, token=""))
            return
        break
    if run.job.result_urls:
        await run.move(JobState.READY)
    elif run.job.task_id is not None:
        await run.move(JobState.PAINTING)
    else:
        await run.end(JobState.UNCERTAIN, FailureKind.UNCERTAIN, Charged.MAYBE)
