"""The gallery's pages: delivered jobs in their order, without the channels that somebody does not see.

A page is filled by reading on until enough pictures were found that the person may see. The work for one click is
bounded, whatever is hidden from them and however much there is to search: a page that was not filled by then says from
where to look further.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.model import Job
from bot.store.queries.gallery import NEWEST, GalleryFilter, GalleryQueries, words_of

__all__ = ["NEWEST", "GalleryBook", "GalleryFilter", "GalleryJobs", "words_of"]

PATIENCE_S = 2.0
PAGE = 8
#: Each look that finds jobs may find channels that are hidden, and leaves them out of the next.
MAX_LOOKS = 8
#: A click reads on for this long, where there is much to search or much that is hidden: about a hundred thousand jobs.
SEARCH_S = 1.5
#: After each stretch in vain everybody else goes first, on one processor too.
BREATH_S = 0.005
SEARCHES_AT_ONCE = 2  # of the whole process; the others wait for their turn

Sees = Callable[[Job], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class GalleryJobs:
    """One page, newest first, and whether there is more on either side.

    `newer_from` and `older_from` are the cursors of the pages beside it: beyond what is shown, or beyond what a search
    has passed in vain.
    """

    jobs: Sequence[Job]
    has_newer: bool
    has_older: bool
    newer_from: int = 0
    older_from: int = 0


class GalleryBook:
    """Pages through delivered jobs. Any method may raise StoreUnavailable.

    `search_s` is how long a click reads on before it says how far it came.
    """

    def __init__(self, gallery: GalleryQueries, *, search_s: float = SEARCH_S) -> None:
        self._gallery = gallery
        self._search_s = search_s
        self._searches = asyncio.Semaphore(SEARCHES_AT_ONCE)

    async def older(self, shelf: GalleryFilter, before: int, sees: Sees) -> GalleryJobs:
        """The page before a cursor; `sees` says of a job whether its channel may be looked into."""
        found, reached = await self._visible(shelf, before, sees, newer=False)
        has_older = len(found) > PAGE or reached is not None
        shown = found[:PAGE]
        older_from = shown[-1].seq if len(found) > PAGE else reached or 0
        newer_from = shown[0].seq if shown else max(before - 1, 0)
        return GalleryJobs(shown, before < NEWEST, has_older, newer_from, older_from)

    async def newer(self, shelf: GalleryFilter, after: int, sees: Sees) -> GalleryJobs:
        """The page after a cursor; the newest one where less than a page is there."""
        found, reached = await self._visible(shelf, after, sees, newer=True)
        if len(found) <= PAGE and reached is None:
            return await self.older(shelf, NEWEST, sees)
        shown = found[:PAGE][::-1]
        newer_from = shown[0].seq if len(found) > PAGE else reached or 0
        older_from = shown[-1].seq if shown else after + 1
        return GalleryJobs(shown, True, True, newer_from, older_from)

    async def cursor_at(self, moment: datetime) -> int:
        """The cursor of the pictures finished until then."""
        return await self._gallery.cursor_at(moment, PATIENCE_S)

    async def _visible(
        self, shelf: GalleryFilter, cursor: int, sees: Sees, *, newer: bool
    ) -> tuple[list[Job], int | None]:
        """Up to one job more than a page, and how far it was looked; None where there is nothing beyond."""
        if not shelf.words:
            return await self._walk(shelf, cursor, sees, newer=newer)
        async with self._searches:
            return await self._walk(shelf, cursor, sees, newer=newer)

    async def _walk(
        self, shelf: GalleryFilter, cursor: int, sees: Sees, *, newer: bool
    ) -> tuple[list[Job], int | None]:
        found: list[Job] = []
        hidden: set[int] = set()
        ends_at = time.monotonic() + self._search_s
        look = self._gallery.newer if newer else self._gallery.older
        looks = 0
        while True:
            passed = await look(shelf, cursor, PAGE + 1 - len(found), sorted(hidden), PATIENCE_S)
            for job in passed.jobs:
                if job.target.channel_id in hidden:
                    continue
                if await sees(job):
                    found.append(job)
                else:
                    hidden.add(job.target.channel_id)
            if passed.reached is None or len(found) > PAGE:
                return found, passed.reached
            cursor = passed.reached
            looks += bool(passed.jobs) and not shelf.words
            if looks >= MAX_LOOKS or time.monotonic() > ends_at:
                return found, cursor
            if shelf.words or not passed.jobs:
                await asyncio.sleep(BREATH_S)
