"""What is stored about a person, and how it goes when they ask for that.

Deleting takes everything that names the person. What is needed to finish a job that is running goes with the job's
end, sums of money stay without a name, and the quotas of the month go on under a number that is not the person's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bot.errors import JobMoved
from bot.jobs.clock import now
from bot.jobs.service import JobService
from bot.model import JobState
from bot.policy.patience import ANSWER_WITHIN_S
from bot.store.queries.jobs import Jobs
from bot.store.queries.people import Note, People, Stored

__all__ = ["Privacy", "Stored"]

BATCH = 25  # rows of a kind in one transaction, which everybody else waits for
AT_ONCE = 40  # batches that a click itself waits for; the rest goes by itself within minutes


class Privacy:
    """The door to a person's data. `kept_for` is how long ended jobs stay; None where they stay until deleted."""

    def __init__(self, people: People, jobs: Jobs, service: JobService, kept_for: timedelta | None) -> None:
        self._people = people
        self._jobs = jobs
        self._service = service
        self.kept_for = kept_for

    async def stored(self, user_id: int) -> Stored:
        """How much is stored about somebody. Raises StoreUnavailable."""
        return await self._people.stored(user_id, patience=ANSWER_WITHIN_S)

    async def delete(self, user_id: int) -> Stored:
        """Delete what can go at once, and see to it that the rest goes; returns what is left. Raises StoreUnavailable.

        What waits in line is cancelled, uncharged. What is painted is paid for: it is delivered and goes then.
        """
        note = Note(user_id, now())
        await self._people.forget(user_id, note.until)
        for job in await self._jobs.open_jobs(user_id):
            if job.state in {JobState.RECEIVED, JobState.WAITING}:
                try:
                    await self._service.cancel(job)
                except JobMoved:
                    continue
        for _ in range(AT_ONCE):
            if not await self.forget_some(note):
                break
        await self._service.clear_shelf()
        return await self._people.stored(user_id)

    async def wishes(self) -> Sequence[Note]:
        """Who asked to be forgotten and is not yet. Raises StoreUnavailable."""
        return await self._people.to_forget()

    async def forget_some(self, note: Note) -> int:
        """Delete a part of what a person wants forgotten, its pictures on this disk included; 0 where nothing can go.

        Raises StoreUnavailable.
        """
        gone = await self._people.forget_some(note, BATCH)
        self._service.discard_results(gone.results)
        return gone.rows
