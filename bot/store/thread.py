"""The one thread that talks to the database, with group commit.

Whatever waits shares one transaction: under load a commit's disk flush is paid once for many writes. If the batch
fails, each piece of work is done again alone, so that one bad statement cannot harm the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from bot.errors import EaselError, StoreUnavailable
from bot.store import faults
from bot.store.engine import Database
from bot.telemetry import UNMEASURED, Measures

MAX_BATCH = 100  # the first of a crowd should not wait for the last

T = TypeVar("T")


class Run(Protocol):
    """`Store.run`, as the queries see it."""

    async def __call__(self, fn: Callable[[Connection], T], patience: float | None = None) -> T: ...


class _GivenUp(Exception):
    """A caller went away while its work was under way: the batch is rolled back and done again without it."""


class _ConnectionLost(StoreUnavailable):
    """The connection broke before the commit was asked for, so certainly nothing was written."""


@dataclass(slots=True, eq=False)
class Call:
    """One piece of work on its way through the thread. The event loop sets `given_up`, the thread reads it."""

    work: Callable[[Connection], Any]
    future: asyncio.Future[Any]
    given_up: bool = False
    result: Any = None
    error: Exception | None = None

    def do(self, connection: Connection) -> None:
        self.error = None
        try:
            self.result = self.work(connection)
        except EaselError as error:
            # By the rule of Store.run nothing was written, so the others' transaction goes on.
            self.error = error

    def answer(self) -> None:
        """Wake the caller, in the event loop."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


class DatabaseThread:
    """Opens the database, serves it and closes it, all in one daemon thread.

    `connected` and `ready` are fulfilled in this order; the first one that cannot be carries the StartError.
    """

    def __init__(self, database: Database, measures: Measures = UNMEASURED) -> None:
        self._database = database
        self._measures = measures
        self._loop = asyncio.get_running_loop()
        self._queue = SimpleQueue[Call | None]()
        self._stopping = False
        self.connected = self._loop.create_future()
        self.ready = self._loop.create_future()
        self.ended = asyncio.Event()
        # A daemon: a host that never answers must not keep the process from ending.
        threading.Thread(target=self._main, name="database", daemon=True).start()

    def submit(self, work: Callable[[Connection], Any]) -> Call:
        """Put work in line, from the event loop. Raises StoreUnavailable after `stop`."""
        if self._stopping:
            raise StoreUnavailable("The database is closed.")
        call = Call(work, self._loop.create_future())
        self._queue.put(call)
        return call

    def stop(self) -> None:
        """Let the thread end once everything before is done. Idempotent."""
        if not self._stopping:
            self._stopping = True
            self._queue.put(None)

    def _main(self) -> None:
        try:
            if self._start():
                self._serve()
        finally:
            self._database.close()
            self._tell(self.ended.set)

    def _start(self) -> bool:
        waiting = [self.connected, self.ready]
        try:
            self._database.open()
            self._tell(_fulfil, waiting.pop(0))
            self._database.migrate()
            self._tell(_fulfil, waiting.pop(0))
        except Exception as error:  # noqa: BLE001 -- whatever it is, the opener waits for it
            self._database.close()  # first, so that the opener can try again at once
            self._tell(_fail, waiting[0], error)
            return False
        return True

    def _serve(self) -> None:
        while (call := self._queue.get()) is not None:
            batch = [call, *self._others()]
            began = time.perf_counter()
            self._settle(batch)
            self._tell(self._answer, batch, time.perf_counter() - began)

    def _others(self) -> Iterator[Call]:
        for _ in range(MAX_BATCH - 1):
            try:
                call = self._queue.get_nowait()
            except Empty:
                return
            if call is None:
                self._queue.put(None)
                return
            yield call

    def _settle(self, batch: Sequence[Call]) -> None:
        try:
            self._do_together(batch)
        except StoreUnavailable as outage:
            for call in batch:
                call.error = StoreUnavailable(str(outage))
        except Exception:  # noqa: BLE001 -- the work of other modules may raise anything
            for call in batch:
                self._do_alone(call)

    def _do_together(self, batch: Sequence[Call]) -> None:
        reconnected = False
        while True:
            try:
                self._transact(batch)
            except _GivenUp:
                continue
            except _ConnectionLost:
                # An idle connection can have died long ago; a fresh one deserves a try.
                if reconnected:
                    raise
                reconnected = True
            else:
                return

    def _do_alone(self, call: Call) -> None:
        try:
            self._transact([call])
        except Exception as error:  # noqa: BLE001 -- goes to the caller
            call.error = error

    def _transact(self, batch: Sequence[Call]) -> None:
        committing = False
        try:
            with self._database.engine.connect() as connection, connection.begin() as transaction:
                # Looked at only now: beginning may have waited for another program's lock.
                wanted = [call for call in batch if not call.given_up]
                for call in wanted:
                    call.do(connection)
                if any(call.given_up for call in wanted):
                    raise _GivenUp
                committing = True
                transaction.commit()
        except DBAPIError as error:
            sentence = faults.outage_of(self._database.url, error)
            if sentence is None:
                raise
            nothing_written = error.connection_invalidated and not committing
            raise (_ConnectionLost if nothing_written else StoreUnavailable)(sentence) from error

    def _answer(self, batch: Sequence[Call], seconds: float) -> None:
        """Wake the callers, in the event loop."""
        for call in batch:
            call.answer()
        self._measures.transacted(len(batch), seconds, self._queue.qsize())

    def _tell(self, callback: Callable[..., object], *arguments: Any) -> None:
        # RuntimeError: the loop is closed, so nobody is left to be told.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback, *arguments)


def _fulfil(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _fail(future: asyncio.Future[None], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
