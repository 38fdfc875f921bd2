"""What may be wrong with the sources of an edit when its turn has come: its user is told, and nothing is bought."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from bot.errors import ReplyOutOfReach
from bot.image_api.client import Mode
from bot.jobs.job_run import JobRun
from bot.jobs.submission import prepare
from bot.model import MAX_SOURCE_BYTES, FailureKind, Job, JobState, Kept, Slot, Source
from tests.integration.conftest import Scene
from tests.integration.recorder import Recorder, deps_with
from tests.integration.uniall_servers import API, HURRY, PNG, Reply, client, playing

STYLE = "of a preset"


async def picture_of(name: str) -> bytes | None:
    """What is kept with presets: one picture."""
    return PNG if name == STYLE else None


class Host:
    """Where attachments lie. Each answer is given once, the last one for ever."""

    def __init__(self, *statuses: int, size: int | None = None) -> None:
        self._statuses = list(statuses)
        self._size = size

    async def answer(self, request: web.Request) -> Reply:
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        if self._size is None:
            return web.Response(status=status, body=PNG if status == 200 else b"")
        response = web.StreamResponse(status=status, headers={"Content-Length": str(self._size)})
        await response.prepare(request)
        await response.write(PNG)
        await asyncio.sleep(HURRY.silence_s)  # so that the client has read what is announced
        return None


class OutOfReach(Recorder):
    """A reply that takes no sources, so that they go to the image API themselves."""

    async def show_sources(self, job: Job, files: Mapping[int, Path]) -> Job:
        raise ReplyOutOfReach("no permission")


@asynccontextmanager
async def prepared(scene: Scene, folder: Path, host: Host, source: Source) -> AsyncGenerator[JobRun]:
    """A job whose turn has come, with one source at this host."""
    async with playing(host.answer) as server, client(API, Mode.TASKS, HURRY, "127.0.0.1") as api:
        new = scene.new()
        source = replace(source, url=source.url.format(url=server.url))
        received = await scene.receive(replace(new, request=replace(new.request, sources=(source,))))
        await scene.move(received.job, JobState.WAITING)
        (job,) = await scene.claim()
        deps = deps_with(scene.store.jobs, api, OutOfReach(), scene, folder)
        yield JobRun(replace(deps, preset_picture=picture_of), job)


THERE = Source("{url}/a.png", "a.png", 40)
FAULTS = {
    "gone": (Host(404), THERE, FailureKind.SOURCE_GONE, ""),
    "gone where it was kept": (
        Host(404),
        replace(THERE, kept=Kept(1, 2, Slot.SOURCE, 0)),
        FailureKind.SOURCE_GONE,
        "",
    ),
    "larger than it was said to be": (
        Host(200, size=MAX_SOURCE_BYTES + 1),
        THERE,
        FailureKind.BAD_SOURCE,
        "too_large 40",
    ),
    "inside somebody's network": (
        Host(200),
        replace(THERE, url="http://10.0.0.1/a.png"),
        FailureKind.BAD_SOURCE,
        "unreadable 0",
    ),
}


@pytest.mark.parametrize(("host", "source", "kind", "detail"), FAULTS.values(), ids=FAULTS)
async def test_a_source_that_cannot_be_had_ends_the_request_unbought(
    host: Host, source: Source, kind: FailureKind, detail: str, scene: Scene, tmp_path: Path
) -> None:
    async with prepared(scene, tmp_path, host, source) as run:
        await prepare(run)
        assert run.job.state is JobState.FAILED
        assert run.job.failure is not None
        assert (run.job.failure.kind, run.job.failure.detail) == (kind, detail)


async def test_a_host_that_does_not_answer_is_asked_again_and_a_preset_has_its_own_copy(
    scene: Scene, tmp_path: Path
) -> None:
    async with prepared(scene, tmp_path, Host(500, 200), THERE) as run:
        await prepare(run)
        assert run.job.state is JobState.SUBMITTING
    kept = replace(THERE, preset_picture=STYLE)
    async with prepared(scene, tmp_path, Host(404), kept) as run:
        await prepare(run)
        assert run.deps.spool.source(run.job.id, 0).read_bytes() == PNG


@pytest.mark.parametrize("source", [THERE, Source("", preset_picture=STYLE)], ids=["attached", "of a preset"])
async def test_a_disk_that_takes_no_source_ends_the_request_unbought(
    source: Source, scene: Scene, tmp_path: Path
) -> None:
    """It is not the picture's fault, so it is told as what it is, with Again."""
    async with prepared(scene, tmp_path, Host(200), source) as run:
        run.deps.spool.source(run.job.id, 0).mkdir(parents=True)
        await prepare(run)
        assert run.job.failure is not None
        assert run.job.failure.kind is FailureKind.BAD_SOURCE
        assert run.job.failure.detail.startswith("no_room")


async def test_whom_the_operator_shuts_out_while_the_sources_are_looked_at_buys_nothing(
    scene: Scene, tmp_path: Path
) -> None:
    asked: list[str] = []

    async def is_shut_out(job: Job) -> bool:
        asked.append(job.id)
        return len(asked) > 1

    async with prepared(scene, tmp_path, Host(200), THERE) as run:
        run.deps = replace(run.deps, is_shut_out=is_shut_out)
        await prepare(run)
        assert (run.job.state, len(asked)) == (JobState.CANCELLED, 2)
