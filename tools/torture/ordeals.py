"""What hardly ever happens, on purpose and again and again: slow disks, databases that stand still, frozen processes.

PostgreSQL's processes are stopped and go on, which is to the bot as a flush of two seconds. Of a SQLite file another
program holds the lock, so that a commit begins late; a small library before the C library lets it end late, too. With
another such library, libfaketime of Debian's package of that name, the clocks of processes are apart. What is missing
is left out and said so.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.databases import SQLITE, PostgresServer, execute
from tools.torture.fleet import Fleet, Member
from tools.torture.stillness import Stillness

STANDSTILL_S, STANDSTILL_EVERY_S = 2.0, 12.0
FROZEN_S, FROZEN_AFTER_S = 40.0, 10.0  # longer than a lease
DEAF_EVERY_S = 7.0
ANSWERED_S = 3.0  # Discord waits no longer for an answer
NAP_S = 6.0  # of a bot that is alone
APART_S = 40  # between the first and the last clock
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
#: Slow for less than one flush takes: two in a row are four seconds, which no acknowledgement has.
FLUSH_S, FLUSHES_SLOW_S, FLUSHES_EVERY_S = 2, 1.5, 10.0
_SLOW_NOW, _SLOW_FLUSHES = "flushes-are-slow", "slow-flushes"
_SLOW_FLUSH = f"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
static void tell(void) {{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int log = open(getenv("TORTURE_FLUSHES"), O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (log >= 0) {{ dprintf(log, "%ld.%09ld\\n", (long)now.tv_sec, now.tv_nsec); close(log); }}
}}
static int slow(const char *name, int file) {{
    const char *flag = getenv("TORTURE_FLAG");
    if (flag && access(flag, F_OK) == 0) {{ tell(); sleep({FLUSH_S}); }}
    return ((int (*)(int))dlsym(RTLD_NEXT, name))(file);
}}
int fsync(int file) {{ return slow("fsync", file); }}
int fdatasync(int file) {{ return slow("fdatasync", file); }}
"""
_LISTENERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND query ILIKE 'listen%'"
)


async def standstills(
    database: str, server: PostgresServer | None, chance: random.Random, stillness: Stillness
) -> None:
    """Let the database stand still for STANDSTILL_S now and then. Until cancelled."""
    while True:
        await asyncio.sleep(chance.uniform(0.5, 1.5) * STANDSTILL_EVERY_S)
        if server is None:
            await asyncio.to_thread(_hold, database.removeprefix(SQLITE), stillness)
            continue
        stopped = list(_processes(server.pid))
        try:
            with stillness.lasts():
                _signal(stopped, signal.SIGSTOP)
                await asyncio.sleep(STANDSTILL_S)
        finally:
            _signal(stopped, signal.SIGCONT)


async def deafness(database: str, chance: random.Random) -> None:
    """End the connections by which processes hear of each other. Until cancelled."""
    while True:
        await asyncio.sleep(chance.uniform(0.5, 1.5) * DEAF_EVERY_S)
        await asyncio.to_thread(execute, database, _LISTENERS)


def set_clocks_apart(members: Sequence[Member]) -> None:
    """Give each of several processes a clock of its own; time passes alike in all, as it does on machines."""
    if len(members) < 2:
        return
    if not FAKETIME.exists():
        sys.stderr.write("Clocks are not apart: the package libfaketime is not installed.\n")
        return
    for number, member in enumerate(members):
        ahead = APART_S * number / (len(members) - 1) - APART_S / 2
        clock = {"LD_PRELOAD": str(FAKETIME), "FAKETIME": f"{ahead:+.0f}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        member.variables = {**member.variables, **clock}


def slow_disk(folder: Path) -> Mapping[str, str]:
    """Variables of a process whose flushes take FLUSH_S while the flag lies in the folder; none without a compiler."""
    source, library = folder / "slow-flush.c", folder / "slow-flush.so"
    source.write_text(_SLOW_FLUSH)
    if (compiler := shutil.which("cc")) is None:
        sys.stderr.write("Flushes are not slow: there is no C compiler.\n")
        return {}
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return {
        "LD_PRELOAD": str(library),
        "TORTURE_FLAG": str(folder / _SLOW_NOW),
        "TORTURE_FLUSHES": str(folder / _SLOW_FLUSHES),
    }


def count_flushes(folder: Path, stillness: Stillness) -> None:
    """Take in when flushes were slow."""
    stillness.read(folder / _SLOW_FLUSHES, FLUSH_S)


async def slow_flushes(folder: Path, chance: random.Random) -> None:
    """Let every flush to the disk take FLUSH_S now and then. Until cancelled."""
    flag = folder / _SLOW_NOW
    try:
        while True:
            await asyncio.sleep(chance.uniform(0.5, 1.5) * FLUSHES_EVERY_S)
            flag.touch()
            await asyncio.sleep(FLUSHES_SLOW_S)
            flag.unlink()
    finally:
        flag.unlink(missing_ok=True)


async def freezing(fleet: Fleet, chance: random.Random, frozen_s: float, stillness: Stillness) -> None:
    """Stop one process for so long, then let it go on. Until cancelled."""
    while True:
        await asyncio.sleep(FROZEN_AFTER_S)
        running = [it.process for it in fleet.members if it.process is not None and it.is_running]
        if not running:
            continue
        process = chance.choice(running)
        try:
            # Others serve meanwhile. Who asked this one is answered when it wakes, unless that was too long ago.
            with stillness.lasts(last_s=ANSWERED_S):
                _signal([process.pid], signal.SIGSTOP)
                await asyncio.sleep(frozen_s)
        finally:
            if process.returncode is None:
                _signal([process.pid], signal.SIGCONT)


def _hold(file: str, stillness: Stillness) -> None:
    with contextlib.closing(sqlite3.connect(file, timeout=5, isolation_level=None)) as other:
        with contextlib.suppress(sqlite3.OperationalError):
            other.execute("BEGIN IMMEDIATE")
            with stillness.lasts():
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
