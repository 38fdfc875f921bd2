"""What the heartbeat brings home where a notification was lost, and what is kept where a lease was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web
from sqlalchemy import update

from bot.errors import ReplyUnavailable
from bot.image_api.client import ImageApi
from bot.jobs.runner import Runner
from bot.model import Charged, Failure, FailureKind, Job, JobState
from bot.store.schema import jobs as jobs_table
from sandbox.image_api.latency import Latency
from sandbox.image_api.server import LocalImageApi
from tests.integration.recorder import Recorder, deps_with
from tests.integration.uniall_servers import KEY, TASK, Reply, playing, reply

if TYPE_CHECKING:
    from tests.integration.conftest import Scene


async def written(scene: Scene, **values: Any) -> None:
    """Another process has written this, and its notification was lost."""
    change = update(jobs_table).values(**values)
    await scene.store.run(lambda connection: connection.execute(change) and None)


async def reached(scene: Scene, job: Job, *states: JobState) -> Job:
    async with asyncio.timeout(20):
        while (found := await scene.store.jobs.get(job.id)) is None or found.state not in states:
            await asyncio.sleep(0.01)
    return found


async def test_a_wish_to_cancel_comes_home_with_the_heartbeat(scene: Scene, tmp_path: Path) -> None:
    await scene.job(JobState.WAITING)
    (job,) = await scene.claim()
    async with (
        LocalImageApi(latency=Latency.fixed(60.0)) as local,
        ImageApi(base_url=local.base_url, api_key="sandbox") as api,
    ):
        runner = Runner(deps_with(scene.store.jobs, api, Recorder(), scene, tmp_path), max_active=1, alone=False)
        runner.begin(job, claimed=True)
        await reached(scene, job, JobState.PAINTING)
        await written(scene, cancel_requested=True)
        await runner._beat()  # pyright: ignore[reportPrivateUsage]
        await reached(scene, job, JobState.CANCELLED)
        await runner.stop(5)


async def test_the_token_of_a_click_comes_home_with_the_heartbeat(scene: Scene, tmp_path: Path) -> None:
    await scene.job(JobState.WAITING)
    (job,) = await scene.claim()
    shown: list[str] = []

    class Listener(Recorder):
        def show(self, job: Job, progress: object) -> None:
            shown.append(job.target.token)

    async with (
        LocalImageApi(latency=Latency.fixed(60.0)) as local,
        ImageApi(base_url=local.base_url, api_key="sandbox") as api,
    ):
        runner = Runner(deps_with(scene.store.jobs, api, Listener(), scene, tmp_path), max_active=1, alone=False)
        runner.begin(job, claimed=True)
        await reached(scene, job, JobState.PAINTING)
        await written(scene, token="a new token", token_expires_at=scene.now + timedelta(minutes=30))
        await runner._beat()  # pyright: ignore[reportPrivateUsage]
        async with asyncio.timeout(20):
            while "a new token" not in shown:
                await asyncio.sleep(0.01)
        await runner.stop(5)


def slow_api(may_answer: asyncio.Event) -> Callable[[web.Request], Any]:
    """Takes a submission at once, and says so later."""

    async def answer(request: web.Request) -> Reply:
        if request.method == "POST":
            await may_answer.wait()
        return reply(200, TASK)

    return answer


async def test_the_task_of_a_submission_whose_lease_was_lost_meanwhile_is_written_down(
    scene: Scene, tmp_path: Path
) -> None:
    """The process that took the job over has told its user that the outcome is unknown. The task is paid for."""
    await scene.job(JobState.WAITING)
    (job,) = await scene.claim()
    may_answer = asyncio.Event()
    async with playing(slow_api(may_answer)) as played, ImageApi(base_url=played.url, api_key=KEY) as api:
        runner = Runner(deps_with(scene.store.jobs, api, Recorder(), scene, tmp_path), max_active=1, alone=False)
        runner.begin(job, claimed=True)
        async with asyncio.timeout(20):
            while not any(it.method == "POST" for it in played.seen):
                await asyncio.sleep(0.01)
        scene.now += timedelta(minutes=1)
        (taken,) = await scene.reclaim("elsewhere")
        await scene.store.jobs.move(taken, JobState.UNCERTAIN, now=scene.now, worker_id="elsewhere")
        await runner._beat()  # pyright: ignore[reportPrivateUsage]
        may_answer.set()
        found = await reached(scene, job, JobState.PAINTING)
        await runner.stop(5)
    assert found.task_id == TASK["task_id"]
    assert len([it for it in played.seen if it.method == "POST"]) == 1


async def test_an_end_that_another_process_has_announced_is_not_shown_over_the_pictures_that_came_since(
    scene: Scene, tmp_path: Path
) -> None:
    """A process that slept has an end to show, which Discord did not take. Check again has brought pictures since."""

    class Troubled(Recorder):
        async def close(self, job: Job) -> None:
            await super().close(job)
            raise ReplyUnavailable("502")

    recorder = Troubled()
    scene.now = datetime.now(UTC)
    await scene.job(JobState.WAITING)
    (job,) = await scene.claim()
    job = await scene.move(await scene.move(job, JobState.SUBMITTING), JobState.PAINTING, task_id="task_1")
    ended = await scene.move(job, JobState.TIMED_OUT, failure=Failure(FailureKind.TIMED_OUT, Charged.MAYBE))
    async with ImageApi(base_url="http://127.0.0.1:9", api_key=KEY) as api:
        runner = Runner(deps_with(scene.store.jobs, api, recorder, scene, tmp_path), max_active=1, alone=False)
        runner.begin(ended)
        async with asyncio.timeout(20):
            while not recorder.told:
                await asyncio.sleep(0.01)
        await written(scene, state=JobState.DELIVERED, told=True, owner=None, lease_until=None)
        async with asyncio.timeout(20):
            while runner.busy_with:
                await asyncio.sleep(0.01)
        assert recorder.told == ["closed", "forgotten"]
