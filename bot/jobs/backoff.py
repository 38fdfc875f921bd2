"""Pauses that grow, waiting for the first of several things, and work beside the jobs that nobody waits for."""

from __future__ import annotations

import asyncio
import random as dice
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from bot.errors import StoreUnavailable

log = structlog.stdlib.get_logger(__name__)

#: So long, in seconds, and so often an answer without a result is taken for "not yet".
ABSENT_AFTER_S, ABSENT_ANSWERS = 25.0, 4
#: A pause that somebody asked for is kept, and stretched by up to this share so that a crowd doesn't come back at once.
SPREAD = 0.25
#: Of failures in a row the log tells the first ones, and then one in so many: an outage of a night fills no disk.
TOLD_AT_FIRST, TOLD_EACH = 5, 20


def growing_pause(tries: int, *, first_s: float, longest_s: float, random: Callable[[], float] = dice.random) -> float:
    """Pause in seconds after `tries` failures in a row (from 1): doubles from `first_s` up to `longest_s`.

    Half of it is jitter, so that many that failed together do not try again together. `random` gives 0 to 1.
    """
    full = min(first_s * 2.0 ** min(tries - 1, 30), longest_s)
    return full * (0.5 + 0.5 * random())


def spread(seconds: float, random: Callable[[], float] = dice.random) -> float:
    """A pause that a server asked for, never shorter and up to SPREAD longer."""
    return seconds * (1 + SPREAD * random())


class Backoff:
    """Counts failures in a row and says how long to wait before the next try."""

    def __init__(self, first_s: float, longest_s: float) -> None:
        """The pause doubles from `first_s` to `longest_s` seconds; see `growing_pause`."""
        self._first_s = first_s
        self._longest_s = longest_s
        self.tries = 0

    def failed(self, at_least_s: float = 0.0) -> float:
        """Count a failure. Returns the pause in seconds; `at_least_s` is what the other side asked for."""
        self.tries += 1
        return max(spread(at_least_s), growing_pause(self.tries, first_s=self._first_s, longest_s=self._longest_s))

    def worked(self) -> None:
        """The next failure is the first again."""
        self.tries = 0


class Absence:
    """Something that is paid for and not there: a task that is unknown, a result without an address, a missing file.

    A replica that lags behind, a gateway that is being deployed, or a store that is not consistent yet says so for some
    seconds. So no single answer counts, nor two that lie far apart because this machine was busy.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, after_s: float = ABSENT_AFTER_S) -> None:
        """`clock` counts seconds, of which `after_s` have to pass."""
        self._clock, self._after_s = clock, after_s
        self._since: float | None = None  # every answer has said so since then
        self._answers = 0

    def answered(self) -> None:
        """One more answer says that it is not there."""
        self._since = self._clock() if self._since is None else self._since
        self._answers += 1

    def other(self) -> None:
        """An answer, or trouble with a question, says anything else."""
        self._since, self._answers = None, 0

    @property
    def is_told(self) -> bool:
        """Whether the last answer said so."""
        return self._since is not None

    @property
    def is_certain(self) -> bool:
        """Whether it has been said for long enough to be believed."""
        if self._since is None:
            return False
        return self._clock() - self._since >= self._after_s and self._answers >= ABSENT_ANSWERS


async def first_of(*what: asyncio.Event | Awaitable[Any], within_s: float | None = None) -> bool:
    """Wait until one of these events is set or awaitables is done, at most so long; False when the time is up.

    What is not done by then is cancelled, but for tasks, which belong to their maker. Raises what an awaitable raised.
    """
    if any(isinstance(it, asyncio.Event) and it.is_set() for it in what):
        for it in what:
            if asyncio.iscoroutine(it):
                it.close()
        return True
    waits = [asyncio.ensure_future(it.wait() if isinstance(it, asyncio.Event) else it) for it in what]
    try:
        done, _ = await asyncio.wait(waits, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        for wait, made_by in zip(waits, what, strict=True):
            if wait in done and wait is not made_by:
                wait.result()
        return bool(done)
    finally:
        for wait, made_by in zip(waits, what, strict=True):
            if wait is not made_by:
                wait.cancel()


def beside(
    work: Coroutine[Any, Any, None], name: str, tasks: set[asyncio.Task[None]] | None = None
) -> asyncio.Task[None]:
    """Do work whose end nobody waits for. An exception of it is told in the log, where asyncio would tell it too late.

    Whoever does not keep the task gives the set that keeps it until it has ended.
    """
    task = asyncio.create_task(work, name=name)
    if tasks is not None:
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    task.add_done_callback(_tell)
    return task


class SideBySide:
    """Works on up to `at_once` things at the same time, each by its key: one that takes long holds up no other.

    `ended` is set whenever one has come to its end, so that whoever gives out work looks for more.
    """

    def __init__(self, at_once: int, ended: asyncio.Event) -> None:
        self._at_once = at_once
        self._ended = ended
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def room(self) -> int:
        """How many more may be begun now."""
        return self._at_once - len(self._tasks)

    def begin(self, key: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Work on what the key names, unless that is under way already."""
        if key not in self._tasks:
            self._tasks[key] = task = beside(work(), key)
            task.add_done_callback(lambda _: self._end(key))

    def _end(self, key: str) -> None:
        del self._tasks[key]
        self._ended.set()

    async def stop(self) -> None:
        """Break off whatever is under way."""
        tasks = [*self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _tell(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("unhandled exception in work beside the jobs", work=task.get_name(), exc_info=error)


async def repeat(
    act: Callable[[], Awaitable[None]],
    stopping: asyncio.Event,
    every_s: float | Callable[[], float],
    *,
    wake: asyncio.Event | None = None,
    once: bool = False,
    longest_s: float = 30.0,
) -> None:
    """Repeat an act until `stopping`, with growing pauses while it fails. `wake` ends a pause, `once` all.

    No pause is longer than `longest_s`: what has to be there again soon after an outage says less than usual.
    """
    backoff = Backoff(1, longest_s)
    while not stopping.is_set():
        if wake is not None:
            wake.clear()
        try:
            await act()
            if once:
                return
            backoff.worked()
            pause_s = every_s() if callable(every_s) else every_s
        except StoreUnavailable as exc:
            pause_s = backoff.failed()
            if backoff.tries <= TOLD_AT_FIRST or backoff.tries % TOLD_EACH == 0:
                log.error("the database does not answer; trying again", error=str(exc), pause_s=round(pause_s, 1))
        except Exception:
            # The loops keep all jobs alive, so whatever one round of them met, the next one is tried.
            pause_s = backoff.failed()
            log.exception("unhandled exception in a loop", loop=getattr(act, "__name__", ""))
        await first_of(stopping, *([wake] if wake else []), within_s=pause_s)
