"""Writes a year straight into the tables of an empty database: rows in bulk, and the indexes after them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any

import psycopg
from sqlalchemy import URL, NullPool, create_engine

from bot.store.schema import metadata
from bot.store.store import Store
from bot.store.url import file_of, is_sqlite, read_url
from tools.benchmarks.year.history import Row, Rows, ended
from tools.benchmarks.year.shape import Shape
from tools.benchmarks.year.surroundings import surroundings


def fill(url: str, shape: Shape) -> None:
    """Make the tables as the bot does, then the rows. Minutes for a million jobs."""
    asyncio.run(_make_tables(url))
    address = read_url(url)
    # No pool: SQLite leaves its log only where nobody else has the file open.
    engine = create_engine(address, poolclass=NullPool)
    indexes = [index for table in metadata.sorted_tables for index in table.indexes]
    with engine.begin() as connection:
        for index in indexes:
            index.drop(connection)
    write = _to_sqlite if is_sqlite(address) else _to_postgresql
    write(address, _all(shape))
    with engine.begin() as connection:
        for index in indexes:
            index.create(connection)


async def _make_tables(url: str) -> None:
    store = await Store.open(url)
    await store.close()


def _all(shape: Shape) -> Iterator[Rows]:
    yield from ended(shape)
    yield surroundings(shape)


def _to_sqlite(url: URL, batches: Iterator[Rows]) -> None:
    with closing(sqlite3.connect(file_of(url), isolation_level=None)) as file:
        file.execute("PRAGMA journal_mode=OFF")
        file.execute("PRAGMA synchronous=OFF")
        for rows in batches:
            file.execute("BEGIN")
            for table, some in rows.items():
                places = ", ".join("?" * len(metadata.tables[table].columns))
                file.executemany(f"INSERT INTO {table} VALUES ({places})", map(_plain, some))
            file.execute("COMMIT")
        file.execute("PRAGMA journal_mode=WAL")


def _plain(row: Row) -> Sequence[Any]:
    """Moments as the bot writes them into SQLite: text in UTC."""
    return [
        value.replace(tzinfo=None).isoformat(" ", "microseconds") if type(value) is datetime else value for value in row
    ]


def _to_postgresql(url: URL, batches: Iterator[Rows]) -> None:
    with psycopg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False)) as connection:
        cursor = connection.cursor()
        for rows in batches:
            for table, some in rows.items():
                with cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy:
                    for row in some:
                        copy.write_row(row)
        for table in ("jobs", "server_log"):
            highest = f"SELECT setval(pg_get_serial_sequence('{table}', 'seq'), (SELECT max(seq) FROM {table}))"
            cursor.execute(highest.encode())
        connection.commit()
        connection.autocommit = True
        cursor.execute("VACUUM ANALYZE")
