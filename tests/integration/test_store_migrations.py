"""Revisions and tables agree, and what older rows hold can be read."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text, update

from bot.errors import StartError
from bot.model import QUALITY, Charged, Failure, FailureKind, ImageRequest, JobState
from bot.store import migrate
from bot.store.engine import Database
from bot.store.queries.ledger import Extent
from bot.store.schema import jobs, metadata
from bot.store.store import Store
from bot.store.url import read_url

if TYPE_CHECKING:
    from tests.integration.conftest import PostgresServer, Scene

PROJECT = Path(__file__).parents[2]
MANY, GROWTH_MIB = 30_000, 60  # jobs of 6 kB each are three times as much, and alembic itself takes twenty
MULTIPLIED = """
WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < {many})
INSERT INTO jobs (id, interaction_id, request, {rest})
SELECT 'many-' || number, 1000000 + number, REPLACE(request, 'a red fox', '{prompt}'), {rest} FROM jobs, numbers
"""
UPGRADED = """
import resource, sys
from bot.store.engine import Database
from bot.store.url import read_url
database = Database(read_url(sys.argv[1]))
database.open()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
database.migrate()
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
database.close()
"""


def scripts() -> Config:
    config = Config()
    config.set_main_option("script_location", "bot/store/migrations")
    return config


async def test_the_migrated_tables_are_those_of_the_metadata(store: Store) -> None:
    def differences(connection: Connection) -> list[Any]:
        config = scripts()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        command.upgrade(config, "head")
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return compare_metadata(context, metadata)

    assert await store.run(differences) == []


def test_the_newest_revision_is_the_one_that_a_start_looks_for() -> None:
    assert ScriptDirectory.from_config(scripts()).get_heads() == [migrate.HEAD]


async def test_every_revision_can_be_gone_back_and_forth(store: Store) -> None:
    def there_and_back(connection: Connection) -> list[str]:
        config = scripts()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        left = inspect(connection).get_table_names()
        command.upgrade(config, "head")
        return left

    assert await store.run(there_and_back) == ["alembic_version"]
    await store.ping()


async def test_jobs_of_the_first_version_are_taken_over_and_entered_in_the_ledger(scene: Scene) -> None:
    delivered = await scene.job(JobState.DELIVERED)
    running = await scene.job(JobState.PAINTING, user_id=2)
    await scene.move(await scene.job(JobState.WAITING), JobState.FAILED)

    def back_and_forth(connection: Connection) -> None:
        config = scripts()
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        assert "ledger" not in inspect(connection).get_table_names()
        command.upgrade(config, "head")

    await scene.store.run(back_and_forth)

    entries = await scene.store.ledger.entries(Extent(scene.now), 10)
    found = {(it.job_id, it.user_id, it.guild_id, it.pictures, it.reserved_at, it.settled_at) for it in entries}
    assert found == {
        (delivered.id, 1, 13, 1, scene.now, scene.now),
        (running.id, 2, 13, 1, scene.now, None),
    }
    assert await scene.store.jobs.get(running.id) == running
    ready = await scene.move(await scene.move(running, JobState.READY), JobState.DELIVERING, pictures=1)
    await scene.move(ready, JobState.DELIVERED)
    assert (await scene.store.ledger.total(Extent(scene.now))).jobs == 2


async def test_the_memory_that_an_upgrade_takes_does_not_grow_with_the_jobs(scene: Scene, database_url: str) -> None:
    await scene.job(JobState.DELIVERED)

    def back_and_many(connection: Connection) -> None:
        config = scripts()
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        own = {"seq", "id", "interaction_id", "request"}
        rest = ", ".join(it["name"] for it in inspect(connection).get_columns("jobs") if it["name"] not in own)
        connection.execute(text(MULTIPLIED.format(many=MANY, prompt="a red fox, " * 550, rest=rest)))

    await scene.store.run(back_and_many)
    await scene.store.close()

    upgrading = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", UPGRADED, database_url), cwd=PROJECT, stdout=asyncio.subprocess.PIPE
    )
    told, _ = await upgrading.communicate()
    assert upgrading.returncode == 0
    assert int(told) < GROWTH_MIB
    store = await Store.open(database_url)
    entered = await store.run(lambda connection: connection.execute(text("SELECT COUNT(*) FROM ledger")).scalar_one())
    await store.close()
    assert entered == MANY + 1


async def test_processes_that_start_together_migrate_once(postgres: PostgresServer) -> None:
    url = postgres.create_database()
    for store in await asyncio.gather(*(Store.open(url) for _ in range(5))):
        await store.ping()
        await store.close()


async def test_a_migration_that_breaks_off_leaves_nothing(database_url: str) -> None:
    store = await Store.open(database_url)
    for table in ("jobs", "alembic_version"):
        await store.run(lambda connection, table=table: connection.execute(text(f"DROP TABLE {table}")) and None)
    await store.close()

    # "meta" stands in the way of the second table, when the first is made already.
    with pytest.raises(StartError, match="not as Easel left them"):
        await Store.open(database_url)

    database = Database(read_url(database_url))
    database.open()
    tables = inspect(database.engine).get_table_names()
    database.close()
    assert "meta" in tables
    assert not {"jobs", "alembic_version"} & set(tables)


async def test_rows_of_other_versions_can_be_read(scene: Scene) -> None:
    job = await scene.move(await scene.job(JobState.WAITING), JobState.FAILED)
    request: dict[str, Any] = {"prompt": "a red fox", "model": "grok-imagine-image-quality", "added_later": {"a": 1}}
    request["sources"] = [{"url": "https://a.example", "kept": None, "also_later": 1}]
    failure = {"kind": "a kind of later", "charged": "maybe", "added_later": True}
    values = {"request": json.dumps(request), "failure": json.dumps(failure)}
    await scene.store.run(lambda connection: connection.execute(update(jobs).values(values)) and None)

    read = await scene.store.jobs.get(job.id)

    assert read is not None
    assert (read.request.prompt, read.request.model, read.request.count) == ("a red fox", QUALITY, 1)
    assert read.request.aspect_ratio is ImageRequest("x").aspect_ratio
    assert read.request.sources[0].filename == "picture"
    assert read.failure == Failure(FailureKind.UNKNOWN, Charged.MAYBE)
