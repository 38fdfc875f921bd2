"""Stars, and the posts of the showcase that come of them: counted right, and each post made and removed once.

A post goes along these states, each written before what it announces:

    none ─> wanted ─> posting ─> posted ─> removing ─> removed ─> wanted (a moderator's star)
              └─────────┴──────── withdrawn: removed, or removing where something may stand in the channel

A process takes a post by a lease that it renews while it works, by the clock of the database (see sync/presence.py).
A dead process stops renewing, and another one goes on
with the post as it stands. Found as *posting* with a channel, a message may stand there already, so it is looked for
first. Whatever a process that has lost its lease still writes is not taken: each write asks for its worker_id.

Everything about one picture is written under that picture's lock, so a crowd's stars are counted one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, delete, func, insert, literal, or_, select, update

from bot.model import Job
from bot.store.schema import STALE_COUNT, UtcTime, jobs, showcase, stars
from bot.store.sync import advisory_locks as locks
from bot.store.sync.presence import Presence
from bot.store.thread import Run


class PostState(StrEnum):
    """How far the post of a picture has come."""

    NONE = "none"
    WANTED = "wanted"
    POSTING = "posting"  # a message may stand in the channel already
    POSTED = "posted"
    REMOVING = "removing"  # likewise, and it has to go
    REMOVED = "removed"  # on purpose: stars do not bring it back


UNKNOWN = -1  # of a number of stars: an edit of the reply is under way, or was
_DUE = (PostState.WANTED, PostState.POSTING, PostState.REMOVING)
_FREED: dict[str, Any] = {"worker_id": None, "lease_until": None}


@dataclass(frozen=True, slots=True)
class Showing:
    """A picture with stars, as it stands in the database. See schema.ShowcaseColumns."""

    job_id: str
    guild_id: int
    maker_id: int
    stars: int
    state: PostState
    since: datetime
    channel_id: int | None = None
    place_id: int | None = None
    message_id: int | None = None


@dataclass(frozen=True, slots=True)
class Starred:
    """What a press on the star has done: given one or taken it back, how many there are, and how the post stands."""

    given: bool
    stars: int
    state: PostState


class ShowcaseQueries:
    """Any method may raise StoreUnavailable."""

    def __init__(self, run: Run, presence: Presence) -> None:
        self._run = run
        self._presence = presence

    async def star(
        self, job: Job, user_id: int, *, needed: int, at_once: bool, now: datetime, patience: float
    ) -> Starred:
        """Give a star, or take it back where this person has given one.

        The post is wanted from `needed` stars on, and `at_once` where a moderator gives one.
        """

        def write(connection: Connection) -> Starred:
            _hold(connection, job.id)
            mine = and_(stars.c.job_id == job.id, stars.c.user_id == user_id)
            given = connection.execute(delete(stars).where(mine).returning(stars.c.user_id)).first() is None
            if given:
                connection.execute(insert(stars).values(job_id=job.id, user_id=user_id, given_at=now))
            present = _read(connection, job.id)
            if present is None:
                _begin(connection, job, now)
            count = _recount(connection, job.id)
            state = present.state if present else PostState.NONE
            enough = count >= needed and state is PostState.NONE
            if given and (enough or (at_once and state in {PostState.NONE, PostState.REMOVED})):
                state = PostState.WANTED
                wanted = {"post": state, "since": now, "channel_id": None, "not_before": None}
                connection.execute(update(showcase).where(showcase.c.job_id == job.id).values(wanted))
            return Starred(given, count, state)

        return await self._run(write, patience)

    async def get(self, job_id: str, patience: float | None = None) -> Showing | None:
        """How a picture stands; None where it never had a star."""
        return await self._run(lambda connection: _read(connection, job_id), patience)

    async def stale(self, now: datetime, *, pace: timedelta, limit: int) -> Sequence[tuple[str, int]]:
        """Replies that show another number of stars than there are, with that number, for the caller to edit now.

        None comes up again within `pace`, in whatever process, so that a reply is edited no more often. What a reply
        shows counts as unknown until `counted`: where the caller dies before, it comes up again.
        """
        now = self._presence.database_time(now)
        free = and_(
            STALE_COUNT, or_(showcase.c.edited_at.is_(None), showcase.c.edited_at <= literal(now - pace, UtcTime))
        )
        chosen = select(showcase.c.job_id).where(free).limit(limit)
        taken = update(showcase).where(showcase.c.job_id.in_(chosen), free).values(edited_at=now, shown=UNKNOWN)
        returned = taken.returning(showcase.c.job_id, showcase.c.stars)
        return await self._run(lambda connection: [(it[0], it[1]) for it in connection.execute(returned)])

    async def counted(self, job_id: str, count: int) -> None:
        """The reply shows this many stars."""
        change = update(showcase).where(showcase.c.job_id == job_id).values(shown=count)
        await self._run(lambda connection: connection.execute(change) and None)

    async def due(self, worker_id: str, now: datetime, *, lease: timedelta, limit: int) -> Sequence[Showing]:
        """Lease posts that wait for something to `worker_id`, the oldest first. A wanted one is *posting* then."""
        now = self._presence.database_time(now)
        free = and_(
            showcase.c.post.in_(_DUE),
            or_(showcase.c.lease_until.is_(None), showcase.c.lease_until <= literal(now, UtcTime)),
            or_(showcase.c.not_before.is_(None), showcase.c.not_before <= literal(now, UtcTime)),
        )
        chosen = select(showcase.c.job_id).where(free).order_by(showcase.c.since).limit(limit)
        state = case((showcase.c.post == PostState.WANTED, PostState.POSTING), else_=showcase.c.post)
        values = {"post": state, "worker_id": worker_id, "lease_until": now + lease}
        taken = update(showcase).where(showcase.c.job_id.in_(chosen), free).values(values).returning(*_SHOWING)
        return await self._run(lambda connection: [_showing(it) for it in connection.execute(taken)])

    async def keep(self, worker_id: str, job_ids: Sequence[str], now: datetime, *, lease: timedelta) -> None:
        """Renew leases of `worker_id`."""
        mine = and_(showcase.c.worker_id == worker_id, showcase.c.job_id.in_(job_ids))
        change = update(showcase).where(mine).values(lease_until=self._presence.database_time(now) + lease)
        await self._run(lambda connection: connection.execute(change) and None)

    async def release(self, worker_id: str) -> None:
        """End the leases of `worker_id`: those of a dead process of this name, at the start of the next."""
        change = update(showcase).where(showcase.c.worker_id == worker_id).values(_FREED)
        await self._run(lambda connection: connection.execute(change) and None)

    async def aim(self, worker_id: str, job_id: str, channel_id: int) -> bool:
        """Announce that a message is now posted into this channel; False where it may not be any more."""
        return await self._ours(worker_id, job_id, {"channel_id": channel_id}, showcase.c.post == PostState.POSTING)

    async def posted(self, worker_id: str, job_id: str, place_id: int, message_id: int) -> bool:
        """The message stands there. False where the lease was lost: then it may be one too many.

        Where the post is no longer wanted, the row learns where the message is, and it is removed next.
        """
        state = case((showcase.c.post == PostState.POSTING, PostState.POSTED), else_=showcase.c.post)
        return await self._ours(
            worker_id, job_id, {"post": state, "place_id": place_id, "message_id": message_id} | _FREED
        )

    async def put_off(self, worker_id: str, job_id: str, *, until: datetime) -> None:
        """Leave a post for later, as it stands."""
        await self._ours(worker_id, job_id, {"not_before": self._presence.database_time(until)} | _FREED)

    async def give_up(self, worker_id: str, job_id: str) -> None:
        """Nothing stands in the channel and nothing is posted; the next star asks for it again."""
        nothing = {"post": PostState.NONE, "channel_id": None, "not_before": None}
        await self._ours(worker_id, job_id, nothing | _FREED, showcase.c.post == PostState.POSTING)
        await self._ours(worker_id, job_id, _FREED)

    async def removed(self, worker_id: str, job_id: str) -> None:
        """The message is gone. Nothing is kept of a picture that is gone itself."""

        def write(connection: Connection) -> None:
            _hold(connection, job_id)
            there = and_(jobs.c.id == job_id, jobs.c.reply_deleted.is_(False))
            if connection.execute(select(jobs.c.seq).where(there)).first() is None:
                connection.execute(delete(stars).where(stars.c.job_id == job_id))
                connection.execute(delete(showcase).where(showcase.c.job_id == job_id))
                return
            nowhere = {"post": PostState.REMOVED, "channel_id": None, "place_id": None, "message_id": None}
            mine = and_(showcase.c.job_id == job_id, showcase.c.worker_id == worker_id)
            connection.execute(update(showcase).where(mine).values(nowhere | _FREED))

        await self._run(write)

    async def withdraw(self, job_id: str) -> bool:
        """A person wants the post gone; False where there is none. It has to be removed next."""
        return await self._run(lambda connection: withdraw(connection, job_id))

    async def _ours(
        self, worker_id: str, job_id: str, values: dict[str, Any], which: ColumnElement[bool] | None = None
    ) -> bool:
        mine = and_(showcase.c.job_id == job_id, showcase.c.worker_id == worker_id, *([] if which is None else [which]))
        change = update(showcase).where(mine).values(values).returning(showcase.c.job_id)
        return await self._run(lambda connection: connection.execute(change).first() is not None)


def withdraw(connection: Connection, job_id: str) -> bool:
    """The post of a picture is to go, within a transaction; False where there is none."""
    _hold(connection, job_id)
    stands = showcase.c.post.in_([PostState.POSTED, PostState.POSTING, PostState.REMOVING])
    state = case((stands, PostState.REMOVING), else_=PostState.REMOVED)
    known = and_(showcase.c.job_id == job_id, showcase.c.post.in_([*_DUE, PostState.POSTED]))
    change = update(showcase).where(known).values(post=state, not_before=None).returning(showcase.c.job_id)
    return connection.execute(change).first() is not None


def take_back(connection: Connection, user_id: int, until: datetime, limit: int) -> int:
    """Take back up to `limit` stars that a person has given until then; returns how many."""
    theirs = and_(stars.c.user_id == user_id, stars.c.given_at <= literal(until, UtcTime))
    chosen = connection.execute(select(stars.c.job_id).where(theirs).limit(limit)).scalars().all()
    if chosen:
        connection.execute(delete(stars).where(stars.c.user_id == user_id, stars.c.job_id.in_(chosen)))
        count = select(func.count()).where(stars.c.job_id == showcase.c.job_id).correlate(showcase).scalar_subquery()
        connection.execute(update(showcase).where(showcase.c.job_id.in_(chosen)).values(stars=count))
    return len(chosen)


def forget_jobs(connection: Connection, job_ids: Sequence[str], *, posts_too: bool) -> None:
    """Delete what is kept of the stars of jobs that are deleted, in the transaction that deletes them.

    Their posts stay where they are, as their replies do. With `posts_too` they are removed, and the row of one stays
    until it is.
    """
    if not job_ids:
        return
    these = showcase.c.job_id.in_(job_ids)
    if posts_too:
        stands = and_(these, showcase.c.post.in_([PostState.POSTED, PostState.POSTING]))
        connection.execute(update(showcase).where(stands).values(post=PostState.REMOVING, not_before=None))
    connection.execute(delete(stars).where(stars.c.job_id.in_(job_ids)))
    connection.execute(update(showcase).where(these).values(stars=0, shown=0))
    over = showcase.c.post.not_in([PostState.POSTING, PostState.REMOVING])
    connection.execute(delete(showcase).where(these, over))


def _hold(connection: Connection, job_id: str) -> None:
    locks.hold(connection, [locks.of_name(f"stars:{job_id}")])


def _begin(connection: Connection, job: Job, now: datetime) -> None:
    values = {"job_id": job.id, "job_seq": job.seq, "guild_id": job.target.guild_id or 0, "maker_id": job.user_id}
    counts = {"stars": 0, "shown": 0, "post": PostState.NONE, "since": now}
    connection.execute(insert(showcase).values(values | counts))


def _recount(connection: Connection, job_id: str) -> int:
    """Count anew, so that whatever happened to single stars, the number is theirs."""
    count = select(func.count()).where(stars.c.job_id == job_id).scalar_subquery()
    change = update(showcase).where(showcase.c.job_id == job_id).values(stars=count).returning(showcase.c.stars)
    return int(connection.execute(change).scalar() or 0)


_SHOWING = (
    *(showcase.c.job_id, showcase.c.guild_id, showcase.c.maker_id, showcase.c.stars, showcase.c.post, showcase.c.since),
    *(showcase.c.channel_id, showcase.c.place_id, showcase.c.message_id),
)


def _showing(row: Any) -> Showing:
    job_id, guild_id, maker_id, count, post, since, channel_id, place_id, message_id = row
    return Showing(job_id, guild_id, maker_id, count, PostState(post), since, channel_id, place_id, message_id)


def _read(connection: Connection, job_id: str) -> Showing | None:
    row = connection.execute(select(*_SHOWING).where(showcase.c.job_id == job_id)).first()
    return None if row is None else _showing(row)
