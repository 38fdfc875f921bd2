"""Whether jobs may come in, and their first rows: all that ask at the same time are judged in one transaction.

A crowd costs as many statements as a single job. What all of them are judged by is read at once, each is then judged
in turn as if those before it were written already, and those that may come in are written together. A refusal is one
job's own: it is in nobody's way, and nothing is written for it.

Limits are asked under locks, and only under those that count for these jobs: everyone's, the servers', the people's,
taken in this order (see advisory_locks.py). Two processes therefore never both find the last place free, and never wait
for each other in a circle.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, delete, select, text

from bot.errors import AlreadyReceived, Barred, EaselError, QueueFull, QuotaReached, RulesChanged, TooManyJobs
from bot.model import FINAL_STATES, FollowUp, Job, JobState, NewJob
from bot.policy.bars import Bar
from bot.policy.door import BlockKind
from bot.policy.quotas import SetBy, Standing, Terms, What, Whose
from bot.store import many
from bot.store.audit import lines
from bot.store.queries import ledger, totals
from bot.store.queries.preferences import write_authors
from bot.store.queries.rules import version_name
from bot.store.rows import first_job, values_of
from bot.store.schema import jobs, source_authors
from bot.store.sync import advisory_locks as locks
from bot.store.sync import queue_order

_LAST_NUMBER = text("SELECT last_insert_rowid()")


@dataclass(frozen=True, slots=True)
class Received:
    """A job that was just written: its place (from 1) in a queue of which length, and how its quotas stand with it."""

    job: Job
    place: int
    queue_length: int
    standings: Sequence[Standing] = ()


@dataclass(frozen=True, slots=True)
class Entrant:
    """A job that wants to come in, what it is held to, and whose it is then."""

    new: NewJob
    terms: Terms
    limit: int  # jobs that its user may have in flight
    now: datetime
    worker_id: str
    lease_until: datetime

    @property
    def is_post(self) -> bool:
        """Whether it only shows pictures that are there: nothing is bought, so nothing is counted."""
        return self.new.request.follows is FollowUp.POST

    @property
    def guild_id(self) -> int | None:
        return self.new.target.guild_id


@dataclass(frozen=True, slots=True)
class _Admitted:
    """An entrant that may come in, and how it stands once it has.

    `turn` orders the queue between users, `place` (from 1) and `queue_length` count this entrant and those of its batch
    that came before it, and `standings` are its quotas with what it takes.
    """

    entrant: Entrant
    turn: int
    place: int
    queue_length: int
    standings: Sequence[Standing]


def receive(connection: Connection, entrants: Sequence[Entrant]) -> list[Received | EaselError]:
    """Write the first rows of those that may come in, and reserve what they take. Returns what came of each.

    Errors are AlreadyReceived, Barred, RulesChanged, TooManyJobs, QueueFull and QuotaReached; see `Jobs.receive`.
    """
    outcomes: list[Received | EaselError] = []
    # Quotas are those of a day, and a crowd may come at midnight.
    for _, of_a_day in groupby(entrants, lambda it: totals.day_of(it.now)):
        outcomes += _receive(connection, list(of_a_day))
    return outcomes


def _receive(connection: Connection, entrants: Sequence[Entrant]) -> list[Received | EaselError]:
    """Judge a crowd of one day in the order in which it came: locks, one look, then the rows of all that may come in.

    Each is judged by what those before it have left, and a refusal is its own: nobody else's request waits for it, is
    refused with it, or gets its place. However large the crowd, the number of statements stays the same.
    """
    # Two processes must not both find the last place free.
    locks.hold(connection, {key for entrant in entrants for key in _keys(entrant)})
    state = _State.read(connection, entrants)
    judged: list[_Admitted | EaselError] = []
    for entrant in entrants:
        try:
            judged.append(state.admit(entrant))
        except EaselError as refusal:
            judged.append(refusal)
    admitted = [it for it in judged if isinstance(it, _Admitted)]
    if state.replaced:
        connection.execute(delete(jobs).where(jobs.c.id.in_(state.replaced)))
        connection.execute(delete(source_authors).where(source_authors.c.job_id.in_(state.replaced)))
    numbers = _write(connection, admitted)
    return [it if isinstance(it, EaselError) else _received(it, numbers) for it in judged]


def _write(connection: Connection, admitted: Sequence[_Admitted]) -> Mapping[str, int]:
    """Write jobs and what they reserve; returns the number of each by its id."""
    if not admitted:
        return {}
    numbers = _insert(connection, [_row(it) for it in admitted])
    paying = [it.entrant for it in admitted if not it.entrant.is_post]
    ledger.reserve(connection, [(it.new, it.terms.cost_micros, it.now) for it in paying])
    write_authors(connection, [it.entrant.new for it in admitted])
    lines.add(connection, [it.terms.line for it in paying if it.terms.line], admitted[0].entrant.now)
    return numbers


def _insert(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, int]:
    """SQLite numbers the rows of one statement in their order, and nobody else writes meanwhile: so it returns none."""
    if connection.dialect.name == "postgresql":
        written = many.insert_rows(connection, jobs, rows, then="RETURNING id, seq")
        return {row["id"]: row["seq"] for row in written.mappings()}
    many.insert_rows(connection, jobs, rows)
    last = connection.execute(_LAST_NUMBER).scalar_one()
    return {row["id"]: number for number, row in enumerate(rows, start=last - len(rows) + 1)}


def _row(admitted: _Admitted) -> dict[str, Any]:
    """The columns of a first row: received just now, and leased to the process that acknowledges it."""
    entrant = admitted.entrant
    lease = {"owner": entrant.worker_id, "lease_until": entrant.lease_until}
    begin = {"state": JobState.RECEIVED, "received_at": entrant.now, "turn": admitted.turn}
    return values_of(entrant.new) | begin | lease


def _received(admitted: _Admitted, numbers: Mapping[str, int]) -> Received:
    """What the asker is told, without reading back what was just written."""
    new = admitted.entrant.new
    job = first_job(new, numbers[new.id], admitted.entrant.now)
    return Received(job, admitted.place, admitted.queue_length, admitted.standings)


@dataclass(slots=True)
class _InFlight:
    """What somebody has in flight."""

    by_guild: Counter[int | None] = field(default_factory=Counter[int | None])
    next_turn: int = 0


@dataclass(slots=True)
class _State:
    """All that a new job is judged by. It is read once, and then follows each job that comes in."""

    known: set[int]  # interactions that have started a job
    blocked: set[tuple[str, int | None]]  # whom the operator keeps out: people and servers, by BlockKind
    versions: dict[str, str]  # of the servers' rules
    people: defaultdict[int, _InFlight]
    queue: Counter[int]  # jobs in line, by turn
    served: int | None  # the turn that is at the image API
    used: totals.UsedByScope
    posts: dict[str, JobState]  # jobs that post pictures, where they were written before
    replaced: list[str] = field(default_factory=list[str])  # those of them that give way to a new press

    @classmethod
    def read(cls, connection: Connection, entrants: Sequence[Entrant]) -> _State:
        """Read it in one statement, with two more where a quota counts for somebody, and one where somebody posts."""
        state = cls(set(), set(), {}, defaultdict(_InFlight), Counter(), None, totals.UsedByScope({}), {})
        asked = {
            "interaction_ids": [it.new.interaction_id for it in entrants],
            "version_names": sorted({version_name(it.guild_id) for it in entrants}),
            "user_ids": sorted({it.new.user_id for it in entrants}),
            "guild_ids": sorted({it.guild_id for it in entrants if it.guild_id is not None}),
        }
        params = {name: many.listed(connection, values) for name, values in asked.items()}
        for kind, name, value, id_, guild_id, number, turn in connection.execute(
            queue_order.ENTRY[connection.dialect.name], params
        ):
            match kind:
                case queue_order.Fact.KNOWN:
                    state.known.add(id_)
                case queue_order.Fact.VERSION:
                    state.versions[name] = value
                case queue_order.Fact.BLOCKED:
                    state.blocked.add((name, id_))
                case queue_order.Fact.PERSON:
                    person = state.people[id_]
                    person.by_guild[guild_id] += int(number)
                    person.next_turn = max(person.next_turn, int(turn))
                case queue_order.Fact.QUEUE:
                    state.queue[turn] += int(number)
                case _:
                    state.served = turn
        counted = [it for it in entrants if it.terms.quotas and not it.is_post]
        if counted:
            scopes = {(it.new.user_id, it.guild_id) for it in counted}
            state.used = totals.used(connection, scopes, counted[0].now)
        posted = [it.new.id for it in entrants if it.is_post]
        if posted:
            query = select(jobs.c.id, jobs.c.state).where(jobs.c.id.in_(posted))
            state.posts = {row[0]: row[1] for row in connection.execute(query)}
        return state

    def admit(self, entrant: Entrant) -> _Admitted:
        """Let a job in, and count it for those that come after. Raises what `receive` returns."""
        new, terms = entrant.new, entrant.terms
        if new.interaction_id in self.known:
            raise AlreadyReceived
        if (BlockKind.USER, new.user_id) in self.blocked:
            raise Barred(Bar.OPERATOR_USER)
        if (BlockKind.SERVER, entrant.guild_id) in self.blocked:
            raise Barred(Bar.OPERATOR_SERVER)
        if self.versions.get(version_name(entrant.guild_id)) != terms.rules_version:
            raise RulesChanged
        person, length = self.people[new.user_id], self.queue.total()
        if entrant.is_post:
            self._make_room(new.id)
            return self._let_in(entrant, person, length, ())
        if person.by_guild.total() >= entrant.limit:
            raise TooManyJobs(entrant.limit)
        if terms.jobs_per_member is not None and person.by_guild[entrant.guild_id] >= terms.jobs_per_member:
            raise TooManyJobs(terms.jobs_per_member, SetBy.SERVER)
        if terms.line_length is not None and length >= terms.line_length:
            raise QueueFull(terms.line_length)
        standings = self._reserved(entrant)
        return self._let_in(entrant, person, length + 1, standings)

    def _let_in(
        self, entrant: Entrant, person: _InFlight, queue_length: int, standings: Sequence[Standing]
    ) -> _Admitted:
        served = self.served if self.served is not None else min(self.queue, default=0)
        turn = max(person.next_turn, served)
        # The latest of its turn, it stands behind all others of that turn.
        place = 1 + sum(number for drawn, number in self.queue.items() if drawn <= turn)
        self.known.add(entrant.new.interaction_id)
        self.queue[turn] += 1
        person.by_guild[entrant.guild_id] += 1
        person.next_turn = turn + 1
        return _Admitted(entrant, turn, place, queue_length, standings)

    def _make_room(self, post_id: str) -> None:
        """Let a private result be posted once. Its job's id is the same at every press, and so is the row.

        One that ended without showing the pictures gives way. Raises AlreadyReceived where they are posted, or just
        being posted: the lock on the person, who alone may press, keeps two presses apart.
        """
        before = self.posts.get(post_id)
        if before is not None:
            if before not in FINAL_STATES or before is JobState.DELIVERED:
                raise AlreadyReceived
            self.replaced.append(post_id)
        self.posts[post_id] = JobState.RECEIVED

    def _reserved(self, entrant: Entrant) -> Sequence[Standing]:
        """Where the job's quotas stand with it. Raises QuotaReached."""
        new, terms = entrant.new, entrant.terms
        asks = {What.PICTURES: new.request.count, What.SPEND: terms.cost_micros or 0}
        quotas = [quota for quota in terms.quotas if asks[quota.what]]
        before = self.used.standings(quotas, new.user_id, entrant.guild_id, entrant.now)
        for it in before:
            if asks[it.quota.what] > it.left:
                raise QuotaReached(it, asks[it.quota.what])
        self.used.add(new.user_id, entrant.guild_id, asks)
        return [Standing(it.quota, it.used + asks[it.quota.what], it.renews_at) for it in before]


def _keys(entrant: Entrant) -> Sequence[int]:
    """What may be counted for a job: always the user's, the server's and everyone's only where that is limited."""
    counted = {quota.whose for quota in entrant.terms.quotas}
    keys = [locks.of_user(entrant.new.user_id)]
    if Whose.SERVER in counted and entrant.guild_id is not None:
        keys.append(locks.of_guild(entrant.guild_id))
    if Whose.EVERYONE in counted or entrant.terms.line_length is not None:
        keys.append(locks.OF_EVERYONE)
    return keys
