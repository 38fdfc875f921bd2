"""The line: first come, first served, but fair between users.

Each job draws a turn when it comes in: one more than its user's last job that is in line or at the image API, and
never less than the turn that is being served. The line goes by turn, then by arrival. So a user with five jobs
stands in line five times, and somebody who comes later with a first job waits for one of them, not for all five.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, exists, func, literal, or_, select, true

from bot.model import ACTIVE_STATES, OPEN_STATES, JobState
from bot.store.schema import UNANNOUNCED, UtcTime, jobs, meta, operator_blocks

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


def _kept_out(kind: str, name: str) -> ColumnElement[bool]:
    """Whether the operator keeps out the person, or the server, whose id is bound to `name`."""
    blocked_id = bindparam(name, type_=operator_blocks.c.blocked_id.type)
    return exists().where(operator_blocks.c.kind == kind, operator_blocks.c.blocked_id == blocked_id)


def _entry() -> Select[*tuple[Any, ...]]:
    coming = jobs.c.state.in_(_COMING)
    in_line = jobs.c.state.in_([*_COMING, *ACTIVE_STATES])
    served = select(func.max(jobs.c.turn)).where(jobs.c.state.in_(ACTIVE_STATES)).scalar_subquery()
    next_served = select(func.min(jobs.c.turn)).where(coming).scalar_subquery()
    own = (
        select(
            func.count().label("open"),
            func.count().filter(jobs.c.guild_id == bindparam("guild_id", type_=jobs.c.guild_id.type)).label("here"),
            func.coalesce(func.max(case((in_line, jobs.c.turn + 1))), 0).label("next"),
            func.coalesce(served, next_served, 0).label("now"),
        )
        .where(jobs.c.user_id == bindparam("user_id"), UNANNOUNCED, jobs.c.state.in_(OPEN_STATES), ~_OUT_OF_REACH)
        .cte("own")
    )
    turn = case((own.c.next > own.c.now, own.c.next), else_=own.c.now)
    # The latest of its turn, it stands behind all others of that turn. One look counts these and the whole queue.
    drawn = select(turn).scalar_subquery()
    queue = select(func.count().filter(jobs.c.turn <= drawn).label("ahead"), func.count().label("length"))
    queue = queue.where(coming).cte("queue")
    return select(
        exists().where(jobs.c.interaction_id == bindparam("interaction_id")).label("known"),
        own.c.open,
        own.c.here,
        turn.label("turn"),
        (1 + queue.c.ahead).label("place"),
        queue.c.length.label("queue_length"),
        _kept_out("user", "user_id").label("user_blocked"),
        _kept_out("server", "guild_id").label("server_blocked"),
        select(meta.c.value).where(meta.c.name == bindparam("version_name")).scalar_subquery().label("version"),
    ).select_from(own.join(queue, true()))


#: The ids of the waiting jobs, in the order of the line.
IN_ORDER = select(jobs.c.id).where(jobs.c.state == JobState.WAITING).order_by(jobs.c.turn, jobs.c.seq)

#: For a job about to come in: is its interaction known, how many jobs has its user in flight, everywhere and in the
#: same server, which turn does it draw, which place would it have in a queue of which length, does the operator keep
#: its user or its server out, and which version have the server's rules. Takes `user_id`, `interaction_id`, `guild_id`
#: and `version_name`.
ENTRY = _entry()
