"""A result of which one part cannot be had: the rest is delivered, and the ledger counts what was made."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web
from sqlalchemy import select

from bot.image_api.client import ImageApi, Mode
from bot.jobs.downloads import MAX_PICTURE_BYTES, fetch_now
from bot.jobs.fair_slots import without_turn
from bot.jobs.job_run import JobRun
from bot.jobs.ports import UploadTurn
from bot.jobs.runner import Runner
from bot.jobs.service import JobService
from bot.model import Charged, Failure, FailureKind, Job, JobState, Picture, ReplyTarget
from bot.store.schema import ledger
from tests.integration.recorder import Recorder, deps_with
from tests.integration.uniall_servers import KEY, PNG, TASK, Reply, always, playing, reply

if TYPE_CHECKING:
    from tests.integration.conftest import Scene

#: A host inside somebody's network, which is never connected to.
OUT_OF_BOUNDS = "http://10.0.0.1/2.png"


class Counter(Recorder):
    """Remembers how many pictures each reply got."""

    def __init__(self) -> None:
        super().__init__()
        self.pictures: list[int] = []

    async def deliver(
        self, job: Job, pictures: Sequence[Picture], sources: Sequence[Path], turn: UploadTurn = without_turn
    ) -> ReplyTarget:
        self.pictures.append(len(pictures))
        return await super().deliver(job, pictures, sources, turn)


async def two_made_one_there(request: web.Request) -> Reply:
    if request.path.startswith("/files"):
        return web.Response(body=PNG, content_type="image/png")
    if request.method == "POST":
        return reply(200, TASK)
    addresses = [f"http://{request.host}/files/1.png", OUT_OF_BOUNDS]
    done: Mapping[str, object] = {**TASK, "status": "succeeded", "metadata": {"result_urls": addresses}}
    return reply(200, {"code": "success", "message": "", "data": done})


async def test_what_can_be_had_is_delivered_and_what_was_made_is_counted(scene: Scene, tmp_path: Path) -> None:
    await scene.job(JobState.WAITING)
    (job,) = await scene.claim()
    recorder = Counter()
    async with playing(two_made_one_there) as played, ImageApi(base_url=played.url, api_key=KEY) as api:
        runner = Runner(deps_with(scene.store.jobs, api, recorder, scene, tmp_path), max_active=1)
        runner.begin(job, claimed=True)
        async with asyncio.timeout(20):
            while (found := await scene.store.jobs.get(job.id)) is None or not found.state.is_final:
                await asyncio.sleep(0.01)
        await runner.stop(5)
    assert found.state is JobState.DELIVERED
    assert found.failure == Failure(FailureKind.PARTIAL, Charged.YES, "1 2")
    assert recorder.pictures == [1]
    made = select(ledger.c.pictures)
    assert await scene.store.run(lambda connection: connection.execute(made).scalars().all()) == [2]


class Files:
    """An image API whose task is done. Its pictures come and go (`statuses`), as do the addresses that it tells."""

    def __init__(self) -> None:
        self.statuses: dict[str, int] = {}
        self.names: tuple[str, ...] = ("1.png", "2.png")
        self.asks = 200

    async def answer(self, request: web.Request) -> Reply:
        name = request.path.rpartition("/")[2]
        if request.path.startswith("/files"):
            status = self.statuses.get(name, 200)
            return web.Response(status=status, body=PNG if status == 200 else b"", content_type="image/png")
        addresses = [f"http://{request.host}/files/{it}" for it in self.names]
        done: Mapping[str, object] = {**TASK, "status": "succeeded", "metadata": {"result_urls": addresses}}
        return reply(self.asks, {"code": "success", "message": "", "data": done})


async def delivered(scene: Scene, url: str, came: int) -> Job:
    """A job whose reply shows `came` of two pictures."""
    addresses = (f"{url}/files/1.png", f"{url}/files/2.png")
    job = await scene.move(await scene.job(JobState.PAINTING), JobState.READY, result_urls=addresses, task_id="task_1")
    job = await scene.move(await scene.move(job, JobState.DELIVERING), JobState.DELIVERED)
    return await scene.store.jobs.change(job.id, failure=Failure(FailureKind.PARTIAL, Charged.YES, f"{came} 2"))


async def test_what_was_missing_is_added_once_it_can_be_had(scene: Scene, tmp_path: Path) -> None:
    files, recorder = Files(), Counter()
    async with playing(files.answer) as played, ImageApi(base_url=played.url, api_key=KEY) as api:
        runner = Runner(deps_with(scene.store.jobs, api, recorder, scene, tmp_path), max_active=1)
        service = JobService(runner.deps, runner, max_jobs_per_user=3)
        job = await delivered(scene, played.url, 1)
        # Neither where it lay nor at a new address, be there one, nor where nobody knows one.
        files.statuses, files.names = {"2.png": 404, "4.png": 404}, ("3.png", "4.png")
        assert await service.fetch_missing(job, job.target) == 1
        files.asks = 401
        assert await service.fetch_missing(job, job.target) == 1
        files.statuses = {"2.png": 500, "4.png": 500}
        assert await service.fetch_missing(job, job.target) == 1
        assert recorder.pictures == []
        files.statuses, files.asks = {}, 200
        first, second = await asyncio.gather(*(service.fetch_missing(job, job.target) for _ in range(2)))
        assert (first, second) == (0, None)
        assert recorder.pictures == [2]
        await runner.stop(5)
    present = await scene.store.jobs.get(job.id)
    assert present is not None
    assert present.failure is None
    assert not any((tmp_path / "spool").rglob("*.*"))


async def test_a_picture_inside_an_answer_is_taken_though_one_at_an_address_would_only_be_linked(
    scene: Scene, tmp_path: Path
) -> None:
    """It is paid for, is here already, and has no address that could be given instead."""
    size = MAX_PICTURE_BYTES + 3_000_000
    inline = base64.b64encode(PNG + bytes(size - len(PNG))).decode()
    job = await scene.job(JobState.DELIVERING)
    async with (
        playing(always(200, {"created": 1, "data": [{"b64_json": inline}]})) as played,
        ImageApi(base_url=played.url, api_key=KEY, mode=Mode.SYNC, held_folder=tmp_path / "held") as api,
    ):
        made = await api.submit(job.request)
        job = await scene.store.jobs.change(job.id, result_urls=made.result_urls)
        results = await fetch_now(JobRun(deps_with(scene.store.jobs, api, Counter(), scene, tmp_path), job))
    assert [(it.bytes, it.is_too_large) for it in results.pictures] == [(size, False)]
