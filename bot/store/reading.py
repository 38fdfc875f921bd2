"""The thread that reads lists, on a connection of its own: requests are never written behind somebody's list.

**What a person sees.** A list begins only after all that was handed to the database thread before it is committed, so
whoever did something and then asks sees what they did, as if one thread did both (`Store.read`). It waits no longer
than the work of that moment takes, and what comes in later does not hold it up.

**Giving up.** A list that nobody waits for any more is interrupted: on SQLite at once, on PostgreSQL by the server,
which is told with each list how long it may take (MAX_READ_S where the caller does not say).

The connection cannot write. It is opened by the first list, so a process that reads none has none.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DBAPIError

from bot.errors import StoreUnavailable
from bot.store import faults
from bot.store.calls import Call
from bot.store.engine import reading_engine

MAX_READ_S = 30.0
_LONGEST = text("SELECT set_config('statement_timeout', :ms, true)")


class ReadingThread:
    """Reads for the event loop that made it, one list after the other, in a daemon thread."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._engine = reading_engine(url)
        self._loop = asyncio.get_running_loop()
        self._queue = SimpleQueue[Call | None]()
        self._lock = threading.Lock()
        self._running: tuple[Call, Any] | None = None  # with the driver's connection; only under the lock
        self._thread: threading.Thread | None = None
        self._stopping = False
        self.ended = asyncio.Event()

    def submit(self, work: Callable[[Connection], Any], patience: float | None) -> Call:
        """Put a list in line, from the event loop. Raises StoreUnavailable after `stop`."""
        if self._stopping:
            raise StoreUnavailable("The database is closed.")
        if self._thread is None:
            self._thread = threading.Thread(target=self._main, name="reading", daemon=True)
            self._thread.start()
        call = Call(lambda connection: self._bounded(connection, work, patience), self._loop.create_future())
        self._queue.put(call)
        return call

    def give_up(self, call: Call) -> None:
        """Nobody waits for this list any more: it is not begun, or broken off."""
        with self._lock:
            call.given_up = True
            if self._running is not None and self._running[0] is call:
                raw = self._running[1]
                if isinstance(raw, sqlite3.Connection):
                    raw.interrupt()

    def stop(self) -> None:
        """Break off what is read, and end. Idempotent."""
        if self._stopping:
            return
        self._stopping = True
        if self._thread is None:
            self.ended.set()
            return
        with self._lock:
            running = self._running
        if running is not None:
            self.give_up(running[0])
        self._queue.put(None)

    def _main(self) -> None:
        try:
            while (call := self._queue.get()) is not None:
                self._read(call)
                self._tell(call.answer)
        finally:
            self._engine.dispose()
            self._tell(self.ended.set)

    def _read(self, call: Call) -> None:
        """Leave the result or the error in `call`. An idle connection can have died long ago: a fresh one is tried."""
        for tries_left in (1, 0):
            try:
                call.result = self._once(call)
            except DBAPIError as error:
                if error.connection_invalidated and tries_left and not call.given_up:
                    continue
                sentence = faults.outage_of(self._url, error)
                call.error = error if sentence is None else StoreUnavailable(sentence)
            except Exception as error:  # noqa: BLE001 -- goes to the caller
                call.error = error
            return

    def _once(self, call: Call) -> Any:
        assert call.work is not None
        with self._engine.connect() as connection, connection.begin():
            with self._lock:
                if call.given_up or self._stopping:
                    raise StoreUnavailable("Nobody waits for this list any more.")
                self._running = (call, connection.connection.dbapi_connection)
            try:
                return call.work(connection)
            finally:
                # From here on an interruption would hit the next list.
                with self._lock:
                    self._running = None

    def _bounded(self, connection: Connection, work: Callable[[Connection], Any], patience: float | None) -> Any:
        if connection.dialect.name == "postgresql":
            seconds = MAX_READ_S if patience is None else patience
            connection.execute(_LONGEST, {"ms": str(max(1, round(seconds * 1000)))})
        return work(connection)

    def _tell(self, callback: Callable[..., object]) -> None:
        # RuntimeError: the loop is closed, so nobody is left to be told.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback)
