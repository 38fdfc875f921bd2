"""How long a query may keep somebody waiting who has clicked or typed, and has had no answer yet.

Discord waits three seconds for the first answer to an interaction, and then says in red that Easel did not respond. So
while nothing was answered, all that is asked of the database on the way, however many queries that is, shares one
bound; what comes after the first answer waits as long as its caller says. The bound goes with the task that
answers, in a context variable, so that no query has to be told of it.

**A rush.** A crowd that asks in one instant is taken a few at a time, so that the first are answered while others still
come. Without that the event loop does each step of the way for everybody before it does the next one for anybody, and
nobody is answered before nearly everybody is. Nothing is held back by it: whoever is taken goes on at the pace of the
database and of Discord, and the next few are taken as soon as the event loop has come round. What follows an answer can
wait, while a person cannot: see `Rush.calm`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

#: Of Discord's three seconds: the rest is for the way there and back, and for the outcome of a batch that has begun.
ANSWER_WITHIN_S = 2.4
#: In a rush an interaction has waited for its turn before it is looked at. So much of its age counts at most, because
#: this machine's clock may be ahead of Discord's.
MAX_AGE_S = 1.4
#: Then nobody waits any more, and whatever goes on in this task (a job) has time.
HOPELESS_AFTER_S = 3.0
AT_ONCE = 8  # some 3 ms of work, in which those who were taken before get no turn
#: What follows an answer waits no longer than that for others to be answered.
CALM_WITHIN_S = 1.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Somebody waits since a time of the monotonic clock, until `answered` says that they do not."""

    since: float
    answered: Callable[[], bool]


_waiting: ContextVar[_Waiting | None] = ContextVar("waiting", default=None)
#: When this process heard of what the running task answers, by the monotonic clock.
_arrived: ContextVar[float | None] = ContextVar("arrived", default=None)


def arrived(at: float) -> None:
    """Tasks that are started from here on answer what this process heard of at `at`, by the monotonic clock."""
    _arrived.set(at)


def somebody_waits(answered: Callable[[], bool], age_s: float = 0.0) -> None:
    """From now on, in this task and those that it starts, somebody waits for an answer.

    `age_s` is for how long they have waited already, in seconds by two clocks; one that cannot be is passed over.
    For how long they have waited here (`arrived`) is known better.
    """
    since = time.monotonic() - (min(age_s, MAX_AGE_S) if 0 < age_s < HOPELESS_AFTER_S else 0.0)
    heard = _arrived.get()
    _waiting.set(_Waiting(since if heard is None else min(since, heard), answered))


def nobody_waits() -> None:
    """From now on nobody waits in this task: it was too late for an answer."""
    _waiting.set(None)


def is_hopeless() -> bool:
    """Whether an answer would certainly come too late: it is longer ago than Discord waits that this was heard of."""
    heard = _arrived.get()
    return heard is not None and time.monotonic() - heard > HOPELESS_AFTER_S


def left_s() -> float | None:
    """How many seconds are left to begin an answer; None where nobody waits."""
    waiting = _waiting.get()
    if waiting is None or waiting.answered():
        return None
    return ANSWER_WITHIN_S - (time.monotonic() - waiting.since)


def bounded(patience_s: float | None) -> float | None:
    """How long a query may take, in seconds: as its caller says, or less while somebody waits; None is without end."""
    waiting = _waiting.get()
    if waiting is None or waiting.answered():
        return patience_s
    waited_s = time.monotonic() - waiting.since
    if waited_s > HOPELESS_AFTER_S:
        return patience_s
    left_s = max(0.0, ANSWER_WITHIN_S - waited_s)
    return left_s if patience_s is None else min(patience_s, left_s)


class Rush:
    """The line before everything else: those who have asked, and whom nobody has looked at yet."""

    def __init__(self) -> None:
        self._line: deque[tuple[float, Callable[[], None]]] = deque()
        self._is_calm = asyncio.Event()
        self._is_calm.set()

    def __len__(self) -> int:
        return len(self._line)

    def join(self, begin: Callable[[], None]) -> None:
        """Let somebody stand in line, from the event loop. `begin` starts a task that answers them."""
        self._line.append((time.monotonic(), begin))
        if len(self._line) == 1:
            self._is_calm.clear()
            asyncio.get_running_loop().call_soon(self._take)

    def _take(self) -> None:
        try:
            for _ in range(min(AT_ONCE, len(self._line))):
                since, begin = self._line.popleft()
                arrived(since)
                begin()
        finally:  # one that cannot be read is in nobody's way
            if self._line:
                asyncio.get_running_loop().call_soon(self._take)
            else:
                self._is_calm.set()

    async def calm(self) -> None:
        """Return when nobody stands in line, or after CALM_WITHIN_S."""
        if not self._is_calm.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CALM_WITHIN_S):
                    await self._is_calm.wait()
