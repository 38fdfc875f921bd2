"""All rows of one database into another, in batches, so that the memory it takes does not grow with the tables.

The tables are those of the schema, whichever they are: a new one is copied without a change here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Column, Connection, LargeBinary, Table, func, insert, select, text

from bot.errors import StoreError
from bot.store.migrate import HEAD, current_revision
from bot.store.schema import metadata

BATCH = 500  # rows; a job has a kilobyte or two, rarely twenty
BATCH_OF_FILES = 20  # rows that hold a picture, of up to 300 kB


Progress = Callable[[int], None]  # told how many rows are copied so far, of all tables


def no_progress(_: int) -> None:
    """Nobody wants to know."""


def copy_rows(source: Connection, target: Connection, progress: Progress = no_progress) -> Mapping[str, int]:
    """Copy everything, each side in its caller's transaction; returns how many rows each table has now.

    `target` has the tables, and nothing in them. Raises StoreError when it does not hold the same number of rows
    afterwards.
    """
    copied: dict[str, int] = {}
    for table in metadata.sorted_tables:
        before = sum(copied.values())
        copied[table.name] = _copy(table, source, target, lambda rows, before=before: progress(before + rows))
    for table in metadata.sorted_tables:
        if row_count(table, target) != copied[table.name]:
            raise StoreError(f"Not every row of the table {table.name} arrived; nothing was changed, try again.")
        if table.autoincrement_column is not None:
            _count_on(table, table.autoincrement_column, target)
    return copied


def row_count(table: Table, connection: Connection) -> int:
    """How many rows a table has."""
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def is_at_head(connection: Connection) -> bool:
    """Whether the tables are those that this version of Easel knows."""
    return current_revision(connection) == HEAD


def _copy(table: Table, source: Connection, target: Connection, progress: Progress) -> int:
    holds_files = any(isinstance(column.type, LargeBinary) for column in table.columns)
    batch = BATCH_OF_FILES if holds_files else BATCH
    query = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=batch)
    copied = 0
    with source.execute(query) as found:
        for rows in found.mappings().partitions():
            target.execute(insert(table), [dict(row) for row in rows])
            copied += len(rows)
            progress(copied)
    return copied


def _count_on(table: Table, column: Column[Any], target: Connection) -> None:
    """Let new rows be numbered after the copied ones. SQLite sees to that by itself."""
    if target.dialect.name != "postgresql":
        return
    highest = target.execute(select(func.max(column))).scalar_one()
    if highest is not None:
        sequence = {"table": table.name, "column": column.name, "highest": highest}
        target.execute(text("SELECT setval(pg_get_serial_sequence(:table, :column), :highest)"), sequence)
