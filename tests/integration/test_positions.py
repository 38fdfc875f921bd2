"""What the cards of jobs in line are told: their place, by turns, and when a time on them has passed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.errors import ReplyOutOfReach
from bot.image_api.client import ImageApi
from bot.jobs.positions import Positions
from bot.model import Job, JobState, Progress
from tests.integration.conftest import Scene
from tests.integration.recorder import Recorder, deps_with
from tests.unit.samples import job


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


class Shown(Recorder):
    """Notes whose card was to be shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []

    def show(self, job: Job, progress: Progress) -> None:
        self.shown.append(f"{job.id} at {progress.place}")


async def test_a_long_line_is_shown_by_turns_and_its_first_at_every_look(scene: Scene, tmp_path: Path) -> None:
    """A line of thousands kept a process busy with cards for seconds after each start, before it sent anything."""
    line = {f"job {number}": job(id=f"job {number}", state=JobState.WAITING) for number in range(1, 301)}
    recorder, looks = Shown(), list[list[str]]()
    async with ImageApi(base_url="http://127.0.0.1:9", api_key="sandbox") as api:
        positions = Positions(deps_with(scene.store.jobs, api, recorder, scene, tmp_path), slots=4, taken=lambda: 0)
        for _ in range(14):  # 280 of the others, 20 at each look
            positions.show([*line], line)
            looks.append(recorder.shown)
            recorder.shown = []
        positions.show([*line][:30], line)
    assert {len(look) for look in looks} == {40}
    assert all(look[:20] == [f"job {place} at {place}" for place in range(1, 21)] for look in looks)
    assert {it for look in looks for it in look} == {f"job {place} at {place}" for place in range(1, 301)}
    assert sorted(recorder.shown) == sorted(f"job {place} at {place}" for place in range(1, 31))


async def test_a_reply_whose_token_ends_soon_waits_for_no_turn(scene: Scene, tmp_path: Path) -> None:
    """Else it would not get its button in time, and no edit would reach it any more: here after a restart."""
    line = {f"job {number}": job(id=f"job {number}", state=JobState.WAITING) for number in range(1, 301)}
    last = line["job 300"]
    ends = datetime.now(UTC) + timedelta(minutes=2)
    line["job 300"] = replace(last, target=replace(last.target, ephemeral=True, token_expires_at=ends))
    recorder = Shown()
    async with ImageApi(base_url="http://127.0.0.1:9", api_key="sandbox") as api:
        positions = Positions(deps_with(scene.store.jobs, api, recorder, scene, tmp_path), slots=4, taken=lambda: 0)
        positions.show([*line], line)
    assert "job 300 at 300" in recorder.shown


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
