"""The one door to the database.

All that writes goes through one thread with one connection. Calls that wait at the same time share a transaction, so a
crowd costs one flush to disk and not a thousand. Lists are read beside it, see reading.py.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, select

from bot.errors import StartError, StoreUnavailable
from bot.policy.patience import bounded
from bot.store import faults
from bot.store.approvals.queries import ApprovalQueries
from bot.store.audit.lines import ServerLogQueries
from bot.store.calls import Call, Joint, NeverBegun
from bot.store.engine import Database
from bot.store.oversight.blocks import OperatorBlocks
from bot.store.oversight.figures import Figures
from bot.store.queries.drafts import Drafts
from bot.store.queries.gallery import GalleryQueries
from bot.store.queries.jobs import Jobs
from bot.store.queries.ledger import Ledger
from bot.store.queries.lists import Lists
from bot.store.queries.meta import Meta
from bot.store.queries.openings import Openings
from bot.store.queries.people import People
from bot.store.queries.preferences import NoticeQueries, PreferenceStore
from bot.store.queries.presets import PresetQueries
from bot.store.queries.retention import Retention
from bot.store.queries.rules import RuleStore
from bot.store.queries.showcase import ShowcaseQueries
from bot.store.reading import ReadingThread
from bot.store.schema import meta
from bot.store.sync.notify import Notifier
from bot.store.sync.presence import Presence
from bot.store.thread import GRACE_S, DatabaseThread
from bot.store.url import file_of, is_sqlite, read_url
from bot.telemetry import UNMEASURED, Measures

CONNECT_PATIENCE_S = 5.0  # a start that cannot work has to end within ten seconds, imports included
CLOSE_PATIENCE_S = 10.0  # the whole stop has twenty

Item = TypeVar("Item")
T = TypeVar("T")


class Store:
    """An open database. `jobs`, `meta`, `rules` and `ledger` hold the queries; `run` takes any other.

    Made by `Store.open`, and bound to the event loop that opened it.
    """

    def __init__(
        self, thread: DatabaseThread, address: URL, measures: Measures, presence: Presence | None = None
    ) -> None:
        self._thread = thread
        self._address = address
        self._file = file_of(address) if is_sqlite(address) else None
        self._bell: Notifier | None = None
        self._presence = presence or Presence()
        self._reading = ReadingThread(address)
        self.jobs = Jobs(self.run, self.join, measures, self._presence)
        self.lists = Lists(self.read)
        self.gallery = GalleryQueries(self.read)
        self.meta = Meta(self.run)
        self.drafts = Drafts(self.run)
        self.people = People(self.run, self.read)
        self.retention = Retention(self.run)
        self.rules = RuleStore(self.run)
        self.showcase = ShowcaseQueries(self.run, self._presence)
        self.ledger = Ledger(self.read)
        self.openings = Openings(self.run)
        self.preferences = PreferenceStore(self.run)
        self.presets = PresetQueries(self.run, self.join)
        self.notices = NoticeQueries(self.run, self._presence)
        self.operator_blocks = OperatorBlocks(self.run)
        self.figures = Figures(self.read)
        self.server_log = ServerLogQueries(self.run, self._presence)
        self.approvals = ApprovalQueries(self.run, self._presence)

    @classmethod
    async def open(
        cls,
        url: str,
        patience: float = CONNECT_PATIENCE_S,
        *,
        measures: Measures = UNMEASURED,
        presence: Presence | None = None,
        upgrade: bool = True,
    ) -> Store:
        """Open the database at `url` (see `read_url`) and bring its tables up to date.

        Whoever only wants to look says no to `upgrade`: tables of an earlier version then raise StoreOutdated.

        Raises StartError, within `patience` seconds when it cannot be reached, and StoreInUse when another
        process has the same SQLite file open. Both carry one sentence for the operator, without the password.
        """
        address = read_url(url)
        thread = DatabaseThread(Database(address, upgrade=upgrade), measures)
        try:
            await asyncio.wait_for(thread.connected, patience)
            await thread.ready
        except TimeoutError:
            raise StartError(faults.no_answer(address)) from None
        finally:
            if not thread.ready.done() or thread.ready.cancelled() or thread.ready.exception():
                thread.stop()
        store = cls(thread, address, measures, presence)
        if store._file is None:
            with contextlib.suppress(StoreUnavailable):  # `reclaim` compares them again and again
                await store.run(store._presence.compare_clocks)
        return store

    async def close(self) -> None:
        """Finish what waits, then let the database go. Idempotent. Gives up after CLOSE_PATIENCE_S."""
        if self._bell is not None:
            self._bell.stop()
        self._reading.stop()
        self._thread.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_PATIENCE_S):
                await self._reading.ended.wait()
                await self._thread.ended.wait()

    def listen(self, on_notify: Callable[[str], None], worker_id: str) -> None:
        """Call `on_notify` with a job's id when another process changed it, with an empty text when the queue changed.

        From then on the others see that `worker_id` is there. Only PostgreSQL has other processes. A notification may
        be lost: whoever listens looks by itself, too.
        """
        if self._file is None:
            self._bell = Notifier(self._address, on_notify, worker_id, self._presence)

    async def ping(self, patience: float = 5.0) -> None:
        """See whether the database answers within `patience` seconds. Raises StoreUnavailable."""
        await self.run(self._look, patience)

    async def run(self, fn: Callable[[Connection], T], patience: float | None = None) -> T:
        """Do `fn` in the database thread and return what it returns, once that is committed.

        `fn` shares its transaction with whatever else waits, and may be done more than once before the commit:
        it must have no effect but on the connection, and must not raise an EaselError after it has written.
        Such an error reaches the caller while the transaction goes on; any other one undoes what `fn` did.

        After `patience` seconds, or sooner where somebody waits (see policy/patience.py), StoreUnavailable is raised.
        If `fn` had not begun by then, it never will (NeverBegun); if it had, its outcome is waited for a little longer
        (GRACE_S), and then it is undone. Only when time ran out during the commit itself may what `fn` wrote stand
        nevertheless. The same uncertainty goes with a connection that broke during the commit. A caller that is
        cancelled takes nothing back: `fn` is still done.
        """
        return await self._outcome(self._thread.submit(fn), patience)

    async def join(
        self,
        fn: Joint[Item, T],
        item: Item,
        patience: float | None = None,
        *,
        waited_for: bool = True,
    ) -> T:
        """As `run`, for what a crowd does at the same time: `fn` gets the items of all who wait, and answers each.

        What people wait for goes before anything else; with `waited_for` False nobody does. An EaselError among the
        answers is raised for whom it is meant; for their item nothing may have been written.
        """
        return await self._outcome(self._thread.submit_joint(fn, item, waited_for=waited_for), patience)

    async def read(self, fn: Callable[[Connection], T], patience: float | None = None) -> T:
        """Do `fn`, which only reads, beside all that is written, and return what it returns.

        It sees whatever was handed to `run` and `join` before. After `patience` seconds, or sooner where somebody
        waits, StoreUnavailable is raised and `fn` is broken off, as it is when the caller is cancelled.
        """
        patience = bounded(patience)
        call: Call | None = None
        try:
            async with asyncio.timeout(patience):
                await self._thread.settled()
                call = self._reading.submit(fn, patience)
                return await call.future
        except TimeoutError:
            raise StoreUnavailable(f"The database did not answer within {patience or 0:.1f} s.") from None
        finally:
            if call is not None and not (call.future.done() and not call.future.cancelled()):
                self._reading.give_up(call)

    async def _outcome(self, call: Call, patience: float | None) -> Any:
        patience = bounded(patience)
        if patience is None:
            return await call.future
        try:
            await asyncio.wait([call.future], timeout=patience)
            if call.begun and not call.future.done():
                await asyncio.wait([call.future], timeout=GRACE_S)
            if call.future.done():
                return call.future.result()
            unanswered = NeverBegun if call.give_up() else StoreUnavailable
            raise unanswered(f"The database did not answer within {patience:.1f} s.")
        finally:
            call.future.cancel()  # so that an outcome nobody waits for is dropped in silence

    def _look(self, connection: Connection) -> None:
        connection.execute(select(meta.c.name).limit(1))
        # An open file answers even after it was removed, and everything written to it would be lost.
        if self._file is not None and not self._file.exists():
            raise StoreUnavailable(f"The database file {self._file} was removed.")
