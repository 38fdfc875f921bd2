"""A row in every table of the schema, whichever tables there are, and a way to compare two databases."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Connection, Integer, LargeBinary, insert, select

from bot.model import JobState
from bot.store.engine import Database
from bot.store.schema import StateText, UtcTime, jobs, metadata
from bot.store.store import Store
from bot.store.url import read_url

MOMENT = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
WORDS = "Füchse, 狐, 🦊"
Rows = Mapping[str, list[dict[str, Any]]]


async def fill(store: Store, jobs_in_each_state: int = 1) -> int:
    """Jobs in every state, and two rows in every other table; returns how many jobs."""
    states = [state for state in JobState for _ in range(jobs_in_each_state)]

    def write(connection: Connection) -> None:
        for table in metadata.sorted_tables:
            rows = [{column.name: _value(column, row) for column in table.columns} for row in range(2)]
            if table is jobs:
                rows = [_job(number, state) for number, state in enumerate(states, start=7)]
            connection.execute(insert(table), rows)

    await store.run(write)
    return len(states)


def all_rows(url: str) -> Rows:
    """Everything in a database that no bot has open."""
    database = Database(read_url(url))
    database.open()
    try:
        with database.engine.begin() as connection:
            return {
                table.name: [dict(row) for row in connection.execute(_sorted(table.name)).mappings()]
                for table in metadata.sorted_tables
            }
    finally:
        database.close()


def _sorted(name: str) -> Any:
    table = metadata.tables[name]
    return select(table).order_by(*table.primary_key.columns)


def _job(number: int, state: JobState) -> dict[str, Any]:
    row = {column.name: _value(column, number) for column in jobs.columns}
    told = state in {JobState.DELIVERED, JobState.FAILED}
    return row | {"seq": number, "state": state, "told": told, "result_urls": "[]", "owner": "somebody"}


def _value(column: Column[Any], number: int) -> Any:
    match column.type:
        case StateText():
            return JobState.DELIVERED
        case UtcTime():
            return MOMENT
        case Boolean():
            return bool(number % 2)
        case BigInteger() | Integer():
            return 2**53 + number if isinstance(column.type, BigInteger) else number
        case LargeBinary():
            return bytes([number]) * 1000
        case _:
            length: int | None = getattr(column.type, "length", None)
            return f"{number} {WORDS}"[:length]
