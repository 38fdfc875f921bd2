"""Approvals: a member wants to post a private result, and a moderator decides. Each step is written before its act.

    asking ─> asked ─> approved ─> posting ─> posted | failed
       │        ├────> declined       └─────> refused (a rule says no meanwhile)
       └────────┴────> withdrawn (the pictures or their requester's data were deleted)

| state     | what is to be done                                      | found after a crash                         |
|-----------|---------------------------------------------------------|---------------------------------------------|
| asking    | post the question                                       | look for it where it was tried (`tried_at`) |
| asked     | nothing: a moderator decides                            |                                             |
| approved  | write the job that posts                                | its id is known: it is there or it is not   |
| posting   | wait for that job                                       | the job has a recovery of its own           |
| any end   | show it in the question, tell the requester             | an edit can be repeated; what is sent by    |
|           |                                                         | direct message is looked for where tried    |

A process takes what is due by a lease and renews it while it works. Whatever a process that has lost its lease still
writes is not taken. Of two decisions the first one counts: both ask for the state in the statement that writes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, delete, func, insert, or_, select, update

from bot.model import Job
from bot.store.approvals.approval import OPEN, UNDER_WAY, Approval, ApprovalState, AskedPost, AskOutcome, approval_of
from bot.store.approvals.table import DUE_APPROVALS, approvals
from bot.store.schema import notices
from bot.store.sync import advisory_locks as locks
from bot.store.sync.presence import Presence
from bot.store.thread import Run

#: Questions of one member in one server that nobody has decided yet: moderators are not flooded.
MAX_OPEN = 5


class ApprovalQueries:
    """Any method may raise StoreUnavailable."""

    def __init__(self, run: Run, presence: Presence) -> None:
        self._run = run
        self._presence = presence

    async def ask(
        self, job: Job, post: AskedPost, *, channel_id: int, locale: str, now: datetime, patience: float
    ) -> tuple[AskOutcome, Approval | None]:
        """Write down that a member wants to post; and the approval as it stands then, where there is one."""
        guild_id = post.target.guild_id or 0

        def write(connection: Connection) -> tuple[AskOutcome, Approval | None]:
            # Under the person's lock: of two presses at once the second finds what the first has written.
            locks.hold(connection, [locks.of_user(job.user_id)])
            present = _read(connection, job.id)
            if present is not None and (present.state in OPEN | UNDER_WAY or present.state is ApprovalState.POSTED):
                return AskOutcome.BEFORE, present
            if present is not None and present.again_from is not None and now < present.again_from:
                return AskOutcome.TOO_SOON, present
            mine = and_(approvals.c.user_id == job.user_id, approvals.c.guild_id == guild_id)
            count = select(func.count()).where(mine, approvals.c.state.in_(OPEN))
            if connection.execute(count).scalar_one() >= MAX_OPEN:
                return AskOutcome.TOO_MANY, present
            connection.execute(delete(approvals).where(approvals.c.job_id == job.id))
            values: dict[str, Any] = {"job_id": job.id, "user_id": job.user_id, "guild_id": guild_id}
            values |= {"state": ApprovalState.ASKING, "round": present.round + 1 if present else 1}
            values |= {"made_at": now, "due_at": self._presence.database_time(now)}
            values |= {"locale": locale, "channel_id": channel_id, "asked": post.text}
            connection.execute(insert(approvals).values(values))
            return AskOutcome.NOW, _read(connection, job.id)

        return await self._run(write, patience)

    async def get(self, job_id: str, patience: float | None = None) -> Approval | None:
        """An approval as it stands; None where nobody asked, or it is forgotten."""
        return await self._run(lambda connection: _read(connection, job_id), patience)

    async def decide(
        self,
        approval: Approval,
        to: ApprovalState,
        *,
        by: int,
        decision_id: int,
        message_id: int,
        post: AskedPost,
        now: datetime,
    ) -> Approval | None:
        """Approve or decline, where nobody has before; None where somebody has, or it was withdrawn."""
        this = and_(
            approvals.c.job_id == approval.job_id,
            approvals.c.round == approval.round,
            # A question can be seen a moment before that is written down.
            approvals.c.state.in_(OPEN),
        )
        values: dict[str, Any] = {"state": to, "decided_by": by, "decided_at": now, "decision_id": decision_id}
        values |= {"message_id": message_id, "asked": post.text, "tried_at": None} | _FREED
        values["due_at"] = self._presence.database_time(now)
        change = update(approvals).where(this).values(values).returning(*approvals.c)

        def write(connection: Connection) -> Approval | None:
            row = connection.execute(change).mappings().first()
            return approval_of(row) if row else None

        return await self._run(write)

    async def ask_anew(self, approval: Approval, now: datetime) -> bool:
        """Somebody has deleted the question before it was decided: post another one. False where that is done."""
        this = and_(approvals.c.job_id == approval.job_id, approvals.c.round == approval.round)
        values = {"state": ApprovalState.ASKING, "round": approval.round + 1, "message_id": None}
        values |= {"due_at": self._presence.database_time(now)}
        change = update(approvals).where(this, approvals.c.state == ApprovalState.ASKED).values(values)
        returned = change.returning(approvals.c.job_id)
        return await self._run(lambda connection: connection.execute(returned).first() is not None)

    async def due(
        self, worker_id: str, now: datetime, *, lease: timedelta, limit: int, include_own: bool = False
    ) -> Sequence[Approval]:
        """Lease what waits for something to `worker_id`, the longest due first.

        `include_own` is for the start of a process: what carries its name was a dead predecessor's, and is due now.
        """
        now = self._presence.database_time(now)
        free = approvals.c.due_at <= now
        if include_own:
            free = or_(free, approvals.c.worker_id == worker_id)
        known = approvals.c.state.in_(list(ApprovalState))  # a later version may know more
        chosen = select(approvals.c.job_id).where(DUE_APPROVALS, free, known).order_by(approvals.c.due_at).limit(limit)
        chosen = chosen.with_for_update(skip_locked=True)

        def write(connection: Connection) -> list[Approval]:
            ids = connection.execute(chosen).scalars().all()
            if not ids:
                return []
            taken = update(approvals).where(approvals.c.job_id.in_(ids))
            taken = taken.values(worker_id=worker_id, due_at=now + lease).returning(*approvals.c)
            return [approval_of(row) for row in connection.execute(taken).mappings()]

        return await self._run(write)

    async def keep(self, worker_id: str, job_ids: Collection[str], now: datetime, *, lease: timedelta) -> None:
        """Renew leases of `worker_id`."""
        mine = and_(approvals.c.worker_id == worker_id, approvals.c.job_id.in_(job_ids))
        change = update(approvals).where(mine, DUE_APPROVALS).values(due_at=self._presence.database_time(now) + lease)
        await self._run(lambda connection: connection.execute(change) and None)

    async def trying(self, worker_id: str, approval: Approval, now: datetime) -> bool:
        """Write down that a message is about to be sent. False where that is another's to do, or nobody's any more."""
        return await self._ours(worker_id, approval, {"tried_at": now}, approvals.c.state == approval.state)

    async def asked(self, worker_id: str, approval: Approval, message_id: int, now: datetime) -> bool:
        """The question stands. False where the lease was lost: then it may be one too many.

        Where it was withdrawn meanwhile, the row learns where the question is, and that is shown next.
        """
        is_open = approvals.c.state == ApprovalState.ASKING
        state = case((is_open, ApprovalState.ASKED), else_=approvals.c.state)
        due_at = case((is_open, None), else_=self._presence.database_time(now))
        values: dict[str, Any] = {"state": state, "message_id": message_id, "due_at": due_at, "tried_at": None} | _FREED
        return await self._ours(worker_id, approval, values)

    async def move(self, worker_id: str, approval: Approval, to: ApprovalState, now: datetime) -> bool:
        """On to another state, which is due at once. False where another process, or a withdrawal, was first."""
        values: dict[str, Any] = {"state": to, "due_at": self._presence.database_time(now), "tried_at": None} | _FREED
        return await self._ours(worker_id, approval, values, approvals.c.state == approval.state)

    async def put_off(self, worker_id: str, approval: Approval, until: datetime) -> None:
        """Leave it for later, as it stands."""
        await self._ours(worker_id, approval, {"due_at": self._presence.database_time(until)} | _FREED)

    async def over(self, worker_id: str, approval: Approval, now: datetime, *, notify_of: str | None = None) -> None:
        """All is done. What the press said goes; of a withdrawn one everything does.

        `notify_of` is a job whose requester is to be mentioned: the notice is written in the same transaction.
        """

        def write(connection: Connection) -> None:
            values: dict[str, Any] = {"asked": None, "due_at": None, "tried_at": None}
            this = _of(worker_id, approval, approvals.c.state == approval.state)
            change = update(approvals).where(this).values(values | _FREED).returning(approvals.c.job_id)
            if connection.execute(change).first() is None:
                return
            if approval.state is ApprovalState.WITHDRAWN:
                connection.execute(delete(approvals).where(approvals.c.job_id == approval.job_id))
            if notify_of is not None:
                connection.execute(delete(notices).where(notices.c.job_id == notify_of))
                row = {"job_id": notify_of, "user_id": approval.user_id, "made_at": now}
                row["due_at"] = self._presence.database_time(now)
                connection.execute(insert(notices).values(row))

        await self._run(write)

    async def _ours(
        self,
        worker_id: str,
        approval: Approval,
        values: Mapping[str, Any],
        which: ColumnElement[bool] | None = None,
    ) -> bool:
        change = update(approvals).where(_of(worker_id, approval, which)).values(values).returning(approvals.c.job_id)
        return await self._run(lambda connection: connection.execute(change).first() is not None)


def withdraw(connection: Connection, job_ids: Collection[str]) -> None:
    """These pictures are deleted: questions about them are to say so. Within the transaction that deletes them."""
    _withdraw(connection, approvals.c.job_id.in_(job_ids))


def forget_person(connection: Connection, user_id: int) -> None:
    """Withdraw a person's questions, and take them out of what they decided."""
    _withdraw(connection, approvals.c.user_id == user_id)
    connection.execute(update(approvals).where(approvals.c.decided_by == user_id).values(decided_by=0))


def forget_server(connection: Connection, guild_id: int) -> None:
    """Delete all approvals of a server."""
    connection.execute(delete(approvals).where(approvals.c.guild_id == guild_id))


def count_of(user_id: int) -> Any:
    """How many of a person's are under way, as a part of another query."""
    return select(func.count()).where(approvals.c.user_id == user_id, approvals.c.asked.is_not(None))


_FREED: dict[str, Any] = {"worker_id": None}


def _withdraw(connection: Connection, which: ColumnElement[bool]) -> None:
    """Of a question that may stand, the row stays until it says so."""
    stands = and_(which, approvals.c.state.in_(OPEN), or_(approvals.c.message_id.is_not(None), _TRIED))
    values = {"state": ApprovalState.WITHDRAWN, "user_id": 0, "asked": None, "due_at": approvals.c.made_at}
    connection.execute(update(approvals).where(stands).values(values))
    connection.execute(delete(approvals).where(which, approvals.c.state != ApprovalState.WITHDRAWN))


_TRIED = approvals.c.tried_at.is_not(None)


def _of(worker_id: str, approval: Approval, which: ColumnElement[bool] | None = None) -> ColumnElement[bool]:
    this = [approvals.c.job_id == approval.job_id, approvals.c.round == approval.round]
    return and_(*this, approvals.c.worker_id == worker_id, *([] if which is None else [which]))


def _read(connection: Connection, job_id: str) -> Approval | None:
    row = connection.execute(select(approvals).where(approvals.c.job_id == job_id)).mappings().first()
    return approval_of(row) if row else None
