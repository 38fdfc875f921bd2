"""Which processes are there, and what time it is: what leases on one PostgreSQL are judged by.

**Presence.** Each process holds an advisory lock with its name on a connection of its own (see notify.py), and the lock
ends with the connection: at once when the process dies, within ten seconds when its host vanishes. A frozen process
keeps it. So a lock that is gone is a sign of death, but no proof: the connection alone may be lost. A process counts as
dead when its lock is gone *and* it has not renewed its leases for UNSEEN, which takes two missed heartbeats. Whoever
judges must itself have been connected for that long, because after a restart of the database nobody's lock is there.

Behind a pooler that shares connections, locks say nothing that can be relied on. There the lease itself, which a dead
process does not renew, is what remains.

**The time.** Clocks of machines differ, and a process whose clock is fast would find everybody's lease run out. Leases
are therefore written and compared by the database's clock: each process measures how far its own is from that. So is
when a job came in and when it ended, because the two may be written by different processes.

SQLite has one process and one clock, so it needs neither.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, literal, select, text

from bot.store.schema import UNANNOUNCED, UtcTime, jobs
from bot.store.sync import advisory_locks as locks

UNSEEN = timedelta(seconds=7)
_DATABASE_CLOCK = text("SELECT clock_timestamp()")


def utc_now() -> datetime:
    """What the clock of this machine says."""
    return datetime.now(UTC)


class Presence:
    """What this process knows of itself and the others. Used in the database thread, but for `seen` and `lost`."""

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self._connected_at: float | None = None
        self._ahead = timedelta(0)  # the database's clock, seen from this one

    def seen(self) -> None:
        """The lock with this process's name is held from now on."""
        self._connected_at = time.monotonic()

    def lost(self) -> None:
        """The connection that held it is gone."""
        self._connected_at = None

    def compare_clocks(self, connection: Connection) -> None:
        """Measure how far the database's clock is from this one. What the time of the question explains is nothing."""
        if connection.dialect.name == "postgresql":
            asked = self._clock()
            there = connection.execute(_DATABASE_CLOCK).scalar_one()
            self._ahead = there - min(max(there, asked), self._clock())

    def database_time(self, now: datetime) -> datetime:
        """A moment of this machine's clock as the database's clock has it."""
        return now + self._ahead

    def of_the_dead(self, connection: Connection, worker_id: str, lease_end: datetime) -> Sequence[ColumnElement[bool]]:
        """What dead processes still hold, as conditions on jobs; none while `worker_id`, who asks, cannot be sure.

        `lease_end` is that of a lease that begins now, which tells how long ago a lease was renewed.
        """
        connected = self._connected_at
        if connected is None or time.monotonic() - connected < UNSEEN.total_seconds():
            return ()
        others = select(jobs.c.owner).where(UNANNOUNCED, jobs.c.owner.is_not(None), jobs.c.owner != worker_id)
        named = connection.execute(others.distinct()).scalars().all()
        held = locks.held_by_processes(connection) if named else set[int]()
        dead = [it for it in named if locks.of_process(it) not in held]
        return (
            [and_(jobs.c.owner.in_(dead), jobs.c.lease_until <= literal(lease_end - UNSEEN, UtcTime))] if dead else ()
        )
