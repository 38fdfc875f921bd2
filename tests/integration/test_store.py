"""The store's one door: transactions, group commit, patience, opening and closing."""

from __future__ import annotations

import asyncio
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from bot.errors import JobMoved, StoreUnavailable
from bot.store.schema import meta
from bot.store.store import Store
from bot.store.thread import ALONE_S, GATHER_S
from bot.telemetry import Measures

if TYPE_CHECKING:
    from tests.integration.conftest import PostgresServer


def put(name: str) -> Callable[[Connection], None]:
    def write(connection: Connection) -> None:
        connection.execute(insert(meta).values(name=name, value="x"))

    return write


def names(connection: Connection) -> set[str]:
    return set(connection.execute(select(meta.c.name)).scalars())


class Hold:
    """Work that keeps the database thread busy until it is let go, so that other work piles up behind it."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()

    def __call__(self, connection: Connection) -> None:
        self.begun.set()
        assert self.go.wait(10)

    async def wait_until_begun(self) -> None:
        assert await asyncio.to_thread(self.begun.wait, 10)


async def test_what_was_run_is_committed_and_its_value_returned(store: Store) -> None:
    await store.run(put("a"))
    assert await store.run(names) == {"a"}


class Flushes(Measures):
    def __init__(self) -> None:
        self.calls: list[int] = []

    def transacted(self, calls: int, seconds: float, waiting: int) -> None:
        self.calls.append(calls)


async def test_steps_that_come_one_after_the_other_share_flushes(tmp_path: Path) -> None:
    """A machine that stands still for GATHER_S in their middle looks as if no more would come: then once more."""
    flushes = Flushes()
    store = await Store.open(f"sqlite:///{tmp_path / 'easel.db'}", measures=flushes)
    most = 0.0
    for stream in range(10):
        flushes.calls.clear()
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(80):
                group.create_task(store.run(put(f"{stream} {number}")))
                await asyncio.sleep(0.002)
        most = 4 + (time.monotonic() - began) / GATHER_S
        assert len(await store.run(names)) == 80 * (stream + 1)
        if len(flushes.calls) <= most:
            break
        await asyncio.sleep(ALONE_S)
    else:
        pytest.fail(f"{len(flushes.calls)} flushes, at most {most:.0f} were expected")
    await store.close()


async def test_work_that_waits_together_is_committed_together(store: Store) -> None:
    hold = Hold()
    first = asyncio.create_task(store.run(hold))
    await hold.wait_until_begun()
    transactions: list[object] = []  # kept alive, so that no two have the same id

    def note(connection: Connection) -> None:
        transactions.append(connection.get_transaction())

    rest = [asyncio.create_task(store.run(note)) for _ in range(50)]
    await asyncio.sleep(0)
    hold.go.set()
    await asyncio.gather(first, *rest)

    assert len(transactions) == 50
    assert len({id(transaction) for transaction in transactions}) == 1


async def test_one_bad_statement_among_many_does_no_harm(store: Store) -> None:
    hold = Hold()
    first = asyncio.create_task(store.run(hold))
    await hold.wait_until_begun()

    def bad(connection: Connection) -> None:
        put("half")(connection)
        connection.execute(text("SELECT no_such_column FROM meta"))

    work = [put(f"good-{number}") for number in range(20)]
    tasks = [asyncio.create_task(store.run(fn)) for fn in [*work[:10], bad, put("good-3"), *work[10:]]]
    await asyncio.sleep(0)
    hold.go.set()
    outcomes = await asyncio.gather(first, *tasks, return_exceptions=True)

    assert [type(outcome).__name__ for outcome in outcomes if isinstance(outcome, Exception)] in (
        ["OperationalError", "IntegrityError"],
        ["ProgrammingError", "IntegrityError"],
    )
    assert await store.run(names) == {f"good-{number}" for number in range(20)}


async def test_an_error_of_the_caller_reaches_it_and_undoes_its_write(store: Store) -> None:
    def fail(connection: Connection) -> None:
        put("half")(connection)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await store.run(fail)
    with pytest.raises(IntegrityError):
        await store.run(lambda connection: (put("a")(connection), put("a")(connection)))
    assert await store.run(names) == set()


async def test_an_expected_refusal_does_not_cost_the_others_their_transaction(store: Store) -> None:
    hold = Hold()
    first = asyncio.create_task(store.run(hold))
    await hold.wait_until_begun()
    done: list[int] = []

    def count(connection: Connection) -> None:
        done.append(1)

    def refuse(connection: Connection) -> None:
        raise JobMoved("not yours")

    tasks = [asyncio.create_task(store.run(fn)) for fn in (count, refuse, count)]
    await asyncio.sleep(0)
    hold.go.set()
    outcomes = await asyncio.gather(first, *tasks, return_exceptions=True)

    assert isinstance(outcomes[2], JobMoved)
    assert len(done) == 2


async def test_an_error_text_carries_no_values(store: Store) -> None:
    def fail(connection: Connection) -> None:
        connection.execute(text("INSERT INTO meta (name, value) VALUES (:n, :v)"), {"n": "a", "v": None})

    with pytest.raises(IntegrityError) as caught:
        await store.run(lambda connection: (connection.execute(text("SELECT :v"), {"v": "geheim"}), fail(connection)))
    assert "geheim" not in str(caught.value)
    with pytest.raises(StatementError) as caught_too:
        await store.run(
            lambda connection: connection.execute(text("SELECT 1 / nothing WHERE 'x' = :v"), {"v": "geheim"})
        )
    assert "geheim" not in str(caught_too.value)


async def test_work_whose_time_ran_out_before_it_began_is_never_done(store: Store) -> None:
    hold = Hold()
    first = asyncio.create_task(store.run(hold))
    await hold.wait_until_begun()
    done: list[Connection] = []

    with pytest.raises(StoreUnavailable):
        await store.run(done.append, patience=0.05)
    assert not first.done()  # it was not waited for

    hold.go.set()
    await first
    await store.ping()
    assert done == []


async def test_work_whose_time_ran_out_while_it_ran_is_undone(store: Store) -> None:
    hold = Hold()

    def write_slowly(connection: Connection) -> None:
        put("slow")(connection)
        hold(connection)

    with pytest.raises(StoreUnavailable):
        await store.run(write_slowly, patience=0.05)
    others = asyncio.create_task(store.run(put("other")))
    hold.go.set()
    await others

    assert await store.run(names) == {"other"}


async def test_a_caller_who_leaves_does_not_cost_the_others_their_common_transaction(store: Store) -> None:
    before, inside = Hold(), Hold()
    first = asyncio.create_task(store.run(before))
    await before.wait_until_begun()
    transactions: list[object] = []

    def note(connection: Connection) -> None:
        transactions.append(connection.get_transaction())

    others = [asyncio.create_task(store.run(note)) for _ in range(5)]
    leaving = asyncio.create_task(store.run(inside, patience=1.0))
    await asyncio.sleep(0)
    before.go.set()
    with pytest.raises(StoreUnavailable):
        await leaving
    inside.go.set()
    await asyncio.gather(first, *others)

    # Once with the one who left, once more without.
    assert len(transactions) == 10
    assert len({id(transaction) for transaction in transactions}) == 2


async def test_a_cancelled_caller_takes_nothing_back(store: Store) -> None:
    hold = Hold()
    first = asyncio.create_task(store.run(hold))
    await hold.wait_until_begun()
    for patience in (None, 5.0):
        leaving = asyncio.create_task(store.run(put(f"written-{patience}"), patience))
        await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving

    hold.go.set()
    await first
    assert await store.run(names) == {"written-None", "written-5.0"}


async def test_the_event_loop_is_free_while_the_database_works(store: Store) -> None:
    hold = Hold()
    task = asyncio.create_task(store.run(hold))
    await hold.wait_until_begun()
    assert not task.done()
    hold.go.set()
    await task


async def test_close_finishes_what_waits_and_may_be_repeated(store: Store, database_url: str) -> None:
    hold = Hold()
    waiting = [asyncio.create_task(store.run(fn)) for fn in (hold, put("a"), put("b"))]
    await hold.wait_until_begun()
    closing = asyncio.create_task(store.close())
    await asyncio.sleep(0)
    hold.go.set()
    await asyncio.gather(closing, *waiting)
    await store.close()

    again = await Store.open(database_url)
    assert await again.run(names) == {"a", "b"}
    await again.close()


async def test_a_closed_store_is_unavailable(store: Store) -> None:
    await store.close()

    with pytest.raises(StoreUnavailable):
        await store.run(names)
    with pytest.raises(StoreUnavailable):
        await store.ping()


async def test_ping_answers(store: Store) -> None:
    await store.ping(patience=10)


async def test_named_texts_are_kept_and_replaced(store: Store) -> None:
    assert await store.meta.get("commands") is None
    await store.meta.put("commands", "one")
    await store.meta.put("commands", "two")

    assert await store.meta.get("commands") == "two"


async def test_named_texts_are_revised_together_and_others_left_alone(store: Store) -> None:
    await store.meta.put("pace:a", "1")
    await store.meta.put("paces", "untouched")

    texts = await store.meta.revise(
        "pace:", lambda texts: {name: f"{it}!" for name, it in texts.items()} | {"pace:b": "2"}
    )

    assert texts == {"pace:a": "1!", "pace:b": "2"}
    assert [await store.meta.get(name) for name in ("pace:a", "pace:b", "paces")] == ["1!", "2", "untouched"]


async def test_no_revision_of_another_process_is_lost(postgres: PostgresServer) -> None:
    def count(texts: Mapping[str, str]) -> Mapping[str, str]:
        return {"n": str(int(texts.get("n", "0")) + 1)}

    url = postgres.ready_database()
    one, other = await Store.open(url), await Store.open(url)
    await asyncio.gather(*(store.meta.revise("n", count) for _ in range(20) for store in (one, other)))
    assert await one.meta.get("n") == "40"
    await one.close()
    await other.close()


async def test_simultaneous_writers_of_one_named_text_do_not_fail(postgres: PostgresServer) -> None:
    url = postgres.ready_database()
    stores = [await Store.open(url) for _ in range(4)]
    for name in range(10):
        await asyncio.gather(*(store.meta.put(f"name-{name}", "x") for store in stores))
    for store in stores:
        await store.close()


async def test_a_new_sqlite_file_is_for_its_owner_alone_and_an_old_one_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "data" / "easel.db"
    modes: list[int] = []
    for mode in (None, 0o640):
        if mode is not None:
            file.chmod(mode)
        store = await Store.open(f"sqlite:///{file}")
        await store.run(put(f"a{mode}"))
        modes += [stat.S_IMODE(it.stat().st_mode) for it in (file, file.with_name("easel.db-wal"))]
        await store.close()
    assert modes == [0o600, 0o600, 0o640, 0o640]


def test_sqlite_needs_neither_the_other_driver_nor_alembic(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys\n"
        "from bot.store.store import Store\n"
        "async def main():\n"
        f"    await (await Store.open('sqlite:///{tmp_path}/easel.db')).close()\n"
        "asyncio.run(main())\n"
        "print('psycopg' in sys.modules, 'alembic' in sys.modules)\n"
    )
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert done.stdout == "False False\n"
