"""A PostgreSQL database in SQL_ASCII, as `initdb` makes it on a machine without a locale, works as every other."""

from __future__ import annotations

from dataclasses import replace

from bot.store.store import Store
from tests.databases import PostgresServer
from tests.integration.conftest import Scene


async def test_words_of_any_language_come_back_from_a_database_in_ascii(postgres: PostgresServer) -> None:
    postgres.execute("CREATE DATABASE in_ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    store = await Store.open(postgres.url("in_ascii"))
    try:
        scene = Scene(store)
        new = scene.new()
        new = replace(new, request=replace(new.request, prompt="café, 狐, ein Füchslein 🦊"))
        job = (await scene.receive(new)).job
        assert await store.jobs.get(job.id) == job
        assert job.request == new.request
    finally:
        await store.close()
