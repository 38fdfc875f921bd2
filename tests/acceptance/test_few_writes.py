"""What a request costs: how often the bot flushes the database to the disk for one `/imagine`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.conftest import PATIENCE_S, House
from tests.databases import rows

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: SQLite's write-ahead log: a head, then frames of a head and a page each. See "WAL-mode File Format" on sqlite.org.
HEAD_BYTES, FRAME_HEAD_BYTES = 32, 24


@dataclass(frozen=True, slots=True)
class Commits:
    """How many transactions stand in the log, and which log that is: it begins anew after a checkpoint."""

    log: bytes
    number: int

    @classmethod
    def in_log_of(cls, database: Path) -> Commits:
        log = Path(f"{database}-wal").read_bytes()
        page_bytes, salts = int.from_bytes(log[8:12]), log[16:24]
        frames = range(HEAD_BYTES, len(log) - FRAME_HEAD_BYTES, FRAME_HEAD_BYTES + page_bytes)
        # Frames of a log before this one may follow; the last frame of a commit tells the size of the database.
        ours = [log[at : at + FRAME_HEAD_BYTES] for at in frames if log[at + 8 : at + 16] == salts]
        return cls(salts, sum(int.from_bytes(frame[4:8]) > 0 for frame in ours))


async def test_a_request_that_need_not_wait_costs_five_commits(house: House) -> None:
    """Received, announced to the image API, accepted by it, announced to Discord, delivered.

    The least of several requests counts, because a heartbeat may fall into one.
    """
    database, costs = Path(house.database.removeprefix("sqlite:///")), list[int]()
    for number in range(6):
        before = Commits.in_log_of(database)
        reply = await house.ada.command("imagine", prompt=f"few writes {number}")
        await reply.until(lambda it: bool(it.pictures), PATIENCE_S)
        while rows(house.database, "SELECT id FROM jobs WHERE state != 'delivered'"):
            await asyncio.sleep(0.05)
        after = Commits.in_log_of(database)
        if before.log == after.log:
            costs.append(after.number - before.number)
    assert min(costs) == 5
