"""Tells servers' moderators what happens, in the server's log channel: each line once, whatever crashes.

Lines are written down with the acts that they tell of, see store/audit/lines.py. What happens outside any transaction,
such as a refusal, is written here, and nobody waits for that. Lines that come together are one message. A channel that
cannot be written to is tried again for a day; `/settings` says what is missing there, and nothing else waits for it.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from bot.errors import ReplyError, ReplyOutOfReach, ReplyUnavailable, StoreUnavailable
from bot.jobs.backoff import beside, repeat
from bot.jobs.clock import now
from bot.jobs.ports import LogPosts
from bot.policy.server_log import LogLine
from bot.store.audit.lines import LogBatch, ServerLogQueries

__all__ = ["ServerLog", "ServerLogQueries"]

log = structlog.stdlib.get_logger(__name__)

EVERY_S = 1.0
AT_ONCE = 10  # channels
#: So long the first line of a message waits for others.
GATHER = timedelta(seconds=2)
#: An attempt ends before its lease does, so that no two processes try the same lines.
ATTEMPT_S, LEASE = 10.0, timedelta(seconds=13)
PAUSE_SHARE, PAUSE_FIRST_S, PAUSE_LONGEST_S = 0.5, 2.0, 300.0
NOT_ALLOWED_PAUSE_S = 600.0
GIVE_UP_AFTER = timedelta(days=1)
WRITE_PATIENCE_S = 5.0
#: Lines that wait for the database besides those that it is writing. More are dropped, and the operator's log says so.
MAX_UNWRITTEN = 1000


class ServerLog:
    """Writes and posts lines. Every process runs one; on PostgreSQL each takes what the others have not."""

    def __init__(self, queries: ServerLogQueries, posts: LogPosts, worker_id: str, stopping: asyncio.Event) -> None:
        self._queries = queries
        self._posts = posts
        self._worker_id = worker_id
        self._stopping = stopping
        self._unwritten: list[LogLine] = []
        self._writing: asyncio.Task[None] | None = None

    def tell(self, line: LogLine | None) -> None:
        """Write a line as soon as the database takes it. Returns at once."""
        if line is None:
            return
        if len(self._unwritten) >= MAX_UNWRITTEN:
            log.warning("a server's log misses a line: the database is too slow", guild=line.guild_id)
            return
        self._unwritten.append(line)
        if self._writing is None or self._writing.done():
            self._writing = beside(self._write(), "server log")

    async def _write(self) -> None:
        """Write all that was told, several lines at a time."""
        while self._unwritten:
            lines, self._unwritten = self._unwritten, []
            try:
                async with asyncio.timeout(WRITE_PATIENCE_S):
                    await self._queries.add(lines, now())
            except (StoreUnavailable, TimeoutError) as exc:
                log.warning("servers' logs miss lines", count=len(lines), error=type(exc).__name__)

    async def run(self) -> None:
        """Until the process stops. Database trouble is waited out."""
        await repeat(self._take_back, self._stopping, 0.0, once=True)
        await repeat(self._post, self._stopping, EVERY_S)

    async def _take_back(self) -> None:
        await self._post(own=True)

    async def _post(self, *, own: bool = False) -> None:
        """Post what is due, in several channels at a time: one that does not answer holds up the rest for ATTEMPT_S."""
        due = await self._queries.claim(
            self._worker_id, now=now(), lease=LEASE, gather=GATHER, at_most=AT_ONCE, own=own
        )
        for outcome in await asyncio.gather(*map(self._try, due), return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _try(self, batch: LogBatch) -> None:
        """One attempt. Raises StoreUnavailable."""
        age_s = (now() - batch.made_at).total_seconds()
        try:
            async with asyncio.timeout(ATTEMPT_S):
                await self._send(batch)
        except (ReplyUnavailable, ReplyOutOfReach, TimeoutError) as exc:
            if age_s > GIVE_UP_AFTER.total_seconds():
                log.warning("lines of a server's log are dropped: they were not taken for a day", why=str(exc))
                await self._queries.done(batch)
                return
            asked_s = exc.retry_after if isinstance(exc, ReplyUnavailable) else 0.0
            pause_s = max(asked_s, PAUSE_FIRST_S, min(PAUSE_LONGEST_S, age_s * PAUSE_SHARE))
            if isinstance(exc, ReplyOutOfReach):
                log.warning("a log channel cannot be written; it is set in /settings", channel=batch.channel_id)
                pause_s = NOT_ALLOWED_PAUSE_S
            await self._queries.later(batch, self._worker_id, now() + timedelta(seconds=pause_s))
            return
        except ReplyError as exc:
            log.warning("lines of a server's log are not taken", channel=batch.channel_id, why=str(exc))
        await self._queries.done(batch)

    async def _send(self, batch: LogBatch) -> None:
        """Look first where a message may be there already. Raises ReplyError."""
        if batch.tried_at is not None and await self._posts.has_posted(batch.channel_id, batch.number, batch.tried_at):
            return
        if await self._queries.trying(batch, self._worker_id, now()):
            await self._posts.post_lines(batch.channel_id, batch.number, batch.lines, batch.left_out)
