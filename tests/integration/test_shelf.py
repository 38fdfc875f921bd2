"""What lies on the disk for jobs: it goes when nobody needs it, and never before, whichever process looks."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.image_api.client import ImageApi
from bot.jobs.records import shelf
from bot.model import Job, JobState
from tests.integration.conftest import Scene
from tests.integration.recorder import Recorder, deps_with
from tests.integration.uniall_servers import PNG

DAY_S = 86_400.0


def held(folder: Path, letter: str, age_s: float) -> str:
    """The address of a result that came inside an answer so long ago."""
    path = folder / (letter * 32)
    path.write_bytes(PNG)
    made_at = time.time() - age_s
    os.utime(path, (made_at, made_at))
    return f"held:{path.name}"


async def with_result(scene: Scene, state: JobState, address: str) -> Job:
    ready = await scene.move(await scene.job(JobState.PAINTING), JobState.READY, result_urls=(address,))
    if state is JobState.READY:
        return ready
    return await scene.move(await scene.move(ready, JobState.DELIVERING), state)


async def test_of_results_that_came_inside_answers_those_stay_that_a_job_may_need(scene: Scene, tmp_path: Path) -> None:
    folder = tmp_path / "held"
    folder.mkdir()
    scene.now = datetime.now(UTC) - timedelta(days=2)
    over = await with_result(scene, JobState.DELIVERED, held(folder, "a", DAY_S * 2))
    mine = await with_result(scene, JobState.READY, held(folder, "b", DAY_S * 2))
    scene.worker_id = "elsewhere"
    await with_result(scene, JobState.READY, held(folder, "c", DAY_S * 2))
    held(folder, "d", DAY_S / 8)  # nobody's
    scene.now = datetime.now(UTC)
    await with_result(scene, JobState.DELIVERED, held(folder, "e", DAY_S / 8))
    async with ImageApi(base_url="http://127.0.0.1:9", api_key="sandbox", held_folder=folder) as api:
        deps = deps_with(scene.store.jobs, api, Recorder(), scene, tmp_path)
        for job_id in (over.id, mine.id, "nobodys"):
            path = deps.spool.picture(job_id, 0)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(PNG)
        await shelf.clear(replace(deps, worker_id="here"), [mine], [])
        assert {it.name[0] for it in folder.iterdir()} == {"b", "c", "e"}
        assert deps.spool.jobs() == {over.id, mine.id}
