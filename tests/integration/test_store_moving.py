"""Everything into another database, both ways, or nothing at all."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.errors import StartError, StoreError
from bot.store.offline.moving import move
from bot.store.store import Store
from tests.databases import PostgresServer, execute, rows, sqlite_url
from tests.integration.conftest import Scene
from tests.integration.everything import all_rows, fill

PROJECT = Path(__file__).parents[2]
KILLED_AT_THE_END = """
import sys, time
from bot.store.offline.moving import move
move(*sys.argv[1:], lambda _: (print("all is copied", flush=True), time.sleep(60)))
"""
SESSIONS = "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'easel' AND datname = current_database()"


def bring_nothing(addresses: Sequence[str]) -> None:
    assert addresses == []


@pytest.fixture(params=["sqlite to sqlite", "sqlite to postgresql", "postgresql to sqlite", "postgresql to postgresql"])
def way(request: pytest.FixtureRequest, tmp_path: Path, postgres: PostgresServer) -> tuple[str, str]:
    """Where from and where to."""
    first, _, second = str(request.param).partition(" to ")
    urls = [
        sqlite_url(tmp_path / str(number)) if kind == "sqlite" else postgres.create_database()
        for number, kind in enumerate((first, second))
    ]
    return urls[0], urls[1]


async def filled(url: str, jobs_in_each_state: int = 1) -> None:
    store = await Store.open(url)
    await fill(store, jobs_in_each_state)
    await store.close()
    execute(url, "UPDATE jobs SET lease_until = '2020-01-01 00:00:00.000000'")


async def test_every_row_arrives_and_new_jobs_are_numbered_after_them(way: tuple[str, str]) -> None:
    old, new = way
    await filled(old)
    before = all_rows(old)

    moved = await asyncio.to_thread(move, old, new, bring_nothing)

    after = all_rows(new)
    assert {row["owner"] for row in after["jobs"]} == {None}
    freed = [row | {"owner": None, "lease_until": None} for row in before["jobs"]]
    assert after == {**before, "jobs": freed}
    assert moved.rows == {table: len(found) for table, found in before.items()}
    assert all_rows(old) == before
    store = await Store.open(new)
    job = await Scene(store).job()
    await store.close()
    assert job.seq > max(row["seq"] for row in before["jobs"])


async def test_a_move_into_postgresql_writes_each_row_once(tmp_path: Path, postgres: PostgresServer) -> None:
    """Written again, each would leave a dead row: a million jobs took twice their room."""
    old, new = sqlite_url(tmp_path), postgres.create_database()
    await filled(old, 5)
    execute(old, "UPDATE jobs SET owner = NULL WHERE seq % 2 = 0")
    held = rows(old, "SELECT COUNT(*) FROM jobs WHERE owner IS NOT NULL")[0][0]
    copied = await asyncio.to_thread(move, old, new, bring_nothing)
    query = "SELECT relname, n_tup_ins, n_tup_upd FROM pg_stat_user_tables WHERE n_tup_ins > 0"
    async with asyncio.timeout(20):  # the server counts a session's work some time after its end
        while len(counted := rows(new, query)) <= sum(bool(number) for number in copied.rows.values()):
            await asyncio.sleep(0.1)
    written = {str(table): (inserted, again) for table, inserted, again in counted if table != "alembic_version"}
    once = {table: (number, 0) for table, number in copied.rows.items() if number}
    assert 0 < int(str(held)) < copied.rows["jobs"]
    assert written == {**once, "jobs": (copied.rows["jobs"], held)}


async def test_a_database_that_is_not_empty_is_left_as_it_is(way: tuple[str, str]) -> None:
    old, new = way
    await filled(old)
    await filled(new)
    before = all_rows(new)
    with pytest.raises(StoreError, match="is not empty"):
        await asyncio.to_thread(move, old, new, bring_nothing)
    assert all_rows(new) == before


async def test_nothing_is_moved_while_a_bot_runs_on_either_side(way: tuple[str, str]) -> None:
    old, new = way
    await filled(old)
    for used in way:
        store = await Store.open(used)
        await store.ping()
        try:
            with pytest.raises(StoreError, match=r"already uses|Easel runs on"):
                await asyncio.to_thread(move, old, new, bring_nothing)
        finally:
            await store.close()
    await asyncio.to_thread(move, old, new, bring_nothing)


async def test_jobs_that_a_process_holds_are_not_moved_from_under_it(postgres: PostgresServer, tmp_path: Path) -> None:
    old = postgres.create_database()
    await filled(old)
    execute(old, "UPDATE jobs SET lease_until = now() + interval '30 seconds' WHERE seq = 7")
    with pytest.raises(StoreError, match="holds 1 jobs"):
        move(old, sqlite_url(tmp_path), bring_nothing)


async def test_what_fails_at_the_end_leaves_the_new_database_empty(way: tuple[str, str]) -> None:
    old, new = way
    await filled(old)

    def fail(_: Sequence[str]) -> None:
        raise StoreError("no room")

    with pytest.raises(StoreError, match="no room"):
        await asyncio.to_thread(move, old, new, fail)
    assert not any(all_rows(new).values())
    await asyncio.to_thread(move, old, new, bring_nothing)
    assert all_rows(new)["jobs"]


async def test_a_move_that_is_killed_before_its_end_can_be_done_anew(way: tuple[str, str]) -> None:
    old, new = way
    await filled(old, jobs_in_each_state=20)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KILLED_AT_THE_END, old, new), cwd=PROJECT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"all is copied\n"
    process.kill()
    await process.wait()
    for url in way:
        while url.startswith("postgresql") and await asyncio.to_thread(rows, url, SESSIONS) != [(0,)]:
            await asyncio.sleep(0.05)
    assert not any(all_rows(new).values())
    moved = await asyncio.to_thread(move, old, new, bring_nothing)
    assert [(moved.rows["jobs"],)] == rows(new, "SELECT COUNT(*) FROM jobs") == rows(old, "SELECT COUNT(*) FROM jobs")


def test_addresses_that_lead_nowhere_are_told_without_their_passwords(tmp_path: Path) -> None:
    source = sqlite_url(tmp_path)
    with pytest.raises(StoreError, match="There is no database"):
        move(source, "postgresql://me:secret@127.0.0.1:1/easel", bring_nothing)
    asyncio.run(filled(source))
    with pytest.raises(StoreError, match="there is nothing to move"):
        move(source, source, bring_nothing)
    with pytest.raises(StartError, match="The new address names no kind of database"):
        move(source, "mysql://me:secret@127.0.0.1/easel", bring_nothing)
    with pytest.raises(StoreError, match="does not answer; check that it runs and that the new address") as raised:
        move(source, "postgresql://me:secret@127.0.0.1:1/easel", bring_nothing)
    assert "secret" not in str(raised.value)
