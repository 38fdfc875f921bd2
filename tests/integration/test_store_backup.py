"""A copy of the database beside a bot that writes."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.errors import StoreError
from bot.model import OPEN_STATES, JobState
from bot.store.offline.backup import back_up
from bot.store.queries.jobs import Jobs
from bot.store.schema import jobs, metadata
from bot.store.store import Store
from tests.databases import execute, sqlite_url
from tests.integration.conftest import Scene
from tests.integration.everything import all_rows, fill


async def test_the_copy_holds_every_row_of_every_table_and_unfinished_jobs_as_restored(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    number = await fill(store)
    file = tmp_path / "copy.db"

    made = await asyncio.to_thread(back_up, database_url, file)

    assert (made.jobs, made.bytes) == (number, file.stat().st_size)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.glob(".copy.db*")) == []
    await store.close()
    before, after = all_rows(database_url), all_rows(f"sqlite:///{file}")
    changed = {"state", "told", "owner", "lease_until"}
    # What is due is done long before a copy is used.
    assert after["notices"] == after["approvals"] == []
    for table in metadata.tables.keys() - {"notices", "approvals"}:
        old, new = before[table], after[table]
        if table == "jobs":
            states = {JobState(row["state"]) for row in new}
            assert states == {*JobState} - OPEN_STATES - {JobState.TIMED_OUT} | {JobState.RESTORED}
            old, new = ([{k: v for k, v in row.items() if k not in changed} for row in rows] for rows in (old, new))
        assert old, f"{table} is not tried"
        assert new == old


async def test_a_copy_is_whole_while_jobs_come_in(scene: Scene, database_url: str, tmp_path: Path) -> None:
    coming = asyncio.create_task(_come_in(scene))
    try:
        for number in range(3):
            while scene.made < 50 * (number + 1):
                await asyncio.sleep(0.01)
            known = scene.made - 1  # the last may be under way
            made = await asyncio.to_thread(back_up, database_url, tmp_path / f"copy-{number}.db")
            assert known <= made.jobs <= scene.made
    finally:
        coming.cancel()


async def _come_in(scene: Scene) -> None:
    while True:
        await scene.receive(scene.new(), limit=100_000)


async def test_a_copy_can_be_opened_by_a_bot(store: Store, database_url: str, tmp_path: Path) -> None:
    await fill(store)
    await asyncio.to_thread(back_up, database_url, tmp_path / "copy.db")
    copy = await Store.open(f"sqlite:///{tmp_path / 'copy.db'}")
    query = select(func.count()).where(jobs.c.state == JobState.RESTORED)
    try:
        restored = await copy.run(lambda connection: connection.execute(query).scalar_one())
    finally:
        await copy.close()
    assert isinstance(copy.jobs, Jobs)
    assert restored == len(OPEN_STATES) + 1  # a timed-out one that nobody was told of


async def test_nothing_is_overwritten_and_nothing_is_left_of_a_copy_that_failed(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    there = tmp_path / "there.db"
    there.write_text("mine")
    with pytest.raises(StoreError, match="is there already"):
        back_up(database_url, there)
    assert there.read_text() == "mine"
    with pytest.raises(StoreError, match="cannot be written: No such file or directory"):
        back_up(database_url, tmp_path / "nowhere" / "copy.db")
    await store.close()
    execute(database_url, "DROP TABLE jobs")
    with pytest.raises(StoreError):
        back_up(database_url, tmp_path / "copy.db")
    assert not list(tmp_path.glob("*copy.db*"))


def test_where_there_is_no_database_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="There is no database"):
        back_up(sqlite_url(tmp_path), tmp_path / "copy.db")
    assert not list(tmp_path.iterdir())


def test_a_damaged_database_gives_no_copy(tmp_path: Path) -> None:
    file = tmp_path / "easel.db"
    with closing(sqlite3.connect(file)) as made:
        made.execute("CREATE TABLE jobs (state TEXT, told INTEGER, owner TEXT, lease_until TEXT)")
        made.executemany("INSERT INTO jobs VALUES (?, 1, '', '')", [("x" * 500,)] * 500)
        made.commit()
    content = bytearray(file.read_bytes())
    content[8192:16384] = b"\xff" * 8192
    file.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        back_up(sqlite_url(tmp_path), tmp_path / "copy.db")
    assert [path.name for path in tmp_path.iterdir() if "copy" in path.name] == []
