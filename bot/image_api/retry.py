"""Whether a failed GET may be made again, and for what pause its server asked: pure functions.

A submission is never repeated here. Whether it may be is told by its error alone: Busy and Unreachable are the only
ones after which the image API has certainly started nothing.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

#: A host that asks for a longer pause than this is asked again all the same (seconds).
MAX_RETRY_AFTER_S = 120.0

#: Timeouts, locks and rate limits, server faults, and an edge (520-527) that cannot reach its origin.
PASSING_STATUSES = frozenset({408, 409, 425, 429, 500, 502, 503, 504, *range(520, 528)})

_SECONDS = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)


def may_pass(status: int) -> bool:
    """True for an HTTP status that another GET may not meet again: trouble of the host."""
    return status in PASSING_STATUSES


def retry_after_seconds(value: str | None, now: datetime | None = None) -> float | None:
    """Read a `Retry-After` header (seconds or an HTTP date), 0 to MAX_RETRY_AFTER_S; None where it says nothing usable.

    `now` is aware; the clock is read where it is not given.
    """
    if value is None:
        return None
    text = value.strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), MAX_RETRY_AFTER_S)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # a zone of ten thousand years, say
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    wait = (moment - (now or datetime.now(UTC))).total_seconds()
    return min(max(wait, 0.0), MAX_RETRY_AFTER_S)
