"""Progress edits of a process that may have lost its jobs to another one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from discord import ui

from bot.model import Job, JobState, Progress
from bot.ui.reply import cards
from bot.ui.reply.updates import Updates
from tests.unit.samples import job


async def test_a_process_that_slept_longer_than_its_leases_edits_nothing_before_it_knows_more() -> None:
    edited: list[str] = []

    async def edit(job: Job, _: ui.LayoutView) -> None:
        edited.append(job.id)

    updates = Updates(cards.running, edit, lambda _: True)
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
