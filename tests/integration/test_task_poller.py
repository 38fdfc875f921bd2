"""When a task is asked about that may have ended long ago: its question got no answer, or nobody was there to ask."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.image_api.client import ImageApi
from bot.jobs.polling.pacer import Pacer
from bot.jobs.runner import Runner
from bot.model import ImageRequest, JobState
from sandbox.image_api.latency import Latency
from sandbox.image_api.server import LocalImageApi
from sandbox.image_api.studio import PaintMode
from tests.integration.conftest import Scene
from tests.integration.recorder import Recorder, deps_with

PAINTED_S, STUCK_S = 0.3, 40.0
WITHIN_S = 9.0  # the plan alone would ask after 12 s


def learn(pacer: Pacer, request: ImageRequest) -> None:
    """Nearly all tasks end at once, and some never: whatever has not ended soon need not be asked about for long."""
    for number in range(200):
        plan = pacer.course(request, 0.0)
        if number % 20:
            plan.ended(PAINTED_S, refused=False)
        else:
            plan.goes_on(STUCK_S)
            plan.given_up()


@pytest.mark.parametrize("trouble", ["status-429-bare", "status-500", "status-drop"])
async def test_a_question_that_got_no_answer_is_asked_again_soon_whatever_the_plan_says(
    scene: Scene, tmp_path: Path, trouble: str
) -> None:
    await scene.job(JobState.WAITING)
    (job,) = await scene.claim(worker_id="here")
    recorder = Recorder()
    async with (
        LocalImageApi(latency=Latency.fixed(PAINTED_S), paint=PaintMode.TINY) as local,
        ImageApi(base_url=local.base_url, api_key="sandbox") as api,
    ):
        local.behaviour.switch_on(trouble, 2)
        deps = deps_with(scene.store.jobs, api, recorder, scene, tmp_path)
        learn(deps.pacer, job.request)
        runner = Runner(deps, max_active=1)
        began = time.monotonic()
        runner.begin(job, claimed=True)
        await asyncio.wait_for(recorder.delivered.wait(), 60)
        assert time.monotonic() - began < WITHIN_S
        assert len([it for it in local.requests if "/tasks/" in it.path]) == 3
        await runner.stop(5)


async def test_a_task_that_is_found_at_a_start_is_asked_about_at_once_whatever_the_plan_says(
    scene: Scene, tmp_path: Path
) -> None:
    recorder = Recorder()
    async with (
        LocalImageApi(latency=Latency.zero(), paint=PaintMode.TINY) as local,
        ImageApi(base_url=local.base_url, api_key="sandbox") as api,
    ):
        deps = deps_with(scene.store.jobs, api, recorder, scene, tmp_path)
        await scene.job(JobState.WAITING)
        scene.now = datetime.now(UTC) - timedelta(seconds=4)
        (job,) = await scene.claim(worker_id="here")
        task_id = (await api.submit(job.request)).task_id
        job = await scene.move(await scene.move(job, JobState.SUBMITTING), JobState.PAINTING, task_id=task_id)
        learn(deps.pacer, job.request)
        runner = Runner(deps, max_active=1)
        began = time.monotonic()
        runner.recovered(job)
        await asyncio.wait_for(recorder.delivered.wait(), 60)
        assert time.monotonic() - began < WITHIN_S / 2
        await runner.stop(5)
