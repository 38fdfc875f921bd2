"""How long a query may keep somebody waiting who has clicked or typed, and has had no answer yet.

Discord waits three seconds for the first answer to an interaction, and then says in red that Easel did not respond. So
while nothing was answered, all that is asked of the database on the way, however many queries that is, shares one
bound; what comes after the first answer waits as long as its caller says. The bound goes with the task that
answers, in a context variable, so that no query has to be told of it.
"""

from __future__ import annotations

import time
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


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Somebody waits since a time of the monotonic clock, until `answered` says that they do not."""

    since: float
    answered: Callable[[], bool]


_waiting: ContextVar[_Waiting | None] = ContextVar("waiting", default=None)


def somebody_waits(answered: Callable[[], bool], age_s: float = 0.0) -> None:
    """From now on, in this task and those that it starts, somebody waits for an answer.

    `age_s` is for how long they have waited already, in seconds by two clocks; one that cannot be is passed over.
    """
    waited_s = min(age_s, MAX_AGE_S) if 0 < age_s < HOPELESS_AFTER_S else 0.0
    _waiting.set(_Waiting(time.monotonic() - waited_s, answered))


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
