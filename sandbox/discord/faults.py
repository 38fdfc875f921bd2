"""Faults on demand: wrong answers, broken connections, silence and slowness for any route."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatchcase


class Effect(Enum):
    """What becomes of a request."""

    STATUS = "status"  # another answer
    RESET = "reset"  # the connection breaks
    HANG = "hang"  # no answer until the fault is cleared
    SLOW = "slow"  # the right answer, late


@dataclass(slots=True)
class Fault:
    """A fault that waits for requests. `hits` counts what it has struck; `times` None means always."""

    pattern: str
    effect: Effect
    times: int | None = 1
    processed: bool = False
    status: int = 500
    code: int = 0
    message: str = ""
    retry_after: float | None = None
    via: bool = True
    html: bool = False
    seconds: float = 0.0
    after: int = 0
    files: bool = False
    lasting: bool = False
    hits: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)
    struck: asyncio.Event = field(default_factory=asyncio.Event)  # set at the first hit


class Faults:
    """Patterns are shell patterns over `METHOD /path`, e.g. `PATCH /webhooks/*/messages/*` or `GET /attachments/*`.

    `times` is how often a fault strikes (None: always), `after` how many matching requests it lets through first.
    `processed` says that the request is carried out before the answer is spoilt, `files` that it strikes uploads alone.
    """

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def answer(
        self,
        pattern: str,
        status: int,
        *,
        times: int | None = 1,
        processed: bool = False,
        code: int = 0,
        message: str = "",
        retry_after: float | None = None,
        via: bool = True,
        html: bool = False,
        after: int = 0,
        files: bool = False,
    ) -> Fault:
        """Answer with this status, and with a `code` of Discord's where one is given.

        `via=False` leaves out the header that tells Discord's 429 from Cloudflare's; `html=True` answers with a page,
        as the edge in front of Discord does.
        """
        fault = Fault(pattern, Effect.STATUS, times, processed, status, code, message, retry_after, via, html)
        fault.after, fault.files = after, files
        return self._add(fault)

    def reset(self, pattern: str, *, times: int | None = 1, processed: bool = False, after: int = 0) -> Fault:
        """Break the connection instead of answering."""
        return self._add(Fault(pattern, Effect.RESET, times, processed, after=after))

    def hang(
        self, pattern: str, *, times: int | None = 1, processed: bool = False, after: int = 0, files: bool = False
    ) -> Fault:
        """Give no answer until `clear` or `remove`."""
        return self._add(Fault(pattern, Effect.HANG, times, processed, after=after, files=files))

    def slow(
        self, pattern: str, seconds: float, *, times: int | None = 1, processed: bool = False, lasting: bool = False
    ) -> Fault:
        """Answer rightly, but late.

        `lasting` says that the request is carried out although whoever made it has gone, as by a queue on the way.
        """
        return self._add(Fault(pattern, Effect.SLOW, times, processed, seconds=seconds, lasting=lasting))

    def remove(self, fault: Fault) -> None:
        """End one fault and let go of what hangs on it."""
        if fault in self._faults:
            self._faults.remove(fault)
        fault.released.set()

    def clear(self) -> None:
        """End all faults and let go of what hangs."""
        for fault in list(self._faults):
            self.remove(fault)

    def take(self, label: str, *, files: bool = False) -> Fault | None:
        """The fault that strikes this request, which may carry files, if any; it is counted."""
        for fault in self._faults:
            if not fnmatchcase(label, fault.pattern) or fault.hits == fault.times or (fault.files and not files):
                continue
            if fault.after:
                fault.after -= 1
                continue
            fault.hits += 1
            fault.struck.set()
            return fault
        return None

    def _add(self, fault: Fault) -> Fault:
        self._faults.append(fault)
        return fault
