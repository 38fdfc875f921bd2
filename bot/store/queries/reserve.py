"""Whether a job may come in: asked in the transaction that writes it, so that no crowd can overrun a limit.

Limits are asked under locks, in a fixed order: first the person's, then the server's, then everyone's, and only those
that count for this job. Two processes therefore never both find the last place free, and never wait for each other in
a circle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, delete, select

from bot.errors import AlreadyReceived, Barred, QueueFull, QuotaReached, RulesChanged, TooManyJobs
from bot.model import FINAL_STATES, FollowUp, JobState, NewJob
from bot.policy.bars import Bar
from bot.policy.quotas import SetBy, Standing, Terms, What, Whose
from bot.store.audit import lines
from bot.store.queries import ledger
from bot.store.queries.rules import version_name
from bot.store.schema import jobs
from bot.store.sync import advisory_locks as locks
from bot.store.sync import queue_order as line


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a new job comes in. `queue_length` and `standings` count it too."""

    turn: int
    place: int
    queue_length: int
    standings: Sequence[Standing]


def admit(connection: Connection, new: NewJob, limit: int, terms: Terms, now: datetime) -> Placed:
    """How a new job stands in the queue and in its quotas once it is written.

    Raises AlreadyReceived, Barred, RulesChanged, TooManyJobs, QueueFull or QuotaReached; see `Jobs.receive`.
    """
    guild_id, is_post = new.target.guild_id, new.request.follows is FollowUp.POST
    # Two processes must not both find the last place free.
    locks.hold(connection, _keys(new, terms))
    asked = {"user_id": new.user_id, "interaction_id": new.interaction_id, "guild_id": guild_id}
    entry = connection.execute(line.ENTRY, asked | {"version_name": version_name(guild_id)}).one()
    if entry.known:
        raise AlreadyReceived
    if entry.user_blocked or entry.server_blocked:
        raise Barred(Bar.OPERATOR_USER if entry.user_blocked else Bar.OPERATOR_SERVER)
    if entry.version != terms.rules_version:
        raise RulesChanged
    if is_post:
        _make_room(connection, new)
        return Placed(entry.turn, int(entry.place), int(entry.queue_length), ())
    if entry.open >= limit:
        raise TooManyJobs(limit)
    if terms.jobs_per_member is not None and entry.here >= terms.jobs_per_member:
        raise TooManyJobs(terms.jobs_per_member, SetBy.SERVER)
    if terms.line_length is not None and entry.queue_length >= terms.line_length:
        raise QueueFull(terms.line_length)
    standings = _hold_quotas(connection, new, terms, now)
    lines.add(connection, [terms.line] if terms.line else [], now)
    return Placed(entry.turn, int(entry.place), int(entry.queue_length) + 1, standings)


def _make_room(connection: Connection, new: NewJob) -> None:
    """Let a private result be posted once. Its job's id is the same at every press, and so is the row.

    One that ended without showing the pictures gives way. Raises AlreadyReceived where they are posted, or just being
    posted: the lock on the person, who alone may press, keeps two presses apart.
    """
    row = connection.execute(select(jobs.c.state).where(jobs.c.id == new.id)).first()
    if row is None:
        return
    if row.state not in FINAL_STATES or row.state is JobState.DELIVERED:
        raise AlreadyReceived
    connection.execute(delete(jobs).where(jobs.c.id == new.id))


def _hold_quotas(connection: Connection, new: NewJob, terms: Terms, now: datetime) -> Sequence[Standing]:
    asks = {What.PICTURES: new.request.count, What.SPEND: terms.cost_micros}
    quotas = [quota for quota in terms.quotas if asks[quota.what]]
    after: list[Standing] = []
    for standing in ledger.standings(connection, quotas, new.user_id, new.target.guild_id, now):
        asked = asks[standing.quota.what] or 0
        if asked > standing.left:
            raise QuotaReached(standing, asked)
        after.append(replace(standing, used=standing.used + asked))
    return after


def _keys(new: NewJob, terms: Terms) -> Sequence[int]:
    """What may be counted for this job: always the user's, the server's and everyone's only where that is limited."""
    counted = {quota.whose for quota in terms.quotas}
    keys = [locks.of_user(new.user_id)]
    if Whose.SERVER in counted and new.target.guild_id is not None:
        keys.append(locks.of_guild(new.target.guild_id))
    if Whose.EVERYONE in counted or terms.line_length is not None:
        keys.append(locks.OF_EVERYONE)
    return keys
