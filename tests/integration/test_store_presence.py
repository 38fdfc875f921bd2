"""Dead processes on one PostgreSQL: found out within seconds, and never taken for dead while they live."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from bot.model import Job, JobState
from bot.policy.preferences import TOOK_LONG, Notify
from bot.policy.server_log import LogLine
from bot.store.store import Store
from bot.store.sync import advisory_locks as locks
from bot.store.sync.presence import UNSEEN, Presence
from tests.databases import PostgresServer, rows
from tests.integration.conftest import Scene

SOON_S = UNSEEN.total_seconds() + 4
A_LITTLE = timedelta(seconds=1)
#: Ends the connections that hold the names of processes.
END_LISTENERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE query LIKE '%pg_try_advisory_lock%' AND datname = current_database() AND pid <> pg_backend_pid()"
)


@asynccontextmanager
async def process(url: str, worker_id: str, ahead: timedelta = timedelta(0)) -> AsyncGenerator[Scene]:
    """A process of this name, there until the end; its clock is so far ahead of the database's."""

    def clock() -> datetime:
        return datetime.now(UTC) + ahead

    store = await Store.open(url, presence=Presence(clock))
    store.listen(lambda _: None, worker_id)
    try:
        yield Scene(store, now=clock(), worker_id=worker_id, made=100 * len(worker_id))
    finally:
        await store.close()


async def painting(scene: Scene) -> Job:
    """A job that this process has bought."""
    await scene.job(JobState.WAITING)
    (job,) = await scene.claim()
    return await scene.move(await scene.move(job, JobState.SUBMITTING), JobState.PAINTING)


async def reclaimed(scene: Scene, clock: Callable[[], datetime], within_s: float) -> list[str]:
    """What a process takes over in this time, as its loop does it."""
    ends, found = time.monotonic() + within_s, list[str]()
    while not found and time.monotonic() < ends:
        jobs = await scene.store.jobs.reclaim(scene.worker_id, now=clock(), lease=scene.lease, include_own=False)
        found = [job.id for job in jobs]
        await asyncio.sleep(0.3)
    return found


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.ready_database()


async def test_a_process_that_is_gone_is_found_out_long_before_its_leases_run_out(url: str) -> None:
    async with process(url, "second") as second:
        async with process(url, "first") as first:
            job = await painting(first)
            await asyncio.sleep(UNSEEN.total_seconds())
            await first.store.jobs.keep("first", [job.id], now=now(), lease=first.lease)
            assert await reclaimed(second, now, 3) == []
        assert await reclaimed(second, now, SOON_S) == [job.id]


async def test_a_process_whose_connection_is_lost_keeps_its_jobs_while_its_heart_beats(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """And nothing is said of it: a lost connection is made anew, and the library's traceback would frighten people."""
    async with process(url, "second") as second, process(url, "first") as first:
        job = await painting(first)
        ends, ended = time.monotonic() + SOON_S, 0
        while time.monotonic() < ends:
            # Ended again and again, so that its lock is hardly ever there.
            ended += len(await asyncio.to_thread(rows, url, END_LISTENERS))
            await first.store.jobs.keep("first", [job.id], now=now(), lease=first.lease)
            assert await reclaimed(second, now, 1) == []
        assert ended > 3
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_process_that_was_frozen_keeps_its_jobs_until_its_leases_run_out(url: str) -> None:
    async with process(url, "second") as second, process(url, "first") as first:
        await painting(first)  # and no heartbeat after that: its lock is all there is of it
        assert await reclaimed(second, now, SOON_S) == []


@pytest.mark.parametrize("ahead", [timedelta(seconds=40), timedelta(seconds=-40)])
async def test_clocks_that_differ_take_nothing_from_anybody(url: str, ahead: timedelta) -> None:
    def fast() -> datetime:
        return now() + ahead

    async with process(url, "first") as first, process(url, "second", ahead) as second:
        await painting(first)
        assert await reclaimed(second, fast, 1) == []
        # What the other leases, by its own clock, lasts as long as a lease does.
        second.now, first.now = fast(), now()
        mine = await second.job(JobState.WAITING)
        claimed = await second.claim()
        assert [job.id for job in claimed] == [mine.id]
        first.now = now() + first.lease - A_LITTLE
        assert await first.claim() == []
        first.now = now() + first.lease + A_LITTLE
        assert [job.id for job in await first.claim()] == [mine.id]


@pytest.mark.parametrize("ahead", [timedelta(seconds=40), timedelta(seconds=-40)])
async def test_whether_a_job_took_long_hangs_on_no_clock_of_those_that_had_it(url: str, ahead: timedelta) -> None:
    """One process takes the job, and another, whose clock is wrong, delivers it half a minute later."""
    async with process(url, "first") as first, process(url, "second", ahead) as second:
        await first.store.preferences.change(1, lambda it: replace(it, notify=Notify.LONG))
        job = await first.job(JobState.DELIVERING)
        delivered = await second.store.jobs.move(job, JobState.DELIVERED, now=now() + ahead + TOOK_LONG / 2)
        assert delivered.finished_at is not None
        assert abs(delivered.finished_at - delivered.received_at - TOOK_LONG / 2) < A_LITTLE * 5
        assert await first.store.notices.claim("first", now=now() + TOOK_LONG, lease=LEASE, at_most=5) == []
        late = await first.job(JobState.DELIVERING)
        await second.store.jobs.move(late, JobState.DELIVERED, now=now() + ahead + TOOK_LONG + A_LITTLE)
        due = await first.store.notices.claim("first", now=now() + TOOK_LONG * 2, lease=LEASE, at_most=5)
        assert [it.job.id for it in due] == [late.id]


Claim = Callable[[Store, str, datetime], Awaitable[Sequence[object]]]
#: Work besides the jobs that processes take from each other by leases of LEASE.
LEASE = timedelta(seconds=13)
LEASED: Mapping[str, Claim] = {
    "notices": lambda store, who, at: store.notices.claim(who, now=at, lease=LEASE, at_most=5),
    "server log": lambda store, who, at: store.server_log.claim(
        who, now=at, lease=LEASE, gather=timedelta(), at_most=5
    ),
    "showcase": lambda store, who, at: store.showcase.due(who, at, lease=LEASE, limit=5),
}


@pytest.mark.parametrize("ahead", [timedelta(seconds=40), timedelta(seconds=-40)])
async def test_nor_do_they_send_a_notice_a_line_or_a_post_of_somebody_else(url: str, ahead: timedelta) -> None:
    def wrong() -> datetime:
        return now() + ahead

    async with process(url, "first") as first, process(url, "second", ahead) as second:
        await first.store.preferences.change(1, lambda it: replace(it, notify=Notify.ALWAYS))
        job = await first.job(JobState.DELIVERED)
        await first.store.server_log.add([LogLine(13, 12, "en-US", "Ada asked for a picture.")], now())
        await first.store.showcase.star(job, 2, needed=1, at_once=True, now=now(), patience=5)
        for name, claim in LEASED.items():
            assert len(await claim(first.store, "first", now())) == 1, name
            assert await claim(second.store, "second", wrong()) == [], name
            later = LEASE + A_LITTLE
            assert len(await claim(second.store, "second", wrong() + later)) == 1, name
            assert await claim(first.store, "first", now() + later + LEASE - A_LITTLE) == [], name


async def test_a_ghost_that_still_holds_the_lock_keeps_no_word_from_its_process(
    url: str, postgres: PostgresServer
) -> None:
    """A connection that broke on this side alone lives on at the server until it notices."""
    heard: list[str] = []
    ghost = await asyncio.to_thread(psycopg.connect, url, autocommit=True)
    locks.be_there(ghost, "first")
    store, presence = await Store.open(url), Presence()
    watched = await Store.open(url, presence=presence)
    try:
        watched.listen(heard.append, "first")
        job = await Scene(store, now=now()).job(JobState.WAITING)
        async with asyncio.timeout(20):
            while not heard:  # from then on it listens
                await asyncio.sleep(0.05)
            await store.jobs.request_cancel(job.id)
            while job.id not in heard:
                await asyncio.sleep(0.05)
        await asyncio.to_thread(ghost.close)
        async with asyncio.timeout(10):
            while locks.of_process("first") not in await store.run(locks.held_by_processes):
                await asyncio.sleep(0.1)
    finally:
        await asyncio.to_thread(ghost.close)
        await watched.close()
        await store.close()
