"""The line: first come, first served, but fair between users.

Each job draws a turn when it comes in: one more than its user's last job that is in line or at the image API, and
never less than the turn that is being served. The line goes by turn, then by arrival. So a user with five jobs
stands in line five times, and somebody who comes later with a first job waits for one of them, not for all five.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    text,
    union_all,
)

from bot.errors import EaselError, JobMoved
from bot.model import ACTIVE_STATES, OPEN_STATES, Job, JobState, ReplyTarget
from bot.policy.door import BlockKind
from bot.store import many
from bot.store.rows import jobs_of
from bot.store.schema import UNANNOUNCED, UtcTime, jobs, meta, operator_blocks
from bot.store.sync.notify import notify

DIALECTS = ("sqlite", "postgresql")
_COMING = (JobState.RECEIVED, JobState.WAITING)  # a received job is about to stand in line

#: Pictures are there and no message can show them for now: such a job waits without being in its user's way.
_OUT_OF_REACH = and_(jobs.c.state == JobState.DELIVERING, jobs.c.failure.is_not(None))


def free(now: datetime) -> ColumnElement[bool]:
    """Nobody holds a lease on the job."""
    return or_(jobs.c.lease_until.is_(None), jobs.c.lease_until <= literal(now, UtcTime))


def claimable(now: datetime, room: int) -> Select[int]:
    """The `seq` of the first `room` waiting jobs that may start at `now`, locked where the database can."""
    return (
        select(jobs.c.seq)
        .where(
            jobs.c.state == JobState.WAITING,
            or_(jobs.c.not_before.is_(None), jobs.c.not_before <= literal(now, UtcTime)),
            free(now),
        )
        .order_by(jobs.c.turn, jobs.c.seq)
        .limit(room)
        .with_for_update(skip_locked=True)
    )


class Fact(IntEnum):
    """What a row of ENTRY says, and by which columns."""

    KNOWN = 0  # `id`: this interaction has started a job
    VERSION = 1  # `name`, `value`: the version of a server's rules
    PERSON = 2  # `id`, `guild_id`, `number`, `turn`: jobs somebody has in flight there, and the turn of their next one
    QUEUE = 3  # `turn`, `number`: jobs in line
    BLOCKED = 4  # `name`, `id`: the operator keeps this person or server out, by its BlockKind
    SERVED = 5  # `turn`: the one that is served; none while nothing is at the image API


_IDS = {BlockKind.USER: "user_ids", BlockKind.SERVER: "guild_ids"}


def _entry(dialect: str) -> CompoundSelect[*tuple[Any, ...]]:
    coming = jobs.c.state.in_(_COMING)
    in_line = jobs.c.state.in_([*_COMING, *ACTIVE_STATES])
    in_flight = and_(
        many.among(dialect, jobs.c.user_id, "user_ids"),
        UNANNOUNCED,
        # An expression, so that SQLite goes from the people to their few jobs and not through the whole queue.
        func.coalesce(jobs.c.state, literal_column("''")).in_(OPEN_STATES),
        ~_OUT_OF_REACH,
    )
    next_turn = func.coalesce(func.max(case((in_line, jobs.c.turn + 1))), 0)
    known = many.among(dialect, jobs.c.interaction_id, "interaction_ids")
    versions = many.among(dialect, meta.c.name, "version_names")
    blocked = or_(*(_kept_out(dialect, kind, ids) for kind, ids in _IDS.items()))
    return union_all(
        _fact(Fact.KNOWN, id_=jobs.c.interaction_id).where(known),
        _fact(Fact.VERSION, name=meta.c.name, value=meta.c.value).where(versions),
        _fact(Fact.BLOCKED, name=operator_blocks.c.kind, id_=operator_blocks.c.blocked_id).where(blocked),
        _fact(Fact.PERSON, id_=jobs.c.user_id, guild_id=jobs.c.guild_id, number=func.count(), turn=next_turn)
        .where(in_flight)
        .group_by(jobs.c.user_id, jobs.c.guild_id),
        _fact(Fact.QUEUE, number=func.count(), turn=jobs.c.turn).where(coming).group_by(jobs.c.turn),
        _fact(Fact.SERVED, turn=func.max(jobs.c.turn)).where(jobs.c.state.in_(ACTIVE_STATES)),
    )


def _kept_out(dialect: str, kind: BlockKind, ids: str) -> ColumnElement[bool]:
    return and_(operator_blocks.c.kind == kind.value, many.among(dialect, operator_blocks.c.blocked_id, ids))


def _fact(
    kind: Fact,
    *,
    name: ColumnElement[str] | None = None,
    value: ColumnElement[str] | None = None,
    id_: ColumnElement[int] | None = None,
    guild_id: ColumnElement[int] | None = None,
    number: ColumnElement[int] | None = None,
    turn: ColumnElement[int] | None = None,
) -> Select[*tuple[Any, ...]]:
    texts = [cast(null(), Text) if it is None else it for it in (name, value)]
    numbers = [cast(null(), BigInteger) if it is None else it for it in (id_, guild_id, number, turn)]
    return select(literal_column(str(int(kind))), *texts, *numbers)


#: The ids of the waiting jobs, in the order of the line.
IN_ORDER = select(jobs.c.id).where(jobs.c.state == JobState.WAITING).order_by(jobs.c.turn, jobs.c.seq)

_TAKEN = {"id": "text", "message_id": "bigint", "ephemeral": "boolean"}
_ENTER = """
UPDATE jobs SET state = 'waiting', message_id = taken.message_id, ephemeral = taken.ephemeral, owner = NULL,
lease_until = NULL FROM ({taken}) AS taken WHERE jobs.id = taken.id AND jobs.state = 'received'
RETURNING jobs.id, jobs.token, jobs.cancel_requested
"""
_ENTRANCES = {dialect: text(_ENTER.format(taken=many.rows_in(dialect, "taken", _TAKEN))) for dialect in DIALECTS}


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A received job whose acknowledgement Discord has taken, and where its reply is."""

    job: Job
    target: ReplyTarget


def enter(connection: Connection, acknowledged: Sequence[Acknowledged]) -> Sequence[Job | EaselError]:
    """Let received jobs stand in line from now on, and free for whoever claims them; returns each as it is then.

    JobMoved is the answer for one that is not *received* any more.
    """
    rows = [
        dict(zip(_TAKEN, (it.job.id, it.target.message_id, it.target.ephemeral), strict=True)) for it in acknowledged
    ]
    taken = {"taken": many.written(connection, rows)}
    found = {row[0]: (row[1], row[2]) for row in connection.execute(_ENTRANCES[connection.dialect.name], taken)}
    if found:
        notify(connection)
    # What else may have been written since the first row: a click's new token, and the wish to cancel.
    changed = [
        it.job.id for it in acknowledged if found.get(it.job.id, (it.target.token, False)) != (it.target.token, False)
    ]
    anew: Mapping[str, Job] = {}
    if changed:
        query = select(jobs).where(jobs.c.id.in_(changed))
        anew = {job.id: job for job in jobs_of(connection.execute(query).mappings())}
    return [
        anew.get(it.job.id) or replace(it.job, state=JobState.WAITING, target=it.target)
        if it.job.id in found
        else JobMoved(f"job {it.job.id} is no longer received")
        for it in acknowledged
    ]


#: What jobs about to come in are judged by, for all of them at once: rows of a Fact each, by the kind of database. It
#: takes `interaction_ids`, `user_ids`, `guild_ids` and `version_names` as `many.listed` makes them. The queue is told
#: by turn, because a job's place follows from how many there are of each turn, and turns are few.
ENTRY = {dialect: _entry(dialect) for dialect in DIALECTS}
