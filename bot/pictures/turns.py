"""Whose turn it is to have a picture opened: one picture at a time, fair between people.

Memory and processor are few, so one process opens pictures at a time, whatever it is for. Checks and deliveries take
turns: a delivery waits for one check at most, and a check for one delivery. Of those who wait for the same, whoever has
used the least time lately comes next, so somebody who sends twenty large files waits behind everybody who sends one.
Who sends files that cannot be used waits longer before each further check.

The pictures of one job are opened one after the other: a job that has begun is as far ahead as it was at its first
picture, for some seconds. If each picture counted at once, all jobs would be half done and none would be there.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

#: Bad files that cost nothing: people do pick the wrong one.
FREE_FAULTS = 2
FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 30.0
#: A job that has begun goes on before others until it has used so much.
JOB_S = 5.0
FORGOTTEN_AFTER_S, HALF_LIFE_S = 600.0, 60.0
MAX_REMEMBERED = 10_000  # people; who was here longest ago is forgotten first


class Lane(StrEnum):
    """What somebody's turn is for."""

    CHECK = "check"  # of a source: nothing has been bought yet
    DELIVERY = "delivery"  # of pictures that are paid for, and of what is shown beside them


@dataclass(slots=True)
class _Person:
    """What somebody has used lately."""

    seen: float
    used_s: float = 0.0  # fades: half of it counts after HALF_LIFE_S
    faults: int = 0
    not_before: float = 0.0


@dataclass(slots=True)
class Work:
    """What one person wants done, in one turn or several, such as all pictures of a job. `number` counts arrivals."""

    user_id: int
    number: int
    rank: tuple[float, int] | None = None  # since its first turn: what its person had used until then, and the number
    used_s: float = 0.0


#: Somebody's turn, once it comes, and what for.
_Waiting = tuple[asyncio.Future[None], Work]


class Turns:
    """One place, shared fairly. `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._people: OrderedDict[int, _Person] = OrderedDict()
        self._waiting: dict[Lane, list[_Waiting]] = {lane: [] for lane in Lane}
        self._numbers = itertools.count()
        self._latest = Lane.CHECK  # whose turn it was, so that the other comes next
        self._is_taken = False
        self._timer: asyncio.TimerHandle | None = None

    def work(self, user_id: int) -> Work:
        """Something that this person wants done."""
        return Work(user_id, next(self._numbers))

    @asynccontextmanager
    async def turn(self, work: Work, lane: Lane) -> AsyncGenerator[None]:
        """Wait for a turn and have it for the length of the block."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[lane].append((mine, work))
        self._give()
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():  # the place was given in this very moment
                self._is_taken = False
            self._give()
            raise
        began = self._clock()
        try:
            yield
        finally:
            used_s = self._clock() - began
            work.used_s += used_s
            self._person(work.user_id).used_s += used_s
            self._is_taken = False
            # A step later: by then the next picture of the same job waits here, too.
            asyncio.get_running_loop().call_soon(self._give)

    def bad(self, user_id: int) -> None:
        """Somebody's file could not be used: from the third on within ten minutes each costs a longer pause."""
        person = self._person(user_id)
        person.faults += 1
        if person.faults > FREE_FAULTS:
            pause = min(FIRST_PAUSE_S * 2 ** (person.faults - FREE_FAULTS - 1), LONGEST_PAUSE_S)
            person.not_before = self._clock() + pause

    def _person(self, user_id: int) -> _Person:
        now = self._clock()
        person = self._people.get(user_id)
        if person is None or now - person.seen > FORGOTTEN_AFTER_S:
            person = self._people[user_id] = _Person(now)
        person.used_s *= 0.5 ** ((now - person.seen) / HALF_LIFE_S)
        person.seen = now
        self._people.move_to_end(user_id)
        if len(self._people) > MAX_REMEMBERED:
            self._people.popitem(last=False)
        return person

    def _give(self) -> None:
        """Give the free place: to the lane that had it longer ago, and there to whoever has used the least."""
        if self._is_taken:
            return
        for lane, line in self._waiting.items():
            self._waiting[lane] = [it for it in line if not it[0].done()]  # without those that were cancelled
        for lane in sorted(Lane, key=lambda it: it is self._latest):
            line = self._waiting[lane]
            ready = [it for it in line if lane is Lane.DELIVERY or self._is_ready(self._person(it[1].user_id))]
            if ready:
                # Looked at once for each person: it fades meanwhile, so the last to be looked at would come first.
                used_s = {work.user_id: self._person(work.user_id).used_s for _, work in ready}
                waiting, work = chosen = min(ready, key=lambda it: _rank(it[1], used_s[it[1].user_id]))
                line.remove(chosen)
                self._is_taken, self._latest = True, lane
                work.rank = work.rank or _rank(work, used_s[work.user_id])
                waiting.set_result(None)
                return
        self._look_again()

    def _is_ready(self, person: _Person) -> bool:
        return person.not_before <= self._clock()

    def _look_again(self) -> None:
        """All that wait for a check have to pause: go on when the first of them may."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        pauses = [self._person(work.user_id).not_before for _, work in self._waiting[Lane.CHECK]]
        if pauses:
            pause_s = max(min(pauses) - self._clock(), 0.01)
            self._timer = asyncio.get_running_loop().call_later(pause_s, self._give)


def _rank(work: Work, used_s: float) -> tuple[float, int]:
    """Who has the lowest comes next; `used_s` is what its person has used by now."""
    if work.rank is not None and work.used_s < JOB_S:
        return work.rank
    return used_s, work.number
