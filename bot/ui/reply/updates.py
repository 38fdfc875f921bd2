"""Progress edits: the latest state wins, one edit at a time per message, and nothing is sent twice.

Discord allows about five edits in five seconds per message. Progress is therefore shown at a pace of its own, and the
edit that brings the pictures goes ahead of whatever was still to be shown.

When the pictures are expected is a guess that changes all the time. A new guess never causes an edit: it is shown with
the next edit that something else is the reason for. Only a time that has passed is replaced by itself.

Whether anything changed is asked far more often than anything is sent: at every answer of the image API, and every two
seconds for all jobs in line. So that question compares what a card is made of (a `Frame`), and a card is built only
when its turn to be sent has come.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from discord import ui

from bot.model import Job, JobState, Progress
from bot.ui.reply.cards import Look
from bot.ui.reply.transport import parting_at

#: All that a running card is made of: two equal ones look the same.
Frame = tuple[Job, Progress, Look]
Card = Callable[[Job, Progress, Look], ui.LayoutView]
Edit = Callable[[Job, ui.LayoutView], Awaitable[None]]

#: Least seconds between two edits of one message. Discord takes about 5 in 5 s; the last edit must never wait.
NEW_STATE_GAP_S = 1.0
PROGRESS_GAPS_S = (
    (10.0, 2.5),
    (30.0, 5.0),
    (120.0, 10.0),
    (float("inf"), 15.0),
)  # (up to this age of the job, this gap)
PLACE_GAP_S = 10.0
TROUBLES_AT_ONCE = 2  # why nothing goes on is said without waiting: by the job's own run, then with its place in line
#: Once the token has expired, edits go to the channel's own bucket, which all its jobs share.
BOT_TOKEN_GAP_S = 10.0
DUE_STEP_S = 5  # a time at which pictures are expected is rounded up: fetching and posting them takes a moment, too
#: A time that has passed is replaced by one that lies at least so far ahead, and by half of what was waited already.
NEW_DUE_S = 15.0


@dataclass(slots=True)
class PendingEdit:
    """What one message shows, and what it is to show next."""

    sent: str = ""
    frame: Frame | None = None  # what `sent` was made of
    state: JobState = JobState.WAITING
    troubles: int = 0  # how many edits have said why nothing goes on
    sent_at: float = 0.0
    began: float = field(default_factory=time.monotonic)
    next: tuple[Job, Progress] | None = None
    task: asyncio.Task[None] | None = None
    due: datetime | None = None  # the time that `sent` tells, or that it tells to have passed
    told_late: bool = False
    timer: asyncio.TimerHandle | None = None  # for what changes with time alone
    editing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def take(self) -> tuple[Job, Progress] | None:
        """What is to be shown next, which is then no longer waiting."""
        waiting, self.next = self.next, None
        return waiting

    def give_back(self, shown: tuple[Job, Progress]) -> None:
        """What was taken was not shown: it is to be shown still, unless there is something newer."""
        self.next = self.next or shown


class Updates:
    """One slot per running job; a slot whose job has ended is dropped."""

    def __init__(
        self,
        look: Callable[[Job, Progress], Look],
        card: Card,
        edit: Edit,
        token_is_alive: Callable[[Job], bool],
    ) -> None:
        """`card` makes the layout of a state, with the `look` that the reply's place asks for at this moment.

        `edit` sends it and swallows what a failed progress edit may mean.
        """
        self._look = look
        self._card = card
        self._edit = edit
        self._token_is_alive = token_is_alive
        self._slots: dict[str, PendingEdit] = {}
        self._trusted_until: datetime | None = None
        self._trust_came = asyncio.Event()

    def trust(self, until: datetime) -> None:
        """What is shown may be edited until then. Later another process may have the job, and its pictures stand."""
        self._trusted_until = until
        self._trust_came.set()

    def acknowledged(self, job: Job, view: ui.LayoutView, progress: Progress) -> None:
        """The acknowledgement itself showed this layout of this state."""
        slot = self._slots.setdefault(job.id, PendingEdit())
        slot.sent, slot.sent_at = _fingerprint(view), time.monotonic()
        slot.due = rounded(progress.due)

    def is_late(self, job_id: str) -> bool:
        """Whether a message tells a time that has passed."""
        slot = self._slots.get(job_id)
        return slot is not None and slot.due is not None and not slot.told_late and slot.due <= datetime.now(UTC)

    async def correct(self, job: Job, progress: Progress) -> None:
        """Edit a message that is late at once."""
        if (slot := self._slots.get(job.id)) is not None:
            async with slot.editing:
                await self._send(slot, job, progress)

    def show(self, job: Job, progress: Progress) -> None:
        """Show this state when the gap since the last edit allows; a later call before that replaces it."""
        slot = self._slots.setdefault(job.id, PendingEdit())
        self._show_again_in_time(slot, job, progress)
        if slot.next is None and self._frame(job, progress, slot.due) == slot.frame:
            return
        slot.next = (job, progress)
        if slot.task is None or slot.task.done():
            slot.task = asyncio.create_task(self._drain(slot), name=f"reply {job.id}")

    def drop(self, job_id: str) -> None:
        """Drop what is still to be shown; an edit under way goes its way."""
        slot = self._slots.pop(job_id, None)
        if slot is None:
            return
        slot.next = None
        if slot.timer is not None:
            slot.timer.cancel()
        if slot.task is not None and not slot.editing.locked():
            slot.task.cancel()

    async def finish(self, job_id: str) -> None:
        """Drop what is still to be shown and wait for the edit under way: the last edit goes ahead of all."""
        slot = self._slots.pop(job_id, None)
        if slot is None:
            return
        slot.next = None
        if slot.timer is not None:
            slot.timer.cancel()
        async with slot.editing:
            if slot.task is not None:
                slot.task.cancel()

    async def close(self) -> None:
        """Drop everything that is still to be shown."""
        for job_id in list(self._slots):
            await self.finish(job_id)

    def _show_again_in_time(self, slot: PendingEdit, job: Job, progress: Progress) -> None:
        """Ask for the card once more when time alone changes it: near the token's end, and when the time shown passes.

        Nothing else may change until then.
        """
        if slot.timer is not None:
            slot.timer.cancel()
            slot.timer = None
        now = datetime.now(UTC)
        due = slot.due or rounded(progress.due)
        moments = [it for it in (parting_at(job.target), due) if it is not None and it > now]
        if moments:
            left_s = (min(moments) - now).total_seconds()
            slot.timer = asyncio.get_running_loop().call_later(left_s, self.show, job, progress)

    def _frame(self, job: Job, progress: Progress, due: datetime | None) -> Frame:
        """What the card of a state is made of, with this time for the pictures."""
        progress = replace(progress, due=due)
        return job, progress, self._look(job, progress)

    async def _drain(self, slot: PendingEdit) -> None:
        """Send what is to be shown, the latest state each time, until nothing is left."""
        while slot.next is not None:
            await asyncio.sleep(max(slot.sent_at + self._gap(slot, *slot.next) - time.monotonic(), 0.0))
            # Not dropped: it may be the card with the button that has to stand before the token ends.
            while self._trusted_s() == 0.0:
                self._trust_came.clear()
                await self._trust_came.wait()
            async with slot.editing:
                if (waiting := slot.take()) is None:
                    return
                job, progress = waiting
                try:
                    # The library tries an edit again for long, and one that comes too late goes over the pictures.
                    async with asyncio.timeout(self._trusted_s()):
                        sent = await self._send(slot, job, progress, unless_shown=True)
                except TimeoutError:
                    if self._slots.get(job.id) is slot:
                        slot.give_back(waiting)
                    continue
                if sent and self._slots.get(job.id) is slot:  # else it has ended: nothing may follow its last edit
                    self._show_again_in_time(slot, job, progress)

    async def _send(self, slot: PendingEdit, job: Job, progress: Progress, *, unless_shown: bool = False) -> bool:
        """Edit the message; False where it shows this already, but for the time at which pictures are expected."""
        frame = self._frame(job, progress, slot.due)
        if unless_shown and frame == slot.frame:
            return False
        view = self._card(*frame)
        if unless_shown and _fingerprint(view) == slot.sent:
            slot.frame = frame
            return False
        due = _due(slot, job, progress)
        if due != slot.due:
            frame = self._frame(job, progress, due)
            view = self._card(*frame)
        late = due is not None and due <= datetime.now(UTC)
        await self._edit(job, view)
        slot.sent, slot.frame, slot.state, slot.sent_at = _fingerprint(view), frame, job.state, time.monotonic()
        slot.due, slot.told_late = due, late
        slot.troubles += progress.trouble is not None
        return True

    def _trusted_s(self) -> float | None:
        """For how many seconds more what is shown is certainly this process's; None where no other could have it."""
        until = self._trusted_until
        return None if until is None else max((until - datetime.now(UTC)).total_seconds(), 0.0)

    def _gap(self, slot: PendingEdit, job: Job, progress: Progress) -> float:
        """Seconds between two edits of this message: short at first, longer with age, long without a token."""
        if not self._token_is_alive(job):
            return BOT_TOKEN_GAP_S
        if _is_painting(job.state) != _is_painting(slot.state):
            return NEW_STATE_GAP_S
        # Trouble that comes and goes is no reason for edit after edit.
        if progress.trouble is not None and slot.troubles < TROUBLES_AT_ONCE:
            return NEW_STATE_GAP_S
        if progress.place is not None:
            return PLACE_GAP_S
        age = time.monotonic() - slot.began
        return next(gap for limit, gap in PROGRESS_GAPS_S if age <= limit)


def rounded(due: datetime | None) -> datetime | None:
    """The time that is shown for an expected one."""
    return None if due is None else datetime.fromtimestamp(-(-due.timestamp() // DUE_STEP_S) * DUE_STEP_S, UTC)


def _due(slot: PendingEdit, job: Job, progress: Progress) -> datetime | None:
    """The time to show with an edit. One that has passed is replaced only where that is not to be done again soon."""
    due, now = rounded(progress.due), datetime.now(UTC)
    if due is None or slot.due is None or slot.due > now or _is_painting(job.state) != _is_painting(slot.state):
        return due
    ahead_s = max(NEW_DUE_S, (time.monotonic() - slot.began) / 2)
    return due if due >= now + timedelta(seconds=ahead_s) else slot.due


def _is_painting(state: JobState) -> bool:
    return state is JobState.PAINTING


def _fingerprint(view: ui.LayoutView) -> str:
    """Tells whether two cards look the same, so that an unchanged one is not sent again."""
    return json.dumps(view.to_components(), sort_keys=True)
