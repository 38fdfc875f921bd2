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
from bot.jobs.job_run import Life, now
from bot.jobs.polling.schedule import growing_pause
from bot.model import Charged, FailureKind, JobState


async def take_up(life: Life) -> None:
    """Carry a job that was found at start over the one step whose outcome is not known."""
    match life.job.state:
        case JobState.RECEIVED:
            await _look_for_reply(life)
        case JobState.SUBMITTING:
            await life.end(JobState.UNCERTAIN, FailureKind.UNCERTAIN, Charged.MAYBE)
        case JobState.DELIVERING:
            await delivery.deliver(life, look_first=True)
        case JobState.RESTORED:
            await _look_for_pictures(life)
        case _:
            pass


async def _look_for_reply(life: Life) -> None:
    tries = 0
    while now() - life.job.received_at < delivery.GIVE_UP_AFTER:
        try:
            target = await life.tools.replies.find(life.job)
        except (ReplyGone, ReplyOutOfReach):
            break
        except ReplyUnavailable as exc:
            tries += 1
            pause = growing_pause(tries, first_s=1, longest_s=30, random=random.random)
            await life.pause(max(exc.retry_after, pause))
            continue
        if target is None:
            break
        await life.move(JobState.WAITING, target=target)
        return
    await life.move_told(JobState.FAILED, FailureKind.UNACKNOWLEDGED, Charged.NO)


async def _look_for_pictures(life: Life) -> None:
    tries, began = 0, now()  # the job itself may be weeks old
    while now() - began < delivery.GIVE_UP_AFTER:
        try:
            target = await life.tools.replies.find_delivered(life.job)
        except ReplyGone:
            await life.move_told(JobState.FAILED, FailureKind.REPLY_DELETED, Charged.MAYBE)
            return
        except ReplyOutOfReach:
            break
        except ReplyUnavailable as exc:
            tries += 1
            pause = growing_pause(tries, first_s=1, longest_s=30, random=random.random)
            await life.pause(max(exc.retry_after, pause))
            continue
        if target is not None:
            await life.move(JobState.DELIVERED, told=True, target=replace(target, token=""))
            return
        break
    if life.job.result_urls:
        await life.move(JobState.READY)
    elif life.job.task_id is not None:
        await life.move(JobState.PAINTING)
    else:
        await life.end(JobState.UNCERTAIN, FailureKind.UNCERTAIN, Charged.MAYBE)
