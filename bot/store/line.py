"""The line: first come, first served, but fair between users.

A waiting job's rank is its place among its user's own jobs, those at the image API counted first. The line goes
by rank, then by arrival: everybody's first job comes before anybody's second.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    bindparam,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    true,
)

from bot.model import ACTIVE_STATES, OPEN_STATES, JobState
from bot.store.schema import UtcTime, jobs

_WAITING = JobState.WAITING
_COMING = (JobState.RECEIVED, JobState.WAITING)  # a received job is about to stand in line


def _ranked() -> Subquery:
    own_place = func.row_number().over(
        partition_by=jobs.c.user_id, order_by=[case((jobs.c.state == _WAITING, 1), else_=0), jobs.c.seq]
    )
    return (
        select(jobs.c.seq, jobs.c.id, jobs.c.state, own_place.label("rank"))
        .where(jobs.c.state.in_([_WAITING, *ACTIVE_STATES]))
        .subquery("ranked")
    )


def _in_order() -> Select[str]:
    ranked = _ranked()
    return select(ranked.c.id).where(ranked.c.state == _WAITING).order_by(ranked.c.rank, ranked.c.seq)


def free(now: datetime) -> ColumnElement[bool]:
    """Nobody holds a lease on the job."""
    return or_(jobs.c.lease_until.is_(None), jobs.c.lease_until <= literal(now, UtcTime))


def claimable(now: datetime, room: int) -> Select[int]:
    """The `seq` of the first `room` waiting jobs that may start at `now`, locked where the database can."""
    ranked = _ranked()
    return (
        select(jobs.c.seq)
        .join(ranked, ranked.c.seq == jobs.c.seq)
        .where(
            jobs.c.state == _WAITING,
            or_(jobs.c.not_before.is_(None), jobs.c.not_before <= literal(now, UtcTime)),
            free(now),
        )
        .order_by(ranked.c.rank, ranked.c.seq)
        .limit(room)
        .with_for_update(of=jobs, skip_locked=True)
    )


def _entry() -> Select[bool, int, int]:
    in_line = jobs.c.state.in_([*_COMING, *ACTIVE_STATES])
    mine = (
        select(func.count().label("open"), (1 + func.count().filter(in_line)).label("rank"))
        .where(jobs.c.user_id == bindparam("user_id"), jobs.c.state.in_(OPEN_STATES))
        .cte("mine")
    )
    users = (
        select(
            func.count().filter(jobs.c.state.in_(_COMING)).label("coming"),
            func.count().filter(jobs.c.state.in_(ACTIVE_STATES)).label("active"),
        )
        .where(in_line)
        .group_by(jobs.c.user_id)
        .subquery("users")
    )
    # Of each user's jobs those come first that rank no higher than the new one, which is the latest of its rank.
    within_rank = mine.c.rank - users.c.active
    ahead = case((within_rank <= 0, 0), (within_rank < users.c.coming, within_rank), else_=users.c.coming)
    return select(
        exists().where(jobs.c.interaction_id == bindparam("interaction_id")).label("known"),
        select(mine.c.open).scalar_subquery().label("open"),
        select(1 + func.coalesce(func.sum(ahead), 0)).join_from(users, mine, true()).scalar_subquery().label("place"),
    )


#: The ids of the waiting jobs, in the order of the line.
IN_ORDER = _in_order()

#: For a job about to come in: is its interaction known, how many jobs has its user in flight, and which place
#: would it have. Takes `user_id` and `interaction_id`.
ENTRY = _entry()
