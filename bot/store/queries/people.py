"""What is stored about a person, and its deletion: at once what is only theirs, the rest in small pieces.

A wish to be forgotten is a note in the table `meta`. It stands until nothing of what came before it is left: jobs that
still run come to their end first. What was taken counts on in the quotas of the month, under a number that is not the
person's id (see totals.py), or deleting one's data would give one fresh quotas.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from bot.model import OPEN_STATES
from bot.store.approvals import queries as approvals
from bot.store.audit import lines
from bot.store.engine import erase_soon
from bot.store.queries import showcase, totals
from bot.store.queries.lists import addresses_in
from bot.store.queries.preferences import edits_of, forget_author
from bot.store.queries.presets import delete_presets
from bot.store.schema import (
    NAMED_PERSON,
    UNANNOUNCED,
    UtcTime,
    blocks,
    drafts,
    jobs,
    ledger,
    meta,
    metadata,
    openings,
    operator_blocks,
    preset_pictures,
    presets,
    rules,
    source_authors,
    stars,
)
from bot.store.sync import advisory_locks as locks
from bot.store.thread import Run

_NOTE = "forget:"
#: Tables of a person's own things. What servers keep of their members is the servers' (blocks).
_SHARED = {"jobs", "ledger", "totals", "blocks", "stars", "source_authors", "server_log", "approvals"}
_PERSONAL = [it for it in metadata.sorted_tables if "user_id" in it.c and it.name not in _SHARED]
#: The end was announced, so there is an end.
_OVER = jobs.c.told


@dataclass(frozen=True, slots=True)
class Stored:
    """How much of a person is stored. `oldest` is when the oldest job came in."""

    running: int
    finished: int
    oldest: datetime | None
    presets: int
    others: int  # last choices, open questions and forms
    ledger: int
    stars: int = 0  # given to pictures
    preset_pictures: int = 0


@dataclass(frozen=True, slots=True)
class Note:
    """Somebody's wish to be forgotten, as far as `until`."""

    user_id: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many rows a batch has deleted or changed, and where the results of its jobs lie, on this disk perhaps."""

    rows: int
    results: Sequence[str]


class People:
    """Any method may raise StoreUnavailable."""

    def __init__(self, run: Run, read: Run) -> None:
        self._run = run
        self._read = read

    async def stored(self, user_id: int, *, patience: float | None = None) -> Stored:
        """How much is stored about somebody."""
        mine = jobs.c.user_id == user_id
        # By the index alone: jobs come in by their numbers, and what does not run has finished.
        oldest = select(jobs.c.received_at).where(mine).order_by(jobs.c.seq).limit(1)
        counts = [
            select(func.count()).where(mine, UNANNOUNCED, jobs.c.state.in_(OPEN_STATES)),
            select(func.count()).where(mine),
            select(func.count()).where(_own_presets(user_id)),
            select(func.count()).where(ledger.c.user_id == user_id),
            select(func.count()).where(stars.c.user_id == user_id),
            select(func.count()).where(
                preset_pictures.c.preset_id.in_(select(presets.c.id).where(_own_presets(user_id)))
            ),
            approvals.count_of(user_id),
            *(select(func.count()).where(table.c.user_id == user_id) for table in _PERSONAL),
        ]
        query = select(*(count.scalar_subquery() for count in counts))

        def read(connection: Connection) -> Stored:
            found = [int(it) for it in connection.execute(query).one()]
            running, jobs_in_all, styles, lines, given, pictures, *others = found
            first = connection.execute(oldest).scalar_one_or_none()
            return Stored(running, jobs_in_all - running, first, styles, sum(others), lines, given, pictures)

        return await self._read(read, patience)

    async def forget(self, user_id: int, now: datetime, *, patience: float | None = None) -> None:
        """Delete what is only this person's, and note that the rest is to go, see `forget_some`."""

        def write(connection: Connection) -> None:
            erase_soon(connection)
            # Under the person's lock, so that a request that comes in just now is either seen here or comes after it.
            locks.hold(connection, [locks.of_user(user_id)])
            delete_presets(connection, _own_presets(user_id))
            connection.execute(update(presets).where(presets.c.made_by == user_id).values(made_by=0))
            for table in _PERSONAL:
                connection.execute(delete(table).where(table.c.user_id == user_id))
            _leave_others_rows(connection, user_id)
            lines.forget_person(connection, user_id)
            approvals.forget_person(connection, user_id)
            # The note stays until the last row is gone: whatever process is there then goes on with it.
            name = f"{_NOTE}{user_id}"
            connection.execute(delete(meta).where(meta.c.name == name))
            connection.execute(insert(meta).values(name=name, value=now.isoformat()))

        await self._run(write, patience)

    async def to_forget(self) -> Sequence[Note]:
        """Wishes to be forgotten that are not yet fulfilled."""
        query = select(meta.c.name, meta.c.value).where(meta.c.name.like(f"{_NOTE}%"))

        def read(connection: Connection) -> list[Note]:
            found = connection.execute(query)
            return [Note(int(name.removeprefix(_NOTE)), datetime.fromisoformat(value)) for name, value in found]

        return await self._run(read)

    async def forget_some(self, note: Note, limit: int) -> Forgotten:
        """Delete up to `limit` ended jobs and stars of a person and take them out of as many lines of the ledger.

        No rows means that nothing more can go for now. The note goes with the last of it.
        """
        mine = and_(jobs.c.user_id == note.user_id, jobs.c.received_at <= literal(note.until, UtcTime))
        theirs = and_(ledger.c.user_id == note.user_id, ledger.c.reserved_at <= literal(note.until, UtcTime))

        def write(connection: Connection) -> Forgotten:
            erase_soon(connection)
            # A bounded number at a time: nobody's command waits behind somebody's ten thousand rows.
            results = delete_jobs(connection, and_(mine, _OVER), limit, posts_too=True)
            gone = len(results)
            gone += showcase.take_back(connection, note.user_id, note.until, limit)
            gone += take_person_out(connection, theirs, limit)
            gone += forget_author(connection, note.user_id, note.until, limit)
            gone += totals.forget_person(connection, note.user_id, note.until)
            if gone:
                return Forgotten(gone, addresses_in(results))
            rest = (select(jobs.c.seq).where(mine), select(ledger.c.job_id).where(theirs))
            several = [it.exists() for it in (*rest, edits_of(note.user_id, note.until))]
            left = select(or_(*several, totals.knows(note.user_id, note.until)))
            if not connection.execute(left).scalar_one():
                fulfilled = and_(meta.c.name == f"{_NOTE}{note.user_id}", meta.c.value == note.until.isoformat())
                connection.execute(delete(meta).where(fulfilled))
            return Forgotten(0, ())

        return await self._run(write)


def delete_jobs(
    connection: Connection,
    which: ColumnElement[bool],
    limit: int,
    order: Column[Any] = jobs.c.seq,
    *,
    posts_too: bool = False,
) -> Sequence[str]:
    """Delete the first `limit` jobs by `order`; those somebody just writes are left for later.

    Returns for each the addresses of its results, as JSON.

    `order` decides which index finds them, so that a call reads few rows more than it deletes. Their stars go too,
    and with `posts_too` their posts in a showcase, see showcase.forget_jobs.
    """
    chosen = select(jobs.c.seq, jobs.c.id, jobs.c.result_urls).where(which).order_by(order).limit(limit)
    found = connection.execute(chosen.with_for_update(skip_locked=True)).all()
    if found:
        ids = [row.id for row in found]
        showcase.forget_jobs(connection, ids, posts_too=posts_too)
        approvals.withdraw(connection, ids)
        connection.execute(delete(source_authors).where(source_authors.c.job_id.in_(ids)))
        connection.execute(delete(jobs).where(jobs.c.seq.in_([row.seq for row in found])))
    return [row.result_urls for row in found]


def take_person_out(connection: Connection, which: ColumnElement[bool], limit: int) -> int:
    """Take the person out of up to `limit` settled lines of the ledger; the amounts stay.

    A line gets another id as well, for the buttons of a reply tell the id of their job to everybody who sees them.
    """
    settled = and_(which, NAMED_PERSON, ledger.c.settled_at.is_not(None))
    chosen = select(ledger.c.job_id).where(settled).limit(limit).with_for_update(skip_locked=True)
    found = connection.execute(chosen).scalars().all()
    if found:
        line = update(ledger).where(ledger.c.job_id == bindparam("the_id"))
        anonymous = line.values(job_id=bindparam("new_id"), user_id=None)
        connection.execute(anonymous, [{"the_id": it, "new_id": secrets.token_hex(16)} for it in found])
    return len(found)


def _leave_others_rows(connection: Connection, user_id: int) -> None:
    """Take a person out of what others have, as far as it is little. Edits of their pictures go by and by."""
    # What is half asked on a picture of theirs goes whole: it is small, and old within a day.
    named = f'%"author_id":{user_id},%'
    connection.execute(delete(openings).where(openings.c.sources.like(named)))
    connection.execute(delete(drafts).where(drafts.c.request.like(named)))
    connection.execute(update(rules).where(rules.c.changed_by == user_id).values(changed_by=0))
    connection.execute(update(blocks).where(blocks.c.blocked_by == user_id).values(blocked_by=0))
    # The block itself stands. The name of a server is what this person saw, and its id is enough to lift the block.
    theirs = operator_blocks.c.blocked_by == user_id
    connection.execute(update(operator_blocks).where(theirs).values(blocked_by=0, name=json.dumps("")))


def _own_presets(user_id: int) -> ColumnElement[bool]:
    return and_(presets.c.of_guild.is_(False), presets.c.owner_id == user_id)
