"""A clock for tests of what waits."""

from __future__ import annotations


class HandMovedClock:
    """Monotonic seconds, moved by hand."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at
