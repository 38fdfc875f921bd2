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

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from sqlalchemy import Connection, TextClause, bindparam, delete, func, select, text, tuple_

from bot.policy.quotas import Quota, Span, Standing, What, Whose
from bot.store.schema import totals

#: Stands for all people, or for all servers. No id of Discord is negative.
ALL = -2
#: Stands for direct messages and group chats, which are in no server.
NO_SERVER = -1

#: The session at the server that writes. SQLite has one writer.
SHARDS = {"postgresql": "pg_backend_pid()", "sqlite": "0"}
_ADD = """
INSERT INTO totals (user_id, guild_id, day, shard, pictures, cost_micros) VALUES {rows}
ON CONFLICT (user_id, guild_id, day, shard) DO UPDATE SET
pictures = totals.pictures + excluded.pictures, cost_micros = totals.cost_micros + excluded.cost_micros
"""
#: A cross join, so that SQLite too goes from the few scopes to their rows by the primary key.
_USED = """
WITH scopes (user_id, guild_id) AS (VALUES {rows})
SELECT scopes.user_id, scopes.guild_id,
sum(CASE WHEN totals.day >= :today THEN totals.pictures ELSE 0 END), sum(totals.pictures),
sum(CASE WHEN totals.day >= :today THEN totals.cost_micros ELSE 0 END), sum(totals.cost_micros)
FROM scopes CROSS JOIN totals
WHERE totals.user_id = scopes.user_id AND totals.guild_id = scopes.guild_id AND totals.day >= :month
GROUP BY scopes.user_id, scopes.guild_id
"""


@lru_cache(maxsize=1000)
def _addition(dialect: str, rows: int) -> TextClause:
    shard = SHARDS[dialect]
    return text(_ADD.format(rows=", ".join(f"(:u{n}, :g{n}, :d{n}, {shard}, :p{n}, :c{n})" for n in range(rows))))


@lru_cache(maxsize=1000)
def _used_by(scopes: int) -> TextClause:
    return text(_USED.format(rows=", ".join(f"(:u{n}, :g{n})" for n in range(scopes))))


_OF_EVERYONE = select(func.sum(totals.c.pictures), func.sum(totals.c.cost_micros)).where(
    totals.c.user_id == ALL, totals.c.guild_id == ALL, totals.c.day >= bindparam("since")
)


@dataclass(frozen=True, slots=True)
class Amounts:
    """Pictures, and what they cost or may cost in micros. Pictures without a known price count as free here."""

    pictures: int
    cost_micros: int


#: What was taken in a scope: pictures and micros, each today and this month.
_KINDS = tuple((what, span) for what in (What.PICTURES, What.SPEND) for span in (Span.DAY, Span.MONTH))


@dataclass(frozen=True, slots=True)
class UsedByScope:
    """What was taken by people and in servers, today and this month. It can be added to while more is let in."""

    amounts: dict[tuple[int, int], list[int]]  # by person and server, each perhaps ALL

    def standings(
        self, quotas: Iterable[Quota], user_id: int, guild_id: int | None, now: datetime
    ) -> Sequence[Standing]:
        """Where quotas stand for somebody in a server, or outside of servers."""
        scopes = _scopes_of(user_id, guild_id)
        return [
            Standing(
                quota,
                self.amounts.get(scopes[quota.whose], _NOTHING)[_KINDS.index((quota.what, quota.span))],
                quota.span.renews(now),
            )
            for quota in quotas
        ]

    def add(self, user_id: int, guild_id: int | None, asks: Mapping[What, int]) -> None:
        """Count what somebody takes just now."""
        for scope in _scopes_of(user_id, guild_id).values():
            present = self.amounts.get(scope, _NOTHING)
            self.amounts[scope] = [amount + asks[what] for amount, (what, _) in zip(present, _KINDS, strict=True)]


_NOTHING = [0] * len(_KINDS)


@dataclass(frozen=True, slots=True)
class TotalChange:
    """What an entry of the ledger adds to its totals, or takes from them with negative amounts.

    `user_id` is None for an entry whose person asked to be forgotten: the server and everyone still count it.
    """

    reserved_at: datetime
    user_id: int | None
    guild_id: int | None
    pictures: int
    cost_micros: int


def add(connection: Connection, changes: Iterable[TotalChange]) -> None:
    """Write changes to the totals of their days, each total once however many there are."""
    sums = defaultdict[tuple[int, int, str], list[int]](lambda: [0, 0])
    for change in changes:
        day = day_of(change.reserved_at)
        scopes = _scopes_of(change.user_id if change.user_id is not None else ALL, change.guild_id)
        for user_id, guild_id in set(scopes.values()):
            amounts = sums[user_id, guild_id, day]
            amounts[0] += change.pictures
            amounts[1] += change.cost_micros
    values: dict[str, int | str] = {}
    written = [(key, amounts) for key, amounts in sums.items() if any(amounts)]
    for n, ((user_id, guild_id, day), (pictures, cost_micros)) in enumerate(written):
        values |= {f"u{n}": user_id, f"g{n}": guild_id, f"d{n}": day, f"p{n}": pictures, f"c{n}": cost_micros}
    if values:
        connection.execute(_addition(connection.dialect.name, len(written)), values)


def used(connection: Connection, people: Iterable[tuple[int, int | None]], now: datetime) -> UsedByScope:
    """What was taken in the day and the month of `now`, by each of these people in a server or outside of servers.

    One question whatever the quotas, because there are at most 31 days and a few shards of each total.
    """
    scopes = sorted({scope for person in people for scope in _scopes_of(*person).values()})
    asked: dict[str, int | str] = {
        "today": day_of(Span.DAY.began(now)),
        "month": day_of(Span.MONTH.began(now)),
    }
    for n, (user_id, guild_id) in enumerate(scopes):
        asked |= {f"u{n}": user_id, f"g{n}": guild_id}
    rows = connection.execute(_used_by(len(scopes)), asked)
    return UsedByScope({(row[0], row[1]): [int(amount) for amount in row[2:]] for row in rows})


def _scopes_of(user_id: int, guild_id: int | None) -> Mapping[Whose, tuple[int, int]]:
    place = NO_SERVER if guild_id is None else guild_id
    return {
        Whose.MEMBER: (user_id, place),
        Whose.USER: (user_id, ALL),
        Whose.SERVER: (ALL, place),
        Whose.EVERYONE: (ALL, ALL),
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
