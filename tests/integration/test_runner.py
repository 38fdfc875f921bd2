"""The runner on a real database and a real image API, with a recorder where Discord would be."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bot.errors import StoreUnavailable
from bot.image_api.client import ImageApi
from bot.jobs.fair_slots import FairSlots
from bot.jobs.job_run import Deps
from bot.jobs.polling.pacer import Pacer
from bot.jobs.runner import Runner
from bot.jobs.service import JobService
from bot.jobs.spool import Spool
from bot.model import Failure, FailureKind, Job, JobState, Picture, PictureFormat, Progress, ReplyTarget, Source
from bot.policy.prices import Prices
from bot.store.queries.jobs import Jobs, Received
from sandbox.image_api.latency import Latency
from sandbox.image_api.server import LocalImageApi
from sandbox.image_api.studio import PaintMode

if TYPE_CHECKING:
    from tests.integration.conftest import Scene


class Recorder:
    """Fulfils Replies and Inspector, and remembers what it was told, in order."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.delivered = asyncio.Event()

    def show(self, job: Job, progress: Progress) -> None:
        self.told.append("place" if progress.place else "progress")

    def trust(self, until: datetime) -> None:
        pass

    def forget(self, job_id: str) -> None:
        pass

    def is_late(self, job: Job) -> bool:
        return False

    async def correct(self, job: Job, progress: Progress) -> None:
        self.told.append("corrected")

    def is_gone(self, job: Job) -> bool:
        return False

    async def close(self, job: Job) -> None:
        self.told.append("closed")

    async def deliver(self, job: Job, pictures: Sequence[Picture], sources: Sequence[Path]) -> ReplyTarget:
        self.told.append("delivered")
        self.delivered.set()
        return job.target

    async def find_delivered(self, job: Job) -> ReplyTarget | None:
        return job.target if self.delivered.is_set() else None

    async def find(self, job: Job) -> ReplyTarget | None:
        return job.target

    async def fresh(self, source: Source) -> Source:
        return source

    async def check_source(self, path: Path, user_id: int) -> PictureFormat:
        return PictureFormat.PNG


class SlowReader(Jobs):
    """Reads the line, and comes back with what it read only when it is let go."""

    def __init__(self, jobs: Jobs) -> None:
        super().__init__(jobs._run)  # pyright: ignore[reportPrivateUsage]
        self.read = asyncio.Event()

    async def queue(self) -> list[str]:
        ids = await super().queue()
        await self.read.wait()
        return ids


async def test_an_old_look_at_the_line_never_shows_over_the_pictures(scene: Scene, tmp_path: Path) -> None:
    jobs, recorder = SlowReader(scene.store.jobs), Recorder()
    job = await scene.job(JobState.WAITING)
    async with (
        LocalImageApi(latency=Latency.zero(), paint=PaintMode.TINY) as local,
        ImageApi(base_url=local.base_url, api_key="sandbox") as api,
    ):
        tools = Deps(
            jobs=jobs,
            api=api,
            replies=recorder,
            inspector=recorder,
            spool=Spool(tmp_path / "spool"),
            prices=Prices(),
            pacer=Pacer(scene.store.meta, floor_s=0.01, per_s=1000),
            worker_id="here",
            job_timeout_s=60,
            downloads=FairSlots(16),
            uploads=FairSlots(16),
            stopping=asyncio.Event(),
        )
        runner = Runner(tools, max_active=4)
        running = asyncio.create_task(runner.run())
        await asyncio.wait_for(recorder.delivered.wait(), 20)
        async with asyncio.timeout(20):
            while await jobs.open_jobs(job.user_id):
                await asyncio.sleep(0.01)
        jobs.read.set()
        await asyncio.sleep(0.1)
        await runner.stop(5)
        await running
    assert recorder.told[-1] == "delivered"


class LateWriter(Jobs):
    """Writes a first row, and gives up as if the disk had not answered in time."""

    async def receive(self, *arguments: Any, **more: Any) -> Received:
        self.written = (await super().receive(*arguments, **more)).job.id
        raise StoreUnavailable("the flush took too long")


async def test_a_request_that_was_refused_for_a_slow_disk_is_taken_back(scene: Scene, tmp_path: Path) -> None:
    jobs, recorder = LateWriter(scene.store.jobs._run), Recorder()  # pyright: ignore[reportPrivateUsage]
    async with ImageApi(base_url="http://127.0.0.1:9", api_key="sandbox") as api:
        deps = Deps(
            jobs=jobs,
            api=api,
            replies=recorder,
            inspector=recorder,
            spool=Spool(tmp_path / "spool"),
            prices=Prices(),
            pacer=Pacer(scene.store.meta, floor_s=0.01, per_s=1000),
            worker_id="here",
            job_timeout_s=60,
            downloads=FairSlots(4),
            uploads=FairSlots(4),
            stopping=asyncio.Event(),
        )
        service = JobService(deps, Runner(deps, max_active=4), max_jobs_per_user=3)
        new = scene.new()
        with pytest.raises(StoreUnavailable):
            await service.receive(
                interaction_id=new.interaction_id, user_id=new.user_id, request=new.request, target=new.target
            )
        async with asyncio.timeout(10):
            while (job := await jobs.get(jobs.written)) is None or not job.state.is_final:
                await asyncio.sleep(0.01)
    assert job.failure == Failure(FailureKind.UNACKNOWLEDGED)
    assert job.announced
