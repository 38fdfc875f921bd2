"""From the first version to this one and back, as docs/upgrading.md says. The database was written by 0.9.0 itself.

That bot delivered two requests and was killed while a third was painted.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.model import JobState
from bot.store.migrate import HEAD
from bot.store.store import Store
from tests.acceptance.conftest import house_in
from tests.acceptance.processes import forked_easel, variables

WRITTEN_BY_THE_FIRST = (Path(__file__).parents[1] / "integration" / "databases" / "0.9.0.sql").read_text("utf-8")
NOWHERE = "http://127.0.0.1:9/api/v10"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    file = tmp_path / "easel.db"
    with closing(sqlite3.connect(file)) as database:
        database.executescript(WRITTEN_BY_THE_FIRST)
    return file


def version_of(file: Path) -> str:
    with closing(sqlite3.connect(file)) as database:
        return str(database.execute("SELECT version_num FROM alembic_version").fetchone()[0])


async def test_everything_of_the_first_version_is_there_after_an_upgrade(old: Path) -> None:
    assert version_of(old) == "0002"
    with closing(sqlite3.connect(old)) as database:
        before = dict(database.execute("SELECT id, state FROM jobs").fetchall())
    assert sorted(before.values()) == [JobState.DELIVERED, JobState.DELIVERED, JobState.PAINTING]
    store = await Store.open(f"sqlite:///{old}")
    try:
        for job_id, state in before.items():
            job = await store.jobs.get(job_id)
            assert job is not None
            assert (job.state, bool(job.request.prompt)) == (state, True)
    finally:
        await store.close()
    assert version_of(old) == HEAD


async def test_check_leaves_an_old_database_as_it_is(tmp_path: Path, old: Path) -> None:
    """The old version may be running on it, or be gone back to."""
    before = old.read_bytes()
    async with forked_easel(tmp_path, "check", **variables(NOWHERE, DATABASE_URL=f"sqlite:///{old}")) as check:
        await check.wait()
    assert "ok   database   of an earlier version: the next start brings it up to date; back up first" in check.out
    assert version_of(old) == "0002"
    with closing(sqlite3.connect(old)) as now, closing(sqlite3.connect(tmp_path / "then.db")) as then:
        (tmp_path / "then.db").write_bytes(before)
        assert list(now.iterdump()) == list(then.iterdump())


async def test_the_new_version_works_on_in_the_old_database(old: Path) -> None:
    async with house_in(old.parent, database=f"sqlite:///{old}") as house:
        reply = await house.ada.say("/imagine prompt:a first one by the new version")
        await reply.until(lambda message: bool(message.pictures))
    with closing(sqlite3.connect(old)) as database:
        states = [str(it[0]) for it in database.execute("SELECT state FROM jobs ORDER BY seq").fetchall()]
        counted = database.execute("SELECT COUNT(*), SUM(pictures) FROM ledger").fetchone()
    assert states[:2] + states[3:] == [JobState.DELIVERED] * 3
    assert counted == (4, 2 + 1 + 4 + 1)


async def test_an_older_version_says_what_to_do_and_the_backup_brings_it_back(tmp_path: Path, old: Path) -> None:
    settings = variables(NOWHERE, DATABASE_URL=f"sqlite:///{old}")
    copy = tmp_path / "before.db"
    store = await Store.open(f"sqlite:///{old}")
    await store.close()
    async with forked_easel(tmp_path, "backup", str(copy), **settings) as backing_up:
        assert await backing_up.wait() == 0
    # What a later version leaves: a revision that this one does not know.
    with closing(sqlite3.connect(old)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    async with forked_easel(tmp_path, **settings) as started:
        assert await started.wait() == 1
    assert "The database was written by a later version of Easel; update Easel, or restore" in started.output
    assert "Traceback" not in started.output
    copy.replace(old)
    store = await Store.open(f"sqlite:///{old}")
    jobs = await store.run(lambda connection: connection.exec_driver_sql("SELECT state FROM jobs").fetchall())
    await store.close()
    assert sorted(str(it[0]) for it in jobs) == [JobState.DELIVERED, JobState.DELIVERED, JobState.RESTORED]
