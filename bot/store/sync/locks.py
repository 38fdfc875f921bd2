"""Locks between the processes on one PostgreSQL, held until the transaction ends. SQLite has one writer anyway.

A transaction carries the work of many callers, so it takes locks in whatever order they come. It *waits* for a lock
only if that one stands behind all it holds, in the order everyone, servers, users, each by id: then no two
transactions can wait for each other. A lock that is out of order is only tried. Where that fails `Contended` undoes
the batch, and each piece of it is done alone, which takes its few locks in order (see thread.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from sqlalchemy import Connection, Transaction, text

_WAIT = text("SELECT pg_advisory_xact_lock(:key)")
_TRY = text("SELECT pg_try_advisory_xact_lock(:key)")
_HELD = "easel-locks"

#: Everyone's lock; those of servers and users are `of_guild` and `of_user`.
OF_EVERYONE = -(2**63) + 1


class Contended(Exception):
    """Another process holds a lock that may not be waited for here. The work has to be done again, alone."""


def of_guild(guild_id: int) -> int:
    """The lock of what is counted by server."""
    return -guild_id


def of_user(user_id: int) -> int:
    """The lock of what is counted by person."""
    return user_id


def hold(connection: Connection, keys: Iterable[int]) -> None:
    """Hold these locks until the transaction ends. Raises Contended."""
    if connection.dialect.name != "postgresql":
        return
    held = _held(connection)
    for key in sorted(set(keys) - held):
        if not held or key > max(held):
            connection.execute(_WAIT, {"key": key})
        elif not connection.execute(_TRY, {"key": key}).scalar_one():
            raise Contended
        held.add(key)


def _held(connection: Connection) -> set[int]:
    transaction = connection.get_transaction()
    # `info` lives as long as the connection, so it says of which transaction it speaks.
    known = cast("tuple[Transaction | None, set[int]] | None", connection.info.get(_HELD))
    if known is not None and known[0] is transaction:
        return known[1]
    held = set[int]()
    connection.info[_HELD] = (transaction, held)
    return held
