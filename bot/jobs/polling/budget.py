"""How many questions a second the whole process may ask. At the limit, the likeliest to be answered go first.

It is a token bucket with two differences. When questions have to wait, the one likeliest to find a finished task goes
first, not the oldest. And the rate follows the API as TCP follows a network: a refusal halves it, quiet time brings it
back bit by bit.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from heapq import nlargest

TICK_S = 0.05  # at the limit, who goes next is decided so often
BURST_S = 0.25  # what was not used during this time may be used at once
RECOVERY_S = 60.0  # from nothing back to the full rate


class Budget:
    """A shared rate of questions. An API that refuses for too many halves it; it recovers within a minute."""

    def __init__(self, per_s: float) -> None:
        self._full_rate = self._rate = per_s
        self._saved = self._most_saved
        self._filled_at = self._refused_at = time.monotonic()
        self._waiting: dict[asyncio.Future[None], Callable[[], float]] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """How many questions are due and wait for their turn."""
        return len(self._waiting)

    def take(self) -> bool:
        """Take a turn now, if there is one to spare."""
        self._fill()
        if self._waiting or self._saved < 1:
            return False
        self._saved -= 1
        return True

    async def turn(self, likelihood: Callable[[], float]) -> None:
        """Wait for a turn. `likelihood` says, whenever it is asked, how likely the question is to find an end."""
        if self.take():
            return
        mine = asyncio.get_running_loop().create_future()
        self._waiting[mine] = likelihood
        self._serve_later()
        try:
            await mine
        finally:
            self._waiting.pop(mine, None)

    def refused(self) -> None:
        """The image API had too much to do: ask less for a while."""
        self._fill()
        if time.monotonic() - self._refused_at >= 1.0:  # a crowd's refusals are one
            self._refused_at = time.monotonic()
            self._rate = max(self._rate / 2, 1.0)
            self._saved = min(self._saved, self._most_saved)

    @property
    def _most_saved(self) -> float:
        return max(self._rate * BURST_S, 1.0)

    def _fill(self) -> None:
        now = time.monotonic()
        passed, self._filled_at = now - self._filled_at, now
        self._rate = min(self._rate + self._full_rate * passed / RECOVERY_S, self._full_rate)
        self._saved = min(self._saved + self._rate * passed, self._most_saved)

    def _serve_later(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TICK_S, self._serve)

    def _serve(self) -> None:
        self._timer = None
        self._fill()
        waiting = [(likelihood(), -place, one) for place, (one, likelihood) in enumerate(self._waiting.items())]
        for _, _, one in nlargest(int(self._saved), waiting):
            del self._waiting[one]
            if not one.done():
                one.set_result(None)
                self._saved -= 1
        if self._waiting:
            self._serve_later()
