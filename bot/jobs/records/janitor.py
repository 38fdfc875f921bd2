"""Clears up: data that has grown old, people who asked to be forgotten, servers that were left.

Every process runs one; on PostgreSQL only one at a time does anything (see store/retention.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from bot.errors import StoreUnavailable
from bot.jobs.clock import now
from bot.jobs.records.privacy import BATCH, Privacy
from bot.policy.quotas import Span
from bot.store.queries.retention import Retention

log = structlog.stdlib.get_logger(__name__)

EVERY_S = 60.0
BETWEEN_BATCHES_S = 0.1  # others go first
DRAFTS_LIVE = timedelta(days=1)
SETTINGS_TOLD = timedelta(days=180)  # who changed which setting


@dataclass(frozen=True, slots=True)
class Ages:
    """How long things are kept: ended jobs (None: until somebody deletes them), and servers after the bot has left."""

    jobs: timedelta | None
    left_servers: timedelta


class Janitor:
    """Works in small pieces, so that nobody waits for it."""

    def __init__(self, retention: Retention, privacy: Privacy, ages: Ages) -> None:
        self._retention = retention
        self._privacy = privacy
        self._ages = ages

    async def run(self) -> None:
        """Until it is cancelled. Database trouble is waited out."""
        while True:
            try:
                await self.clear_up()
            except StoreUnavailable as exc:
                log.info("the database has no time to clear up", error=str(exc))
            except Exception:
                # Clearing up can wait; people who want pictures can't.
                log.exception("unhandled exception in the janitor")
            await asyncio.sleep(EVERY_S)

    async def clear_up(self) -> None:
        """Once everything. Raises StoreUnavailable."""
        moment = now()
        await self._all("open questions", lambda: self._retention.old_drafts(moment - DRAFTS_LIVE, BATCH))
        await self._all("old changes of settings", lambda: self._retention.old_lines(moment - SETTINGS_TOLD, BATCH))
        month_began = Span.MONTH.began(moment)
        await self._all("past months' totals", lambda: self._retention.old_totals(month_began, BATCH))
        if (age := self._ages.jobs) is not None:
            await self._all("old requests", lambda: self._retention.old_jobs(moment - age, BATCH))
        for note in await self._privacy.wishes():
            await self._all("a person's data", lambda it=note: self._privacy.forget_some(it))
        for guild_id, left_at in await self._retention.departed():
            if left_at <= moment - self._ages.left_servers:
                await self._server(guild_id, lambda g=guild_id, at=left_at: self._retention.server(g, at, BATCH))

    async def left(self, guild_id: int) -> None:
        """The bot is no longer in a server: its data goes after a while. Raises StoreUnavailable."""
        if await self._retention.left(guild_id, now()):
            log.info("a server was left; its data goes later", server=guild_id, days=self._ages.left_servers.days)

    async def is_in(self, guild_ids: Iterable[int]) -> None:
        """The bot is in these servers: their data stays. Raises StoreUnavailable."""
        for guild_id in await self._retention.came_back(frozenset(guild_ids)):
            log.info("Easel is back in a server; its data stays", server=guild_id)

    async def compare(self, guild_ids: Iterable[int], ours: Callable[[int], bool]) -> None:
        """At start: what was missed while the bot was away. `guild_ids` must be all servers it is in.

        `ours` says whether a server would be among them, had the bot not left it: other processes have other shards.
        """
        present = set(guild_ids)
        await self.is_in(present)
        guild_id = 0
        while (found := await self._retention.next_server(guild_id)) is not None:
            guild_id = found
            if found not in present and ours(found) and await self._retention.was_member(found):
                await self.left(found)

    async def _server(self, guild_id: int, batch: Callable[[], Awaitable[int]]) -> None:
        await self._all(f"data of the server {guild_id}, which was left", batch)

    async def _all(self, what: str, batch: Callable[[], Awaitable[int]]) -> None:
        total = 0
        while gone := await batch():
            total += gone
            await asyncio.sleep(BETWEEN_BATCHES_S)
        if total:
            log.info("cleared up", what=what, rows=total)
