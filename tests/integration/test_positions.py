"""A time that has passed is taken off the card of a job in line, where other processes may take the job meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.errors import ReplyOutOfReach
from bot.image_api.client import ImageApi
from bot.jobs.positions import Positions
from bot.model import Job, JobState, Progress
from tests.integration.conftest import Scene
from tests.integration.recorder import Recorder, deps_with


class Late(Recorder):
    """A card that is late, and whose user presses Cancel while it is edited."""

    def __init__(self, scene: Scene, *, out_of_reach: bool) -> None:
        super().__init__()
        self._scene = scene
        self._out_of_reach = out_of_reach

    def is_late(self, job: Job) -> bool:
        return True

    async def correct(self, job: Job, progress: Progress) -> None:
        await super().correct(job, progress)
        await self._scene.move(job, JobState.CANCELLED)

    async def close(self, job: Job) -> None:
        await super().close(job)
        if self._out_of_reach:
            raise ReplyOutOfReach("no permission")


@pytest.mark.parametrize("out_of_reach", [False, True])
async def test_who_cancels_while_the_card_is_corrected_sees_that_it_is_cancelled(
    out_of_reach: bool, scene: Scene, tmp_path: Path
) -> None:
    waiting = await scene.job(JobState.WAITING)
    recorder = Late(scene, out_of_reach=out_of_reach)
    async with ImageApi(base_url="http://127.0.0.1:9", api_key="sandbox") as api:
        deps = deps_with(scene.store.jobs, api, recorder, scene, tmp_path)
        positions = Positions(deps, slots=4, taken=lambda: 0)
        await positions.correct([waiting.id], {waiting.id: waiting})
    assert recorder.told == ["corrected", "closed"]
    present = await scene.store.jobs.get(waiting.id)
    assert present is not None
    assert present.state is JobState.CANCELLED


async def test_a_job_that_another_process_has_taken_is_let_be(scene: Scene, tmp_path: Path) -> None:
    scene.now = datetime.now(UTC)  # so that the other's lease holds
    waiting = await scene.job(JobState.WAITING)
    await scene.claim(worker_id="elsewhere")
    recorder = Late(scene, out_of_reach=False)
    async with ImageApi(base_url="http://127.0.0.1:9", api_key="sandbox") as api:
        deps = deps_with(scene.store.jobs, api, recorder, scene, tmp_path)
        await Positions(deps, slots=4, taken=lambda: 0).correct([waiting.id], {waiting.id: waiting})
    assert recorder.told == []
