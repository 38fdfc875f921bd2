"""Times acts, each in a process of its own that has done nothing before, forked from one that has all loaded.

**Warm** is a process that has the database open and has done the same act before. **Cold** is one that opens a database
which nobody has in memory: SQLite's file, or all files of a PostgreSQL that was just started, are forgotten by the
system, as far as it lets itself be told.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection, update

from bot.model import JobState
from bot.store.schema import jobs
from bot.store.store import Store
from tools.benchmarks.year.databases import Place
from tools.benchmarks.year.shape import NOW
from tools.benchmarks.year.world import PATIENCE_S, Act, World

START = "start: the database is opened"
ACK_EVERY_S = 0.025
CROWD_S = 3.0
READERS = 2
OPEN_S = 60.0

T = TypeVar("T")


@dataclass(slots=True)
class Times:
    """Milliseconds of each run of an act. `error` says what kept it from being done.

    `cpu_ms` is this process's own processor time, which a busy machine does not lengthen; with SQLite that is all.
    """

    ms: list[float] = field(default_factory=list[float])
    cpu_ms: list[float] = field(default_factory=list[float])
    error: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.ms) if self.ms else float("nan")

    @property
    def worst(self) -> float:
        return max(self.ms, default=float("nan"))


def warm(place: Place, acts: Sequence[Act], runs: int) -> Mapping[str, Times]:
    """All acts one after the other in one process, each once before it counts."""

    async def measure() -> dict[str, Times]:
        opening = Times()
        for _ in range(runs):
            began = time.perf_counter()
            store = await Store.open(place.url, OPEN_S)
            opening.ms.append((time.perf_counter() - began) * 1000)
            await store.close()
        store = await Store.open(place.url, OPEN_S)
        world = World(store, place.shape, _number())
        found = {START: opening}
        for act in acts:
            found[act.name] = await _timed(world, act, runs)
        await store.close()
        return found

    return _in_a_process(measure)


def cold(place: Place, acts: Sequence[Act], runs: int, tell: Callable[[str], None]) -> Mapping[str, Times]:
    """Each run of each act in a process of its own, on a database that is in no memory."""
    found: dict[str, Times] = {START: Times()}
    for act in acts:
        tell(act.name)
        times = found[act.name] = Times()
        for _ in range(runs):
            opening, once = _in_a_process(lambda it=act: _once_cold(place, it))
            times.ms += once.ms
            times.cpu_ms += once.cpu_ms
            times.error = once.error or times.error
            if len(found[START].ms) < runs:
                found[START].ms.append(opening)
    return found


def crowd(place: Place, acts: Sequence[Act], tell: Callable[[str], None]) -> Mapping[str, Times]:
    """How long a request's row takes while one list is read by READERS people over and over; first while none is."""
    found: dict[str, Times] = {}
    # Twice: the first crowd after a database was copied waits for the disk.
    for act in (None, None, *acts):
        tell(act.name if act else "nothing read")
        found[act.name if act else ""] = _in_a_process(lambda it=act: _acknowledgements(place, it))
    return found


def cold_crowd(place: Place, acts: Sequence[Act], tell: Callable[[str], None]) -> Mapping[str, Times]:
    """The same while a list is read once that is in no memory."""
    found: dict[str, Times] = {}
    for act in acts:
        tell(act.name)
        found[act.name] = _in_a_process(lambda it=act: _acknowledgements(place, it, cold=True))
    return found


async def _timed(world: World, act: Act, runs: int) -> Times:
    times = Times()
    for run in range(runs + 1):
        try:
            subject = await act.prepare(world)
            cpu, began = time.process_time(), time.perf_counter()
            await act.do(world, subject)
        except Exception as exc:  # noqa: BLE001 -- told in the table, in the place of a time
            times.error = f"{type(exc).__name__}: {exc}"
            break
        if run:
            times.ms.append((time.perf_counter() - began) * 1000)
            times.cpu_ms.append((time.process_time() - cpu) * 1000)
    return times


async def _once_cold(place: Place, act: Act) -> tuple[float, Times]:
    """Milliseconds that opening took, and the act."""
    store = await Store.open(place.url, OPEN_S)
    world, times = World(store, place.shape, _number()), Times()
    try:
        subject = await act.prepare(world)
        await store.close()
        place.chill()
        began = time.perf_counter()
        world.store = store = await Store.open(place.url, OPEN_S)
        opening = (time.perf_counter() - began) * 1000
        cpu, began = time.process_time(), time.perf_counter()
        await act.do(world, subject)
        times.ms.append((time.perf_counter() - began) * 1000)
        times.cpu_ms.append((time.process_time() - cpu) * 1000)
    except Exception as exc:  # noqa: BLE001 -- told in the table, in the place of a time
        opening, times.error = 0.0, f"{type(exc).__name__}: {exc}"
    await store.close()
    return opening, times


async def _acknowledgements(place: Place, act: Act | None, *, cold: bool = False) -> Times:
    store = await Store.open(place.url, OPEN_S)
    world = World(store, place.shape, _number())
    subject = await (act or Act("", _nothing)).prepare(world)
    if cold:
        await store.close()
        place.chill()
        world.store = store = await Store.open(place.url, OPEN_S)
    times = Times()
    warm_up = asyncio.create_task(_acknowledge(world, Times()))
    await asyncio.sleep(1.0)
    await _ended(warm_up)
    acknowledging = asyncio.create_task(_acknowledge(world, times))
    if act is None:
        await asyncio.sleep(CROWD_S)
    elif cold:
        await asyncio.sleep(0.1)
        await act.do(world, subject)
        await asyncio.sleep(0.1)
    else:
        until = time.monotonic() + CROWD_S
        await asyncio.gather(*(_read(world, act, subject, until) for _ in range(READERS)))
    await _ended(acknowledging)
    await store.run(_leave_none)
    await store.close()
    return times


async def _nothing(_: World, __: object) -> None:
    """Nobody reads."""


def _leave_none(connection: Connection) -> None:
    """What was acknowledged is over, so that the next measurement finds as few running jobs as this one."""
    received = jobs.c.state == JobState.RECEIVED
    connection.execute(update(jobs).where(received).values(state=JobState.CANCELLED, told=True, finished_at=NOW))


async def _acknowledge(world: World, times: Times) -> None:
    """A request every ACK_EVERY_S, whether those before it are written or not."""

    async def once() -> None:
        began = time.perf_counter()
        await world.receive(world.new(world.some_user()))
        times.ms.append((time.perf_counter() - began) * 1000)

    async with asyncio.TaskGroup() as group:
        try:
            while True:
                group.create_task(once())
                await asyncio.sleep(ACK_EVERY_S)
        except asyncio.CancelledError:
            pass  # those under way are waited for


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    async with asyncio.timeout(PATIENCE_S):
        await task


async def _read(world: World, act: Act, subject: object, until: float) -> None:
    while time.monotonic() < until:
        await act.do(world, subject)


def _number() -> int:
    return int(time.time() * 1000) % (1 << 27)


def _in_a_process(measure: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """What `measure` returns, from a fork of this process. Raises RuntimeError where it fails."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        code = 1
        try:
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(pickle.dumps(asyncio.run(measure())))
            code = 0
        except BaseException:  # noqa: BLE001 -- a fork must end here, whatever happened
            traceback.print_exc(file=sys.stderr)
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    if status or not told:
        raise RuntimeError(f"a measuring process ended with {os.waitstatus_to_exitcode(status)}")
    return pickle.loads(told)
