"""How long the local image API takes for a task."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace

#: The 95th percentile of the standard normal distribution.
_Z95 = 1.6448536269514722


@dataclass(frozen=True, slots=True)
class Latency:
    """A log-normal time from acceptance to result, in seconds, told by its median and its 95th percentile."""

    median: float
    p95: float

    def __post_init__(self) -> None:
        if not 0 <= self.median <= self.p95:
            raise ValueError("a latency needs 0 <= median <= p95")

    @classmethod
    def published(cls) -> Latency:
        """What this model is publicly reported to take: half within 7.7 s, 95 % within 11.9 s."""
        return PUBLISHED

    @classmethod
    def fixed(cls, seconds: float) -> Latency:
        """Every task takes the same time."""
        return cls(seconds, seconds)

    @classmethod
    def zero(cls) -> Latency:
        """A task has its result as soon as it is painted."""
        return cls(0.0, 0.0)

    def scaled(self, factor: float) -> Latency:
        """The same distribution, faster (below 1) or slower."""
        return replace(self, median=self.median * factor, p95=self.p95 * factor)

    def draw(self, rng: random.Random) -> float:
        """One task's time in seconds."""
        if self.median == 0:
            return 0.0
        sigma = math.log(self.p95 / self.median) / _Z95
        return self.median * math.exp(sigma * rng.gauss(0.0, 1.0))


PUBLISHED = Latency(median=7.7, p95=11.9)
