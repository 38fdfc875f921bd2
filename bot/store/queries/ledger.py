"""The ledger: what each job took, or may still take.

Its row is written with the job's first row (*reserved*: what was asked for, at the expected price), corrected when the
pictures are there, and *settled* with the job's end. A job that ends uncharged takes its row along. All of it happens
in the transactions of the job itself, see jobs.py, so that ledger and jobs never differ, whatever crashes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    delete,
    func,
    literal,
    select,
    tuple_,
    update,
)

from bot.model import Charged, FollowUp, Job, JobState, NewJob
from bot.policy.quotas import Quota, Standing
from bot.store import many
from bot.store.oversight import outcomes
from bot.store.queries import totals
from bot.store.rows import JobChanges
from bot.store.schema import UtcTime, jobs, ledger
from bot.store.thread import Run


class By(StrEnum):
    """How entries are grouped into sums."""

    MEMBER = "member"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Sum:
    """What a group of jobs took. `cost_micros` is of those with a known price; `unpriced` pictures have none."""

    key: str | int | None  # the member or the model; None is a member who asked to be forgotten
    jobs: int
    pictures: int
    cost_micros: int
    unpriced: int


@dataclass(frozen=True, slots=True)
class DaySum:
    """What one day (UTC) took."""

    day: date
    pictures: int
    cost_micros: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the ledger; see schema.LedgerColumns."""

    job_id: str
    user_id: int | None
    guild_id: int | None
    channel_id: int
    model: str
    resolution: str
    is_edit: bool
    pictures: int
    sources: int
    cost_micros: int | None
    reserved_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Extent:
    """Which entries are meant: from `since` on, of a user, of a server, or both."""

    since: datetime
    user_id: int | None = None
    guild_id: int | None = None

    @property
    def condition(self) -> ColumnElement[bool]:
        """The same as a condition on the ledger."""
        parts = [ledger.c.reserved_at >= literal(self.since, UtcTime)]
        if self.user_id is not None:
            parts.append(ledger.c.user_id == self.user_id)
        if self.guild_id is not None:
            parts.append(ledger.c.guild_id == self.guild_id)
        return and_(*parts)


_KEYS = {By.MEMBER: ledger.c.user_id, By.MODEL: ledger.c.model}
_PICTURES = func.coalesce(func.sum(ledger.c.pictures), 0)
_COST = func.coalesce(func.sum(ledger.c.cost_micros), 0)
_COUNTED = [ledger.c[name] for name in ("reserved_at", "user_id", "guild_id", "pictures", "cost_micros")]
_UNPRICED = func.coalesce(func.sum(ledger.c.pictures).filter(ledger.c.cost_micros.is_(None)), 0)


class Ledger:
    """Questions to the ledger. Running jobs count with what they have reserved. May raise StoreUnavailable."""

    def __init__(self, read: Run) -> None:
        self._read = read

    async def total(self, extent: Extent) -> Sum:
        """All of it in one sum, whose key is None."""
        query = select(func.count(), _PICTURES, _COST, _UNPRICED).where(extent.condition)
        return await self._read(lambda connection: Sum(None, *map(int, connection.execute(query).one())))

    async def sums(self, extent: Extent, by: By, limit: int = 25) -> Sequence[Sum]:
        """Sums by member or model; the first `limit` of them, most pictures first."""
        key = _KEYS[by]
        query = (
            select(key, func.count(), _PICTURES.label("pictures"), _COST, _UNPRICED)
            .where(extent.condition)
            .group_by(key)
            .order_by(_PICTURES.desc(), key)
            .limit(limit)
        )
        return await self._read(
            lambda connection: [Sum(row[0], *map(int, row[1:])) for row in connection.execute(query)]
        )

    async def days(self, extent: Extent) -> Sequence[DaySum]:
        """Sums by day in UTC, in order; days without an entry are left out."""

        def read(connection: Connection) -> list[DaySum]:
            day = _day(connection)
            query = select(day, _PICTURES, _COST).where(extent.condition).group_by(day).order_by(day)
            return [DaySum(date.fromisoformat(row[0]), int(row[1]), int(row[2])) for row in connection.execute(query)]

        return await self._read(read)

    async def entries(self, extent: Extent, limit: int, before: Entry | None = None) -> Sequence[Entry]:
        """The latest `limit` entries, newest first; with `before` those that follow it in this order."""
        order = (ledger.c.reserved_at, ledger.c.job_id)
        which = extent.condition
        if before is not None:
            moment = literal(before.reserved_at, UtcTime)
            # The first part is for the index; the second leaves out what was read of the same moment.
            which &= (ledger.c.reserved_at <= moment) & (tuple_(*order) < tuple_(moment, literal(before.job_id)))
        query = select(*(ledger.c[name] for name in Entry.__slots__)).where(which)
        query = query.order_by(*(it.desc() for it in order)).limit(limit)
        return await self._read(lambda connection: [Entry(*row) for row in connection.execute(query)])

    async def prompts(self, job_ids: Sequence[str], guild_id: int) -> Mapping[str, str]:
        """The words of those of these jobs whose reply everybody in the server could see."""
        # An expression, so that no database goes through the jobs of the whole server for a few by their ids.
        of_server = jobs.c.guild_id + 0 == guild_id
        query = select(jobs.c.id, jobs.c.request).where(jobs.c.id.in_(job_ids), of_server, jobs.c.ephemeral.is_(False))

        def read(connection: Connection) -> dict[str, str]:
            found = {job_id: json.loads(text) for job_id, text in connection.execute(query)}
            return {job_id: str(it.get("prompt", "")) for job_id, it in found.items() if not it.get("private")}

        return await self._read(read)

    async def standings(
        self, quotas: Sequence[Quota], *, user_id: int, guild_id: int | None, now: datetime
    ) -> Sequence[Standing]:
        """Where these quotas stand for somebody in a server, or outside of servers."""
        return await self._read(lambda connection: standings(connection, quotas, user_id, guild_id, now))


def standings(
    connection: Connection, quotas: Sequence[Quota], user_id: int, guild_id: int | None, now: datetime
) -> Sequence[Standing]:
    """Where quotas stand, in one question."""
    if not quotas:
        return ()
    return totals.used(connection, [(user_id, guild_id)], now).standings(quotas, user_id, guild_id, now)


def reserve(connection: Connection, taken: Sequence[tuple[NewJob, int | None, datetime]]) -> None:
    """Enter jobs that are just being written: each with what it asks for, its expected price in micros, and when."""
    _enter(connection, [_values(new, new.request.count, cost_micros, now) for new, cost_micros, now in taken])


def follow(connection: Connection, job: Job, changes: JobChanges, now: datetime, *, reopened: bool) -> None:
    """Bring the entry of a job up to date that has just moved into the state it is in, and count its end.

    `reopened` says that it had ended before.
    """
    row = ledger.c.job_id == job.id
    if job.request.follows is FollowUp.POST:
        return
    if job.state.is_final:
        outcomes.count(connection, job, now)
    if job.state is JobState.DELIVERED:
        _settle_delivered(connection, job, now)
    elif job.state.is_final:
        if job.failure is not None and job.failure.charged is Charged.NO:
            gone = connection.execute(delete(ledger).where(row).returning(*_COUNTED)).mappings().all()
            totals.add(connection, [_change(it, -it["pictures"], -(it["cost_micros"] or 0)) for it in gone])
        else:
            connection.execute(update(ledger).where(row).values(settled_at=now))
    elif reopened:
        connection.execute(update(ledger).where(row, ledger.c.settled_at.is_not(None)).values(settled_at=None))
    elif "pictures" in changes:
        _correct(connection, job, changes["pictures"])


def _settle_delivered(connection: Connection, job: Job, now: datetime) -> None:
    settled = update(ledger).where(ledger.c.job_id == job.id).values(settled_at=now).returning(ledger.c.job_id)
    if connection.execute(settled).first() is None:
        # Only a job that is older than the ledger has no entry.
        values = _values(job, len(job.result_urls) or job.request.count, job.cost_micros, job.received_at)
        _enter(connection, [values | {"settled_at": now}])


def _enter(connection: Connection, entries: Sequence[dict[str, Any]]) -> None:
    if entries:
        many.insert_rows(connection, ledger, entries)
        totals.add(connection, [_change(it, it["pictures"], it["cost_micros"] or 0) for it in entries])


def _correct(connection: Connection, job: Job, pictures: int) -> None:
    """Write what came over what was asked for. Fewer pictures give the rest back to the quotas.

    Where the price has gone from the list meanwhile, as that of a model that is no longer on offer, the reserved one
    holds: what a budget has let through stays in it.
    """
    row = ledger.c.job_id == job.id
    # The job's own row is locked by now, so nobody else writes this entry between reading and writing it.
    for was in connection.execute(select(*_COUNTED).where(row)).mappings().all():
        cost, reserved = job.cost_micros, was["cost_micros"]
        if cost is None and reserved is not None and was["pictures"]:
            cost = math.ceil(reserved * pictures / was["pictures"])
        if (pictures, cost) == (was["pictures"], reserved):
            continue  # as nearly always
        connection.execute(update(ledger).where(row).values(pictures=pictures, cost_micros=cost))
        totals.add(connection, [_change(was, pictures - was["pictures"], (cost or 0) - (reserved or 0))])


def _change(entry: Mapping[str, Any] | RowMapping, pictures: int, cost_micros: int) -> totals.TotalChange:
    return totals.TotalChange(entry["reserved_at"], entry["user_id"], entry["guild_id"], pictures, cost_micros)


def _values(job: NewJob | Job, pictures: int, cost_micros: int | None, reserved_at: datetime) -> dict[str, Any]:
    return {
        "job_id": job.id,
        "user_id": job.user_id,
        "guild_id": job.target.guild_id,
        "channel_id": job.target.channel_id,
        "model": job.request.model,
        "resolution": job.request.resolution.value,
        "is_edit": job.request.is_edit,
        "pictures": pictures,
        "sources": len(job.request.sources),
        "cost_micros": cost_micros,
        "reserved_at": reserved_at,
    }


def _day(connection: Connection) -> ColumnElement[str]:
    if connection.dialect.name == "postgresql":
        return func.to_char(func.timezone("UTC", ledger.c.reserved_at), "YYYY-MM-DD")
    return func.substr(ledger.c.reserved_at, 1, 10)
