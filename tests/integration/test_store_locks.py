"""Processes on one PostgreSQL never wait for each other's locks in a circle."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Connection

from bot.errors import StoreUnavailable
from bot.policy.preset import Preset
from bot.policy.request_input import Options
from bot.store.store import Store
from bot.store.sync import advisory_locks
from tests.integration.conftest import Scene

if TYPE_CHECKING:
    from tests.integration.conftest import PostgresServer

MOMENT = datetime(2026, 11, 23, 12, tzinfo=UTC)
USER, SERVER = 5, 9
DEADLOCKS = "SELECT pg_stat_force_next_flush(), deadlocks FROM pg_stat_database WHERE datname = current_database()"

Act = Callable[[Store], Awaitable[object]]


def _preset(number: int, *, of_guild: bool) -> Preset:
    owner = SERVER if of_guild else USER
    name = f"style {number}"
    return Preset(f"{number}", of_guild, owner, name, words="ink", options=Options(), made_by=USER, made_at=MOMENT)


async def _forget(store: Store) -> None:
    await store.people.forget(USER, MOMENT)


async def _learn(store: Store) -> None:
    await store.meta.revise("pace:", lambda texts: {"pace:x": str(len(texts))})


async def _add_preset(store: Store) -> None:
    await store.presets.add(_preset(1, of_guild=False), limit=50)


async def _add_server_preset(store: Store) -> None:
    await store.presets.add(_preset(2, of_guild=True), limit=50)


async def _unblock(store: Store) -> None:
    await store.rules.unblock(SERVER, USER, now=datetime.now(UTC))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (_learn, _forget),
        (_learn, _unblock),
        (_add_server_preset, _forget),
        (_add_preset, _unblock),
        (_unblock, _forget),
    ],
)
async def test_locks_that_cross_are_no_deadlock(postgres: PostgresServer, one: Act, other: Act) -> None:
    """Each process does both acts in one transaction, in opposite order, and both hold the first before the second."""
    url = postgres.ready_database()
    stores = [await Store.open(url) for _ in range(2)]
    both_hold_one = threading.Barrier(2)

    def meet(connection: Connection) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):  # done again alone: nobody is there to meet
            both_hold_one.wait(1.0)

    async def crossing(store: Store, acts: list[Act]) -> None:
        busy = threading.Event()
        first = asyncio.create_task(store.run(lambda connection: busy.wait(10)))
        await asyncio.sleep(0.1)  # the rest piles up behind it and shares a transaction
        tasks = [
            asyncio.ensure_future(acts[0](store)),
            asyncio.create_task(store.run(meet)),
            asyncio.ensure_future(acts[1](store)),
        ]
        await asyncio.sleep(0)
        busy.set()
        await asyncio.gather(first, *tasks)

    await asyncio.gather(crossing(stores[0], [one, other]), crossing(stores[1], [other, one]), return_exceptions=True)

    _, deadlocks = await stores[0].run(lambda connection: tuple(connection.exec_driver_sql(DEADLOCKS).one()))
    for store in stores:
        await store.close()
    assert deadlocks == 0


async def test_a_process_that_froze_inside_a_transaction_keeps_nobody_waiting(postgres: PostgresServer) -> None:
    url = postgres.ready_database()
    frozen, other = [await Store.open(url) for _ in range(2)]
    holds, wakes = threading.Event(), threading.Event()

    def freeze(connection: Connection) -> None:
        advisory_locks.hold(connection, [advisory_locks.of_user(USER)])
        holds.set()
        wakes.wait(30)

    asleep = asyncio.create_task(frozen.run(freeze))
    assert await asyncio.to_thread(holds.wait, 5)
    try:
        # It neither waits for the lock for ever nor keeps the database's only thread.
        with pytest.raises(StoreUnavailable):
            await asyncio.wait_for(other.people.forget(USER, MOMENT), 8)
        await other.ping(2.0)
        # The server ends the frozen session, and with it its locks.
        async with asyncio.timeout(25):
            while True:
                try:
                    await other.people.forget(USER, MOMENT)
                    break
                except StoreUnavailable:
                    continue
    finally:
        wakes.set()
        await asyncio.gather(asleep, return_exceptions=True)
        for store in (frozen, other):
            await store.close()


async def test_a_lock_that_somebody_else_holds_holds_up_only_who_needs_it(postgres: PostgresServer) -> None:
    """Of what shares a transaction, one waits for its lock; the others are done, and so is whoever comes meanwhile."""
    url = postgres.create_database()
    scene = Scene(await Store.open(url))
    now = datetime.now(UTC)

    def hold(connection: Connection) -> None:
        advisory_locks.hold(connection, [advisory_locks.of_user(USER)])
        holds.set()
        lets_go.wait(30)

    holder, holds, lets_go = await Store.open(url), threading.Event(), threading.Event()
    holding = asyncio.create_task(holder.run(hold))
    try:
        assert await asyncio.to_thread(holds.wait, 5)
        began = time.monotonic()
        stuck = [asyncio.create_task(it) for it in (_forget(scene.store), scene.receive(scene.new(USER)))]
        others = [scene.store.rules.unblock(SERVER, USER, now=now), scene.store.ping(), scene.receive(scene.new(7))]
        await asyncio.gather(*others)
        assert time.monotonic() - began < 1.5
        while time.monotonic() - began < 1.5:
            await scene.receive(scene.new(8), patience=0.5)
        for outcome in await asyncio.gather(*stuck, return_exceptions=True):
            assert isinstance(outcome, StoreUnavailable)
        again = asyncio.create_task(scene.receive(scene.new(USER)))
        await asyncio.sleep(0.5)
        lets_go.set()
        assert (await again).job.user_id == USER
    finally:
        lets_go.set()
        await asyncio.gather(holding, return_exceptions=True)
        for store in (holder, scene.store):
            await store.close()
