"""Progress edits: the latest state wins, one edit at a time per message, and nothing is sent twice.

Discord allows about five edits in five seconds per message. Progress is therefore shown at a pace of its own, and the
edit that brings the pictures goes ahead of whatever was still to be shown.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from discord import ui

from bot.model import Job, JobState, Progress
from bot.ui.reply.transport import parting_at

Card = Callable[[Job, Progress], ui.LayoutView]
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
#: Once the token has expired, edits go to the channel's own bucket, which all its jobs share.
BOT_TOKEN_GAP_S = 10.0


@dataclass(slots=True)
class PendingEdit:
    """What one message shows, and what it is to show next."""

    sent: str = ""
    state: JobState = JobState.WAITING
    sent_at: float = 0.0
    began: float = field(default_factory=time.monotonic)
    next: tuple[Job, Progress] | None = None
    task: asyncio.Task[None] | None = None
    parting: asyncio.TimerHandle | None = None
    editing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def take(self) -> tuple[Job, Progress] | None:
        """What is to be shown next, which is then no longer waiting."""
        waiting, self.next = self.next, None
        return waiting


class Updates:
    """One slot per running job; a slot whose job has ended is dropped."""

    def __init__(self, card: Card, edit: Edit, token_is_alive: Callable[[Job], bool]) -> None:
        """`card` makes the layout of a state; `edit` sends it and swallows what a failed progress edit may mean."""
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

    def acknowledged(self, job_id: str, view: ui.LayoutView) -> None:
        """The acknowledgement itself showed this layout."""
        slot = self._slots.setdefault(job_id, PendingEdit())
        slot.sent, slot.sent_at = _fingerprint(view), time.monotonic()

    def show(self, job: Job, progress: Progress) -> None:
        """Show this state when the gap since the last edit allows; a later call before that replaces it."""
        slot = self._slots.setdefault(job.id, PendingEdit())
        self._show_parting_in_time(slot, job, progress)
        if slot.next is None and _fingerprint(self._card(job, progress)) == slot.sent:
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
        if slot.parting is not None:
            slot.parting.cancel()
        if slot.task is not None and not slot.editing.locked():
            slot.task.cancel()

    async def finish(self, job_id: str) -> None:
        """Drop what is still to be shown and wait for the edit under way: the last edit goes ahead of all."""
        slot = self._slots.pop(job_id, None)
        if slot is None:
            return
        slot.next = None
        if slot.parting is not None:
            slot.parting.cancel()
        async with slot.editing:
            if slot.task is not None:
                slot.task.cancel()

    async def close(self) -> None:
        """Drop everything that is still to be shown."""
        for job_id in list(self._slots):
            await self.finish(job_id)

    def _show_parting_in_time(self, slot: PendingEdit, job: Job, progress: Progress) -> None:
        """Nothing may change between now and the token's end, so the parting card is asked for beforehand."""
        when = parting_at(job.target)
        if slot.parting is not None:
            slot.parting.cancel()
            slot.parting = None
        if when is not None and (left := (when - datetime.now(UTC)).total_seconds()) > 0:
            slot.parting = asyncio.get_running_loop().call_later(left, self.show, job, progress)

    async def _drain(self, slot: PendingEdit) -> None:
        """Send what is to be shown, the latest state each time, until nothing is left."""
        while slot.next is not None:
            await asyncio.sleep(max(slot.sent_at + self._gap(slot, *slot.next) - time.monotonic(), 0.0))
            # Not dropped: it may be the card with the button that has to stand before the token ends.
            while not self._is_trusted():
                self._trust_came.clear()
                await self._trust_came.wait()
            async with slot.editing:
                if (waiting := slot.take()) is None:
                    return
                job, progress = waiting
                view = self._card(job, progress)
                fingerprint = _fingerprint(view)
                if fingerprint != slot.sent:
                    await self._edit(job, view)
                    slot.sent, slot.state, slot.sent_at = fingerprint, job.state, time.monotonic()

    def _is_trusted(self) -> bool:
        """Whether the jobs that are shown are known to be this process's still."""
        return self._trusted_until is None or datetime.now(UTC) < self._trusted_until

    def _gap(self, slot: PendingEdit, job: Job, progress: Progress) -> float:
        """Seconds between two edits of this message: short at first, longer with age, long without a token."""
        if not self._token_is_alive(job):
            return BOT_TOKEN_GAP_S
        if (job.state is JobState.PAINTING) != (slot.state is JobState.PAINTING):
            return NEW_STATE_GAP_S
        if progress.place is not None:
            return PLACE_GAP_S
        age = time.monotonic() - slot.began
        return next(gap for limit, gap in PROGRESS_GAPS_S if age <= limit)


def _fingerprint(view: ui.LayoutView) -> str:
    """Tells whether two cards look the same, so that an unchanged one is not sent again."""
    return json.dumps(view.to_components(), sort_keys=True)
