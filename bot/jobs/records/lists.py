"""What people see of their jobs beside the replies: lists, and the pictures that stand in no message.

Pictures that stand in no message were bought all the same. They are fetched once more from the image API, and given to
the person privately.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot.errors import DownloadUnreachable
from bot.jobs import downloads
from bot.jobs.job_run import Deps, JobRun
from bot.model import Job, Picture
from bot.policy.patience import ANSWER_WITHIN_S
from bot.store.queries.lists import Lists, ListScope, Page

__all__ = ["JobLists", "ListScope", "Page"]

PAGE = 6  # jobs: with a button each they stay within Discord's 40 components and 4,000 characters


class JobLists:
    """Reads lists, and fetches what was bought once more. Nothing is bought here."""

    def __init__(self, lists: Lists, deps: Deps) -> None:
        self._lists = lists
        self._deps = deps
        self._fetching: dict[str, asyncio.Task[Sequence[Picture]]] = {}

    async def page(self, whose: ListScope, number: int) -> Page:
        """Page `number` (from 0) of a list. Raises StoreUnavailable."""
        return await self._lists.page(whose, number, PAGE, patience=ANSWER_WITHIN_S)

    async def pictures(self, job: Job) -> Sequence[Picture]:
        """The pictures of an ended job, from the spool or from their addresses; none when they are gone for good.

        Raises DownloadError or OSError when they may be had later. Clicks at the same time share one download.
        """
        task = self._fetching.get(job.id)
        if task is None:
            task = asyncio.create_task(self._fetch(job), name=f"show job {job.id}")
            self._fetching[job.id] = task
            task.add_done_callback(lambda _: self._fetching.pop(job.id, None))
        return await asyncio.shield(task)

    async def _fetch(self, job: Job) -> Sequence[Picture]:
        results = await downloads.fetch_now(JobRun(self._deps, job))
        if not results.pictures and results.may_come:
            raise DownloadUnreachable("no host of these pictures answers as it should")
        return results.pictures

    def shown(self, job: Job) -> None:
        """The pictures were shown: those that stand in a message need no copy here."""
        if not job.is_shelved and job.id not in self._fetching:
            self._deps.spool.remove(job.id)
