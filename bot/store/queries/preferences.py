"""The queries over what members have chosen for themselves: who edits their pictures, and the notices that some want.

A notice is written down in the transaction that ends its job, so a crash forgets none. The row says when a message was
tried, before it is sent, and goes when it stands: whoever finds a row that was tried looks for the message first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, Select, and_, bindparam, delete, func, insert, literal, or_, select, update

from bot.model import FollowUp, Job, NewJob, Source
from bot.policy.patience import ANSWER_WITHIN_S
from bot.policy.preferences import EditChoice, Preferences
from bot.store.rows import jobs_of, without_source
from bot.store.schema import UtcTime, jobs, notices, preferences, source_authors
from bot.store.sync import advisory_locks as locks
from bot.store.sync.presence import Presence
from bot.store.thread import Run


class PreferenceStore:
    """Reads and changes preferences. Any method may raise StoreUnavailable."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def read(self, user_id: int) -> Preferences:
        """What one person has chosen."""
        return await self._run(lambda connection: read_preferences(connection, user_id), ANSWER_WITHIN_S)

    async def edit_choices(self, user_ids: Iterable[int]) -> Mapping[int, EditChoice]:
        """Who may edit the pictures of these people, where they have said so."""
        query = select(preferences.c.user_id, preferences.c.value).where(preferences.c.user_id.in_(list(user_ids)))

        def read(connection: Connection) -> Mapping[int, EditChoice]:
            found = {user_id: Preferences.read(json.loads(value)) for user_id, value in connection.execute(query)}
            return {user_id: its.edits for user_id, its in found.items() if its.edits is not None}

        return await self._run(read, ANSWER_WITHIN_S)

    async def change(self, user_id: int, edit: Callable[[Preferences], Preferences]) -> Preferences:
        """Let `edit` make new preferences from the present ones. Of two changes at once none is lost."""

        def write(connection: Connection) -> Preferences:
            locks.hold(connection, [locks.of_user(user_id)])
            changed = edit(read_preferences(connection, user_id))
            value = json.dumps(changed.written, separators=(",", ":"))
            known = update(preferences).where(preferences.c.user_id == user_id).values(value=value)
            if connection.execute(known.returning(preferences.c.user_id)).first() is None:
                connection.execute(insert(preferences).values(user_id=user_id, value=value))
            return changed

        return await self._run(write)


def read_preferences(connection: Connection, user_id: int) -> Preferences:
    """What one person has chosen, read within a transaction."""
    value = connection.execute(select(preferences.c.value).where(preferences.c.user_id == user_id)).scalar_one_or_none()
    return Preferences.read(json.loads(value)) if value else Preferences()


def write_authors(connection: Connection, new_jobs: Iterable[NewJob]) -> None:
    """Write down whose the sources of new jobs are, in the transaction that writes the jobs."""
    rows = [
        {"job_id": new.id, "position": position, "user_id": it.author_id, "offered": it.offered}
        for new in new_jobs
        for position, it in enumerate(new.request.sources)
        if it.author_id is not None
    ]
    if rows:
        connection.execute(insert(source_authors), rows)


def with_authors(connection: Connection, job: Job) -> Job:
    """The job as it says whose its sources are."""
    if not job.request.sources:
        return job
    sources: list[Source] = list(job.request.sources)
    query = select(source_authors).where(source_authors.c.job_id == job.id)
    for row in connection.execute(query).mappings():
        at: int = row["position"]
        if at < len(sources):
            sources[at] = replace(sources[at], author_id=row["user_id"], offered=row["offered"])
    return replace(job, request=replace(job.request, sources=tuple(sources)))


def edits_of(user_id: int, until: datetime) -> Select[str, int]:
    """Jobs with a source of a person, and which it is."""
    of_job = source_authors.join(jobs, jobs.c.id == source_authors.c.job_id)
    theirs = and_(source_authors.c.user_id == user_id, jobs.c.received_at <= literal(until, UtcTime))
    return select(source_authors.c.job_id, source_authors.c.position).select_from(of_job).where(theirs)


def forget_author(connection: Connection, user_id: int, until: datetime, limit: int) -> int:
    """Take a person out of up to `limit` ended edits of their pictures; returns how many.

    The name of their file goes, and the address, which holds it. Buttons work on: they take the picture from the reply.
    """
    found = connection.execute(edits_of(user_id, until).where(jobs.c.told).limit(limit)).all()
    if not found:
        return 0
    ids = {job_id for job_id, _ in found}
    texts = {row[0]: row[1] for row in connection.execute(select(jobs.c.id, jobs.c.request).where(jobs.c.id.in_(ids)))}
    for job_id, position in found:
        texts[job_id] = without_source(texts[job_id], position)
    row = and_(source_authors.c.job_id == bindparam("the_id"), source_authors.c.position == bindparam("at"))
    rows = [{"the_id": job_id, "at": position} for job_id, position in found]
    connection.execute(update(source_authors).where(row).values(user_id=0), rows)
    request = update(jobs).where(jobs.c.id == bindparam("the_id")).values(request=bindparam("text"))
    connection.execute(request, [{"the_id": job_id, "text": text} for job_id, text in texts.items()])
    return len(found)


def chosen_presets(connection: Connection, user_ids: Iterable[int]) -> Mapping[int, str]:
    """Which preset each of these people has chosen for requests that name none, where they have."""
    theirs = preferences.c.user_id.in_(sorted(user_ids))
    found = connection.execute(select(preferences.c.user_id, preferences.c.value).where(theirs))
    read = {user_id: Preferences.read(json.loads(value)).preset for user_id, value in found}
    return {user_id: preset for user_id, preset in read.items() if preset is not None}


@dataclass(frozen=True, slots=True)
class Notice:
    """A delivered job whose requester is to be mentioned. `tried_at` is when a message was last about to be sent."""

    job: Job
    made_at: datetime
    tried_at: datetime | None


class NoticeQueries:
    """The notices that are still to be given. Any method may raise StoreUnavailable.

    When one is due is told by the database's clock, see sync/presence.py; `now` is always the caller's.
    """

    def __init__(self, run: Run, presence: Presence) -> None:
        self._run = run
        self._presence = presence

    async def claim(
        self, worker_id: str, *, now: datetime, lease: timedelta, at_most: int, include_own: bool = False
    ) -> list[Notice]:
        """Take up to `at_most` notices that are due, oldest first; nobody else gets them until the lease is over.

        At most one of each channel, because Discord paces messages by channel: a crowd in one holds up no other.
        `include_own` is for the start of a process: what carries its name was a dead predecessor's, and is due now.
        A notice whose job was deleted goes with this.
        """
        now = self._presence.database_time(now)
        due = notices.c.due_at <= now
        if include_own:
            due = or_(due, notices.c.worker_id == worker_id)
        nth = func.row_number().over(partition_by=jobs.c.channel_id, order_by=(notices.c.made_at, notices.c.job_id))
        with_jobs = notices.outerjoin(jobs, jobs.c.id == notices.c.job_id)
        ranked = select(notices.c.job_id, nth.label("nth")).select_from(with_jobs).where(due).subquery()
        firsts = select(ranked.c.job_id).where(ranked.c.nth == 1)
        query = select(notices).where(due, notices.c.job_id.in_(firsts)).order_by(notices.c.made_at).limit(at_most)
        query = query.with_for_update(skip_locked=True)

        def write(connection: Connection) -> list[Notice]:
            found = {row["job_id"]: row for row in connection.execute(query).mappings()}
            if not found:
                return []
            mine = notices.c.job_id.in_(list(found))
            connection.execute(update(notices).where(mine).values(worker_id=worker_id, due_at=now + lease))
            delivered = jobs_of(connection.execute(select(jobs).where(jobs.c.id.in_(list(found)))).mappings())
            gone = found.keys() - {job.id for job in delivered}
            connection.execute(delete(notices).where(notices.c.job_id.in_(list(gone))))
            return [Notice(job, found[job.id]["made_at"], found[job.id]["tried_at"]) for job in delivered]

        return await self._run(write)

    async def trying(self, job_id: str, worker_id: str, now: datetime) -> bool:
        """Write down that a message is about to be sent. False where another process has the notice, or it is gone."""
        mine = and_(notices.c.job_id == job_id, notices.c.worker_id == worker_id)
        change = update(notices).where(mine).values(tried_at=now).returning(notices.c.job_id)
        return await self._run(lambda connection: connection.execute(change).first() is not None)

    async def later(self, job_id: str, worker_id: str, due_at: datetime) -> None:
        """Let it be tried again at a time."""
        mine = and_(notices.c.job_id == job_id, notices.c.worker_id == worker_id)
        change = update(notices).where(mine).values(due_at=self._presence.database_time(due_at))

        def write(connection: Connection) -> None:
            connection.execute(change)

        await self._run(write)

    async def done(self, job_id: str) -> None:
        """It was given, or there is nobody to give it to."""

        def write(connection: Connection) -> None:
            connection.execute(delete(notices).where(notices.c.job_id == job_id))

        await self._run(write)


def note_delivery(connection: Connection, job: Job, now: datetime) -> None:
    """Within the transaction in which a job is delivered: write down the notice, where its requester wants one.

    `now` is by the database's clock, as the time at which the job came in: another process may have written that.
    """
    if job.target.ephemeral or job.request.follows is FollowUp.POST:
        return
    if not read_preferences(connection, job.user_id).wants_notice(now - job.received_at):
        return
    row = {"job_id": job.id, "user_id": job.user_id, "made_at": now, "due_at": now}
    connection.execute(insert(notices).values(row))
