"""Running totals of the ledger: what quotas ask, without adding up a month of rows for each request.

For each day (UTC) there is one total of everyone, one of each server, one of each person, and one of each person in
each server. A month is the sum of its days. They change in the transaction that changes the ledger, so the two never
differ: an entry adds to its four totals, and a job that ends uncharged takes its part back.

**Shards.** A busy total, such as everyone's, would be one row that all processes on a PostgreSQL write: each would wait
for the other's commit, and two could wait for each other. So each database session writes rows of its own (`shard` is
its process id at the server, which no other living session has), and a reader adds up the few shards. SQLite has one
writer and one shard.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, bindparam, case, delete, func, select, text, tuple_

from bot.policy.quotas import Span, What, Whose
from bot.store.schema import totals

#: Stands for all people, or for all servers. No id of Discord is negative.
ALL = -2
#: Stands for direct messages and group chats, which are in no server.
NO_SERVER = -1

_ADD = """
INSERT INTO totals (user_id, guild_id, day, shard, pictures, cost_micros) VALUES {rows}
ON CONFLICT (user_id, guild_id, day, shard) DO UPDATE SET
pictures = totals.pictures + excluded.pictures, cost_micros = totals.cost_micros + excluded.cost_micros
"""
_ROW = "({user}, {guild}, :day, {shard}, :pictures, :cost_micros)"
#: The session at the server that writes. SQLite has one writer.
SHARDS = {"postgresql": "pg_backend_pid()", "sqlite": "0"}


def _add_statement(shard: str, *, with_user: bool) -> str:
    users = (":user_id", str(ALL)) if with_user else (str(ALL),)
    pairs = [(user, guild) for user in users for guild in (":guild_id", str(ALL))]
    return _ADD.format(rows=", ".join(_ROW.format(user=user, guild=guild, shard=shard) for user, guild in pairs))


_ADDITIONS = {
    (dialect, with_user): text(_add_statement(shard, with_user=with_user))
    for dialect, shard in SHARDS.items()
    for with_user in (True, False)
}

_today = totals.c.day >= bindparam("today")
_USED = (
    select(
        totals.c.user_id,
        totals.c.guild_id,
        func.sum(case((_today, totals.c.pictures), else_=0)),
        func.sum(totals.c.pictures),
        func.sum(case((_today, totals.c.cost_micros), else_=0)),
        func.sum(totals.c.cost_micros),
    )
    .where(
        totals.c.user_id.in_([bindparam("user_id"), ALL]),
        totals.c.guild_id.in_([bindparam("guild_id"), ALL]),
        totals.c.day >= bindparam("month"),
    )
    .group_by(totals.c.user_id, totals.c.guild_id)
)

_OF_EVERYONE = select(func.sum(totals.c.pictures), func.sum(totals.c.cost_micros)).where(
    totals.c.user_id == ALL, totals.c.guild_id == ALL, totals.c.day >= bindparam("since")
)


@dataclass(frozen=True, slots=True)
class Amounts:
    """Pictures, and what they cost or may cost in micros. Pictures without a known price count as free here."""

    pictures: int
    cost_micros: int


Used = Mapping[tuple[Whose, What, Span], int]


def add(
    connection: Connection,
    reserved_at: datetime,
    user_id: int | None,
    guild_id: int | None,
    pictures: int,
    cost_micros: int,
) -> None:
    """Add to the totals of the day that holds `reserved_at`, or take from them with negative amounts.

    `user_id` is None for an entry whose person asked to be forgotten: the server and everyone still count it.
    """
    if not pictures and not cost_micros:
        return
    values = {"day": day_of(reserved_at), "pictures": pictures, "cost_micros": cost_micros, "user_id": user_id}
    statement = _ADDITIONS[connection.dialect.name, user_id is not None]
    connection.execute(statement, values | {"guild_id": NO_SERVER if guild_id is None else guild_id})


def used(connection: Connection, user_id: int, guild_id: int | None, now: datetime) -> Used:
    """What was taken in the day and the month of `now`, by somebody in a server or outside of servers.

    One question whatever the quotas, because there are at most 31 days and a few shards of four totals.
    """
    place = NO_SERVER if guild_id is None else guild_id
    asked = {
        "user_id": user_id,
        "guild_id": place,
        "today": day_of(Span.DAY.began(now)),
        "month": day_of(Span.MONTH.began(now)),
    }
    owners = {
        (user_id, place): Whose.MEMBER,
        (user_id, ALL): Whose.USER,
        (ALL, place): Whose.SERVER,
        (ALL, ALL): Whose.EVERYONE,
    }
    kinds = [(what, span) for what in (What.PICTURES, What.SPEND) for span in (Span.DAY, Span.MONTH)]
    return {
        (owners[row[0], row[1]], *kind): int(amount)
        for row in connection.execute(_USED, asked)
        for kind, amount in zip(kinds, row[2:], strict=True)
    }


def of_everyone(connection: Connection, now: datetime) -> Mapping[Span, Amounts]:
    """What all people together took in the day and in the month of `now`."""
    rows = {span: connection.execute(_OF_EVERYONE, {"since": day_of(span.began(now))}).one() for span in Span}
    return {span: Amounts(int(row[0] or 0), int(row[1] or 0)) for span, row in rows.items()}


def forget_person(connection: Connection, user_id: int, before: datetime) -> None:
    """Delete what is kept of a person for days before `before`. Quotas of people are those of a day."""
    mine = (totals.c.user_id == user_id) & (totals.c.day < day_of(before))
    connection.execute(delete(totals).where(mine))


def forget_server(connection: Connection, guild_id: int, until: datetime) -> None:
    """Delete what is kept of a server up to the day of `until`."""
    theirs = (totals.c.guild_id == guild_id) & (totals.c.day <= day_of(until))
    connection.execute(delete(totals).where(theirs))


def delete_old(connection: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` totals of days before `before`; returns how many."""
    key = tuple_(*totals.primary_key.columns)
    chosen = select(*totals.primary_key.columns).where(totals.c.day < day_of(before)).limit(limit)
    found = connection.execute(chosen.with_for_update(skip_locked=True)).all()
    if found:
        connection.execute(delete(totals).where(key.in_([tuple(row) for row in found])))
    return len(found)


def day_of(moment: datetime) -> str:
    """The day in UTC, as it stands in the table."""
    return moment.astimezone(UTC).date().isoformat()
