"""What may go wrong between the queue and the image API, and what becomes of the job."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from bot.errors import ChannelGone, JobMoved, ReplyError, ReplyGone, ReplyOutOfReach, ReplyUnavailable, StoreUnavailable
from bot.image_api.client import ImageApi
from bot.jobs.job_run import JobRun
from bot.jobs.submission import prepare, submit
from bot.model import FailureKind, Job, JobState, Source
from bot.store.schema import jobs
from sandbox.image_api.latency import Latency
from sandbox.image_api.server import LocalImageApi
from sandbox.image_api.studio import PaintMode
from tests.integration.conftest import Scene
from tests.integration.recorder import Recorder, deps_with

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


class Showing(Recorder):
    """Shows sources, or fails with each of these before it does."""

    def __init__(self, *failures: ReplyError, gone: bool = False) -> None:
        super().__init__()
        self._failures = list(failures)
        self._gone = gone

    def is_gone(self, job: Job) -> bool:
        return self._gone

    async def show_sources(self, job: Job, files: Mapping[int, Path]) -> Job:
        assert [path.read_bytes() for path in files.values()] == [PNG]
        if self._failures:
            raise self._failures.pop(0)
        (source,) = job.request.sources
        return replace(job, request=replace(job.request, sources=(replace(source, url="https://cdn.example/1.png"),)))


class Kept:
    """The pictures of presets, behind a database that does not answer at first."""

    def __init__(self, data: bytes | None, outages: int = 0) -> None:
        self._data = data
        self._outages = outages

    async def __call__(self, _: str) -> bytes | None:
        self._outages -= 1
        if self._outages >= 0:
            raise StoreUnavailable("no answer")
        return self._data


@asynccontextmanager
async def claimed(
    scene: Scene, folder: Path, recorder: Recorder, kept: Kept, *sources: Source
) -> AsyncGenerator[JobRun]:
    """A job that waits, in the hands of this process."""
    new = scene.new()
    received = await scene.receive(replace(new, request=replace(new.request, sources=sources)))
    await scene.move(received.job, JobState.WAITING)
    (job,) = await scene.claim()
    api = LocalImageApi(latency=Latency.zero(), paint=PaintMode.TINY)
    async with api as local, ImageApi(base_url=local.base_url, api_key="sandbox") as client:
        deps = deps_with(scene.store.jobs, client, recorder, scene, folder)
        yield JobRun(replace(deps, preset_picture=kept), job)


STYLE = Source("", "picture", preset_picture="one")
SHOWN = "https://cdn.example/1.png"
AFTER = [
    ((), SHOWN),
    ((ReplyUnavailable("502"),), SHOWN),
    ((ReplyUnavailable("502"),) * 4, ""),  # it is uploaded to the image API itself
    ((ReplyOutOfReach("no permission"),), ""),
]


@pytest.mark.parametrize(("failures", "address"), AFTER, ids=["shown", "at the second try", "never", "not there"])
async def test_the_picture_of_a_preset_gets_an_address_in_the_reply_or_goes_without(
    failures: tuple[ReplyError, ...], address: str, scene: Scene, tmp_path: Path
) -> None:
    async with claimed(scene, tmp_path, Showing(*failures), Kept(PNG), STYLE) as run:
        await prepare(run)
        assert run.job.state is JobState.SUBMITTING
        assert [source.url for source in run.job.request.sources] == [address]


@pytest.mark.parametrize("gone", [ReplyGone(), ChannelGone()], ids=["the reply", "its channel"])
async def test_who_deletes_the_reply_before_a_presets_picture_is_in_it_buys_nothing(
    gone: ReplyError, scene: Scene, tmp_path: Path
) -> None:
    async with claimed(scene, tmp_path, Showing(gone), Kept(PNG), STYLE) as run:
        await prepare(run)
        assert (run.job.state, run.job.announced) == (JobState.CANCELLED, True)
        assert run.job.failure is not None
        assert run.job.failure.kind is FailureKind.REPLY_DELETED


async def test_a_presets_picture_that_was_deleted_meanwhile_is_told_of(scene: Scene, tmp_path: Path) -> None:
    async with claimed(scene, tmp_path, Showing(), Kept(None), STYLE) as run:
        await prepare(run)
        assert run.job.failure is not None
        assert (run.job.failure.kind, run.job.failure.detail) == (FailureKind.SOURCE_GONE, "preset")


async def test_a_database_that_does_not_give_a_presets_picture_is_waited_for(scene: Scene, tmp_path: Path) -> None:
    async with claimed(scene, tmp_path, Showing(), Kept(PNG, outages=1), STYLE) as run:
        await prepare(run)
        assert run.job.state is JobState.SUBMITTING


async def test_a_job_that_was_cancelled_in_line_or_lost_its_reply_is_not_sent(scene: Scene, tmp_path: Path) -> None:
    async with claimed(scene, tmp_path / "a", Showing(), Kept(None)) as run:
        run.cancel()
        await prepare(run)
        assert run.job.failure is not None
        assert run.job.failure.kind is FailureKind.CANCELLED
    async with claimed(scene, tmp_path / "b", Showing(gone=True), Kept(None)) as run:
        await prepare(run)
        assert run.job.failure is not None
        assert run.job.failure.kind is FailureKind.REPLY_DELETED


@pytest.mark.parametrize("known", [False, True], ids=["uncertain", "task known"])
async def test_a_task_that_is_learned_of_after_the_lease_was_lost_is_written_down(
    known: bool, scene: Scene, tmp_path: Path
) -> None:
    """Another process has ended the job as uncertain while its submission was on its way."""
    async with claimed(scene, tmp_path, Recorder(), Kept(None)) as run:
        await prepare(run)
        values = {"owner": "elsewhere", "state": JobState.UNCERTAIN, "task_id": "theirs" if known else None}
        taken = update(jobs).values(values)
        await scene.store.run(lambda connection: connection.execute(taken) and None)
        with pytest.raises(JobMoved):
            await submit(run)
        present = await scene.store.jobs.get(run.job.id)
    assert present is not None
    if known:
        assert (present.state, present.task_id) == (JobState.UNCERTAIN, "theirs")
    else:
        assert present.state is JobState.PAINTING
        assert present.task_id
