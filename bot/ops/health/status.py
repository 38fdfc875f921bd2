"""What the status page says: gathered when somebody looks, at most once in FRESH_S, and never waited for long.

What lies in the database is asked for in one transaction that costs the same after a year. Where the database is slow
or gone, the page shows what was known last, and since when. Nothing here tells who asked for what.
"""

from __future__ import annotations

import asyncio
import os
import platform
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from bot.config.settings import Settings
from bot.config.version import VERSION
from bot.errors import StoreUnavailable
from bot.ops.check.machine import folder_faults
from bot.ops.check.settings_side import standing_warnings
from bot.store.queries.lists import Overview
from bot.store.store import Store
from bot.store.url import is_sqlite, read_url

FRESH_S = 5.0  # an answer that is younger is shown again: reloading fast makes no work
ANSWER_S = 1.5  # the page waits so long for the database, and is shown without it then
QUERY_S = 5.0  # after so long the question itself is given up
_PACKAGES = ("discord.py", "aiohttp", "SQLAlchemy", "Pillow")  # those in whose fault reports the version is asked for


@dataclass(frozen=True, slots=True)
class Process:
    """The process that answers, as far as it never changes."""

    role: str  # "bot", or "worker" without a connection to the gateway
    host: str
    pid: int
    started_at: datetime
    versions: Mapping[str, str]

    @classmethod
    def this(cls, *, gateway: bool) -> Process:
        """Made once: reading the versions opens files."""
        versions = {"Easel": VERSION, "Python": platform.python_version()} | {it: version(it) for it in _PACKAGES}
        role = "bot" if gateway else "worker"
        return cls(role, socket.gethostname(), os.getpid(), datetime.now(UTC), versions)


@dataclass(slots=True)
class Present:
    """What this process knows without asking anybody; filled in as the start goes on."""

    worker_id: str = ""
    slots: Callable[[], tuple[int, int]] | None = None  # taken at the image API, and how many there are
    servers: Callable[[], int] | None = None
    balance: float | None = None  # dollars at the image API, where it tells
    notices: Sequence[str] = ()  # sentences about the settings that the log begins with


@dataclass(frozen=True, slots=True)
class BotStatus:
    """Everything on the page."""

    now: datetime
    process: Process
    present: Present
    settings: Settings
    sqlite: bool
    is_well: bool
    health: Mapping[str, Mapping[str, Any]]  # as /healthz tells it, by part
    overview: Overview | None  # None where the database has never been asked
    known_at: datetime | None  # when `overview` was true
    late: str  # why there is no fresher one; empty where it is fresh
    warnings: Sequence[str]


@dataclass(slots=True)
class StatusKeeper:
    """Keeps what was gathered last, and gathers anew when somebody looks."""

    settings: Settings
    process: Process
    health: Callable[[], tuple[bool, Mapping[str, Any]]]
    store: Store | None = None
    present: Present = field(default_factory=Present)
    _overview: Overview | None = None
    _known_at: datetime | None = None
    _asked_at: float = float("-inf")
    _late: str = "it is not yet open"
    _machine: Sequence[str] = ()
    _question: asyncio.Task[None] | None = None

    async def look(self) -> BotStatus:
        """The status, within ANSWER_S and a little. However many look at once, the database is asked once."""
        if self._question is None and self.store is not None and time.monotonic() - self._asked_at > FRESH_S:
            self._question = asyncio.create_task(self._ask(self.store), name="status")
        if self._question is not None:
            await asyncio.wait([self._question], timeout=ANSWER_S)
        well, told = self.health()
        return BotStatus(
            now=datetime.now(UTC),
            process=self.process,
            present=self.present,
            settings=self.settings,
            sqlite=is_sqlite(read_url(self.settings.database_url)),
            is_well=well,
            health={name: part for name, part in told.items() if name != "status"},
            overview=self._overview,
            known_at=self._known_at,
            late=self._late if self._question is None else f"it has not answered within {ANSWER_S:g} s",
            warnings=[*self.present.notices, *standing_warnings(self.settings), *self._machine],
        )

    async def close(self) -> None:
        """Give up a question that is under way."""
        if self._question is not None:
            self._question.cancel()
            await asyncio.wait([self._question])

    async def _ask(self, store: Store) -> None:
        try:
            now = datetime.now(UTC)
            try:
                self._overview = await store.lists.overview(now, QUERY_S)
            except StoreUnavailable as error:
                self._late = str(error)
            else:
                self._known_at, self._late = now, ""
            with suppress(OSError):  # a folder may vanish meanwhile
                self._machine = await asyncio.to_thread(folder_faults, self.settings)
        finally:
            self._asked_at, self._question = time.monotonic(), None
