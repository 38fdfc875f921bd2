"""Running totals of the ledger: what quotas ask, without adding up a month of rows for each request.

For each day (UTC) there is one total of everyone, one of each server, one of each person, and one of each person in
each server. A month is the sum of its days. They change in the transaction that changes the ledger, so the two never
differ: an entry adds to its four totals, and a job that ends uncharged takes its part back.

**Shards.** A busy total, such as everyone's, would be one row that all processes on a PostgreSQL write: each would wait
for the other's commit, and two could wait for each other. So each database session writes rows of its own (`shard` is
its process id at the server, which no other living session has), and a reader adds up the few shards. SQLite has one
writer and one shard.

**Who asked to be forgotten** is counted on until the month is over, or deleting one's data would give one fresh quotas.
Their totals stand under a pseudonym then: a number made of their id with a key that only this database has. Nothing
leads from the number to the id but trying ids with the key, and with the month both totals and pseudonym are gone.
"""

from __future__ import annotations

import hmac
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Exists,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    tuple_,
)

from bot.policy.quotas import Quota, Span, Standing, What, Whose
from bot.store import many
from bot.store.schema import meta, totals
from bot.store.sync import advisory_locks as locks

#: Stands for all people, or for all servers. No id of Discord is negative.
ALL = -2
#: Stands for direct messages and group chats, which are in no server.
NO_SERVER = -1
_HIGHEST_PSEUDONYM = -3
#: The name of the pseudonyms' key among the small texts of the database. It is made when somebody is first forgotten.
_KEY_NAME = "pseudonyms"
_KEY_BYTES = 32

#: The session at the server that writes. SQLite has one writer.
SHARDS = {"postgresql": "pg_backend_pid()", "sqlite": "0"}
_ADDED = """
ON CONFLICT (user_id, guild_id, day, shard) DO UPDATE SET
pictures = totals.pictures + excluded.pictures, cost_micros = totals.cost_micros + excluded.cost_micros
"""
#: A cross join, so that SQLite too goes from the few scopes to their rows by the primary key.
_USED = """
WITH scopes (user_id, guild_id) AS ({scopes})
SELECT scopes.user_id, scopes.guild_id,
sum(CASE WHEN totals.day >= :today THEN totals.pictures ELSE 0 END), sum(totals.pictures),
sum(CASE WHEN totals.day >= :today THEN totals.cost_micros ELSE 0 END), sum(totals.cost_micros)
FROM scopes CROSS JOIN totals
WHERE totals.user_id = scopes.user_id AND totals.guild_id = scopes.guild_id AND totals.day >= :month
GROUP BY scopes.user_id, scopes.guild_id
"""
_SCOPE = {"user_id": "bigint", "guild_id": "bigint"}
_USED_BY = {dialect: text(_USED.format(scopes=many.rows_in(dialect, "scopes", _SCOPE))) for dialect in SHARDS}

_OF_EVERYONE = select(func.sum(totals.c.pictures), func.sum(totals.c.cost_micros)).where(
    totals.c.user_id == ALL, totals.c.guild_id == ALL, totals.c.day >= bindparam("since")
)

_PRIMARY = [column.name for column in totals.primary_key.columns]
_ONE_GONE = delete(totals).where(*(totals.c[name] == bindparam(f"of_{name}") for name in _PRIMARY))


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
        scopes, renews = _scopes_of(user_id, guild_id), {span: span.renews(now) for span in Span}
        return [
            Standing(
                quota,
                self.amounts.get(scopes[quota.whose], _NOTHING)[_KIND[quota.what, quota.span]],
                renews[quota.span],
            )
            for quota in quotas
        ]

    def add(self, user_id: int, guild_id: int | None, asks: Mapping[What, int]) -> None:
        """Count what somebody takes just now."""
        for scope in _scopes_of(user_id, guild_id).values():
            present = self.amounts.get(scope, _NOTHING)
            self.amounts[scope] = [amount + asks[what] for amount, (what, _) in zip(present, _KINDS, strict=True)]


_KIND = {kind: index for index, kind in enumerate(_KINDS)}
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
    _write(connection, sums)


def _write(connection: Connection, sums: Mapping[tuple[int, int, str], Sequence[int]]) -> None:
    """Add pictures and micros to the totals of a person, a server and a day each."""
    rows = [
        {"user_id": user_id, "guild_id": guild_id, "day": day, "pictures": amounts[0], "cost_micros": amounts[1]}
        for (user_id, guild_id, day), amounts in sums.items()
        if any(amounts)
    ]
    if rows:
        many.insert_rows(connection, totals, rows, extra=(("shard", SHARDS[connection.dialect.name]),), then=_ADDED)


def used(connection: Connection, people: Iterable[tuple[int, int | None]], now: datetime) -> UsedByScope:
    """What was taken in the day and the month of `now`, by each of these people in a server or outside of servers.

    One question whatever the quotas, because there are at most 31 days and a few shards of each total; another one for
    the pseudonyms' key, until it is known.
    """
    asking = list(people)
    key = _key(connection)
    pseudonyms = {} if key is None else {pseudonym(key, user_id): user_id for user_id, _ in asking}
    known_as = {user_id: number for number, user_id in pseudonyms.items()}
    scopes = {scope for person in asking for scope in _scopes_of(*person).values()}
    scopes |= {(known_as[user_id], guild_id) for user_id, guild_id in scopes if user_id in known_as}
    asked = {
        "today": day_of(Span.DAY.began(now)),
        "month": day_of(Span.MONTH.began(now)),
        "scopes": many.written(connection, [dict(zip(_SCOPE, scope, strict=True)) for scope in sorted(scopes)]),
    }
    found: dict[tuple[int, int], list[int]] = {}
    for row in connection.execute(_USED_BY[connection.dialect.name], asked):
        number: int = row[0]
        scope = (pseudonyms.get(number, number), int(row[1]))
        before = found.get(scope, _NOTHING)
        found[scope] = [was + int(more) for was, more in zip(before, row[2:], strict=True)]
    return UsedByScope(found)


def pseudonym(key: str, user_id: int) -> int:
    """The number under which a person is counted who asked to be forgotten. It is below all other numbers here."""
    digest = hmac.digest(key.encode("ascii"), str(user_id).encode("ascii"), "sha256")
    return _HIGHEST_PSEUDONYM - (int.from_bytes(digest[:8], "big") >> 2)


def _key(connection: Connection) -> str | None:
    """The pseudonyms' key; None as long as nobody was forgotten. It never changes, so a connection remembers it."""
    known: str | None = connection.info.get(_KEY_NAME)
    if known is None:
        known = connection.execute(select(meta.c.value).where(meta.c.name == _KEY_NAME)).scalar_one_or_none()
        if known is not None:
            connection.info[_KEY_NAME] = known
    return known


def _made_key(connection: Connection) -> str:
    key = _key(connection)
    if key is None:
        locks.hold(connection, [locks.of_name(_KEY_NAME)])
        key = _key(connection)
    if key is None:
        # Not remembered: this transaction may yet be undone.
        key = secrets.token_hex(_KEY_BYTES)
        connection.execute(insert(meta).values(name=_KEY_NAME, value=key))
    return key


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


def forget_person(connection: Connection, user_id: int, until: datetime) -> int:
    """Put what is kept of a person up to the day of `until` under their pseudonym; returns how many rows that were.

    Rows that another session just writes are left for the next time: nobody waits for anybody here.
    """
    mine = select(totals).where(totals.c.user_id == user_id, totals.c.day <= day_of(until))
    rows = connection.execute(mine.with_for_update(skip_locked=True)).mappings().all()
    if not rows:
        return 0
    number = pseudonym(_made_key(connection), user_id)
    sums = defaultdict[tuple[int, str], list[int]](lambda: [0, 0])
    for row in rows:
        amounts = sums[row["guild_id"], row["day"]]
        amounts[0] += row["pictures"]
        amounts[1] += row["cost_micros"]
    _write(connection, {(number, guild_id, day): amounts for (guild_id, day), amounts in sums.items()})
    # Those and no others: what another session adds meanwhile comes next time.
    connection.execute(_ONE_GONE, [{f"of_{name}": row[name] for name in _PRIMARY} for row in rows])
    return len(rows)


def knows(user_id: int, until: datetime) -> Exists:
    """Whether anything up to the day of `until` stands under a person's own id."""
    return select(totals.c.day).where(totals.c.user_id == user_id, totals.c.day <= day_of(until)).exists()


def forget_server(connection: Connection, guild_id: int, until: datetime, limit: int) -> int:
    """Delete up to `limit` totals of a server up to the day of `until`; returns how many."""
    return _delete(connection, (totals.c.guild_id == guild_id) & (totals.c.day <= day_of(until)), limit)


def delete_old(connection: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` totals of days before `before`; returns how many."""
    return _delete(connection, totals.c.day < day_of(before), limit)


def _delete(connection: Connection, which: ColumnElement[bool], limit: int) -> int:
    key = tuple_(*totals.primary_key.columns)
    chosen = select(*totals.primary_key.columns).where(which).limit(limit)
    found = connection.execute(chosen.with_for_update(skip_locked=True)).all()
    if found:
        connection.execute(delete(totals).where(key.in_([tuple(row) for row in found])))
    return len(found)


def day_of(moment: datetime) -> str:
    """The day in UTC, as it stands in the table."""
    return moment.astimezone(UTC).date().isoformat()
