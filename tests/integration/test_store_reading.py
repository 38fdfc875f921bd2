"""Lists are read beside what is written: they see what came before them, hold up nothing, and end when nobody waits."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, func, insert, select, text
from sqlalchemy.exc import DBAPIError

from bot.errors import StoreUnavailable
from bot.model import JobState
from bot.store.queries.lists import ListScope
from bot.store.schema import meta
from bot.store.store import Store
from tests.integration.conftest import Scene

SLOW_S = 30.0  # of a list that nobody can wait for
SOON_S = 10.0  # far less than that, on a busy machine too
_ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "postgresql": f"SELECT pg_sleep({SLOW_S:.0f})",
}


def endless(connection: Connection) -> None:
    connection.execute(text(_ENDLESS[connection.dialect.name])).all()


def how_many(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(meta)).scalar_one()


def writing(name: str, gate: threading.Event | None = None) -> Callable[[Connection], None]:
    def write(connection: Connection) -> None:
        if gate is not None:
            gate.wait(SLOW_S)
        connection.execute(insert(meta).values(name=name, value=""))

    return write


async def test_a_list_sees_what_was_handed_over_before_it_though_nobody_has_waited_for_that(store: Store) -> None:
    gate = threading.Event()
    written = [asyncio.create_task(store.run(writing(str(number), gate))) for number in range(3)]
    await asyncio.sleep(0)
    listed = asyncio.create_task(store.read(how_many))
    await asyncio.sleep(0.2)
    assert not listed.done()
    gate.set()

    assert await listed == 3
    await asyncio.gather(*written)


async def test_whoever_did_something_sees_it_in_the_next_list_however_many_write_meanwhile(scene: Scene) -> None:
    async def somebody(user_id: int) -> None:
        for number in range(1, 6):
            job = (await scene.receive(scene.new(user_id))).job
            page = await scene.store.lists.page(ListScope(user_id), 0, 10)
            assert [it.id for it in page.jobs[-1:]] == [job.id]
            assert len(page.jobs) == number
            await scene.store.jobs.request_cancel(job.id)
            page = await scene.store.lists.page(ListScope(user_id), 0, 10)
            assert page.jobs[-1].cancel_requested

    await asyncio.gather(*(somebody(user_id) for user_id in range(1, 9)))


async def test_a_request_is_written_while_a_long_list_is_read(scene: Scene) -> None:
    begun, gate = threading.Event(), threading.Event()

    def long(connection: Connection) -> int:
        found = how_many(connection)
        begun.set()
        gate.wait(SLOW_S)
        return found

    reading = asyncio.create_task(scene.store.read(long))
    await asyncio.to_thread(begun.wait, SLOW_S)
    async with asyncio.timeout(SOON_S):
        job = (await scene.receive(scene.new())).job
        await scene.move(job, JobState.WAITING)
    assert not reading.done()
    gate.set()
    assert await reading == 0


async def test_a_list_that_takes_too_long_is_broken_off_and_the_next_one_is_read(store: Store) -> None:
    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match=r"did not answer within 0\.3 s"):
        await store.read(endless, 0.3)

    assert await store.read(how_many, SOON_S) == 0
    assert time.monotonic() - began < SOON_S


async def test_a_list_whose_caller_is_gone_is_broken_off(scene: Scene) -> None:
    reading = asyncio.create_task(scene.store.read(endless, 1.0))
    waiting = asyncio.create_task(scene.store.read(endless, SLOW_S))
    await asyncio.sleep(0.3)
    for task in (reading, waiting):
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    assert await scene.store.read(how_many, SOON_S) == 0


async def test_a_list_can_write_nothing(store: Store) -> None:
    with pytest.raises((DBAPIError, StoreUnavailable)):
        await store.read(writing("by a list"))
    assert await store.read(how_many) == 0


async def test_a_connection_that_was_ended_meanwhile_is_made_anew(database_url: str, store: Store) -> None:
    if database_url.startswith("sqlite"):
        return  # it has no connections that somebody else can end
    await store.read(how_many)
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    mine = " AND pid <> pg_backend_pid() AND application_name = 'easel'"
    await store.run(lambda connection: connection.execute(text(others + mine)).all() and None)

    assert await store.read(how_many) == 0


async def test_closing_breaks_off_what_is_read(database_url: str) -> None:
    store = await Store.open(database_url)
    reading = asyncio.create_task(store.read(endless, 2.0))
    await asyncio.sleep(0.3)
    began = time.monotonic()
    await store.close()

    assert time.monotonic() - began < SOON_S
    with pytest.raises((StoreUnavailable, DBAPIError)):
        await reading
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.read(how_many)
