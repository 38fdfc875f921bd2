"""What becomes of a job that is found, by the state it is found in and by what a look at its reply finds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from bot.errors import ChannelGone, ReplyError, ReplyGone, ReplyNotUnderstood, ReplyOutOfReach, ReplyUnavailable
from bot.image_api.client import ImageApi
from bot.jobs.delivery import MAX_NOT_UNDERSTOOD
from bot.jobs.job_run import JobRun, Stopped
from bot.jobs.recovery import end_broken, resume
from bot.model import Charged, Failure, FailureKind, FollowUp, Job, JobState, ReplyTarget
from bot.store.schema import jobs
from tests.integration.conftest import Scene
from tests.integration.recorder import Recorder, deps_with

HERE = "here"


class Looked(Recorder):
    """What each look at a reply comes to, one after the other."""

    def __init__(self, *outcomes: ReplyError | str | None) -> None:
        super().__init__()
        self._outcomes = list(outcomes)

    async def find(self, job: Job) -> ReplyTarget | None:
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, ReplyError):
            raise outcome
        return replace(job.target, message_id=99) if outcome == HERE else None

    async def find_delivered(self, job: Job) -> ReplyTarget | None:
        return await self.find(job)


@asynccontextmanager
async def found(scene: Scene, job: Job, folder: Path, replies: Recorder) -> AsyncGenerator[JobRun]:
    """The job in the hands of this process, which has just found it."""
    owned = update(jobs).where(jobs.c.id == job.id).values(owner="here")
    await scene.store.run(lambda connection: connection.execute(owned) and None)
    async with ImageApi(base_url="http://127.0.0.1:9", api_key="sandbox") as api:
        yield JobRun(deps_with(scene.store.jobs, api, replies, scene, folder), job)


async def stands(scene: Scene, job: Job) -> Job:
    present = await scene.store.jobs.get(job.id)
    assert present is not None
    return present


BROKEN = [
    (JobState.RECEIVED, JobState.FAILED, Failure(FailureKind.UNKNOWN)),
    (JobState.SUBMITTING, JobState.FAILED, Failure(FailureKind.UNKNOWN, Charged.MAYBE)),
    (JobState.PAINTING, JobState.TIMED_OUT, Failure(FailureKind.UNKNOWN, Charged.MAYBE)),
    (JobState.DELIVERING, JobState.FAILED, Failure(FailureKind.UNDELIVERABLE, Charged.YES)),
]


@pytest.mark.parametrize(("state", "end", "failure"), BROKEN, ids=[str(it[0]) for it in BROKEN])
async def test_a_job_that_no_step_can_carry_on_ends_with_what_is_known_of_its_price(
    state: JobState, end: JobState, failure: Failure, scene: Scene, tmp_path: Path
) -> None:
    job = await scene.job(state)
    if state is JobState.PAINTING:
        job = await scene.store.jobs.change(job.id, task_id="task_1")  # so that Check again can ask about it
    async with found(scene, job, tmp_path, Recorder()) as run:
        await end_broken(run)
    ended = await stands(scene, job)
    assert (ended.state, ended.failure, ended.announced) == (end, failure, False)


async def test_an_end_that_cannot_be_shown_is_shown_no_more(scene: Scene, tmp_path: Path) -> None:
    job = await scene.job(JobState.FAILED)
    async with found(scene, job, tmp_path, Recorder()) as run:
        await end_broken(run)
    assert (await stands(scene, job)).announced


NO_REPLY = [
    (None, FailureKind.UNACKNOWLEDGED),
    (ReplyGone(), FailureKind.UNACKNOWLEDGED),
    (ChannelGone(), FailureKind.UNACKNOWLEDGED),
    (ReplyOutOfReach(), FailureKind.INTERRUPTED),
]


@pytest.mark.parametrize(("outcome", "kind"), NO_REPLY, ids=["none", "gone", "no channel", "out of reach"])
async def test_without_a_reply_that_carries_its_id_nothing_is_bought(
    outcome: ReplyError | None, kind: FailureKind, scene: Scene, tmp_path: Path
) -> None:
    job = await scene.job(JobState.RECEIVED)
    async with found(scene, job, tmp_path, Looked(outcome)) as run:
        await resume(run)
    ended = await stands(scene, job)
    assert (ended.state, ended.failure, ended.announced) == (
        JobState.FAILED,
        Failure(kind),
        True,
    )


async def test_a_reply_that_is_found_at_the_second_look_puts_the_job_into_the_queue(
    scene: Scene, tmp_path: Path
) -> None:
    job = await scene.job(JobState.RECEIVED)
    async with found(scene, job, tmp_path, Looked(ReplyUnavailable("502"), HERE)) as run:
        await resume(run)
    present = await stands(scene, job)
    assert (present.state, present.target.message_id) == (JobState.WAITING, 99)


async def test_pictures_whose_message_nobody_can_read_are_found_under_jobs_before_long(
    scene: Scene, tmp_path: Path
) -> None:
    scene.now = datetime.now(UTC)  # it is tried for a day
    job = await scene.job(JobState.DELIVERING)
    job = await scene.store.jobs.change(job.id, result_urls=("https://pictures.example/1.png",))
    nonsense = [ReplyNotUnderstood("the page of something in between")] * MAX_NOT_UNDERSTOOD
    async with found(scene, job, tmp_path, Looked(*nonsense)) as run:
        resuming = asyncio.create_task(resume(run))
        async with asyncio.timeout(20):
            while not (present := await stands(scene, job)).is_shelved:
                await asyncio.sleep(0.05)
        run.deps.stopping.set()
        with pytest.raises(Stopped):
            await resuming
    assert present.state is JobState.DELIVERING  # and it goes on being tried
    assert present.failure == Failure(FailureKind.UNDELIVERABLE, Charged.YES)


async def restored(scene: Scene, *, task: bool = False, result: bool = False, post: bool = False) -> Job:
    """An unfinished job of a backup, and what its row knows."""
    job = await scene.job(JobState.RESTORED)
    if task:
        job = await scene.store.jobs.change(job.id, task_id="task_1")
    if result:
        job = await scene.store.jobs.change(job.id, result_urls=("https://pictures.example/1.png",))
    if post:
        job = await scene.store.jobs.change(job.id, request=replace(job.request, follows=FollowUp.POST))
    return job


async def test_pictures_that_arrived_after_the_backup_are_not_posted_again(scene: Scene, tmp_path: Path) -> None:
    job = await restored(scene, task=True)
    async with found(scene, job, tmp_path, Looked(HERE)) as run:
        await resume(run)
    ended = await stands(scene, job)
    assert (ended.state, ended.announced, ended.target.token) == (JobState.DELIVERED, True, "")


async def test_a_reply_that_was_deleted_after_the_backup_stays_away(scene: Scene, tmp_path: Path) -> None:
    job = await restored(scene, task=True)
    async with found(scene, job, tmp_path, Looked(ReplyGone())) as run:
        await resume(run)
    ended = await stands(scene, job)
    assert (ended.state, ended.announced) == (JobState.FAILED, True)
    assert ended.failure == Failure(FailureKind.REPLY_DELETED, Charged.MAYBE)


KNOWN: list[tuple[dict[str, bool], JobState]] = [
    ({"task": True, "result": True}, JobState.READY),
    ({"task": True}, JobState.PAINTING),
    ({}, JobState.UNCERTAIN),
    ({"post": True}, JobState.FAILED),
]


@pytest.mark.parametrize("looked", [None, ReplyOutOfReach()], ids=["not there", "out of reach"])
@pytest.mark.parametrize(("known", "state"), KNOWN, ids=["result", "task", "nothing", "a post"])
async def test_a_restored_job_whose_pictures_are_not_found_goes_on_from_what_its_row_knows(
    known: dict[str, bool], state: JobState, looked: ReplyError | None, scene: Scene, tmp_path: Path
) -> None:
    job = await restored(scene, **known)
    async with found(scene, job, tmp_path, Looked(looked)) as run:
        await resume(run)
    present = await stands(scene, job)
    assert present.state is state
    if state is JobState.UNCERTAIN:
        assert present.failure == Failure(FailureKind.UNCERTAIN, Charged.MAYBE)
