"""The gallery's pages: delivered jobs in their order, without the channels that somebody does not see.

A page is filled by reading on until enough pictures were found that the person may see. The work for one click is
bounded, whatever is hidden from them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.model import Job
from bot.store.queries.gallery import NEWEST, GalleryFilter, GalleryQueries

__all__ = ["NEWEST", "GalleryBook", "GalleryFilter", "GalleryJobs"]

PATIENCE_S = 2.0
PAGE = 8
#: Each look finds channels that are hidden, and leaves them out of the next.
MAX_LOOKS = 8

Sees = Callable[[Job], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class GalleryJobs:
    """One page, newest first, and whether there is more on either side."""

    jobs: Sequence[Job]
    has_newer: bool
    has_older: bool


class GalleryBook:
    """Pages through delivered jobs. Any method may raise StoreUnavailable."""

    def __init__(self, gallery: GalleryQueries) -> None:
        self._gallery = gallery

    async def older(self, shelf: GalleryFilter, before: int, sees: Sees) -> GalleryJobs:
        """The page before a cursor; `sees` says of a job whether its channel may be looked into."""
        found = await self._visible(shelf, before, sees, newer=False)
        return GalleryJobs(found[:PAGE], has_newer=before < NEWEST, has_older=len(found) > PAGE)

    async def newer(self, shelf: GalleryFilter, after: int, sees: Sees) -> GalleryJobs:
        """The page after a cursor; the newest one where less than a page is there."""
        found = await self._visible(shelf, after, sees, newer=True)
        if len(found) <= PAGE:
            return await self.older(shelf, NEWEST, sees)
        return GalleryJobs(found[:PAGE][::-1], has_newer=True, has_older=True)

    async def cursor_at(self, moment: datetime) -> int:
        """The cursor of the pictures finished until then."""
        return await self._gallery.cursor_at(moment, PATIENCE_S)

    async def _visible(self, shelf: GalleryFilter, cursor: int, sees: Sees, *, newer: bool) -> list[Job]:
        found: list[Job] = []
        hidden: set[int] = set()
        look = self._gallery.newer if newer else self._gallery.older
        for _ in range(MAX_LOOKS):
            wanted = PAGE + 1 - len(found)
            rows = await look(shelf, cursor, wanted, sorted(hidden), PATIENCE_S)
            for job in rows:
                if job.target.channel_id in hidden:
                    continue
                if await sees(job):
                    found.append(job)
                else:
                    hidden.add(job.target.channel_id)
            if len(rows) < wanted or len(found) > PAGE:
                break
            cursor = rows[-1].seq
        return found
