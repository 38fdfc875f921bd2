"""Tells people that their picture is there, where they want that: one message, once, whatever crashes.

| moment                     | what stands in the database       | who finds it after a crash              |
|----------------------------|-----------------------------------|-----------------------------------------|
| the job is delivered       | a notice, in the same transaction | sends the message                       |
| a process takes the notice | `due_at`: nobody else before that | waits for it; at a start takes its own  |
| the message is about to go | `tried_at`                        | looks for the message before it sends   |
| it stands, or cannot be    | nothing any more                  | nobody                                  |

The message carries a nonce besides, so that Discord itself drops a repeat for some minutes. Nothing here holds a job or
one of its slots: jobs have ended by then. Notices are short-lived, so their table is small and is looked at often.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from bot.errors import ReplyError, ReplyUnavailable
from bot.jobs.backoff import repeat
from bot.jobs.clock import now
from bot.jobs.ports import NoticeSender
from bot.store.queries.preferences import Notice, NoticeQueries

log = structlog.stdlib.get_logger(__name__)

EVERY_S = 1.0
AT_ONCE = 10
#: An attempt ends before its lease does, so that no two processes try the same notice.
ATTEMPT_S, LEASE = 10.0, timedelta(seconds=13)
#: The pauses grow with the age of a notice, up to the longest; a day later nobody needs it any more.
PAUSE_SHARE, PAUSE_FIRST_S, PAUSE_LONGEST_S = 0.5, 2.0, 300.0
GIVE_UP_AFTER = timedelta(days=1)


class Notices:
    """Gives the notices that are due. Every process runs one; on PostgreSQL each takes what the others have not."""

    def __init__(self, notices: NoticeQueries, sender: NoticeSender, worker_id: str, stopping: asyncio.Event) -> None:
        self._notices = notices
        self._sender = sender
        self._worker_id = worker_id
        self._stopping = stopping

    async def run(self) -> None:
        """Until the process stops. Database trouble is waited out."""
        await repeat(self._take_back, self._stopping, 0.0, once=True)
        await repeat(self._give, self._stopping, EVERY_S)

    async def _take_back(self) -> None:
        await self._give(include_own=True)

    async def _give(self, *, include_own: bool = False) -> None:
        """Try what is due, in several channels at a time: one that does not answer holds up the rest for ATTEMPT_S."""
        due = await self._notices.claim(
            self._worker_id, now=now(), lease=LEASE, at_most=AT_ONCE, include_own=include_own
        )
        for outcome in await asyncio.gather(*map(self._try, due), return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _try(self, notice: Notice) -> None:
        """One attempt. Raises StoreUnavailable."""
        job_id, age = notice.job.id, now() - notice.made_at
        try:
            if age > GIVE_UP_AFTER:
                log.info("a requester is not told of a picture: it is too long ago", job=job_id)
            else:
                async with asyncio.timeout(ATTEMPT_S):
                    await self._send(notice)
        except (ReplyUnavailable, TimeoutError) as exc:
            asked_s = exc.retry_after if isinstance(exc, ReplyUnavailable) else 0.0
            pause_s = max(asked_s, PAUSE_FIRST_S, min(PAUSE_LONGEST_S, age.total_seconds() * PAUSE_SHARE))
            await self._notices.later(job_id, self._worker_id, now() + timedelta(seconds=pause_s))
            return
        except ReplyError as exc:
            log.info("a requester is not told of a picture: no message can be sent there", job=job_id, why=str(exc))
        await self._notices.done(job_id)

    async def _send(self, notice: Notice) -> None:
        """Look first where a message may be there already. Raises ReplyError."""
        tried_at = notice.tried_at
        if tried_at is not None and await self._sender.has_notified(notice.job, tried_at):
            return
        if await self._notices.trying(notice.job.id, self._worker_id, now()):
            await self._sender.notify(notice.job)
