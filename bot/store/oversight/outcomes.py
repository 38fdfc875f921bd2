"""Running totals of how jobs ended: what the operator sees of failures and of waiting, without reading the jobs.

Each end adds to four rows: those of its server and of all servers, for the day and for the month. They are written in
the transaction that ends the job, and in rows of the writing session's own, as `queries/totals.py` explains. Two
rows for a month instead of adding up its days keep the question small, however many servers there are.

A job that ends twice counts twice: one that timed out and was then found painted is a time-out and a delivery.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, text, tuple_

from bot.model import Job
from bot.store.queries.totals import ALL, NO_SERVER, SHARDS, day_of
from bot.store.schema import outcomes

#: How a job ended that has no failure. The others are values of FailureKind.
DELIVERED = "delivered"

_ROW = "({period}, {guild}, :outcome, {shard}, 1, :took_ms)"
_COUNT = """
INSERT INTO outcomes (period, guild_id, outcome, shard, jobs, took_ms) VALUES {rows}
ON CONFLICT (period, guild_id, outcome, shard) DO UPDATE SET
jobs = outcomes.jobs + 1, took_ms = outcomes.took_ms + excluded.took_ms
"""


def _count_statement(shard: str) -> str:
    pairs = [(period, guild) for period in (":day", ":month") for guild in (":guild_id", str(ALL))]
    return _COUNT.format(rows=", ".join(_ROW.format(period=one, guild=guild, shard=shard) for one, guild in pairs))


_COUNTS = {dialect: text(_count_statement(shard)) for dialect, shard in SHARDS.items()}


def count(connection: Connection, job: Job, now: datetime) -> None:
    """Within the transaction that ends a job: count its end."""
    values: dict[str, Any] = {
        "day": day_of(now),
        "month": month_of(now),
        "guild_id": NO_SERVER if job.target.guild_id is None else job.target.guild_id,
        "outcome": job.failure.kind.value if job.failure else DELIVERED,
        "took_ms": max(0, round((now - job.received_at).total_seconds() * 1000)),
    }
    connection.execute(_COUNTS[connection.dialect.name], values)


def forget_server(connection: Connection, guild_id: int, until: datetime) -> None:
    """Delete what is kept of a server up to the day of `until`."""
    # A month sorts before its days.
    theirs = (outcomes.c.guild_id == guild_id) & (outcomes.c.period <= day_of(until))
    connection.execute(delete(outcomes).where(theirs))


def delete_old(connection: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` rows of months before that of `before`; returns how many."""
    key = tuple_(*outcomes.primary_key.columns)
    chosen = select(*outcomes.primary_key.columns).where(outcomes.c.period < month_of(before)).limit(limit)
    found = connection.execute(chosen.with_for_update(skip_locked=True)).all()
    if found:
        connection.execute(delete(outcomes).where(key.in_([tuple(row) for row in found])))
    return len(found)


def month_of(moment: datetime) -> str:
    """The month in UTC, as it stands in the table."""
    return day_of(moment)[:7]
