"""Loops that go on through a database's outages."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from sqlite3 import DatabaseError

import pytest
from structlog.testing import capture_logs

from bot.errors import StoreUnavailable
from bot.jobs.backoff import ABSENT_AFTER_S, ABSENT_ANSWERS, Absence, repeat

OUTAGES = 12  # with pauses that double from a second on, they would take minutes


def failing(
    times: int, then: asyncio.Event, error: type[Exception] = StoreUnavailable
) -> Callable[[], Awaitable[None]]:
    left = iter(range(times))

    async def act() -> None:
        if next(left, None) is not None:
            raise error("not now")
        then.set()

    return act


async def test_a_loop_with_a_longest_pause_is_back_soon_after_a_long_outage() -> None:
    stopping, back = asyncio.Event(), asyncio.Event()
    act = failing(OUTAGES, back)
    loop = asyncio.create_task(repeat(act, stopping, 0.01, longest_s=0.02))
    async with asyncio.timeout(10):
        await back.wait()
    stopping.set()
    await loop


@pytest.mark.parametrize("error", [RuntimeError, ValueError, DatabaseError])
async def test_a_loop_goes_on_whatever_a_round_of_it_has_met(error: type[Exception]) -> None:
    """An unreadable row, or an error of the database that means no outage, ended the process before."""
    stopping, back = asyncio.Event(), asyncio.Event()
    with capture_logs() as logged:
        loop = asyncio.create_task(repeat(failing(3, back, error), stopping, 0.01, longest_s=0.02))
        async with asyncio.timeout(10):
            await back.wait()
    stopping.set()
    await loop
    assert [it["event"] for it in logged] == ["unhandled exception in a loop"] * 3


async def test_once_ends_with_the_first_time_that_works() -> None:
    worked = asyncio.Event()
    async with asyncio.timeout(10):
        await repeat(failing(3, worked), asyncio.Event(), 0.0, once=True, longest_s=0.02)
    assert worked.is_set()


def test_what_is_not_there_is_believed_after_many_answers_over_a_long_time() -> None:
    """A machine that is busy may ask twice in a minute: that says as little as a minute of silence."""
    now = 0.0
    absence = Absence(lambda: now)
    assert not absence.is_told
    for _ in range(ABSENT_ANSWERS - 1):
        absence.answered()
        now += ABSENT_AFTER_S
        assert absence.is_told
        assert not absence.is_certain
    absence.answered()
    assert absence.is_certain
    absence.other()
    assert not absence.is_told
    for _ in range(2 * ABSENT_ANSWERS):
        absence.answered()
        assert not absence.is_certain
    now += ABSENT_AFTER_S
    assert absence.is_certain
