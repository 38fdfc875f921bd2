"""Lists of jobs for people, and the overview for the operator: what runs first, then what has ended.

Open jobs are few however many have ended; they are found by an index of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, func, literal, select

from bot.model import OPEN_STATES, FailureKind, Job, JobState
from bot.policy.quotas import Span
from bot.store.queries import totals
from bot.store.rows import jobs_of, read_failure
from bot.store.schema import UNANNOUNCED, UtcTime, jobs
from bot.store.sync import advisory_locks as locks
from bot.store.sync import queue_order as line
from bot.store.thread import Run

#: Some of the results lie in files here, see image_api/wire/blobs.py.
IN_AN_ANSWER = jobs.c.result_urls.like('%"held:%')
MAX_OPEN = 500  # so many running jobs of a server are listed at most
LOOKED_BACK = 500  # ended jobs in which failures are looked for: the overview costs the same after a year


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


@dataclass(frozen=True, slots=True)
class FailureCount:
    """How many of the jobs that ended last did so for one reason, and when the last of them did."""

    kind: FailureKind
    jobs: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Overview:
    """Where all the work on a database stands. Nothing in it tells who asked for what."""

    open: Mapping[JobState, tuple[int, datetime | None]]  # how many, and when the oldest was received
    used: Mapping[Span, totals.Amounts]  # today and this month, running jobs with what they have reserved
    ended: int  # how many of the latest ends were looked at, at most LOOKED_BACK
    failures: Sequence[FailureCount]  # among those, the latest first
    workers: Mapping[str, int]  # jobs in hand by worker_id, of those that have any
    processes: int  # that are connected to the database; 1 on SQLite


class Lists:
    """Any method may raise StoreUnavailable."""

    def __init__(self, read: Run) -> None:
        self._read = read

    async def latest_application(self) -> int | None:
        """The Discord application whose job was written last; None where there is no job."""
        query = select(jobs.c.application_id).order_by(jobs.c.seq.desc()).limit(1)
        return await self._read(lambda connection: connection.execute(query).scalar())

    async def overview(self, now: datetime, patience: float) -> Overview:
        """Everything that an operator wants to see at a glance, in one transaction."""

        def read(connection: Connection) -> Overview:
            ends = _latest_failures(connection)
            return Overview(
                open=count_open(connection),
                used=totals.of_everyone(connection, now),
                ended=ends[0],
                failures=ends[1],
                workers=_jobs_in_hand(connection),
                processes=locks.count_processes(connection),
            )

        return await self._read(read, patience)

    async def page(self, whose: ListScope, number: int, size: int, *, patience: float | None = None) -> Page:
        """Page `number` (from 0): running jobs, oldest first, then those that ended, newest first."""
        unfinished = and_(_which(whose, few=True), UNANNOUNCED, jobs.c.state.in_(OPEN_STATES))
        running = select(jobs).where(unfinished).order_by(jobs.c.seq).limit(MAX_OPEN)
        # Whatever does not run has ended. So an index alone tells which jobs are on a page, however far back it is.
        over = select(jobs.c.seq).where(_which(whose), jobs.c.seq.not_in(select(jobs.c.seq).where(unfinished)))
        over = over.order_by(jobs.c.seq.desc())
        start = number * size

        def read(connection: Connection) -> Page:
            first = jobs_of(connection.execute(running).mappings())
            found = first[start : start + size + 1]
            chosen = over.offset(max(start - len(first), 0)).limit(size + 1 - len(found))
            rest = select(jobs).where(jobs.c.seq.in_(chosen.subquery().select())).order_by(jobs.c.seq.desc())
            found += jobs_of(connection.execute(rest).mappings())
            waiting = any(job.state is JobState.WAITING for job in found)
            in_order = connection.execute(line.IN_ORDER).scalars() if waiting else ()
            places = {job_id: place for place, job_id in enumerate(in_order, start=1)}
            return Page(found[:size], places, number, len(found) > size)

        return await self._read(read, patience)

    async def open_by_state(self, patience: float) -> dict[JobState, tuple[int, datetime | None]]:
        """For each unfinished state: how many jobs there are, and when the oldest of them was received."""
        return await self._read(count_open, patience)

    async def held_results(self, since: datetime) -> tuple[list[str], list[str]]:
        """Addresses of results that came inside answers: of unfinished jobs, and of those that ended since then."""
        # Two questions with an index each: asked as one, SQLite reads all jobs there are.
        ended = and_(jobs.c.told, jobs.c.finished_at >= literal(since, UtcTime))
        unfinished, recent = (select(jobs.c.result_urls).where(it, IN_AN_ANSWER) for it in (UNANNOUNCED, ended))

        def read(connection: Connection) -> tuple[list[str], list[str]]:
            return (
                addresses_in(connection.execute(unfinished).scalars()),
                addresses_in(connection.execute(recent).scalars()),
            )

        return await self._read(read)


def count_open(connection: Connection) -> dict[JobState, tuple[int, datetime | None]]:
    """For each unfinished state: how many jobs there are, and when the oldest of them was received."""
    oldest = func.min(jobs.c.received_at, type_=UtcTime)
    query = select(jobs.c.state, func.count(), oldest).where(jobs.c.state.in_(OPEN_STATES)).group_by(jobs.c.state)
    counts: dict[JobState, tuple[int, datetime | None]] = dict.fromkeys(OPEN_STATES, (0, None))
    for state, count, received_at in connection.execute(query):
        counts[state] = (count, received_at)
    return counts


def addresses_in(texts: Iterable[str]) -> list[str]:
    """All addresses of rows of jobs."""
    return [address for text in texts for address in json.loads(text)]


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


def _latest_failures(connection: Connection) -> tuple[int, Sequence[FailureCount]]:
    """How many of the latest ends there are to look at, and the failures among them."""
    latest = (
        select(jobs.c.failure, jobs.c.finished_at)
        .where(jobs.c.finished_at.is_not(None))
        .order_by(jobs.c.finished_at.desc())
        .limit(LOOKED_BACK)
    )
    found: dict[FailureKind, FailureCount] = {}
    rows = connection.execute(latest).all()
    for failure, finished_at in rows:
        if failure:
            kind = read_failure(failure).kind
            before = found.get(kind, FailureCount(kind, 0, finished_at))
            found[kind] = FailureCount(kind, before.jobs + 1, before.last_at)
    return len(rows), tuple(found.values())


def _jobs_in_hand(connection: Connection) -> Mapping[str, int]:
    held = select(jobs.c.owner, func.count()).where(UNANNOUNCED, jobs.c.owner.is_not(None)).group_by(jobs.c.owner)
    return {str(row[0]): int(row[1]) for row in connection.execute(held)}
