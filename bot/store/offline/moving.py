"""Everything from one database into another, all or nothing. Both are closed to others meanwhile.

The target must be empty and the source must have no bot at work. Rows are copied in one transaction of the target, so
a move that breaks off leaves nothing behind.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import URL, Connection, select, text, update
from sqlalchemy.exc import DBAPIError

from bot.errors import EaselError, SettingsError, StartError, StoreError
from bot.model import OPEN_STATES
from bot.store import faults
from bot.store.engine import Database
from bot.store.offline.copying import Progress, copy_rows, no_progress, row_count
from bot.store.schema import jobs, metadata
from bot.store.url import file_of, is_sqlite, normal_url, place_of, read_url

NEW = "the new address"  # what the sentences about the target call it, instead of DATABASE_URL

#: Sessions of Easel on the same database besides this one: a process with nothing to do holds no lease.
_OTHERS = text(
    "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND application_name = current_setting('application_name')"
)
_LEASED = text("SELECT COUNT(*) FROM jobs WHERE owner IS NOT NULL AND lease_until > now()")
_CLOSE_TO_OTHERS = (text("SET LOCAL lock_timeout = '5s'"), text("LOCK TABLE jobs IN EXCLUSIVE MODE"))


@dataclass(frozen=True, slots=True)
class Moved:
    """What stands in the new database: rows by table, and the names of both places without user and password."""

    rows: Mapping[str, int]
    source: str
    target: str


def move(
    source_url: str, target_url: str, bring: Callable[[Sequence[str]], None], progress: Progress = no_progress
) -> Moved:
    """Copy everything from one database into another, an empty one. Blocks.

    `bring` is called before the end with the result addresses of all unfinished jobs, for files that belong to
    them. Until this returns nothing stands in the new database; the old one stays as it is. Raises SettingsError or
    StoreError: a process uses one of the two, the new one is not empty, or one of them gives trouble.
    """
    old_url, new_url = read_url(source_url), read_url(read_target(target_url))
    if _identity(old_url) == _identity(new_url):
        raise StoreError("The new address is that of the database which DATABASE_URL names: there is nothing to move.")
    if is_sqlite(old_url) and not file_of(old_url).is_file():
        raise StoreError(f"There is no database at {file_of(old_url)} yet; look at DATABASE_URL.")
    try:
        with _closed_to_others(old_url) as old, _target(new_url) as new:
            _demand_empty(new_url, new)
            rows = copy_rows(old, new, progress)
            # Nobody works on them, so nobody need wait for a lease to run out.
            new.execute(update(jobs).where(jobs.c.owner.is_not(None)).values(owner=None, lease_until=None))
            bring(_result_addresses(new))
    except DBAPIError as error:
        at_target = is_sqlite(new_url) == isinstance(error.orig, sqlite3.Error)
        raise StoreError(faults.start_fault(new_url if at_target else old_url, error)) from error
    return Moved(rows, place_of(old_url), place_of(new_url))


def read_target(address: str) -> str:
    """The address of the new database as `normal_url` makes it. Raises SettingsError, which does not repeat it."""
    try:
        return normal_url(address)
    except StartError as error:
        raise SettingsError([_about_target(error)]) from None


def _about_target(error: EaselError) -> str:
    told = str(error).replace("DATABASE_URL", NEW)
    return told[0].upper() + told[1:]


def _identity(url: URL) -> object:
    return file_of(url).resolve() if is_sqlite(url) else (url.host, url.port or 5432, url.database)


@contextmanager
def _target(url: URL) -> Generator[Connection]:
    """The same for the new database, whose faults are not DATABASE_URL's."""
    with _closed_to_others(url, _about_target) as connection:
        yield connection


@contextmanager
def _closed_to_others(url: URL, told: Callable[[EaselError], str] = str) -> Generator[Connection]:
    """One transaction on a database that no other process of Easel uses, committed when the block ends well."""
    database = Database(url)
    try:
        try:
            database.open()
            with database.engine.begin() as connection:
                _demand_no_others(url, connection)
            database.migrate()
        except (StartError, StoreError) as error:
            raise StoreError(told(error)) from error
        with database.engine.connect() as connection:
            if not is_sqlite(url):
                connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                _close(url, connection)
                yield connection
    finally:
        database.close()


def _demand_no_others(url: URL, connection: Connection) -> None:
    if is_sqlite(url):  # its lock is taken
        return
    if others := connection.execute(_OTHERS).scalar_one():
        raise StoreError(
            f"Easel runs on the database at {place_of(url)} ({others} connections): stop the bot and all workers first."
        )


def _close(url: URL, connection: Connection) -> None:
    if is_sqlite(url):
        return
    for statement in _CLOSE_TO_OTHERS:
        connection.execute(statement)
    if leased := connection.execute(_LEASED).scalar_one():
        raise StoreError(
            f"A process that is running, or that was killed just now, holds {leased} jobs in the database at "
            f"{place_of(url)}: stop it, or wait half a minute."
        )


def _demand_empty(url: URL, connection: Connection) -> None:
    if any(row_count(table, connection) for table in metadata.sorted_tables):
        raise StoreError(
            f"The database at {place_of(url)} is not empty, and moving mixes nothing: name one that is empty."
        )


def _result_addresses(connection: Connection) -> Sequence[str]:
    query = select(jobs.c.result_urls).where(jobs.c.state.in_(OPEN_STATES))
    return [address for addresses in connection.execute(query).scalars() for address in json.loads(addresses)]
