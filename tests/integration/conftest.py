"""Stores for tests, on both kinds of database, and jobs in them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Unpack

import pytest
from sqlalchemy import update

from bot.model import ImageRequest, Job, JobState, NewJob, ReplyTarget
from bot.policy.quotas import FREE, Terms
from bot.store.queries.jobs import JobChanges, Received
from bot.store.schema import jobs
from bot.store.store import Store
from tests.databases import KINDS, PostgresServer, ready_sqlite

__all__ = ["PostgresServer", "Scene"]


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with empty tables, once of each kind."""
    if request.param == "sqlite":
        return ready_sqlite(tmp_path)
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.ready_database()


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = await Store.open(database_url)
    yield opened
    await opened.close()


@dataclass(slots=True)
class Scene:
    """Brings jobs to where a test begins, by the public way and at a set time."""

    store: Store
    now: datetime = datetime(2026, 11, 23, 12, tzinfo=UTC)
    lease: timedelta = timedelta(seconds=30)
    worker_id: str = "here"
    made: int = 0

    def new(self, user_id: int = 1) -> NewJob:
        self.made += 1
        target = ReplyTarget(
            application_id=11,
            token=f"token-{self.made}",
            token_expires_at=self.now + timedelta(minutes=15),
            channel_id=12,
            guild_id=13,
            message_id=None,
            ephemeral=False,
            bot_member=True,
            upload_limit=10_485_760,
        )
        return NewJob(f"job-{self.made}", 10_000 + self.made, user_id, ImageRequest("a red fox"), target)

    async def receive(self, new: NewJob, *, limit: int = 100, terms: Terms = FREE, patience: float = 20.0) -> Received:
        return await self.store.jobs.receive(
            new, worker_id=self.worker_id, limit=limit, now=self.now, lease=self.lease, terms=terms, patience=patience
        )

    async def job(self, state: JobState = JobState.RECEIVED, *, user_id: int = 1) -> Job:
        job = (await self.receive(self.new(user_id))).job
        for step in _WAYS[state]:
            job = await self.move(job, step)
        return await self._restored(job) if state is JobState.RESTORED else job

    async def _restored(self, job: Job) -> Job:
        """No arrow leads there: a backup writes it into the copy, see store/backup.py."""
        found = update(jobs).where(jobs.c.id == job.id).values(state=JobState.RESTORED)
        await self.store.run(lambda connection: connection.execute(found) and None)
        return replace(job, state=JobState.RESTORED)

    async def move(self, job: Job, to: JobState, **changes: Unpack[JobChanges]) -> Job:
        return await self.store.jobs.move(job, to, now=self.now, **changes)

    async def claim(self, room: int = 100, *, worker_id: str | None = None) -> list[Job]:
        return await self.store.jobs.claim(worker_id or self.worker_id, room=room, now=self.now, lease=self.lease)

    async def reclaim(self, worker_id: str | None = None, *, include_own: bool = False) -> list[Job]:
        return await self.store.jobs.reclaim(
            worker_id or self.worker_id, now=self.now, lease=self.lease, include_own=include_own
        )


@pytest.fixture
def scene(store: Store) -> Scene:
    return Scene(store)


_LINE = (JobState.WAITING, JobState.SUBMITTING, JobState.PAINTING)
_WAYS: dict[JobState, tuple[JobState, ...]] = {
    JobState.RECEIVED: (),
    JobState.WAITING: _LINE[:1],
    JobState.SUBMITTING: _LINE[:2],
    JobState.PAINTING: _LINE,
    JobState.READY: (*_LINE, JobState.READY),
    JobState.DELIVERING: (*_LINE, JobState.READY, JobState.DELIVERING),
    JobState.DELIVERED: (*_LINE, JobState.READY, JobState.DELIVERING, JobState.DELIVERED),
    JobState.RESTORED: _LINE,
    JobState.FAILED: (JobState.FAILED,),
    JobState.CANCELLED: (JobState.CANCELLED,),
    JobState.TIMED_OUT: (*_LINE, JobState.TIMED_OUT),
    JobState.UNCERTAIN: (*_LINE[:2], JobState.UNCERTAIN),
}
