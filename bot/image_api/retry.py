"""Whether a failed GET may be made again, and how long to wait before: pure functions over statuses and numbers.

A submission is never repeated here. Whether it may be is told by its error alone: Busy and Unreachable are the only
ones after which the image API has certainly started nothing.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

#: A host that asks for a longer pause than this is asked again all the same (seconds).
MAX_RETRY_AFTER_S = 120.0

#: Timeouts, locks and rate limits, server faults, and an edge (520-527) that cannot reach its origin.
PASSING_STATUSES = frozenset({408, 409, 425, 429, 500, 502, 503, 504, *range(520, 528)})

_SECONDS = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)


def may_pass(status: int, *, just_made: bool = False) -> bool:
    """True for an HTTP status that another GET may not meet again: trouble of the host, or too early.

    `just_made` says that the resource is so new that 403 and 404 can mean that it is not there *yet*.
    """
    return status in PASSING_STATUSES or (just_made and status in {403, 404})


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
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    wait = (moment - (now or datetime.now(UTC))).total_seconds()
    return min(max(wait, 0.0), MAX_RETRY_AFTER_S)


def pause_s(attempt: int, *, roll: float, base_s: float, cap_s: float, retry_after: float | None = None) -> float:
    """How long to wait after failed try number `attempt` (from 1), in seconds.

    Full jitter: `roll` from 0 to 1 picks a point between nothing and the exponential bound, so that many clients
    that failed together do not come back together. A pause the host asked for is kept, and spread by a tenth.
    """
    if retry_after is not None and math.isfinite(retry_after):
        return min(max(retry_after, 0.0), MAX_RETRY_AFTER_S) * (1 + 0.1 * roll)
    bound = min(cap_s, base_s * 2.0 ** min(attempt - 1, 32))
    return bound * roll
