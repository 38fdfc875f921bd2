"""The queries over jobs: the same ones for both databases.

A move names the state that the job is expected in, and the worker whose job it is. The database compares both in the
statement that writes, so of two that want to move the same job one succeeds and the other is told so. That is all the
locking that a job's life needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple, Unpack

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, func, or_, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from bot.errors import JobMoved
from bot.model import ARROWS, FINAL_STATES, OPEN_STATES, Job, JobState, NewJob, ReplyTarget
from bot.policy.quotas import FREE, Terms
from bot.store.approvals import queries as approvals
from bot.store.queries import ledger, reserve, showcase
from bot.store.queries.preferences import note_delivery, with_authors
from bot.store.queries.reserve import Received
from bot.store.rows import JobChanges, job_of, jobs_of, values_of_changes
from bot.store.schema import UNANNOUNCED, jobs
from bot.store.sync import queue_order
from bot.store.sync.notify import notify
from bot.store.sync.presence import Presence
from bot.store.thread import Join, Run
from bot.telemetry import UNMEASURED, Measures

__all__ = ["JobChanges", "Jobs", "Received"]

_FREED: Mapping[str, Any] = {"owner": None, "lease_until": None}


class LeaseNews(NamedTuple):
    """What another process may have written about a job that is worked on here."""

    cancel_requested: bool
    token: str  # of its reply


class Jobs:
    """All that is asked of, and written to, the table of jobs. Any method may raise StoreUnavailable.

    A job belongs to its `worker_id`, a process, while the lease lasts. `now` is always the caller's clock; leases are
    kept by the database's, see sync/presence.py.
    """

    def __init__(self, run: Run, join: Join, measures: Measures = UNMEASURED, presence: Presence | None = None) -> None:
        self._run = run
        self._join = join
        self._presence = presence or Presence()
        self._measures = measures

    async def receive(
        self,
        new: NewJob,
        *,
        worker_id: str,
        limit: int,
        now: datetime,
        lease: timedelta,
        terms: Terms = FREE,
        patience: float = 1.0,
    ) -> Received:
        """Write the first row of a job: state RECEIVED, leased to `worker_id`; and reserve in the ledger what it takes.

        Raises AlreadyReceived when its interaction started a job before, RulesChanged when the rules are not those
        of `terms` any more, TooManyJobs when the user has `limit` jobs in flight (or as many in this server as
        `terms` allow), QueueFull, QuotaReached, Barred, StoreUnavailable after `patience` seconds. Should the row stand
        in spite of that (see `Store.run`), it stays RECEIVED until its lease has run out, and `reclaim` hands it out
        as unacknowledged.
        """
        there = self._presence.database_time(now)
        entrant = reserve.Entrant(new, terms, limit, there, worker_id, there + lease)
        received = await self._join(reserve.receive, entrant, patience)
        self._measures.received(received.job)
        return received

    async def acknowledged(self, job: Job, target: ReplyTarget) -> Job:
        """Let a received job stand in line: Discord has taken its acknowledgement, and `target` says where.

        What a crowd does at once is one statement, behind whatever people still wait for. Raises JobMoved when it is
        no longer received.
        """
        entered = await self._join(queue_order.enter, queue_order.Acknowledged(job, target), waited_for=False)
        self._measures.moved(job, entered)
        return entered

    async def get(self, job_id: str) -> Job | None:
        """A job, which also says whose its sources are; None where there is none."""

        def read(connection: Connection) -> Job | None:
            found = _select(connection, jobs.c.id == job_id)
            return with_authors(connection, found[0]) if found else None

        return await self._run(read)

    async def move(
        self, job: Job, to: JobState, *, now: datetime, worker_id: str | None = None, **changes: Unpack[JobChanges]
    ) -> Job:
        """Take `job` along an arrow of its life, and write `changes` with it.

        Raises JobMoved when it is no longer in the state that `job` says, or not `worker_id`'s (where one is given).
        Times follow from the state: `submitted_at` with the first PAINTING, `ready_at` with READY, `finished_at` with
        the end; this last one by the database's clock, as the time of the first row. An end counts as not yet announced
        unless `changes` says so, DELIVERED as announced. The lease ends where the job goes back into the queue and
        where its end is announced. An announced end also loses the interaction's token: a finished reply no longer
        needs it. Whoever wants to be told of a delivery gets a notice.
        """
        if to not in ARROWS[job.state]:
            raise ValueError(f"no arrow leads from {job.state} to {to}")
        there = self._presence.database_time(now)
        values = _arrow_values(job.state, to, now, there, changes)
        if (not_before := values.get("not_before")) is not None:
            values["not_before"] = self._presence.database_time(not_before)
        step = _step(frozenset(values), of_worker=worker_id is not None)
        known = {"the_id": job.id, "from_state": job.state, "the_worker": worker_id}

        def write(connection: Connection) -> list[Job]:
            rows = connection.execute(step, known | {f"new_{name}": value for name, value in values.items()})
            moved = [job_of(row) for row in rows.mappings()]
            if moved:
                ledger.follow(connection, moved[0], changes, there, reopened=job.state.is_final)
            if moved and job.state is JobState.DELIVERING and to is JobState.DELIVERED:
                note_delivery(connection, moved[0], there)
            if moved and (to is JobState.WAITING or job.state is JobState.TIMED_OUT):
                notify(connection, job.id if job.state is JobState.TIMED_OUT else "")
            return moved

        moved = await self._run(write)
        if not moved:
            raise JobMoved(f"job {job.id} is no longer {job.state}, or another process has it")
        self._measures.moved(job, moved[0])
        return moved[0]

    async def change(self, job_id: str, **changes: Unpack[JobChanges]) -> Job:
        """Write `changes` (at least one), whatever the state. Raises JobMoved if there is no such job.

        Where the reply was deleted, the job's post in a showcase is to go as well, and a question whether to post it.

        `announced` is passed over while the job is not at its end: it has been taken up again meanwhile. A token is
        wiped with it, and not taken afterwards.
        """
        values = values_of_changes(changes)
        if values.get("told"):
            ended = jobs.c.state.in_(FINAL_STATES)
            values |= {"told": ended, "token": case((ended, ""), else_=values.get("token", jobs.c.token))}
        elif "token" in values:
            values["token"] = case((jobs.c.told, ""), else_=values["token"])

        def write(connection: Connection) -> list[Job]:
            found = _update(connection, jobs.c.id == job_id, values)
            if changes.get("reply_deleted"):
                showcase.withdraw(connection, job_id)
                approvals.withdraw(connection, [job_id])
            if found and "target" in changes:
                notify(connection, job_id)
            return found

        changed = await self._run(write)
        if not changed:
            raise JobMoved(f"there is no job {job_id}")
        return changed[0]

    async def request_cancel(self, job_id: str) -> Job:
        """Note that an unfinished job shall end. Returns it as it is then. Raises JobMoved if there is none."""

        def write(connection: Connection) -> Job:
            unfinished = and_(jobs.c.id == job_id, jobs.c.state.in_(OPEN_STATES))
            found = _update(connection, unfinished, {"cancel_requested": True})
            if found:
                notify(connection, job_id)
            found = found or _select(connection, jobs.c.id == job_id)
            if not found:
                raise JobMoved(f"there is no job {job_id}")
            return found[0]

        return await self._run(write)

    async def claim(self, worker_id: str, *, room: int, now: datetime, lease: timedelta) -> list[Job]:
        """Lease the first `room` jobs of the queue that may start to `worker_id`. They stay WAITING.

        A job under anybody's lease, `worker_id`'s own included, is passed over.
        """
        if room <= 0:
            return []

        def write(connection: Connection) -> list[Job]:
            there = self._presence.database_time(now)
            chosen = connection.execute(queue_order.claimable(there, room)).scalars().all()
            place = {seq: index for index, seq in enumerate(chosen)}
            taken = _take(connection, chosen, worker_id, there + lease)
            return sorted(taken, key=lambda job: place[job.seq])

        return await self._run(write)

    async def hold(self, worker_id: str, job_ids: Sequence[str], *, now: datetime, lease: timedelta) -> list[Job]:
        """Keep everybody from claiming these waiting jobs for a moment; returns those that nobody has meanwhile."""
        if not job_ids:
            return []
        there = self._presence.database_time(now)
        waiting = (
            select(jobs.c.seq)
            .where(jobs.c.id.in_(job_ids), jobs.c.state == JobState.WAITING, queue_order.free(there))
            .with_for_update(skip_locked=True)
        )
        return await self._run(
            lambda connection: _take(connection, connection.execute(waiting).scalars().all(), worker_id, there + lease)
        )

    async def let_go(self, worker_id: str, job_ids: Sequence[str]) -> list[str]:
        """Let anybody claim the jobs again that `worker_id` holds; returns those that still wait."""
        held = and_(jobs.c.id.in_(job_ids), jobs.c.owner == worker_id, jobs.c.state == JobState.WAITING)

        def write(connection: Connection) -> list[str]:
            freed = [job.id for job in _update(connection, held, _FREED)]
            if freed:
                notify(connection, "")
            return freed

        return await self._run(write) if job_ids else []

    async def reclaim(self, worker_id: str, *, now: datetime, lease: timedelta, include_own: bool) -> list[Job]:
        """Take over what nobody has a lease on, oldest first: unfinished jobs out of the queue, and untold ends.

        On PostgreSQL the leases of a process that is known to be dead count no more, though they have not run out.

        `include_own` is for the start of a process: what carries its name is a dead predecessor's, so that is
        taken over too, and what the predecessor had claimed goes back into the queue. Without it a job of `worker_id`
        comes up only when its lease ran out because `keep` was late.
        """

        def write(connection: Connection) -> list[Job]:
            self._presence.compare_clocks(connection)
            there = self._presence.database_time(now)
            left: list[ColumnElement[bool]] = [jobs.c.owner == worker_id] if include_own else []
            left += self._presence.of_the_dead(connection, worker_id, there + lease)
            if left:
                claimed = and_(or_(*left), jobs.c.state == JobState.WAITING)
                connection.execute(update(jobs).where(claimed).values(_FREED))
            abandoned = (
                select(jobs.c.seq)
                .where(UNANNOUNCED, jobs.c.state != JobState.WAITING, or_(queue_order.free(there), *left))
                .order_by(jobs.c.seq)
                .with_for_update(skip_locked=True)
            )
            return _take(connection, connection.execute(abandoned).scalars().all(), worker_id, there + lease)

        return await self._run(write)

    async def queue(self) -> list[str]:
        """The ids of the waiting jobs in the order of the queue: a job's place is its index plus one."""
        return await self._run(lambda connection: list(connection.execute(queue_order.IN_ORDER).scalars()))

    async def waiting(self) -> list[Job]:
        """The waiting jobs in the order of the queue."""
        query = select(jobs).where(jobs.c.state == JobState.WAITING).order_by(jobs.c.turn, jobs.c.seq)
        return await self._run(lambda connection: jobs_of(connection.execute(query).mappings()))

    async def keep(
        self, worker_id: str, job_ids: Sequence[str], *, now: datetime, lease: timedelta
    ) -> Mapping[str, LeaseNews]:
        """Renew the leases of `worker_id`. Returns the news of the jobs that are still its own, by id.

        Work on all others has to stop. What another process has written (a wish to cancel, a new token) comes home
        with the heartbeat, also where its notification was lost. No more than that is read: a thousand whole jobs
        every few seconds took a tenth of the database thread's time.
        """
        if not job_ids:
            return {}
        held = and_(jobs.c.owner == worker_id, jobs.c.id.in_(job_ids))
        until = self._presence.database_time(now) + lease
        news = (jobs.c.id, jobs.c.cancel_requested, jobs.c.token)
        renewal = update(jobs).where(held).values(lease_until=until).returning(*news)
        rows = await self._run(lambda connection: connection.execute(renewal).all())
        return {job_id: LeaseNews(cancel_requested, token) for job_id, cancel_requested, token in rows}

    async def release(self, worker_id: str) -> None:
        """End the leases of `worker_id`, so that others can go on at once. Its late writes count until one does."""
        ours = and_(jobs.c.owner == worker_id, UNANNOUNCED)

        def write(connection: Connection) -> None:
            connection.execute(update(jobs).where(ours).values(lease_until=None))

        await self._run(write)

    async def open_jobs(self, user_id: int) -> list[Job]:
        """The user's unfinished jobs, oldest first."""
        mine = and_(jobs.c.user_id == user_id, UNANNOUNCED, jobs.c.state.in_(OPEN_STATES))
        return await self._run(lambda connection: _select(connection, mine))


def _select(connection: Connection, which: ColumnElement[bool]) -> list[Job]:
    query = select(jobs).where(which).order_by(jobs.c.seq)
    return jobs_of(connection.execute(query).mappings())


def _update(connection: Connection, which: ColumnElement[bool], values: Mapping[str, Any]) -> list[Job]:
    # RETURNING and not rowcount, which psycopg does not always tell.
    change = update(jobs).where(which).values(values).returning(*jobs.c)
    return jobs_of(connection.execute(change).mappings())


@cache
def _step(columns: frozenset[str], *, of_worker: bool) -> ReturningUpdate[Any]:
    """Writes these columns of one job, where it is in the state expected. A job's life has some ten of them.

    Kept, because making one anew takes longer than doing it.
    """
    row = [jobs.c.id == bindparam("the_id"), jobs.c.state == bindparam("from_state")]
    if of_worker:
        row.append(jobs.c.owner == bindparam("the_worker"))
    values: dict[str, Any] = {name: bindparam(f"new_{name}", type_=jobs.c[name].type) for name in columns}
    if "submitted_at" in values:
        # A job that had timed out is the same task as before: it keeps the time of its submission.
        values["submitted_at"] = func.coalesce(jobs.c.submitted_at, values["submitted_at"])
    return update(jobs).where(*row).values(values).returning(*jobs.c)


def _take(connection: Connection, seqs: Sequence[int], worker_id: str, until: datetime) -> list[Job]:
    if not seqs:
        return []
    taken = _update(connection, jobs.c.seq.in_(seqs), {"owner": worker_id, "lease_until": until})
    return sorted(taken, key=lambda job: job.seq)


def _arrow_values(start: JobState, to: JobState, now: datetime, there: datetime, changes: JobChanges) -> dict[str, Any]:
    values: dict[str, Any] = {"state": to}
    if to is JobState.PAINTING:
        values |= {"submitted_at": now, "finished_at": None, "failure": None}
    if to is JobState.READY:
        values["ready_at"] = now
    if to.is_final:
        values |= {"finished_at": there, "told": to is JobState.DELIVERED}
    values |= values_of_changes(changes)
    if not to.is_final:
        values["told"] = False
    if values["told"]:
        values["token"] = ""
    # Whoever ended a job keeps it until its user is told, so that nobody else tells it too.
    if to is JobState.WAITING or start.is_final or values["told"]:
        values |= _FREED
    return values
