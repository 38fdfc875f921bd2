"""An orderly end comes to its end."""

from __future__ import annotations

import asyncio

from bot.ops.shutdown import cancelled


async def test_a_task_that_lost_its_cancellation_is_ended_all_the_same() -> None:
    connected: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def connects() -> None:
        await asyncio.wait_for(connected, 60)
        await asyncio.sleep(60)

    task = asyncio.create_task(connects())
    await asyncio.sleep(0)
    connected.set_result(None)  # in the same moment as the cancellation
    async with asyncio.timeout(20):
        await cancelled(task)
    assert task.cancelled()
