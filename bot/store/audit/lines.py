"""The lines of servers' logs: written in the transaction of the act, taken in batches, each posted once.

| moment                    | what stands in the database            | who finds it after a crash              |
|---------------------------|----------------------------------------|-----------------------------------------|
| something happens         | a line with its channel                | posts it                                |
| a process takes lines     | `batch`, and `due_at` as a lease       | waits for it; at a start takes its own  |
| their message is to go    | `tried_at`                             | looks for the message before it sends   |
| it stands, or cannot be   | only changed settings, without channel | nobody                                  |

A batch is never taken apart: what has been one message stays one, so it is found again as a whole. A channel has one
batch at a time, and its lines stay in order.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, delete, func, insert, or_, select, update

from bot.policy.server_log import LogLine, fitting
from bot.store.audit.table import WAITING_LINES, server_log
from bot.store.sync import advisory_locks as locks
from bot.store.sync.presence import Presence
from bot.store.thread import Run

#: Lines that wait for one channel. The oldest give way, and their number is told.
MAX_WAITING = 500
MAX_IN_BATCH = 200
KEPT_OF_A_SERVER = 500  # changed settings
_LOCK = "server log"
_FIELDS = ("guild_id", "channel_id", "locale", "text", "user_id", "who", "about_id", "is_setting")
_OF_PEOPLE = ("text", "who")  # stored as JSON, see schema.py


@dataclass(frozen=True, slots=True)
class LogBatch:
    """Lines that are to be one message. `number` is that of their first line and names the batch for good."""

    number: int
    channel_id: int
    lines: Sequence[LogLine]
    left_out: int  # lines before these that found no room
    made_at: datetime  # of the first line
    tried_at: datetime | None


class ServerLogQueries:
    """Any method may raise StoreUnavailable."""

    def __init__(self, run: Run, presence: Presence) -> None:
        self._run = run
        self._presence = presence

    async def add(self, lines: Iterable[LogLine], now: datetime) -> None:
        """Write down what happened outside any other transaction."""
        several = list(lines)
        await self._run(lambda connection: add(connection, several, now))

    async def claim(
        self, worker_id: str, *, now: datetime, lease: timedelta, gather: timedelta, at_most: int, own: bool = False
    ) -> list[LogBatch]:
        """Take one batch of each of up to `at_most` channels; nobody else gets them until the lease is over.

        New lines are taken once the first of them has waited for `gather`, so that a crowd becomes few messages.
        `own` is for the start of a process: what carries its name was a dead predecessor's, and is due now.
        Leases go by the database's clock, see sync/presence.py. A line carries the time of whoever wrote it: one that
        seems to come from the future is taken at once.
        """
        now = self._presence.database_time(now)

        def write(connection: Connection) -> list[LogBatch]:
            if not connection.execute(_WAITING).first():
                return []
            # Two processes must not both make a batch of the same lines, nor two of one channel.
            locks.hold(connection, [locks.of_name(_LOCK)])
            chosen: list[int] = []
            for row in connection.execute(_CHANNELS).all():
                if row.waiting > MAX_WAITING:
                    _make_room(connection, row.channel_id, row.waiting - MAX_WAITING)
                if len(chosen) < at_most and (number := _batch_of(connection, row.channel_id, worker_id, now, own)):
                    chosen.append(number)
                elif len(chosen) < at_most and row.batches == 0 and not now - gather < row.since <= now:
                    chosen.append(_new_batch(connection, row.channel_id))
            mine = server_log.c.batch.in_(chosen)
            connection.execute(update(server_log).where(mine).values(worker_id=worker_id, due_at=now + lease))
            return [_read(connection, number) for number in chosen]

        return await self._run(write)

    async def trying(self, batch: LogBatch, worker_id: str, now: datetime) -> bool:
        """Write down that a message is about to be sent. False where another process has the batch, or it is gone."""
        mine = and_(server_log.c.batch == batch.number, server_log.c.worker_id == worker_id)
        change = update(server_log).where(mine).values(tried_at=now).returning(server_log.c.seq)
        return await self._run(lambda connection: connection.execute(change).first() is not None)

    async def later(self, batch: LogBatch, worker_id: str, due_at: datetime) -> None:
        """Let it be tried again at a time."""
        mine = and_(server_log.c.batch == batch.number, server_log.c.worker_id == worker_id)
        change = update(server_log).where(mine).values(due_at=self._presence.database_time(due_at))

        def write(connection: Connection) -> None:
            connection.execute(change)

        await self._run(write)

    async def done(self, batch: LogBatch) -> None:
        """The message stands, or it cannot be. Changed settings are kept, as many as a server has room for."""
        mine = server_log.c.batch == batch.number

        def write(connection: Connection) -> None:
            connection.execute(delete(server_log).where(mine, server_log.c.is_setting.is_(False)))
            connection.execute(update(server_log).where(mine).values(channel_id=None, batch=None))
            for guild_id in {it.guild_id for it in batch.lines}:
                _keep_latest(connection, guild_id)

        await self._run(write)


def add(connection: Connection, lines: Sequence[LogLine], now: datetime) -> None:
    """Write down what happened, within the transaction in which it does."""
    if lines:
        values = [_values(line) | {"made_at": now, "due_at": now, "left_out": 0} for line in lines]
        connection.execute(insert(server_log), values)


def forget_person(connection: Connection, user_id: int) -> None:
    """Delete a person's lines. What they changed in a server's settings stays with the server, without their name."""
    theirs = or_(server_log.c.user_id == user_id, server_log.c.about_id == user_id)
    connection.execute(delete(server_log).where(theirs, server_log.c.is_setting.is_(False)))
    named = update(server_log).where(server_log.c.user_id == user_id)
    connection.execute(named.values(user_id=None, who=json.dumps("")))


def forget_server(connection: Connection, guild_id: int) -> None:
    """Delete all lines of a server."""
    connection.execute(delete(server_log).where(server_log.c.guild_id == guild_id))


def prune(connection: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` kept lines that are older than `before`; returns how many."""
    old = and_(server_log.c.channel_id.is_(None), server_log.c.made_at < before)
    chosen = select(server_log.c.seq).where(old).order_by(server_log.c.made_at).limit(limit)
    gone = delete(server_log).where(server_log.c.seq.in_(chosen)).returning(server_log.c.seq)
    return len(connection.execute(gone).all())


_WAITING = select(server_log.c.seq).where(WAITING_LINES).limit(1)
_CHANNELS = (
    select(
        server_log.c.channel_id,
        func.count().label("waiting"),
        func.count(server_log.c.batch).label("batches"),
        func.min(server_log.c.made_at).label("since"),
    )
    .where(WAITING_LINES)
    .group_by(server_log.c.channel_id)
    .order_by(func.min(server_log.c.seq))
)


def _batch_of(connection: Connection, channel_id: int, worker_id: str, now: datetime, own: bool) -> int | None:
    """The batch that a channel has already, where it is due."""
    due = server_log.c.due_at <= now
    due = or_(due, server_log.c.worker_id == worker_id) if own else due
    mine = and_(server_log.c.channel_id == channel_id, server_log.c.batch.is_not(None), due)
    return connection.execute(select(server_log.c.batch).where(mine).limit(1)).scalar_one_or_none()


def _new_batch(connection: Connection, channel_id: int) -> int:
    """Make a batch of the oldest lines of a channel, as many as fit into a message."""
    free = and_(server_log.c.channel_id == channel_id, server_log.c.batch.is_(None))
    query = select(server_log).where(free).order_by(server_log.c.seq).limit(MAX_IN_BATCH)
    found = connection.execute(query).mappings().all()
    chosen = [row["seq"] for row in found[: fitting([_line(row) for row in found])]]
    connection.execute(update(server_log).where(server_log.c.seq.in_(chosen)).values(batch=chosen[0]))
    return chosen[0]


def _make_room(connection: Connection, channel_id: int, surplus: int) -> None:
    """Drop the oldest lines that are in no batch, and note their number at the next one."""
    free = and_(server_log.c.channel_id == channel_id, server_log.c.batch.is_(None))
    query = select(server_log.c.seq, server_log.c.left_out).where(free).order_by(server_log.c.seq).limit(surplus + 1)
    found = connection.execute(query).all()
    if len(found) < 2:
        return
    dropped, heir = found[:-1], found[-1]
    count = heir.left_out + sum(1 + it.left_out for it in dropped)
    gone = server_log.c.seq.in_([it.seq for it in dropped])
    connection.execute(delete(server_log).where(gone, server_log.c.is_setting.is_(False)))
    connection.execute(update(server_log).where(gone).values(channel_id=None))
    connection.execute(update(server_log).where(server_log.c.seq == heir.seq).values(left_out=count))


def _keep_latest(connection: Connection, guild_id: int) -> None:
    """Bound what is kept of a server."""
    kept = and_(server_log.c.guild_id == guild_id, server_log.c.channel_id.is_(None))
    last = select(server_log.c.seq).where(kept).order_by(server_log.c.seq.desc()).offset(KEPT_OF_A_SERVER).limit(1)
    oldest = connection.execute(last).scalar_one_or_none()
    if oldest is not None:
        connection.execute(delete(server_log).where(kept, server_log.c.seq <= oldest))


def _read(connection: Connection, number: int) -> LogBatch:
    query = select(server_log).where(server_log.c.batch == number).order_by(server_log.c.seq)
    found = connection.execute(query).mappings().all()
    lines = [_line(row) for row in found]
    first = found[0]
    left_out = sum(row["left_out"] for row in found)
    return LogBatch(number, first["channel_id"], lines, left_out, first["made_at"], first["tried_at"])


def _line(row: RowMapping) -> LogLine:
    values = {name: row[name] for name in _FIELDS}
    return LogLine(**values | {name: json.loads(values[name]) for name in _OF_PEOPLE})


def _values(line: LogLine) -> dict[str, Any]:
    values = {name: getattr(line, name) for name in _FIELDS}
    return values | {name: json.dumps(values[name]) for name in _OF_PEOPLE}
