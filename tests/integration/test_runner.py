"""The runner on a real database and a real image API, with a recorder where Discord would be."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Connection, update
from structlog.testing import capture_logs

from bot.errors import StoreUnavailable
from bot.image_api.client import ImageApi, Limits
from bot.jobs.runner import MAX_FAULTS, Runner
from bot.jobs.service import JobService
from bot.model import (
    Failure,
    FailureKind,
    JobState,
)
from bot.store.queries.jobs import Jobs, Received
from bot.store.schema import jobs as jobs_table
from sandbox.image_api.latency import Latency
from sandbox.image_api.server import LocalImageApi
from sandbox.image_api.studio import PaintMode
from tests.integration.recorder import STRIKE, Recorder, deps_with

if TYPE_CHECKING:
    from tests.integration.conftest import Scene


class SlowReader(Jobs):
    """Reads the line, and comes back with what it read only when it is let go."""

    def __init__(self, jobs: Jobs) -> None:
        super().__init__(jobs._run, jobs._join)  # pyright: ignore[reportPrivateUsage]
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
        tools = deps_with(jobs, api, recorder, scene, tmp_path)
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


async def test_a_heartbeat_that_lost_a_job_forgets_its_reply_before_anything_may_be_edited(
    scene: Scene, tmp_path: Path
) -> None:
    """A process that slept has edits waiting. They may go out once it knows again whose jobs are its own."""
    recorder = Recorder()
    await scene.job(JobState.WAITING)
    (job,) = await scene.claim()
    job = await scene.move(await scene.move(job, JobState.SUBMITTING), JobState.PAINTING, task_id="task_1")
    async with LocalImageApi() as local, ImageApi(base_url=local.base_url, api_key="sandbox") as api:
        runner = Runner(deps_with(scene.store.jobs, api, recorder, scene, tmp_path), max_active=4, alone=False)
        runner.recovered(job)
        await asyncio.sleep(0.2)  # it asks about its task, which nobody knows, and will for a while
        assert runner.busy_with == 1
        taken = update(jobs_table).values(owner="elsewhere")
        await scene.store.run(lambda connection: connection.execute(taken) and None)
        recorder.told.clear()
        await runner._beat()  # pyright: ignore[reportPrivateUsage]
        assert recorder.told[:2] == ["forgotten", "trusted"]
        await runner.stop(5)


class LateWriter(Jobs):
    """Writes a first row, and gives up as if the disk had not answered in time."""

    async def receive(self, *arguments: Any, **more: Any) -> Received:
        self.written = (await super().receive(*arguments, **more)).job.id
        raise StoreUnavailable("the flush took too long")


async def test_a_request_that_was_refused_for_a_slow_disk_is_taken_back(scene: Scene, tmp_path: Path) -> None:
    jobs, recorder = LateWriter(scene.store.run, scene.store.join), Recorder()
    async with ImageApi(base_url="http://127.0.0.1:9", api_key="sandbox") as api:
        deps = deps_with(jobs, api, recorder, scene, tmp_path)
        service = JobService(deps, Runner(deps, max_active=4), max_jobs_per_user=3)
        new = scene.new()
        with pytest.raises(StoreUnavailable):
            await service.receive(new)
        async with asyncio.timeout(10):
            while (job := await jobs.get(jobs.written)) is None or not job.state.is_final:
                await asyncio.sleep(0.01)
    assert job.failure == Failure(FailureKind.UNACKNOWLEDGED)
    assert job.announced


async def test_an_exception_that_nobody_foresaw_at_the_end_of_the_leases_keeps_no_process_from_ending(
    scene: Scene, tmp_path: Path
) -> None:
    await scene.job(JobState.WAITING)
    (job,) = await scene.claim(worker_id="here")

    def strike(connection: Connection) -> None:
        for statement in STRIKE[connection.dialect.name]:
            connection.exec_driver_sql(statement.format(when="NEW.lease_until IS NULL"))

    await scene.store.run(strike)
    async with ImageApi(base_url="http://127.0.0.1:9", api_key="sandbox") as api:
        runner = Runner(deps_with(scene.store.jobs, api, Recorder(), scene, tmp_path), max_active=1)
        with capture_logs() as logged:
            await runner.stop(5)
    assert [it["event"].partition(" while ")[0] for it in logged] == ["unhandled exception"]
    assert await scene.store.jobs.get(job.id) == job


async def test_an_exception_that_nobody_foresaw_ends_its_job_after_five_tries_and_frees_its_slot(
    scene: Scene, tmp_path: Path
) -> None:
    recorder = Recorder()
    struck, other = await scene.job(JobState.WAITING), await scene.job(JobState.WAITING)

    def strike(connection: Connection) -> None:
        for statement in STRIKE[connection.dialect.name]:
            connection.exec_driver_sql(statement.format(when=f"NEW.id = '{struck.id}' AND NEW.state = 'submitting'"))

    await scene.store.run(strike)
    async with (
        LocalImageApi(latency=Latency.zero(), paint=PaintMode.TINY) as local,
        ImageApi(base_url=local.base_url, api_key="sandbox") as api,
    ):
        deps = deps_with(scene.store.jobs, api, recorder, scene, tmp_path)
        runner = Runner(deps, max_active=1, fault_pause_s=0.1)
        tries: list[float] = []
        with capture_logs() as logged:
            running = asyncio.create_task(runner.run())
            async with asyncio.timeout(40):
                while not local.accepted:  # the other one, in the only slot
                    if sum("unhandled exception in this job" in it["event"] for it in logged) > len(tries):
                        tries.append(time.monotonic())
                    await asyncio.sleep(0.005)
            await runner.stop(5)
            await running
    assert len(tries) == MAX_FAULTS
    # Each pause is twice as long as the one before, and up to half of it is chance.
    assert tries[-1] - tries[0] >= 0.05 + 0.1 + 0.2 + 0.4
    ended = await scene.store.jobs.get(struck.id)
    assert ended is not None
    assert (ended.state, ended.announced) == (JobState.FAILED, True)
    assert ended.failure == Failure(FailureKind.UNKNOWN)  # certainly nothing was charged
    assert [it.submission.prompt for it in local.accepted] == [other.request.prompt]
    assert recorder.told.count("closed") == 1


async def test_prompts_of_one_person_that_make_the_api_hang_keep_nobody_else_out(scene: Scene, tmp_path: Path) -> None:
    """They are lost in the same moment. The breaker would leave the API alone for five seconds then."""
    ada, ben, limits = 1, 2, Limits(submit_s=0.7, breaker_threshold=3)
    async with (
        LocalImageApi(latency=Latency.fixed(60.0), paint=PaintMode.TINY) as local,
        ImageApi(base_url=local.base_url, api_key="sandbox", limits=limits) as api,
    ):
        runner = Runner(deps_with(scene.store.jobs, api, Recorder(), scene, tmp_path), max_active=9)
        running = asyncio.create_task(runner.run())

        async def enqueue(user_id: int, prompt: str) -> None:
            new = scene.new(user_id)
            received = await scene.receive(replace(new, request=replace(new.request, prompt=prompt)))
            runner.enqueue(await scene.move(received.job, JobState.WAITING))

        async with asyncio.timeout(30):
            await enqueue(ben, "first")
            while not local.accepted:
                await asyncio.sleep(0.01)
            for number in range(3):
                await enqueue(ada, f"[[hang]] {number}")
            while [it.state for it in await scene.store.jobs.open_jobs(ada)]:
                await asyncio.sleep(0.01)
            await enqueue(ben, "second")
            began = time.monotonic()
            while len(local.accepted) < 2:
                await asyncio.sleep(0.01)
        assert api.breaker.retry_at is None
        assert time.monotonic() - began < Limits().breaker_pause_s * 0.8
        await runner.stop(5)
        await running
