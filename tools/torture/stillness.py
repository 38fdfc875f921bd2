"""When the database could write nothing, or its process did not run: that excuses whom it refused meanwhile.

Discord waits three seconds for an answer. Of these the bot waits for the database as long as it can
(bot/policy/patience.py), so one standstill of two seconds refuses nobody. Two in a row leave no time to write anything.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Generator, Iterable
from pathlib import Path

#: A bot that has been free for so long while somebody waited has had the time to write down what they want.
ENOUGH_S = 0.5


class Stillness:
    """The standstills of one torture, by the monotonic clock, which all processes of a machine share."""

    def __init__(self) -> None:
        self._spans: list[tuple[float, float]] = []

    @contextlib.contextmanager
    def lasts(self, *, last_s: float = math.inf) -> Generator[None]:
        """Nothing is written while the block lasts, and of that only the `last_s` seconds excuse anything."""
        began = time.monotonic()
        try:
            yield
        finally:
            ended = time.monotonic()
            self._spans.append((max(began, ended - last_s), ended))

    def read(self, log: Path, each_s: float) -> None:
        """Take in when slow flushes began: a number each line."""
        if log.exists():
            self._spans += [(began, began + each_s) for began in map(float, log.read_text().split())]

    def excuses(self, began: float, ended: float) -> bool:
        """Whether there were not ENOUGH_S in which something could have been written between these two moments."""
        return (ended - began) - sum(_overlap(self._merged(), began, ended)) < ENOUGH_S

    def _merged(self) -> Iterable[tuple[float, float]]:
        """The spans in their order, none of which overlaps another."""
        until = -math.inf
        for began, ended in sorted(self._spans):
            if ended > until:
                yield max(began, until), ended
                until = ended


def _overlap(spans: Iterable[tuple[float, float]], began: float, ended: float) -> Iterable[float]:
    """How much of each span lies between these two moments, in seconds."""
    return (max(min(ended, end) - max(began, begin), 0.0) for begin, end in spans)
