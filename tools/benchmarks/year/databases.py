"""The filled databases: made once and kept for the next run, copied for each, and made cold.

What is kept lies in a folder of its own under the system's temporary folder: a file and a server's folder for each
number of jobs. Each run brings it to the present version first, and says how long that took on a year of data.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.store.store import Store
from tests.databases import SQLITE, KeptServer, kept_server
from tools.benchmarks.year.filling import fill
from tools.benchmarks.year.shape import Shape

MIGRATE_S = 600.0
TOLD_S = 1.0
_VERSION = 1  # of what the rows hold


@dataclass(frozen=True, slots=True)
class Place:
    """A filled database to work in. `chill` takes it out of all memories; nobody may have it open."""

    kind: str
    shape: Shape
    url: str
    chill: Callable[[], None]


@contextmanager
def sqlite_place(folder: Path, shape: Shape) -> Generator[Place]:
    """A copy of the kept file."""
    kept = folder / f"{_name(shape)}.db"
    if not kept.exists():
        making = kept.with_suffix(".making")
        making.unlink(missing_ok=True)
        _told(f"SQLite, {shape.jobs:,} jobs", lambda: fill(f"{SQLITE}{making}", shape))
        making.rename(kept)
    _bring_up_to_date(f"{SQLITE}{kept}")
    used = folder / f"used-{os.getpid()}"
    used.mkdir(exist_ok=True)
    try:
        copy = used / "easel.db"
        shutil.copyfile(kept, copy)
        yield Place("SQLite", shape, f"{SQLITE}{copy}", lambda: _chill(used))
    finally:
        shutil.rmtree(used)


@contextmanager
def postgresql_place(server: KeptServer, shape: Shape) -> Generator[Place]:
    """A copy of the kept database of this server, which has to be started."""
    kept = _name(shape)
    names = server.databases()
    if kept not in names:
        making = f"{kept}_making"
        server.execute(f"DROP DATABASE IF EXISTS {making}")
        server.execute(f"CREATE DATABASE {making}")
        _told(f"PostgreSQL, {shape.jobs:,} jobs", lambda: fill(server.url(making), shape))
        server.execute(f"ALTER DATABASE {making} RENAME TO {kept}")
    _bring_up_to_date(server.url(kept))
    for name in names:
        if name.startswith("used_"):
            server.execute(f"DROP DATABASE {name}")
    used = f"used_{os.getpid()}"
    server.execute(f"CREATE DATABASE {used} TEMPLATE {kept}")
    # Copied pages have no statistics of their own, and nothing shall be tidied up while it is measured.
    server.execute("CHECKPOINT")
    try:
        yield Place("PostgreSQL", shape, server.url(used), lambda: _chill_server(server))
    finally:
        server.execute(f"DROP DATABASE {used}")


@contextmanager
def postgresql(folder: Path) -> Generator[KeptServer]:
    """A server of the bench's own, its data kept. It flushes to the disk as a real one does."""
    options = "-c fsync=on -c autovacuum=off -c shared_buffers=64MB -c max_wal_size=2GB"
    with kept_server(folder / "postgresql", options) as server:
        yield server


def _name(shape: Shape) -> str:
    return f"year_{_VERSION}_{shape.jobs}"


def _bring_up_to_date(url: str) -> None:
    """The migrations since it was made, as a start does them."""

    async def start() -> None:
        store = await Store.open(url, MIGRATE_S)
        await store.close()

    began = time.monotonic()
    asyncio.run(start())
    if (took := time.monotonic() - began) > TOLD_S:
        print(f"Migrations of the kept database took {took:.1f} s.", file=sys.stderr, flush=True)


def _chill_server(server: KeptServer) -> None:
    server.stop()
    _chill(server.folder / "data")
    server.start()


def _chill(folder: Path) -> None:
    """Let the system forget what it has read of the files in a folder."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())  # only pages that are on the disk can be forgotten
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _told(what: str, make: Callable[[], None]) -> None:
    print(f"{what}: made once, kept for the next time …", file=sys.stderr, flush=True)
    began = time.monotonic()
    make()
    print(f"{what}: made in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
