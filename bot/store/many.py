"""Many rows, or many keys, in one statement whose text is always the same: the database takes the list apart.

A statement with a placeholder for each value is another text for each number of rows. SQLAlchemy then makes it anew,
and touches every value of every row. Here the whole list is one parameter: JSON, which both databases read, or an
array of PostgreSQL's for keys. Both are made and read by code in C, and the thread that waits lets others run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    CursorResult,
    Table,
    Text,
    TextClause,
    any_,
    bindparam,
    column,
    func,
    select,
    text,
)
from sqlalchemy.engine import Dialect


def among(dialect: str, one: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Whether a column, of numbers or of texts, is in the list that the parameter `name` holds, see `listed`."""
    if dialect == "postgresql":
        kind = BigInteger() if isinstance(one.type, BigInteger) else Text()
        return one == any_(bindparam(name, type_=ARRAY(kind)))
    return one.in_(select(column("value", one.type)).select_from(func.json_each(bindparam(name, type_=Text()))))


def listed(connection: Connection, values: Sequence[int] | Sequence[str]) -> Any:
    """A list as the parameter of `among`."""
    return list(values) if connection.dialect.name == "postgresql" else json.dumps(values)


def rows_in(dialect: str, name: str, columns: Mapping[str, str]) -> str:
    """A query for the rows that the parameter `name` holds, see `written`: its columns with PostgreSQL's types."""
    if dialect == "postgresql":
        typed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        return f"SELECT * FROM json_to_recordset(CAST(:{name} AS json)) AS rows ({typed})"  # noqa: S608
    read = ", ".join(f"json_extract(value, '$.{column}') AS {column}" for column in columns)
    return f"SELECT {read} FROM json_each(:{name})"  # noqa: S608


def written(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as the parameter of `rows_in`."""
    # Not as ASCII: a database in SQL_ASCII reads no \\u. What is no text at all (a lone surrogate) cannot be sent.
    moment = _moment if connection.dialect.name == "postgresql" else _moment_on_sqlite
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"), default=moment)


def insert_rows(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    extra: tuple[tuple[str, str], ...] = (),
    then: str = "",
) -> CursorResult[Any]:
    """Insert rows that all have the columns of the first one, in their order.

    `extra` are columns with an expression each; `then` is what follows, such as ON CONFLICT or RETURNING.
    """
    statement = _insertion(connection.dialect, table, tuple(rows[0]), extra, then)
    return connection.execute(statement, {"rows": written(connection, rows)})


@cache
def _insertion(
    dialect: Dialect, table: Table, names: tuple[str, ...], extra: tuple[tuple[str, str], ...], then: str
) -> TextClause:
    kinds = {name: table.c[name].type.compile(dialect) for name in names}
    columns = ", ".join((*names, *(name for name, _ in extra)))
    values = ", ".join((*names, *(value for _, value in extra)))
    source = rows_in(dialect.name, "rows", kinds)
    # Without the WHERE, SQLite takes ON CONFLICT for a join.
    return text(f"INSERT INTO {table.name} ({columns}) SELECT {values} FROM ({source}) AS these WHERE true {then}")  # noqa: S608


def _moment(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError("a time without a zone cannot be stored")
    return value.astimezone(UTC).isoformat(" ", "microseconds")


def _moment_on_sqlite(value: datetime) -> str:
    """As SQLAlchemy writes it there, see UtcTime: in UTC, without saying so."""
    return _moment(value).removesuffix("+00:00")
