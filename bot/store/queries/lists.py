"""Lists of jobs for people: what runs first, then what has ended.

Open jobs are few however many have ended; they are found by an index of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, select

from bot.model import FINAL_STATES, OPEN_STATES, Job, JobState
from bot.store.rows import jobs_of
from bot.store.schema import UNANNOUNCED, jobs
from bot.store.sync import queue_order as line
from bot.store.thread import Run

MAX_OPEN = 500  # so many running jobs of a server are listed at most


@dataclass(frozen=True, slots=True)
class ListScope:
    """Whose jobs: one user's everywhere, a server's, or one channel's."""

    user_id: int | None = None
    guild_id: int | None = None
    channel_id: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list. `places` are places in line, from 1, by job id; `more` says whether something follows."""

    jobs: Sequence[Job]
    places: dict[str, int]
    number: int  # from 0
    more: bool


class Lists:
    """Any method may raise StoreUnavailable."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def latest_application(self) -> int | None:
        """The Discord application whose job was written last; None where there is no job."""
        query = select(jobs.c.application_id).order_by(jobs.c.seq.desc()).limit(1)
        return await self._run(lambda connection: connection.execute(query).scalar())

    async def page(self, whose: ListScope, number: int, size: int, *, patience: float | None = None) -> Page:
        """Page `number` (from 0): running jobs, oldest first, then those that ended, newest first."""
        which = _which(whose)
        running = (
            select(jobs)
            .where(_which(whose, few=True), UNANNOUNCED, jobs.c.state.in_(OPEN_STATES))
            .order_by(jobs.c.seq)
            .limit(MAX_OPEN)
        )
        over = select(jobs).where(which, jobs.c.state.in_(FINAL_STATES)).order_by(jobs.c.seq.desc())
        start = number * size

        def read(connection: Connection) -> Page:
            first = jobs_of(connection.execute(running).mappings())
            found = first[start : start + size + 1]
            rest = over.offset(max(start - len(first), 0)).limit(size + 1 - len(found))
            found += jobs_of(connection.execute(rest).mappings())
            waiting = any(job.state is JobState.WAITING for job in found)
            in_order = connection.execute(line.IN_ORDER).scalars() if waiting else ()
            places = {job_id: place for place, job_id in enumerate(in_order, start=1)}
            return Page(found[:size], places, number, len(found) > size)

        return await self._run(read, patience)


def _which(whose: ListScope, *, few: bool = False) -> ColumnElement[bool]:
    """`few` is for the unfinished: a server has few of them, so no index by channel shall tempt SQLite."""
    if whose.user_id is not None:
        return jobs.c.user_id == whose.user_id
    server = jobs.c.guild_id == whose.guild_id
    return (
        server
        if whose.channel_id is None
        else server & ((jobs.c.channel_id + 0 if few else jobs.c.channel_id) == whose.channel_id)
    )
