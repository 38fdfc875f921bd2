"""What callers want from the database thread: pieces of work, alone or done jointly for many."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection

from bot.errors import EaselError

PASSED_OVER_S = 0.5  # whatever has waited for so long goes in the order in which it came

Item = TypeVar("Item")
T = TypeVar("T")
Joint = Callable[[Connection, Sequence[Item]], Sequence[T | EaselError]]


@dataclass(slots=True, eq=False)
class Call:
    """One piece of work on its way through the thread. The event loop sets `given_up`, the thread `begun`."""

    work: Callable[[Connection], Any] | None  # None where it is done jointly
    future: asyncio.Future[Any]
    joint: Joint[Any, Any] | None = None
    item: Any = None
    since: float = field(default_factory=time.monotonic)
    begun: bool = False
    given_up: bool = False
    stuck_since: float | None = None
    result: Any = None
    error: Exception | None = None

    def rank(self, now: float) -> tuple[bool, float]:
        """Its place among what waits, the least first."""
        return (self.joint is None and now - self.since < PASSED_OVER_S, self.since)

    def answer(self) -> None:
        """Wake the caller, in the event loop."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


def do(connection: Connection, group: Sequence[Call]) -> None:
    """Do one piece of work, or what is done jointly, in a transaction that others may share."""
    for call in group:
        call.error, call.begun = None, True
    first = group[0]
    if first.joint is not None:
        outcomes = first.joint(connection, [call.item for call in group])
        for call, outcome in zip(group, outcomes, strict=True):
            call.result, call.error = (None, outcome) if isinstance(outcome, EaselError) else (outcome, None)
    elif first.work is not None:
        try:
            first.result = first.work(connection)
        except EaselError as error:
            # By the rule of Store.run nothing was written, so the others' transaction goes on.
            first.error = error


def groups(calls: Sequence[Call]) -> list[list[Call]]:
    """What is done at once: each call alone, and those of one joint work together where the first of them stands."""
    together: list[list[Call]] = []
    joint: dict[Any, list[Call]] = {}
    for call in calls:
        if call.joint is not None and (group := joint.get(call.joint)) is not None:
            group.append(call)
            continue
        together.append([call])
        if call.joint is not None:
            joint[call.joint] = together[-1]
    return together
