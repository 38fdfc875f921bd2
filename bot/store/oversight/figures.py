"""What the operator asks about all servers: pictures, spend, failures and how long people waited.

Read from running totals alone (`queries/totals.py`, `outcomes.py`), by their keys: an answer costs what there are
servers and days in the month, whatever the number of jobs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, bindparam, case, func, select

from bot.model import FailureKind
from bot.policy.quotas import Span
from bot.store.oversight.outcomes import DELIVERED, month_of
from bot.store.queries.totals import ALL, NO_SERVER, day_of
from bot.store.schema import outcomes, totals
from bot.store.thread import Run

FEWEST_JOBS = 3  # of a server that is named among the slowest: one request may have met an outage
#: Ends with pictures, whose time counts.
_WITH_PICTURES = (DELIVERED, FailureKind.PARTIAL.value)


@dataclass(frozen=True, slots=True)
class UsageSums:
    """Pictures and what they cost in millionths of a dollar, today and in this month (UTC), running ones included."""

    pictures_today: int = 0
    pictures_month: int = 0
    micros_today: int = 0
    micros_month: int = 0


@dataclass(frozen=True, slots=True)
class UsageOf:
    """What a server or a user took; without an id, what was asked for outside of servers."""

    id: int | None
    amounts: UsageSums


@dataclass(frozen=True, slots=True)
class Ends:
    """How many jobs ended in one way: `outcome` is DELIVERED or a value of FailureKind."""

    outcome: str
    today: int
    month: int


@dataclass(frozen=True, slots=True)
class ServerPace:
    """How long the delivered requests of a server took on average, from the command to the pictures."""

    guild_id: int | None
    jobs: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ServersOverview:
    """All servers together, or one. `top` are its servers, or its members, with the most pictures this month."""

    at: datetime
    amounts: UsageSums
    ends: Sequence[Ends]
    top: Sequence[UsageOf]
    slowest_today: Sequence[ServerPace]
    slowest_month: Sequence[ServerPace]


_today = totals.c.day >= bindparam("today")
_AMOUNTS = (
    func.coalesce(func.sum(case((_today, totals.c.pictures), else_=0)), 0),
    func.coalesce(func.sum(totals.c.pictures), 0),
    func.coalesce(func.sum(case((_today, totals.c.cost_micros), else_=0)), 0),
    func.coalesce(func.sum(totals.c.cost_micros), 0),
)
_THIS_MONTH = totals.c.day >= bindparam("month")


class Figures:
    """Reads only. Any method may raise StoreUnavailable."""

    def __init__(self, read: Run) -> None:
        self._read = read

    async def of_all(self, now: datetime, *, top: int, slowest: int) -> ServersOverview:
        """All servers: the `top` ones by pictures, and the `slowest`."""

        def read(connection: Connection) -> ServersOverview:
            amounts = _amounts(connection, now, user_id=ALL, guild_id=ALL)
            servers = _top(connection, now, totals.c.guild_id, totals.c.user_id == ALL, top)
            paces = [_paces(connection, period, slowest) for period in (day_of(now), month_of(now))]
            return ServersOverview(now, amounts, _ends(connection, now, ALL), servers, *paces)

        return await self._read(read)

    async def of_server(self, guild_id: int, now: datetime, *, top: int) -> ServersOverview:
        """One server, and the `top` members by pictures."""

        def read(connection: Connection) -> ServersOverview:
            amounts = _amounts(connection, now, user_id=ALL, guild_id=guild_id)
            # Who asked to be forgotten stands below zero, see queries/totals.py.
            named = (totals.c.guild_id == guild_id) & (totals.c.user_id > 0)
            members = _top(connection, now, totals.c.user_id, named, top)
            paces = [_paces(connection, period, 1, guild_id) for period in (day_of(now), month_of(now))]
            return ServersOverview(now, amounts, _ends(connection, now, guild_id), members, *paces)

        return await self._read(read)

    async def of_user(self, user_id: int, now: datetime) -> UsageSums:
        """What one person took everywhere."""
        return await self._read(lambda connection: _amounts(connection, now, user_id=user_id, guild_id=ALL))


def _days(now: datetime) -> dict[str, str]:
    return {"today": day_of(now), "month": day_of(Span.MONTH.began(now))}


def _amounts(connection: Connection, now: datetime, *, user_id: int, guild_id: int) -> UsageSums:
    query = select(*_AMOUNTS).where(totals.c.user_id == user_id, totals.c.guild_id == guild_id, _THIS_MONTH)
    return UsageSums(*map(int, connection.execute(query, _days(now)).one()))


def _top(
    connection: Connection, now: datetime, key: ColumnElement[int], which: ColumnElement[bool], limit: int
) -> Sequence[UsageOf]:
    """The owners of totals with the most pictures this month, without the row that stands for all of them."""
    query = (
        select(key, *_AMOUNTS)
        .where(which, key != ALL, _THIS_MONTH)
        .group_by(key)
        .order_by(_AMOUNTS[1].desc(), key)
        .limit(limit)
    )
    rows = connection.execute(query, _days(now))
    return [UsageOf(None if row[0] == NO_SERVER else row[0], UsageSums(*map(int, row[1:]))) for row in rows]


def _ends(connection: Connection, now: datetime, guild_id: int) -> Sequence[Ends]:
    """How jobs ended, the most frequent end first."""
    day = day_of(now)
    today = func.sum(case((outcomes.c.period == day, outcomes.c.jobs), else_=0))
    month = func.sum(case((outcomes.c.period != day, outcomes.c.jobs), else_=0))
    query = (
        select(outcomes.c.outcome, today, month)
        .where(outcomes.c.period.in_([day, month_of(now)]), outcomes.c.guild_id == guild_id)
        .group_by(outcomes.c.outcome)
        .order_by(month.desc(), outcomes.c.outcome)
    )
    return [Ends(row[0], int(row[1]), int(row[2])) for row in connection.execute(query)]


def _paces(connection: Connection, period: str, limit: int, guild_id: int | None = None) -> Sequence[ServerPace]:
    """The slowest servers of a day or a month; or the one that is asked for, however few requests it had."""
    number = func.sum(outcomes.c.jobs)
    average = func.sum(outcomes.c.took_ms) * 1.0 / number
    query = (
        select(outcomes.c.guild_id, number, average)
        .where(outcomes.c.period == period, outcomes.c.outcome.in_(_WITH_PICTURES), outcomes.c.guild_id != ALL)
        .group_by(outcomes.c.guild_id)
        .order_by(average.desc(), outcomes.c.guild_id)
        .limit(limit)
    )
    query = query.having(number >= FEWEST_JOBS) if guild_id is None else query.where(outcomes.c.guild_id == guild_id)
    rows = connection.execute(query)
    return [ServerPace(None if row[0] == NO_SERVER else row[0], int(row[1]), float(row[2]) / 1000) for row in rows]
