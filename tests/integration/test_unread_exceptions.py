"""Work that nobody waits for: what it meets is told at once, and never left for asyncio to find."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Connection
from structlog.testing import capture_logs

from bot.image_api.client import ImageApi
from bot.jobs.backoff import first_of
from bot.jobs.runner import Runner
from bot.model import JobState
from sandbox.image_api.server import LocalImageApi
from tests.integration.recorder import STRIKE, Recorder, deps_with

if TYPE_CHECKING:
    from tests.integration.conftest import Scene


@contextmanager
def unread() -> Generator[list[str]]:
    """What asyncio finds in tasks that nobody has read, while the block lasts."""
    loop, found = asyncio.get_running_loop(), list[str]()

    def note(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        found.append(f"{context['message']}: {context.get('exception')!r}")

    loop.set_exception_handler(note)
    try:
        yield found
        for _ in range(3):
            gc.collect()
    finally:
        loop.set_exception_handler(None)


async def test_an_exception_that_nobody_foresaw_after_a_notification_is_told(scene: Scene, tmp_path: Path) -> None:
    await scene.job(JobState.WAITING)
    (job,) = await scene.claim()
    job = await scene.move(await scene.move(job, JobState.SUBMITTING), JobState.PAINTING, task_id="task_1")
    await scene.store.jobs.release(scene.worker_id)

    def strike(connection: Connection) -> None:
        for statement in STRIKE[connection.dialect.name]:
            connection.exec_driver_sql(statement.format(when="NEW.owner = 'here'"))

    await scene.store.run(strike)
    async with LocalImageApi() as local, ImageApi(base_url=local.base_url, api_key="sandbox") as api:
        runner = Runner(deps_with(scene.store.jobs, api, Recorder(), scene, tmp_path), max_active=4, alone=False)
        with unread() as found, capture_logs() as logged:
            runner.on_notify(job.id)
            async with asyncio.timeout(10):
                while not logged:
                    await asyncio.sleep(0.01)
                    gc.collect()
                    assert not found
        runner.deps.stopping.set()
    assert [it["event"] for it in logged] == ["unhandled exception in work beside the jobs"]
    assert found == []


async def test_what_an_awaitable_raises_is_raised_by_whoever_waits_for_the_first_of_several() -> None:
    async def fail() -> None:
        raise ValueError("nobody foresaw it")

    with unread() as found, pytest.raises(ValueError, match="nobody foresaw it"):
        await first_of(fail(), asyncio.Event())
    assert found == []
