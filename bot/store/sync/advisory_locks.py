"""Advisory locks: what keeps the processes on one PostgreSQL from deciding the same thing twice.

SQLite has one process and one writer, so it needs none of them. (The lock that keeps a second process out of a
SQLite file is another thing, see file_lock.py.)

**Why no two transactions wait for each other.** One transaction carries the work of many callers, so it takes its
locks in whatever order their work comes. PostgreSQL calls it a deadlock when A waits for B and B waits for A. That
needs a transaction that waits for a lock which comes *before* one it holds. So `hold` never does that: it waits only
for a key that is greater than all keys it holds already. Any other key is only tried. Where the try fails, `Contended`
undoes the batch and each piece of work is done again alone, which takes its few locks in order (see thread.py).
This holds only as long as all locks of a transaction go through this module; tests/test_structure.py sees to it.

**The keys** are 64-bit numbers, and each kind has a range of its own:

    everyone                    -2**63 + 1
    named things                -2**63 + 2**32 and 2**32 numbers from there
    processes, by worker id     -2**63 + 2**33 and 2**32 numbers from there; held by a session, see presence.py
    servers, by id              negative ids; Discord's ids stay below 2**62 until the year 2084
    maintenance of the tables   a few numbers below 2**40, where no Discord id lies
    people, by id               positive ids
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection, Transaction, text

if TYPE_CHECKING:
    import psycopg

_WAIT = text("SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS key")
_TRY = text("SELECT key FROM unnest(CAST(:keys AS bigint[])) AS key WHERE pg_try_advisory_xact_lock(key)")
_HELD = "easel-locks"

#: What is counted over all people and servers.
OF_EVERYONE = -(2**63) + 1
#: Changing the tables. The number is that of the first version, so that an old and a new process exclude each other.
OF_MIGRATION = 0x4541_5345_4C
#: Deleting what has grown old.
OF_RETENTION = 0x4541_5345_4D

_NAMED = -(2**63) + 2**32
_PROCESSES = -(2**63) + 2**33
_BE_THERE = "SELECT pg_try_advisory_lock(%s)"
# A key of 64 bits is told as two halves without a sign.
_OF_SESSIONS = text(
    "SELECT classid::bigint AS high, objid::bigint AS low FROM pg_locks WHERE locktype = 'advisory' AND granted"
    " AND objsubid = 1 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class Contended(Exception):
    """Another process holds a lock that may not be waited for here. The work has to be done again, alone."""


def of_guild(guild_id: int) -> int:
    """The key for what is counted by server, and for what a server owns."""
    return -guild_id


def of_user(user_id: int) -> int:
    """The key for what is counted by person, and for what a person owns."""
    return user_id


def of_name(name: str) -> int:
    """The key for something with a name. Two names may share a key: then one waits for the other in vain, no more."""
    return _NAMED + zlib.crc32(name.encode())


def of_process(worker_id: str) -> int:
    """The key that a process holds as long as it is connected."""
    return _PROCESSES + zlib.crc32(worker_id.encode())


def be_there(session: psycopg.Connection[Any], worker_id: str) -> bool:
    """Hold a process's own key until this session ends; False where a session that it has lost still holds it."""
    found = session.execute(_BE_THERE, (of_process(worker_id),)).fetchone()
    return found is not None and found[0] is True


def held_by_processes(connection: Connection) -> set[int]:
    """The advisory keys that are held in this database just now, those of processes among them."""
    found = connection.execute(_OF_SESSIONS)
    return {key - 2**64 if (key := (row.high << 32) | row.low) >= 2**63 else key for row in found}


def count_processes(connection: Connection) -> int:
    """How many processes are connected to this database; SQLite has one."""
    if connection.dialect.name != "postgresql":
        return 1
    return sum(_PROCESSES <= key < _PROCESSES + 2**32 for key in held_by_processes(connection))


def hold(connection: Connection, keys: Iterable[int]) -> None:
    """Hold these locks until the transaction ends, by one or two statements. Raises Contended."""
    if connection.dialect.name != "postgresql":
        return
    held = _held(connection)
    last = max(held, default=None)
    wanted = sorted(set(keys) - held)
    tried = [key for key in wanted if last is not None and key < last]
    if tried:
        got = set(connection.execute(_TRY, {"keys": tried}).scalars())
        held |= got
        if len(got) < len(tried):
            raise Contended
    waited = wanted[len(tried) :]
    if waited:
        # One after the other, in the order of the list.
        connection.execute(_WAIT, {"keys": waited})
        held |= set(waited)


def try_hold(connection: Connection, key: int) -> bool:
    """Hold this lock until the transaction ends, unless another process has it. Never waits."""
    if connection.dialect.name != "postgresql":
        return True
    held = _held(connection)
    if key not in held:
        if connection.execute(_TRY, {"keys": [key]}).first() is None:
            return False
        held.add(key)
    return True


def _held(connection: Connection) -> set[int]:
    transaction = connection.get_transaction()
    # `info` lives as long as the connection, so it says of which transaction it speaks.
    known = cast("tuple[Transaction | None, set[int]] | None", connection.info.get(_HELD))
    if known is not None and known[0] is transaction:
        return known[1]
    held = set[int]()
    connection.info[_HELD] = (transaction, held)
    return held
