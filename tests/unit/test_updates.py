"""Progress edits of a process that may have lost its jobs to another one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from discord import ui

from bot.model import Job, JobState, Progress
from bot.ui import cards
from bot.ui.updates import Updates
from tests.unit.samples import job


async def test_a_process_that_slept_longer_than_its_leases_edits_nothing_before_it_knows_more() -> None:
    edited: list[str] = []

    async def edit(job: Job, _: ui.LayoutView) -> None:
        edited.append(job.id)

    updates = Updates(cards.running, edit, lambda _: True)
    painting = job(state=JobState.PAINTING)

    async def shown(percent: int) -> list[str]:
        updates.show(painting, Progress(percent=percent))
        await asyncio.sleep(0.1)
        return edited

    updates.trust(datetime.now(UTC) - timedelta(seconds=1))
    assert await shown(10) == []
    updates.trust(datetime.now(UTC) + timedelta(seconds=30))
    assert await shown(20) == [painting.id]
    await updates.close()
