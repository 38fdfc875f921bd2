"""What hardly ever happens, on purpose and again and again: a database that stands still, processes that freeze.

To the bot it is the same as a disk whose flushes take two seconds. PostgreSQL's processes are stopped and go on. Of a
SQLite file another program holds the lock, so that a commit begins late instead of ending late.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from tests.databases import SQLITE, PostgresServer, execute
from tools.torture.fleet import Fleet

STANDSTILL_S, STANDSTILL_EVERY_S = 2.0, 12.0
FROZEN_S, FROZEN_AFTER_S = 40.0, 10.0  # longer than a lease
DEAF_EVERY_S = 7.0
_LISTENERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND query ILIKE 'listen%'"
)


async def standstills(database: str, server: PostgresServer | None, chance: random.Random) -> None:
    """Let the database stand still for STANDSTILL_S now and then. Until cancelled."""
    while True:
        await asyncio.sleep(chance.uniform(0.5, 1.5) * STANDSTILL_EVERY_S)
        if server is None:
            await asyncio.to_thread(_hold, database.removeprefix(SQLITE))
            continue
        stopped = list(_processes(server.pid))
        try:
            _signal(stopped, signal.SIGSTOP)
            await asyncio.sleep(STANDSTILL_S)
        finally:
            _signal(stopped, signal.SIGCONT)


async def deafness(database: str, chance: random.Random) -> None:
    """End the connections by which processes hear of each other. Until cancelled."""
    while True:
        await asyncio.sleep(chance.uniform(0.5, 1.5) * DEAF_EVERY_S)
        await asyncio.to_thread(execute, database, _LISTENERS)


async def freezing(fleet: Fleet, chance: random.Random) -> None:
    """Stop one process for longer than its leases last, then let it go on. Until cancelled."""
    while True:
        await asyncio.sleep(FROZEN_AFTER_S)
        running = [it.process for it in fleet.members if it.process is not None and it.is_running]
        if not running:
            continue
        process = chance.choice(running)
        try:
            _signal([process.pid], signal.SIGSTOP)
            await asyncio.sleep(FROZEN_S)
        finally:
            if process.returncode is None:
                _signal([process.pid], signal.SIGCONT)


def _hold(file: str) -> None:
    with contextlib.closing(sqlite3.connect(file, timeout=5, isolation_level=None)) as other:
        with contextlib.suppress(sqlite3.OperationalError):
            other.execute("BEGIN IMMEDIATE")
            time.sleep(STANDSTILL_S)
        with contextlib.suppress(sqlite3.OperationalError):
            other.execute("ROLLBACK")


def _processes(server: int) -> Iterator[int]:
    """The server and the processes that it has started for its sessions and its log."""
    yield server
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{server}/task/{server}/children").read_text().split():
            yield int(child)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
