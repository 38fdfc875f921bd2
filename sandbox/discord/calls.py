"""One request of the bot, read and ready for the room that answers it, and the log of all of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, overload

from aiohttp import web

from sandbox.discord.cdn import Upload
from sandbox.discord.events import Bell
from sandbox.discord.payloads import Json, as_object
from sandbox.discord.refusals import NOT_FOUND, Refusal


@dataclass(frozen=True, slots=True)
class Call:
    """What a room gets: ids out of the path, the query, the JSON body and the files by their number."""

    request: web.Request
    params: Mapping[str, str]
    query: Mapping[str, str]
    body: Any = None
    files: Mapping[int, Upload] = field(default_factory=dict[int, Upload])

    def id(self, name: str) -> int:
        """An id of the path. Raises Refusal (404) for anything that is no number."""
        text = self.params[name]
        if not text.isdigit():
            raise Refusal(*NOT_FOUND)
        return int(text)

    @property
    def form(self) -> Json:
        """The body as an object; empty where there is none."""
        return as_object(self.body)


@dataclass(frozen=True, slots=True)
class Route:
    """A method and path pattern, and who answers. `bot` routes need the bot's token."""

    method: str
    pattern: str
    handler: Callable[[Call], Any]
    bot: bool = True
    cdn: bool = False


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file of a request: its number, name and size in bytes."""

    index: int
    name: str
    size: int


@dataclass(slots=True)
class Recorded:
    """A request of the bot as it came, and what it was answered.

    `path` has no `/api/v10` before it. `status` is None while no answer was given (hanging, reset).
    `token_state` tells about the interaction token in the path: `fresh` (not yet answered), `alive`, `expired`,
    `unknown`, or None where there is none. Times are Unix seconds.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    json: Any = None
    files: tuple[SentFile, ...] = ()
    authorized: bool = False
    token_state: str | None = None
    at: float = field(default_factory=time.time)
    status: int | None = None
    code: int | None = None  # Discord's error code of a refusal
    answer: Any = None  # the JSON that was answered
    took_s: float | None = None

    @property
    def label(self) -> str:
        """`METHOD /path`, what patterns are matched against."""
        return f"{self.method} {self.path}"


class RequestLog(Sequence[Recorded]):
    """Every request in the order it came."""

    def __init__(self) -> None:
        self._records: list[Recorded] = []
        self._changed = Bell()

    @overload
    def __getitem__(self, index: int) -> Recorded: ...
    @overload
    def __getitem__(self, index: slice) -> list[Recorded]: ...
    def __getitem__(self, index: int | slice) -> Recorded | list[Recorded]:
        return self._records[index]

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Recorded]:
        return iter(self._records)

    def append(self, record: Recorded) -> None:
        self._records.append(record)
        self._changed.ring()

    def clear(self) -> None:
        self._records.clear()

    async def arrived(self, pattern: str, count: int = 1, timeout: float = 60.0) -> Recorded:  # noqa: ASYNC109 raises with what came
        """The `count`-th request that fits, waiting for it if need be; perhaps unanswered yet. Raises TimeoutError."""
        try:
            async with asyncio.timeout(timeout):
                while len(self.matching(pattern)) < count:
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(f"{len(self.matching(pattern))} requests fit {pattern}, not {count}.") from None
        return self.matching(pattern)[count - 1]

    def matching(self, pattern: str) -> list[Recorded]:
        """Requests whose `METHOD /path` fits a shell pattern, e.g. `PATCH /webhooks/*`."""
        return [record for record in self._records if fnmatchcase(record.label, pattern)]
