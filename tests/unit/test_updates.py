"""Progress edits of a process that may have lost its jobs to another one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from discord import ui

from bot.model import FailureKind, Job, JobState, Progress
from bot.ui.reply import cards
from bot.ui.reply.cards import Look
from bot.ui.reply.updates import NEW_STATE_GAP_S, PLACE_GAP_S, Updates, rounded
from tests.unit.samples import job


async def test_a_process_that_slept_longer_than_its_leases_edits_nothing_before_it_knows_more() -> None:
    edited: list[str] = []

    async def edit(job: Job, _: ui.LayoutView) -> None:
        edited.append(job.id)

    updates = Updates(plain, cards.running, edit, lambda _: True)
    painting = job(state=JobState.PAINTING)

    updates.trust(datetime.now(UTC) - timedelta(seconds=1))
    updates.show(painting, Progress(percent=10))
    await asyncio.sleep(0.1)
    assert edited == []
    updates.trust(datetime.now(UTC) + timedelta(seconds=30))
    async with asyncio.timeout(20):
        while edited != [painting.id]:  # what was to be shown is shown late, and not lost
            await asyncio.sleep(0.05)
    updates.trust(datetime.now(UTC) - timedelta(seconds=1))
    updates.show(painting, Progress(percent=90))
    updates.drop(painting.id)  # another process has it
    updates.trust(datetime.now(UTC) + timedelta(seconds=30))
    await asyncio.sleep(0.1)
    assert edited == [painting.id]


async def test_an_edit_that_is_not_through_when_the_lease_may_run_out_is_broken_off_and_sent_again_later() -> None:
    """The library tries an edit again for half a minute. Meanwhile another process may have posted the pictures."""
    tries: list[str] = []
    edited: list[str] = []

    async def edit(job: Job, _: ui.LayoutView) -> None:
        tries.append(job.id)
        await asyncio.sleep(0.5 if len(tries) == 1 else 0)
        edited.append(job.id)

    updates = Updates(plain, cards.running, edit, lambda _: True)
    painting = job(state=JobState.PAINTING)
    updates.trust(datetime.now(UTC) + timedelta(seconds=0.2))
    updates.show(painting, Progress(percent=10))
    await asyncio.sleep(0.8)
    assert (tries, edited) == ([painting.id], [])
    updates.trust(datetime.now(UTC) + timedelta(seconds=30))
    async with asyncio.timeout(20):
        while edited != [painting.id]:
            await asyncio.sleep(0.05)


def plain(_: Job, progress: Progress) -> Look:
    return Look(overdue=progress.due is not None and datetime.now(UTC) >= progress.due)


class Screen:
    """What one message shows: real cards, and edits that take `edit_s`."""

    def __init__(self, edit_s: float = 0.0) -> None:
        self._edit_s = edit_s
        self.updates = Updates(plain, self._card, self._edit, lambda _: True)
        self.shown: list[Progress] = []
        self.cards_made = 0
        self._built: dict[str, Progress] = {}

    def _card(self, job: Job, progress: Progress, look: Look) -> ui.LayoutView:
        view = cards.running(job, progress, look)
        self.cards_made += 1
        self._built[str(view.to_components())] = progress
        return view

    async def _edit(self, _: Job, view: ui.LayoutView) -> None:
        await asyncio.sleep(self._edit_s)
        self.shown.append(self._built[str(view.to_components())])


def soon(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


async def test_a_new_guess_alone_edits_nothing_and_goes_with_the_next_edit() -> None:
    screen, painting = Screen(), job(state=JobState.PAINTING)
    first = Progress(percent=10, due=soon(60))
    screen.updates.show(painting, first)
    await eventually(lambda: len(screen.shown) == 1)
    screen.updates.show(painting, Progress(percent=10, due=soon(300)))
    screen.updates.show(painting, Progress(percent=10, due=soon(20)))
    screen.updates.show(painting, Progress(percent=10))
    await asyncio.sleep(3.0)
    assert [it.due for it in screen.shown] == [rounded(first.due)]
    second = Progress(percent=20, due=soon(300))
    screen.updates.show(painting, second)
    await eventually(lambda: len(screen.shown) == 2)
    assert screen.shown[1].due == rounded(second.due)
    await screen.updates.close()


async def test_a_time_that_passes_is_replaced_by_itself_once() -> None:
    screen, painting = Screen(), job(state=JobState.PAINTING)
    screen.updates.show(painting, Progress(percent=10, due=soon(0.01)))
    await eventually(lambda: len(screen.shown) == 2)
    assert screen.shown[0].due == screen.shown[1].due  # the same time, told as past
    screen.updates.show(painting, Progress(percent=10, due=soon(5)))  # too near to be worth an edit
    await asyncio.sleep(6)
    assert len(screen.shown) == 2
    await screen.updates.close()


async def test_nothing_follows_the_last_edit_when_the_time_passes() -> None:
    screen, painting = Screen(edit_s=0.5), job(state=JobState.PAINTING)
    screen.updates.show(painting, Progress(percent=10, due=soon(0.01)))
    await asyncio.sleep(0.1)
    await screen.updates.finish(painting.id)  # while an edit is under way
    await asyncio.sleep(8)
    assert len(screen.shown) == 1


async def test_cards_are_made_for_edits_and_not_for_looks() -> None:
    """Two thousand looks at one job, as in an hour of a long queue: no card for what the message shows already."""
    screen, waiting = Screen(), job()
    screen.updates.show(waiting, Progress(place=3, queue_length=9))
    await eventually(lambda: len(screen.shown) == 1)
    for _ in range(1000):
        screen.updates.show(waiting, Progress(place=3, queue_length=9))
    assert screen.cards_made == 1
    for place in range(1000):  # the queue moves, and the message shows the last of it, not all
        screen.updates.show(waiting, Progress(place=place, queue_length=1000))
    await screen.updates.close()
    assert screen.cards_made == 1
    assert [it.place for it in screen.shown] == [3]


async def test_a_job_that_moved_and_looks_as_before_is_not_sent_again() -> None:
    screen, painting = Screen(), job(state=JobState.PAINTING)
    screen.updates.show(painting, Progress(percent=10))
    await eventually(lambda: len(screen.shown) == 1)
    screen.updates.show(replace(painting, request_id="known now"), Progress(percent=10))
    await eventually(lambda: screen.cards_made == 2)
    await asyncio.sleep(0.05)
    assert len(screen.shown) == 1
    screen.updates.show(replace(painting, request_id="known now"), Progress(percent=10))
    await asyncio.sleep(0.05)
    assert screen.cards_made == 2
    await screen.updates.close()


async def eventually(true: Callable[[], object], within_s: float = 30.0) -> None:
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.02)


async def test_that_the_service_is_busy_is_said_at_once_but_not_again_and_again() -> None:
    """A person in line learns why nothing goes on before the gap between two edits for a place is over."""
    screen, waiting = Screen(), job(state=JobState.WAITING)
    place = Progress(place=1, queue_length=1)
    screen.updates.show(waiting, place)
    await eventually(lambda: len(screen.shown) == 1)
    for number, trouble in enumerate((Progress(), place), start=2):
        screen.updates.show(waiting, replace(trouble, trouble=FailureKind.BUSY))
        await eventually(lambda number=number: len(screen.shown) == number, within_s=PLACE_GAP_S - 1)
        assert screen.shown[-1] == replace(trouble, trouble=FailureKind.BUSY)
    screen.updates.show(waiting, place)
    screen.updates.show(waiting, replace(place, trouble=FailureKind.UNREACHABLE))
    await asyncio.sleep(2 * NEW_STATE_GAP_S)
    assert len(screen.shown) == 3
    screen.updates.drop(waiting.id)
