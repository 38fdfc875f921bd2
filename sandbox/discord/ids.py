"""Snowflakes: Discord's ids, which carry the time they were made."""

from __future__ import annotations

import itertools
import time

DISCORD_EPOCH_MS = 1_420_070_400_000
_SEQUENCE = itertools.count()


def snowflake(age_s: float = 0.0) -> int:
    """A new id. `age_s` makes it look that many seconds old."""
    milliseconds = int((time.time() - age_s) * 1000) - DISCORD_EPOCH_MS
    # 22 low bits are Discord's worker, process and increment: one running number keeps ids of a millisecond apart
    return (milliseconds << 22) | (next(_SEQUENCE) & 0x3FFFFF)
