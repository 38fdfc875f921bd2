"""Word between the processes on one PostgreSQL: a notification wakes, polling guarantees. SQLite has one process.

The connection that listens also holds the lock with the process's name; see presence.py.

Notifications are hints. One that gets lost costs a little time, because every loop that waits for one also looks by
itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any, cast

from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DBAPIError

from bot.store.engine import postgresql_engine, set_session
from bot.store.sync import advisory_locks
from bot.store.sync.presence import Presence

_CHANNEL = "easel"
_RING = text("SELECT pg_notify(:channel, :job_id)")
_LOOK_S = 1.0  # how long the thread takes to see that it shall end
_PAUSE_S = 1.0  # before a lost connection is tried again


def notify(connection: Connection, job_id: str = "") -> None:
    """Tell all processes, with this transaction's commit, that a job changed; without an id, that the line did."""
    if connection.dialect.name == "postgresql":
        connection.execute(_RING, {"channel": _CHANNEL, "job_id": job_id})


class Notifier:
    """Listens in a daemon thread until `stop`.

    Calls `on_notify` in the event loop with a job's id, or with an empty text when the queue changed.
    """

    def __init__(self, url: URL, on_notify: Callable[[str], None], worker_id: str, presence: Presence) -> None:
        self._url = url
        self._worker_id = worker_id
        self._presence = presence
        self._on_notify = on_notify
        self._loop = asyncio.get_running_loop()
        self._stopping = threading.Event()
        threading.Thread(target=self._listen, name="bell", daemon=True).start()

    def stop(self) -> None:
        """Hear nothing more. The thread ends by itself within a second."""
        self._stopping.set()

    def _listen(self) -> None:
        import psycopg

        while not self._stopping.is_set():
            with contextlib.suppress(DBAPIError, psycopg.Error):
                self._listen_once()
            self._stopping.wait(_PAUSE_S)

    def _listen_once(self) -> None:
        import psycopg

        engine = postgresql_engine(self._url)
        try:
            held = engine.raw_connection()
            opened = cast("psycopg.Connection[Any]", held.driver_connection)
            # Out of the pool, which would write a traceback when it finds the connection lost.
            held.detach()
            with contextlib.closing(opened) as connection:
                set_session(connection)
                connection.autocommit = True
                connection.execute(f"LISTEN {_CHANNEL}")
                there = False
                # What was said while nobody listened is found by looking at the line once.
                self._tell("")
                while not self._stopping.is_set():
                    if not there and (there := advisory_locks.be_there(connection, self._worker_id)):
                        self._presence.seen()
                    for notice in connection.notifies(timeout=_LOOK_S):
                        self._tell(notice.payload)
        finally:
            self._presence.lost()
            engine.dispose()

    def _tell(self, job_id: str) -> None:
        # RuntimeError: the loop is closed, so nobody is left to be told.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._on_notify, job_id)
