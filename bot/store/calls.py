"""What callers want from the database thread: pieces of work, alone or done jointly for many."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection

from bot.errors import EaselError, StoreUnavailable

PASSED_OVER_S = 0.5  # whatever has waited for so long goes in the order in which it came

#: Whether work is begun or given up is settled under this lock, so that one of the two sides knows it for certain.
_SETTLING = threading.Lock()

Item = TypeVar("Item")
T = TypeVar("T")
Joint = Callable[[Connection, Sequence[Item]], Sequence[T | EaselError]]


class NeverBegun(StoreUnavailable):
    """The database did not come to it in time, and never will: for certain nothing was written."""


@dataclass(slots=True, eq=False)
class Call:
    """One piece of work on its way through the thread: begun by the thread, given up by the event loop.

    `waited_for` says that a person waits for the answer: that goes before whatever else is in line.
    """

    work: Callable[[Connection], Any] | None  # None where it is done jointly
    future: asyncio.Future[Any]
    joint: Joint[Any, Any] | None = None
    item: Any = None
    waited_for: bool = False
    since: float = field(default_factory=time.monotonic)
    begun: bool = False
    given_up: bool = False
    stuck_since: float | None = None
    result: Any = None
    error: Exception | None = None

    def rank(self, now: float) -> tuple[bool, float]:
        """Its place among what waits, the least first."""
        return (not self.waited_for and now - self.since < PASSED_OVER_S, self.since)

    def begin(self) -> bool:
        """In the thread, before each try: whether anybody still waits for it."""
        with _SETTLING:
            self.begun = self.begun or not self.given_up
            return not self.given_up

    def give_up(self) -> bool:
        """In the event loop: nobody waits any more. Whether it was never begun, and now never will be."""
        with _SETTLING:
            self.given_up = True
            return not self.begun

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
        call.error = None
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
