"""What the store does when its file, its disk or its server fails while it is open."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Connection, func, insert, select

from bot.errors import StoreUnavailable
from bot.store.calls import NeverBegun
from bot.store.schema import meta
from bot.store.store import Store

if TYPE_CHECKING:
    from tests.integration.conftest import PostgresServer


def put(name: str) -> Callable[[Connection], None]:
    def write(connection: Connection) -> None:
        connection.execute(insert(meta).values(name=name, value="x"))

    return write


def names(connection: Connection) -> set[str]:
    return set(connection.execute(select(meta.c.name)).scalars())


async def test_sqlite_is_safe_against_power_loss(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/easel.db")
    modes = await store.run(
        lambda connection: [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("journal_mode", "synchronous")
        ]
    )
    await store.close()

    assert modes == ["wal", 2]


async def test_a_relative_file_makes_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = await Store.open("sqlite:///data/deep/easel.db")
    await store.close()

    assert (tmp_path / "data/deep/easel.db").exists()


async def test_sqlite_waits_for_another_program_and_then_goes_on(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/easel.db")
    other = sqlite3.connect(tmp_path / "easel.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(NeverBegun):
        await store.run(put("given up"), patience=0.1)
    waiting = asyncio.create_task(store.run(put("patient")))
    await asyncio.sleep(0.1)
    other.execute("COMMIT")
    other.close()
    await waiting

    assert await store.run(names) == {"patient"}
    await store.close()


async def test_a_full_disk_is_told_and_over_when_there_is_room_again(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/easel.db")
    pages = await store.run(lambda connection: connection.exec_driver_sql("PRAGMA page_count").scalar_one())
    await store.run(lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count={pages}") and None)
    with pytest.raises(StoreUnavailable, match=r"disk .* is full"):
        await store.meta.put("large", "x" * 100_000)

    await store.run(lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 1000}") and None)
    await store.meta.put("large", "x" * 100_000)
    await store.close()


async def test_ping_notices_that_the_file_was_removed(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/easel.db")
    (tmp_path / "easel.db").unlink()

    with pytest.raises(StoreUnavailable, match="removed"):
        await store.ping()
    await store.close()


async def test_a_connection_that_died_while_idle_costs_nobody_anything(postgres: PostgresServer) -> None:
    url = postgres.ready_database()
    store = await Store.open(url)
    await store.ping()
    postgres.execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{url.rpartition('/')[2]}'"
    )

    await store.run(put("a"))

    assert await store.run(names) == {"a"}
    await store.close()


async def test_a_connection_that_dies_under_work_heals_with_the_next(postgres: PostgresServer) -> None:
    store = await Store.open(postgres.ready_database())

    def die(connection: Connection) -> None:
        put("lost")(connection)
        own = connection.execute(select(func.pg_backend_pid())).scalar_one()
        postgres.execute(f"SELECT pg_terminate_backend({own})")
        connection.execute(select(1))

    with pytest.raises(StoreUnavailable, match="does not answer"):
        await store.run(die)

    assert await store.run(names) == set()
    await store.close()


async def test_a_server_that_hangs_is_told_in_time_and_nothing_late_is_written(postgres: PostgresServer) -> None:
    store = await Store.open(postgres.ready_database())
    backend = await store.run(lambda connection: connection.execute(select(func.pg_backend_pid())).scalar_one())
    os.kill(backend, signal.SIGSTOP)
    try:
        with pytest.raises(StoreUnavailable):
            await store.run(put("late"), patience=0.2)
        with pytest.raises(StoreUnavailable):
            await store.ping(patience=0.2)
    finally:
        os.kill(backend, signal.SIGCONT)

    assert await store.run(names) == set()
    await store.close()
