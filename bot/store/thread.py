"""The one thread that talks to the database, with group commit.

**Group commit.** A commit ends with a flush to the disk, which takes milliseconds on a good disk and a hundred times
as long on a busy one. So whatever waits shares one transaction and one flush. A batch ends after MAX_BATCH pieces of
work or MAX_BATCH_S, whichever comes first: its first caller waits for its last, and whoever gives up meanwhile has
waited for nothing. What did not fit comes first in the next batch.

**A stream.** Where jobs come one after the other, their steps would each have a flush of their own. So a step that
comes right after a flush waits until GATHER_S have passed since, and takes along what came meanwhile. Nobody waits for
a step; what somebody waits for ends that pause at once. Where nothing came, as from one that asks again and again, no
such pause is made for ALONE_S.

**A crowd.** What many people ask at the same time, a new job, is done for all of them by the same few statements
(`Joint`), and before all other work: they wait for an answer. So is what follows their answers, but behind. Whatever
has waited for PASSED_OVER_S goes in the order in which it came.

**One bad statement harms nobody else.** If the batch fails, it is undone and each piece of work is done again apart:
what is done jointly together, and where that fails too, each item alone.

**One lock that somebody else holds holds up nobody else.** On PostgreSQL another process may hold a lock for seconds:
frozen, or behind a slow disk. The server lets a statement wait for a lock no longer than engine.LOCK_WAIT. Then the
work is done apart, and what still finds its lock taken is *stuck*: it is tried again between batches, hardly waiting,
for STUCK_S in all. Everything else goes on meanwhile.

**Giving up.** A caller whose work has not begun leaves it undone. One whose work is in the running batch waits
GRACE_S longer for the outcome, because undoing a batch takes the time of everybody in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from bot.errors import StoreUnavailable
from bot.store import faults
from bot.store.calls import Call, Joint, do, groups
from bot.store.engine import Database, erase
from bot.telemetry import UNMEASURED, Measures

MAX_BATCH = 100
MAX_BATCH_S = 0.08
GATHER_S, ALONE_S = 0.02, 0.5
GRACE_S = 0.25  # a batch, and a commit on a slow disk
STUCK_S = 2.0  # after that the caller is told that the database does not answer
RETRY_STUCK_S, RETRIED_AT_ONCE = 0.05, 20
_HARDLY_WAIT = "SET LOCAL lock_timeout = '5ms'"

Item = TypeVar("Item")
T = TypeVar("T")


class Run(Protocol):
    """`Store.run` or `Store.read`, as the queries see it."""

    async def __call__(self, fn: Callable[[Connection], T], patience: float | None = None) -> T: ...


class Join(Protocol):
    """`Store.join`, as the queries see it."""

    async def __call__(
        self, fn: Joint[Item, T], item: Item, patience: float | None = None, *, waited_for: bool = True
    ) -> T: ...


class _GivenUp(Exception):
    """A caller went away while its work was under way: the batch is rolled back and done again without it."""


class _LockedOut(StoreUnavailable):
    """Somebody else holds a lock, and has for too long. Nothing was written."""


class _ConnectionLost(StoreUnavailable):
    """The connection broke before the commit was asked for, so certainly nothing was written."""


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
        self._unanswered = 0
        self._stuck: list[Call] = []
        self._flushed_at = -math.inf
        self._alone_until = -math.inf
        self._hurry = threading.Event()
        self.connected = self._loop.create_future()
        self.ready = self._loop.create_future()
        self.ended = asyncio.Event()
        # A daemon: a host that never answers must not keep the process from ending.
        threading.Thread(target=self._main, name="database", daemon=True).start()

    def submit(self, work: Callable[[Connection], Any]) -> Call:
        """Put work in line, from the event loop. Raises StoreUnavailable after `stop`."""
        return self._submit(Call(work, self._loop.create_future()))

    def submit_joint(self, joint: Joint[Item, T], item: Item, *, waited_for: bool) -> Call:
        """Put an item in line that is worked on together with others. Raises StoreUnavailable after `stop`."""
        return self._submit(Call(None, self._loop.create_future(), joint, item, waited_for))

    def _submit(self, call: Call) -> Call:
        if self._stopping:
            raise StoreUnavailable("The database is closed.")
        self._unanswered += 1
        self._queue.put(call)
        if call.waited_for:
            self._hurry.set()
        return call

    async def settled(self) -> None:
        """Return once all that was submitted until now is committed, has failed, or is stuck at somebody's lock."""
        if self._unanswered:
            # Of work that is alike in rank what was submitted earlier goes first, and people's before all other.
            await self.submit(_nothing).future

    def stop(self) -> None:
        """Let the thread end once everything before is done. Idempotent."""
        if not self._stopping:
            self._stopping = True
            self._queue.put(None)
            self._hurry.set()

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
            self._database.bound_waits()
            self._tell(_fulfil, waiting.pop(0))
        except Exception as error:  # noqa: BLE001 -- whatever it is, the opener waits for it
            self._database.close()  # first, so that the opener can try again at once
            self._tell(_fail, waiting[0], error)
            return False
        return True

    def _serve(self) -> None:
        waiting: list[Call] = []
        while True:
            if not waiting:
                if not self._has_next(waiting):
                    return
                self._gather(waiting)
            waiting.extend(self._others())
            began = time.monotonic()
            waiting.sort(key=lambda call: call.rank(began))
            settled = [*(self._settle(waiting[:MAX_BATCH]) if waiting else ()), *self._retried(began)]
            ended = set(map(id, (*settled, *self._stuck)))
            waiting = [call for call in waiting if id(call) not in ended]
            self._flushed_at = time.monotonic()
            self._tell(self._answer, settled, self._flushed_at - began, len(waiting))

    def _gather(self, waiting: Sequence[Call]) -> None:
        """Let more come, where nobody waits for this and there was a flush just now."""
        now = time.monotonic()
        left_s = self._flushed_at + GATHER_S - now
        if left_s > 0 and now >= self._alone_until and not any(call.waited_for for call in waiting):
            self._hurry.wait(left_s)
            if self._queue.empty():
                self._alone_until = time.monotonic() + ALONE_S
        self._hurry.clear()

    def _has_next(self, waiting: list[Call]) -> bool:
        """Wait for the next call, not for long while some are stuck; False at the end."""
        try:
            call = self._queue.get(timeout=RETRY_STUCK_S if self._stuck else None)
        except Empty:
            return True
        if call is not None:
            waiting.append(call)
            return True
        if self._stuck:
            self._queue.put(None)
            time.sleep(RETRY_STUCK_S)
        return bool(self._stuck)

    def _others(self) -> Iterator[Call]:
        while True:
            try:
                call = self._queue.get_nowait()
            except Empty:
                return
            if call is None:
                self._queue.put(None)
                return
            yield call

    def _settle(self, offered: Sequence[Call]) -> Sequence[Call]:
        """Do the first of what is offered; returns what now has a result or an error. At least one does."""
        try:
            return self._do_together(offered)
        except _LockedOut:
            for call in offered:
                self._do_apart([call], brief=True)
        except StoreUnavailable as outage:
            for call in offered:
                call.error = StoreUnavailable(str(outage))
        except Exception:  # noqa: BLE001 -- the work of other modules may raise anything
            for group in groups(offered):
                self._do_apart(group)
        return [call for call in offered if call.stuck_since is None]

    def _retried(self, now: float) -> Sequence[Call]:
        """Try once more what is stuck; returns what is not any more, or has been for too long."""
        tried, self._stuck = self._stuck[:RETRIED_AT_ONCE], self._stuck[RETRIED_AT_ONCE:]
        settled: list[Call] = []
        for call in tried:
            since, call.stuck_since = call.stuck_since or now, None
            if now - since < STUCK_S and not call.given_up:
                self._do_apart([call], brief=True, since=since)
            else:
                call.error = StoreUnavailable(faults.locked_out(self._database.url))
            if call.stuck_since is None:
                settled.append(call)
        return settled

    def _do_together(self, batch: Sequence[Call]) -> Sequence[Call]:
        """Returns those of `batch` that are settled."""
        reconnected = False
        while True:
            try:
                return self._transact(batch)
            except _GivenUp:
                continue
            except _ConnectionLost:
                # An idle connection can have died long ago; a fresh one deserves a try.
                if reconnected:
                    raise
                reconnected = True

    def _do_apart(self, group: Sequence[Call], *, brief: bool = False, since: float | None = None) -> None:
        """Do work that stands for itself. `brief`: it hardly waits for a lock. It may be stuck then, `since` a time."""
        try:
            self._transact(group, brief=brief)
        except Exception as error:  # noqa: BLE001 -- goes to the caller
            if len(group) > 1:
                for call in group:
                    self._do_apart([call], brief=brief or isinstance(error, _LockedOut))
            elif isinstance(error, _LockedOut):
                group[0].stuck_since = since or time.monotonic()
                self._stuck.append(group[0])
            else:
                group[0].error = error

    def _transact(self, batch: Sequence[Call], *, brief: bool = False) -> Sequence[Call]:
        """Do and commit as much of `batch` as MAX_BATCH_S has room for; returns that, with what was given up."""
        committing = False
        try:
            with self._database.engine.connect() as connection, connection.begin() as transaction:
                # Looked at only now: beginning may have waited for another program's lock.
                done: list[Call] = []
                settled: list[Call] = []
                ends_at = time.monotonic() + MAX_BATCH_S
                if brief and connection.dialect.name == "postgresql":
                    connection.exec_driver_sql(_HARDLY_WAIT)
                for group in groups(batch):
                    if done and time.monotonic() >= ends_at:
                        break
                    settled += group
                    wanted = [call for call in group if call.begin()]
                    if wanted:
                        done += wanted
                        do(connection, wanted)
                if any(call.given_up for call in done):
                    raise _GivenUp
                committing = True
                transaction.commit()
                erase(connection)
                return settled
        except DBAPIError as error:
            sentence = faults.outage_of(self._database.url, error)
            if sentence is None:
                raise
            if sentence == faults.locked_out(self._database.url) and not committing:
                raise _LockedOut(sentence) from error
            nothing_written = error.connection_invalidated and not committing
            raise (_ConnectionLost if nothing_written else StoreUnavailable)(sentence) from error

    def _answer(self, batch: Sequence[Call], seconds: float, waiting: int) -> None:
        """Wake the callers, in the event loop."""
        self._unanswered -= len(batch)
        for call in batch:
            call.answer()
        self._measures.transacted(len(batch), seconds, waiting + self._queue.qsize())

    def _tell(self, callback: Callable[..., object], *arguments: Any) -> None:
        # RuntimeError: the loop is closed, so nobody is left to be told.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback, *arguments)


def _nothing(_: Connection) -> None:
    """Work that is settled after all that came before it."""


def _fulfil(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _fail(future: asyncio.Future[None], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
