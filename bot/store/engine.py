"""One open database: the SQLAlchemy engine, and the lock that goes with a SQLite file.

Everything here blocks and belongs into the threads of the database.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from bot.errors import StartError
from bot.store import faults
from bot.store.migrate import migrate
from bot.store.sync.file_lock import FileLock
from bot.store.url import file_of, is_sqlite

_ERASE = "erase"  # a mark on the connection
SQLITE_BUSY_MS = 5000  # how long another program (a backup, a shell) may hold the file
_OLDEST_SQLITE = (3, 35)  # RETURNING

#: What DATABASE_URL does not say itself.
_POSTGRESQL: Mapping[str, Any] = {
    "connect_timeout": 5,  # s
    "application_name": "easel",
    "client_encoding": "utf8",  # a database in SQL_ASCII would answer in bytes
    # A host that vanished without a word is found out within about ten seconds.
    "keepalives_idle": 5,  # s
    "keepalives_interval": 2,  # s
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # ms
    "prepare_threshold": None,  # prepared statements do not survive poolers such as PgBouncer
}

#: A statement waits no longer for a lock; see thread.py for what happens then.
LOCK_WAIT = "300ms"
#: What the server does for all who share it. A process that was frozen inside a transaction, or whose host vanished,
#: keeps its locks; the first three lines end its session within about ten seconds, the last keeps others from waiting
#: for it longer than a command can wait. They are set after connecting, because poolers refuse them as options.
_SESSION = (
    "SET idle_in_transaction_session_timeout = '10s'",
    "SET tcp_keepalives_idle = 5",
    "SET tcp_keepalives_interval = 2",
    "SET tcp_keepalives_count = 3",
    f"SET lock_timeout = '{LOCK_WAIT}'",
)


class Database:
    """A database that can be opened, migrated and closed, once each and in this order."""

    def __init__(self, url: URL, *, upgrade: bool = True) -> None:
        """Without `upgrade` tables of an earlier version are left as they are, and `migrate` raises StoreOutdated."""
        self.url = url
        self._upgrade = upgrade
        self.engine: Engine = _sqlite_engine(url) if is_sqlite(url) else postgresql_engine(url)
        self._lock = FileLock(file_of(url)) if is_sqlite(url) else None

    def open(self) -> None:
        """Connect for the first time. Raises StartError and StoreInUse."""
        try:
            if self._lock is not None:
                if file_of(self.url).exists() and not file_of(self.url).is_file():
                    raise StartError(faults.no_file(self.url))
                file_of(self.url).parent.mkdir(parents=True, exist_ok=True)
                self._lock.take()
                # It will hold people's prompts, so a new one is for its owner's eyes, whatever the umask says.
                file_of(self.url).touch(mode=0o600)
            # On SQLite this BEGIN IMMEDIATE finds out whether the file can be written.
            with self.engine.begin():
                pass
        except (DBAPIError, OSError) as error:
            raise StartError(faults.start_fault(self.url, error)) from error

    def migrate(self) -> None:
        """Bring the tables up to date. Raises StartError and StoreOutdated."""
        try:
            migrate(self.engine, upgrade=self._upgrade)
        except DBAPIError as error:
            raise StartError(faults.start_fault(self.url, error)) from error

    def bound_waits(self) -> None:
        """From now on wait for nobody's locks longer than a command may. Raises StartError.

        Not before the tables are up to date: a process that starts waits for another's migration however long it is.
        """
        if is_sqlite(self.url):
            return
        event.listen(self.engine, "connect", set_session)
        try:
            with self.engine.begin() as connection:
                for statement in _SESSION:
                    connection.exec_driver_sql(statement)
        except DBAPIError as error:
            raise StartError(faults.start_fault(self.url, error)) from error

    def close(self) -> None:
        """Let the connection and the lock on the file go."""
        self.engine.dispose()
        if self._lock is not None:
            self._lock.release()


def _sqlite_engine(url: URL) -> Engine:
    _demand_usable_sqlite()
    # hide_parameters: an error's text must not carry prompts and tokens into the log.
    engine = create_engine(
        url.set(database=str(file_of(url))), hide_parameters=True, connect_args={"isolation_level": None}
    )
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _demand_usable_sqlite() -> None:
    """Raise StartError where Python's own SQLite lacks what the queries need. Rows are written by way of JSON."""
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise StartError(f"SQLite {version} is too old for Easel, which needs 3.35 or later.")
    try:
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.execute("SELECT json_extract(value, '$[0]') FROM json_each('[[1]]')")
    except sqlite3.OperationalError:
        raise StartError(
            f"SQLite {version} was built without JSON functions, which Easel needs: take the Python of your system or "
            "of python.org, or let DATABASE_URL name a PostgreSQL."
        ) from None


def _set_pragmas(connection: sqlite3.Connection, record: Any) -> None:
    connection.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_MS}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA secure_delete=ON")  # what is deleted is overwritten, see erase_soon


def erase_soon(connection: Connection) -> None:
    """What this transaction deletes has to leave the disk: asked where a person wants to be forgotten.

    SQLite overwrites it in the file (secure_delete), and its log, which still has the pages as they were, is emptied
    after the commit. PostgreSQL's own vacuum does the same in its time.
    """
    connection.info[_ERASE] = True


def erase(connection: Connection) -> None:
    """Empty SQLite's log after a commit, where that was asked; with the next one where a reader is in the way."""
    raw: Any = connection.connection.dbapi_connection
    if not connection.info.get(_ERASE) or not isinstance(raw, sqlite3.Connection):
        return
    raw.execute("PRAGMA busy_timeout=0")  # nobody waits for a backup to end
    try:
        busy, *_ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        connection.info[_ERASE] = bool(busy)
    finally:
        raw.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_MS}")


def _begin_immediate(connection: Connection) -> None:
    # The driver begins no transaction itself (isolation_level None). IMMEDIATE takes the write lock at once,
    # so a transaction never fails half-way because somebody else has written meanwhile.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def reading_engine(url: URL) -> Engine:
    """One connection that cannot write, made when it is first needed."""
    if not is_sqlite(url):
        engine = postgresql_engine(url)
        event.listen(engine, "connect", _set_reading_session)
        return engine
    engine = create_engine(
        url.set(database=str(file_of(url))), hide_parameters=True, connect_args={"isolation_level": None}
    )
    event.listen(engine, "connect", _set_reading_pragmas)
    event.listen(engine, "begin", _begin_reading)
    return engine


def _set_reading_pragmas(connection: sqlite3.Connection, record: Any) -> None:
    connection.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_MS}")
    connection.execute("PRAGMA query_only=ON")


def _begin_reading(connection: Connection) -> None:
    # The first query decides which commits are seen, and takes no lock that a writer would wait for.
    connection.exec_driver_sql("BEGIN")


def _set_reading_session(connection: Any, record: Any) -> None:
    set_session(connection)
    connection.execute("SET default_transaction_read_only = on")
    connection.commit()


def set_session(connection: Any, record: Any = None) -> None:
    """Bound how long this session at the server may hold others up; for a connection of the driver."""
    for statement in _SESSION:
        connection.execute(statement)
    connection.commit()


def postgresql_engine(url: URL) -> Engine:
    """One connection to PostgreSQL, made when it is first needed."""
    arguments = {name: value for name, value in _POSTGRESQL.items() if name not in url.query}
    return create_engine(url, hide_parameters=True, pool_size=1, max_overflow=0, connect_args=arguments)
