"""Databases for tests: a SQLite file of its own for each, and one real PostgreSQL server for all."""

from __future__ import annotations

import fcntl
import itertools
import os
import pwd
import shutil
import sqlite3
import subprocess
import tempfile
import threading
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psycopg

KINDS = ("sqlite", "postgresql")
COPIES_PAGES_FROM = 150000  # this version and later ones copy page by page where nothing else is said
START_TRIES = 3  # somebody else may take the free port between asking for it and using it
SQLITE = "sqlite:///"
POSTGRES = "postgresql"  # the folder of the server that is shared
#: Of the server that is shared: each process that runs tests has a few bots.
MANY_CONNECTIONS = "-c max_connections=300"
#: Nothing has to outlast the machine, and hundreds of databases that live for a second need no housekeeping: autovacuum
#: would look after one of them after the other without a pause.
THRIFT = " ".join(
    f"-c {it}"
    for it in (
        "fsync=off",
        "full_page_writes=off",
        "wal_level=minimal",
        "max_wal_senders=0",
        "autovacuum=off",
        "jit=off",
    )
)


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A server of the tests' own on 127.0.0.1. `owner` may do anything, without a password."""

    port: int
    pid: int
    numbers: Iterator[int] = field(default_factory=itertools.count)
    prefix: str = "easel"  # of the names of databases: those that share a server have one each
    making: threading.Lock = field(default_factory=threading.Lock)
    copied: list[str] = field(default_factory=list[str])  # says what others are copies of: the one with tables

    def url(self, name: str) -> str:
        return f"postgresql://owner@127.0.0.1:{self.port}/{name}"

    def execute(self, statement: str) -> None:
        execute(self.url("postgres"), statement)

    def create_database(self) -> str:
        """An empty one."""
        name = f"{self.prefix}_{next(self.numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def ready_database(self) -> str:
        """One with empty tables: a copy of files, at a tenth of what making them costs."""
        with self.making:
            if not self.copied:
                url = self.create_database()
                make_tables(url)
                by_files = int(str(rows(url, "SHOW server_version_num")[0][0])) >= COPIES_PAGES_FROM
                self.copied.append(url.rpartition("/")[2] + (" STRATEGY FILE_COPY" if by_files else ""))
        name = f"{self.prefix}_{next(self.numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {self.copied[0]}")
        return self.url(name)


def sqlite_url(folder: Path) -> str:
    """A database file in this folder, whether it is there already or not."""
    return f"{SQLITE}{folder / 'easel.db'}"


def ready_sqlite(folder: Path) -> str:
    """A database file with empty tables in this folder."""
    (folder / "easel.db").write_bytes(_empty_tables())
    return sqlite_url(folder)


@cache
def _empty_tables() -> bytes:
    with tempfile.TemporaryDirectory(prefix="easel-tables-") as folder:
        make_tables(sqlite_url(Path(folder)))
        return (Path(folder) / "easel.db").read_bytes()


def make_tables(url: str) -> None:
    """Bring an empty database to where the bot would bring it."""
    from bot.store.engine import Database  # here and below: whoever hands out tests starts in a third of the time
    from bot.store.url import read_url

    database = Database(read_url(url))
    database.open()
    try:
        database.migrate()
    finally:
        database.close()


def execute(url: str, statement: str) -> None:
    """One statement, committed at once. A SQLite file must not be open in a bot meanwhile."""
    if url.startswith(SQLITE):
        with closing(sqlite3.connect(url.removeprefix(SQLITE))) as file, file:
            file.execute(statement)
    else:
        with _connection(url) as connection:
            connection.execute(statement.encode())


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    """What a query finds. A SQLite file may be open in a bot meanwhile."""
    if url.startswith(SQLITE):
        with closing(sqlite3.connect(f"file:{url.removeprefix(SQLITE)}?mode=ro", uri=True)) as file:
            return file.execute(query).fetchall()
    with _connection(url) as connection:
        return connection.execute(query.encode()).fetchall()


def _connection(url: str) -> psycopg.Connection:
    import psycopg

    return psycopg.connect(url, autocommit=True)


def why_no_postgres() -> str | None:
    """What keeps this machine from running a PostgreSQL server; None where nothing does."""
    missing = [name for name in ("initdb", "pg_ctl") if _program(name) is None]
    return f"there is no {' and no '.join(missing)} of PostgreSQL on this machine" if missing else None


@contextmanager
def postgres_server() -> Generator[PostgresServer]:
    """A fresh server in a temporary folder, gone at the end."""
    pg_ctl = _program("pg_ctl")
    assert pg_ctl is not None
    # A short path, because a socket's name has at most 107 bytes; in memory where that serves the tests as a disk.
    folder = Path(tempfile.mkdtemp(prefix="easel-pg-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT") or None))
    try:
        _make_data(folder)
        server = _started(pg_ctl, folder)
        try:
            yield server
        finally:
            _run([pg_ctl, "stop", "-D", str(folder / "data"), "-m", "immediate"], folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def shared_postgres_server(folder: Path, who: str) -> Generator[PostgresServer]:
    """The server in this folder, started by whoever comes first; `who` is one of those that share it."""
    pg_ctl = _program("pg_ctl")
    assert pg_ctl is not None
    own = folder / POSTGRES
    with (folder / "starting").open("w") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        if not own.exists():
            own.mkdir()
            _make_data(own)
            _started(pg_ctl, own, f"{THRIFT} {MANY_CONNECTIONS}")
    yield replace(_running(own), prefix=f"easel_{who}")


@contextmanager
def ending_shared_postgres(folder: Path) -> Generator[None]:
    """At the end no server is left in this folder."""
    try:
        yield
    finally:
        own, pg_ctl = folder / POSTGRES, _program("pg_ctl")
        if pg_ctl and (own / "data" / "postmaster.pid").exists():
            _run([pg_ctl, "stop", "-D", str(own / "data"), "-m", "immediate"], own)


@dataclass(slots=True)
class KeptServer:
    """A server whose data stays in `folder`, and that can be stopped and started while it is used."""

    folder: Path
    options: str
    _server: PostgresServer | None = None

    def start(self) -> None:
        pg_ctl = _program("pg_ctl")
        assert pg_ctl is not None
        port = self._server.port if self._server else 0
        self._server = _started(pg_ctl, self.folder, f"-c fsync=off {self.options}", port)

    def stop(self) -> None:
        pg_ctl = _program("pg_ctl")
        assert pg_ctl is not None
        _run([pg_ctl, "stop", "-w", "-D", str(self.folder / "data"), "-m", "fast"], self.folder)

    def url(self, name: str) -> str:
        assert self._server is not None
        return self._server.url(name)

    def execute(self, statement: str) -> None:
        execute(self.url("postgres"), statement)

    def databases(self) -> list[str]:
        return [str(row[0]) for row in rows(self.url("postgres"), "SELECT datname FROM pg_database")]


@contextmanager
def kept_server(folder: Path, options: str = "") -> Generator[KeptServer]:
    """A server whose data is in `folder`, made there where it is missing, and kept at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    server = KeptServer(folder, options)
    if not (folder / "data" / "PG_VERSION").exists():
        _make_data(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _make_data(folder: Path) -> None:
    initdb = _program("initdb")
    assert initdb is not None
    _run([initdb, "-D", str(folder / "data"), "-U", "owner", "-A", "trust", "-E", "UTF8", "--no-sync"], folder)
    # A client that comes over TCP as anybody but the owner needs a password.
    rules = "host all owner 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
    (folder / "data" / "pg_hba.conf").write_text(rules)


def _started(pg_ctl: str, folder: Path, options: str = THRIFT, port: int = 0) -> PostgresServer:
    from sandbox.serving import free_port

    for tries_left in reversed(range(START_TRIES)):
        chosen = port or free_port()
        line = f"-c listen_addresses=127.0.0.1 -p {chosen} -k {folder} -c max_connections=60 {options}"
        try:
            _run([pg_ctl, "start", "-w", "-D", str(folder / "data"), "-l", str(folder / "log"), "-o", line], folder)
        except subprocess.CalledProcessError:
            if not tries_left:
                raise
        else:
            return _running(folder)
    raise AssertionError("unreachable")


def _running(folder: Path) -> PostgresServer:
    pid, _, _, port, *_ = (folder / "data" / "postmaster.pid").read_text().splitlines()
    return PostgresServer(int(port), int(pid))


def _program(name: str) -> str | None:
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    return str(installed[0]) if installed else shutil.which(name)


def _run(command: list[str], folder: Path) -> None:
    # The server refuses to run as root.
    user = None
    if os.geteuid() == 0:
        user = pwd.getpwnam("nobody").pw_uid
        os.chown(folder, user, -1)
    # Not captured: the server that pg_ctl leaves behind would keep the pipe open.
    with (folder / "output").open("ab") as output:
        subprocess.run(command, check=True, cwd=folder, user=user, stdout=output, stderr=output, timeout=60)
