"""What the job service does where the database does not take a write, or another process was faster."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Unpack

import pytest
from sqlalchemy import update

from bot.errors import StoreUnavailable
from bot.image_api.client import ImageApi
from bot.jobs.runner import Runner
from bot.jobs.service import Cancelled, JobService
from bot.model import Failure, FailureKind, Job, JobState, ReplyTarget, Source
from bot.store.queries.jobs import JobChanges, Jobs, Received
from bot.store.schema import jobs
from tests.integration.conftest import Scene
from tests.integration.recorder import Recorder, deps_with


class Refusing(Jobs):
    """Takes no move at first. `written` says that what is refused stands nevertheless, as after a lost commit."""

    def __init__(self, scene: Scene, times: int, *, written: bool = False) -> None:
        super().__init__(scene.store.run, scene.store.join)
        self._times = times
        self._written = written

    async def move(
        self, job: Job, to: JobState, *, now: datetime, worker_id: str | None = None, **changes: Unpack[JobChanges]
    ) -> Job:
        self._times -= 1
        if self._times < 0 or self._written:
            moved = await super().move(job, to, now=now, worker_id=worker_id, **changes)
            if self._times < 0:
                return moved
        raise StoreUnavailable("the flush took too long")

    async def acknowledged(self, job: Job, target: ReplyTarget) -> Job:
        self._times -= 1
        if self._times >= 0:
            raise StoreUnavailable("the flush took too long")
        return await super().acknowledged(job, target)


@asynccontextmanager
async def serving(queries: Jobs, scene: Scene, folder: Path) -> AsyncGenerator[tuple[JobService, Runner]]:
    """A service whose runner does not run, so that what is written stays as it is."""
    async with ImageApi(base_url="http://127.0.0.1:9", api_key="sandbox") as api:
        runner = Runner(deps_with(queries, api, Recorder(), scene, folder), max_active=4)
        yield JobService(runner.deps, runner, max_jobs_per_user=3), runner
        await runner.stop(5)


async def background(service: JobService) -> None:
    """Until what the service does beside its answers is done."""
    for task in list(service._beside):  # pyright: ignore[reportPrivateUsage]
        await task


async def stands(scene: Scene, received: Received) -> Job:
    present = await scene.store.jobs.get(received.job.id)
    assert present is not None
    return present


@pytest.mark.parametrize("written", [True, False])
async def test_a_submission_of_which_nobody_knows_whether_it_was_announced_goes_back_into_the_queue(
    written: bool, scene: Scene, tmp_path: Path
) -> None:
    # Taking it back fails once, too, where there is something to take back.
    async with serving(Refusing(scene, 2 if written else 1, written=written), scene, tmp_path) as (service, runner):
        received = await service.receive(scene.new())
        await service.acknowledged(received, message_id=5, ephemeral=False)
        await background(service)
        assert (runner.slots_taken, runner.busy_with) == (0, 0)
    assert (await stands(scene, received)).state is (JobState.WAITING if written else JobState.RECEIVED)


async def test_an_acknowledgement_that_the_database_does_not_take_leaves_the_job_to_be_found(
    scene: Scene, tmp_path: Path
) -> None:
    new = scene.new()
    edit = replace(new, request=replace(new.request, sources=(Source("https://cdn.example/1.png"),)))
    async with serving(Refusing(scene, 1), scene, tmp_path) as (service, _):
        received = await service.receive(edit)
        await service.acknowledged(received, message_id=5, ephemeral=False)
    assert (await stands(scene, received)).state is JobState.RECEIVED


async def test_an_acknowledgement_that_comes_after_another_process_has_found_the_job_changes_nothing(
    scene: Scene, tmp_path: Path
) -> None:
    async with serving(scene.store.jobs, scene, tmp_path) as (service, runner):
        received = await service.receive(scene.new())
        taken = update(jobs).values(owner="elsewhere", state=JobState.WAITING)
        await scene.store.run(lambda connection: connection.execute(taken) and None)
        await service.acknowledged(received, message_id=5, ephemeral=False)
        assert (runner.slots_taken, runner.busy_with) == (0, 0)
    assert (await stands(scene, received)).state is JobState.WAITING


async def test_a_job_that_was_not_acknowledged_is_ended_when_the_database_answers_again(
    scene: Scene, tmp_path: Path
) -> None:
    async with serving(Refusing(scene, 1), scene, tmp_path) as (service, _):
        received = await service.receive(scene.new())
        await service.unacknowledged(received.job)
    ended = await stands(scene, received)
    assert (ended.state, ended.announced) == (JobState.FAILED, True)
    assert ended.failure == Failure(FailureKind.UNACKNOWLEDGED)


async def test_a_job_that_is_claimed_while_its_user_cancels_it_is_cancelled_as_what_it_is_then(
    scene: Scene, tmp_path: Path
) -> None:
    waiting = await scene.job(JobState.WAITING)
    painting = await scene.move(await scene.move(waiting, JobState.SUBMITTING), JobState.PAINTING)
    async with serving(scene.store.jobs, scene, tmp_path) as (service, _):
        assert await service.cancel(waiting) is Cancelled.NOW
    present = await scene.store.jobs.get(painting.id)
    assert present is not None
    assert (present.state, present.cancel_requested) == (JobState.PAINTING, True)


async def test_check_again_on_a_job_that_is_asked_about_already_does_nothing(scene: Scene, tmp_path: Path) -> None:
    timed_out = await scene.job(JobState.TIMED_OUT)
    await scene.move(timed_out, JobState.PAINTING)
    async with serving(scene.store.jobs, scene, tmp_path) as (service, _):
        assert not await service.check_again(timed_out, timed_out.target)
