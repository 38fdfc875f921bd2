"""The query behind the gallery: delivered jobs page by page, by their order and not by counting them off.

Pages are found by the number of the last job on the page before, which is an index look-up however far back it is.
Counting rows off would read them all.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, select

from bot.model import Job, JobState
from bot.store.rows import jobs_of
from bot.store.schema import jobs
from bot.store.thread import Run

#: A cursor past every job.
NEWEST = 1 << 62


@dataclass(frozen=True, slots=True)
class GalleryFilter:
    """Whose pictures: a server's public ones, perhaps of one member, or one user's own, wherever they were made."""

    guild_id: int | None
    user_id: int | None


class GalleryQueries:
    """Reads only. Any method may raise StoreUnavailable."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def older(
        self, shelf: GalleryFilter, before: int, limit: int, hidden: Collection[int], patience: float
    ) -> list[Job]:
        """The `limit` newest jobs with a smaller `seq` than `before`, newest first. `hidden` are channels left out."""
        which = and_(_on(shelf, hidden), jobs.c.seq < before)
        return await self._read(which, jobs.c.seq.desc(), limit, patience)

    async def newer(
        self, shelf: GalleryFilter, after: int, limit: int, hidden: Collection[int], patience: float
    ) -> list[Job]:
        """The `limit` oldest jobs with a greater `seq` than `after`, oldest first."""
        which = and_(_on(shelf, hidden), jobs.c.seq > after)
        return await self._read(which, jobs.c.seq.asc(), limit, patience)

    async def cursor_at(self, moment: datetime, patience: float) -> int:
        """The `before` that leads to the pictures finished until then."""
        query = select(jobs.c.seq).where(jobs.c.finished_at <= moment).order_by(jobs.c.finished_at.desc()).limit(1)
        found = await self._run(lambda connection: connection.execute(query).scalar_one_or_none(), patience)
        return found + 1 if found is not None else 0

    async def _read(
        self, which: ColumnElement[bool], order: ColumnElement[int], limit: int, patience: float
    ) -> list[Job]:
        query = select(jobs).where(which).order_by(order).limit(limit)

        def read(connection: Connection) -> list[Job]:
            return jobs_of(connection.execute(query).mappings())

        return await self._run(read, patience)


def _on(shelf: GalleryFilter, hidden: Collection[int]) -> ColumnElement[bool]:
    wanted = and_(jobs.c.state == JobState.DELIVERED, jobs.c.reply_deleted.is_(False))
    if shelf.guild_id is not None:
        wanted = and_(wanted, jobs.c.guild_id == shelf.guild_id, jobs.c.ephemeral.is_(False))
    if shelf.user_id is not None:
        wanted = and_(wanted, jobs.c.user_id == shelf.user_id)
    return and_(wanted, jobs.c.channel_id.not_in(hidden)) if hidden else wanted
