"""Whose turn it is to have a picture opened: fair between people, one at a time for each of them.

One picture is opened at a time, because memory and processor are few. Whoever has used the least time lately comes
next, so somebody who sends twenty large files waits behind everybody who sends one. Who sends files that cannot be
used waits longer before each further one.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

#: Bad files that cost nothing: people do pick the wrong one.
FREE_FAULTS = 2
FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 30.0
FORGOTTEN_AFTER_S, HALF_LIFE_S = 600.0, 60.0
MAX_REMEMBERED = 10_000  # people; who was here longest ago is forgotten first


@dataclass(slots=True)
class _Person:
    """What somebody has used lately."""

    seen: float
    used_s: float = 0.0  # fades: half of it counts after HALF_LIFE_S
    faults: int = 0
    not_before: float = 0.0


class Turns:
    """One place, shared fairly. `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._people: OrderedDict[int, _Person] = OrderedDict()
        self._waiting: dict[int, deque[asyncio.Future[None]]] = {}
        self._is_taken = False
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def turn(self, user_id: int) -> AsyncGenerator[None]:
        """Wait for a turn and have it for the length of the block."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(user_id, deque()).append(mine)
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
            self._person(user_id).used_s += self._clock() - began
            self._is_taken = False
            self._give()

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
        """Give the free place to whoever of those that wait has used the least."""
        for user_id, line in list(self._waiting.items()):
            while line and line[0].done():  # cancelled
                line.popleft()
            if not line:
                del self._waiting[user_id]
        if self._is_taken or not self._waiting:
            return
        now = self._clock()
        people = {user_id: self._person(user_id) for user_id in self._waiting}
        ready = [user_id for user_id, person in people.items() if person.not_before <= now]
        if ready:
            chosen = min(ready, key=lambda user_id: people[user_id].used_s)
            self._is_taken = True
            self._waiting[chosen].popleft().set_result(None)
        else:
            soonest = min(person.not_before for person in people.values())
            if self._timer is not None:
                self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_later(max(soonest - now, 0.01), self._give)
