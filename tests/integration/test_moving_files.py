"""The files that go along with a database: pictures of unfinished jobs that the image API gives only once."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from bot.config.paths import paths_of
from bot.errors import StoreError
from bot.model import JobState
from bot.ops.database_files import HELD, move_to
from bot.ops.terminal import Waiting
from bot.store.store import Store
from tests.databases import execute, ready_sqlite, rows, sqlite_url
from tests.integration.conftest import Scene
from tests.integration.uniall_servers import PNG
from tests.unit.environments import loaded

LONG_AGO = "2020-01-01 00:00:00.000000"


async def unfinished(folder: Path) -> str:
    """The address of a database with a job whose picture lies beside it, and another one's that is gone."""
    folder.mkdir()
    url = ready_sqlite(folder)
    store = await Store.open(url)
    job = await Scene(store).job(JobState.READY)
    await store.close()
    addresses = json.dumps([f"{HELD}picture-1", f"{HELD}picture-2", "https://pictures.example/3.png"])
    execute(url, f"UPDATE jobs SET result_urls = '{addresses}', lease_until = '{LONG_AGO}' WHERE id = '{job.id}'")
    held = paths_of(url).held
    held.mkdir()
    (held / "picture-1").write_bytes(PNG)
    (held / "of-a-finished-job").write_bytes(PNG)
    return url


async def test_what_is_held_for_unfinished_jobs_goes_along(tmp_path: Path) -> None:
    url = await unfinished(tmp_path / "old")
    (tmp_path / "new").mkdir()
    target = sqlite_url(tmp_path / "new")
    said = await asyncio.to_thread(move_to, loaded(DATABASE_URL=url), target, Waiting("moving"))
    held = paths_of(target).held
    assert [it.name for it in held.iterdir()] == ["picture-1"]
    assert (held / "picture-1").read_bytes() == PNG
    assert f"1 picture of unfinished jobs copied into {held}." in said
    assert len(rows(target, "SELECT 1 FROM jobs")) == 1


async def test_where_they_cannot_be_written_nothing_is_moved(tmp_path: Path) -> None:
    url = await unfinished(tmp_path / "old")
    (tmp_path / "new").mkdir()
    target = sqlite_url(tmp_path / "new")
    paths_of(target).held.write_text("a file where the folder is to be")
    with pytest.raises(StoreError, match="cannot be written"):
        await asyncio.to_thread(move_to, loaded(DATABASE_URL=url), target, Waiting("moving"))
    assert rows(target, "SELECT 1 FROM jobs") == []
