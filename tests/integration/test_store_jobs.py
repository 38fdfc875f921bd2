"""The rows of jobs: how they come in, move along their arrows, and are found again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from bot.errors import AlreadyReceived, JobMoved, TooManyJobs
from bot.model import (
    ARROWS,
    FINAL_STATES,
    OPEN_STATES,
    QUALITY,
    AspectRatio,
    Charged,
    Failure,
    FailureKind,
    ImageRequest,
    JobState,
    Kept,
    PictureFormat,
    Resolution,
    Slot,
    Source,
)
from bot.store.queries.lists import ListScope
from bot.store.store import Store

if TYPE_CHECKING:
    from tests.integration.conftest import PostgresServer, Scene

S = JobState
LATER = timedelta(seconds=7)

FULL_REQUEST = ImageRequest(
    prompt="ein Fuchs 🦊, \x00 \ud800 \" ' \\ %s :name",
    model=QUALITY,
    aspect_ratio=AspectRatio.AUTO,
    resolution=Resolution.TWO_K,
    count=4,
    format=PictureFormat.WEBP,
    spoiler=True,
    private=True,
    sources=(Source("https://a.example/1.png", "1.png", 5, Kept(1, 2, Slot.SOURCE, 3)), Source("https://a.example/2")),
)


async def test_a_received_job_reads_back_as_it_was_written(scene: Scene) -> None:
    new = replace(scene.new(user_id=2**63 - 1), request=FULL_REQUEST, parent_id="parent")
    received = await scene.receive(new)

    job = received.job
    assert (job.id, job.interaction_id, job.user_id, job.parent_id) == (new.id, new.interaction_id, 2**63 - 1, "parent")
    assert (job.request, job.target) == (FULL_REQUEST, new.target)
    assert (job.state, job.received_at, received.place) == (S.RECEIVED, scene.now, 1)
    assert await scene.store.jobs.get(new.id) == job


async def test_an_unknown_job_is_none(store: Store) -> None:
    assert await store.jobs.get("nothing") is None


async def test_an_interaction_starts_one_job_only(scene: Scene) -> None:
    new = scene.new()
    outcomes = await asyncio.gather(
        *(scene.receive(replace(new, id=f"same-{number}")) for number in range(20)), return_exceptions=True
    )

    assert sum(isinstance(outcome, AlreadyReceived) for outcome in outcomes) == 19
    assert len(await scene.store.jobs.open_jobs(1)) == 1


async def test_a_repeated_interaction_is_known_as_such_when_the_user_is_at_the_limit(scene: Scene) -> None:
    new = scene.new()
    await scene.receive(new, limit=1)

    with pytest.raises(AlreadyReceived):
        await scene.receive(replace(new, id="again"), limit=1)


async def test_of_a_hundred_simultaneous_jobs_exactly_the_limit_is_taken(scene: Scene) -> None:
    outcomes = await asyncio.gather(*(scene.receive(scene.new(), limit=7) for _ in range(100)), return_exceptions=True)

    refused = [outcome for outcome in outcomes if isinstance(outcome, TooManyJobs)]
    assert len(refused) == 93
    assert refused[0].limit == 7
    assert len(await scene.store.jobs.open_jobs(1)) == 7


async def test_the_limit_holds_across_processes(postgres: PostgresServer) -> None:
    from tests.integration.conftest import Scene as Scenes

    url = postgres.ready_database()
    stores = [await Store.open(url) for _ in range(3)]
    scenes = [Scenes(store, made=1000 * number) for number, store in enumerate(stores)]
    try:
        outcomes = await asyncio.gather(
            *(scenes[number % 3].receive(scenes[number % 3].new(), limit=5) for number in range(90)),
            return_exceptions=True,
        )
    finally:
        for store in stores:
            await store.close()

    assert sum(isinstance(outcome, TooManyJobs) for outcome in outcomes) == 85


async def test_finished_jobs_make_room_for_new_ones(scene: Scene) -> None:
    job = await scene.job(S.PAINTING)
    with pytest.raises(TooManyJobs):
        await scene.receive(scene.new(), limit=1)

    await scene.move(job, S.FAILED)

    await scene.receive(scene.new(), limit=1)


@pytest.mark.parametrize("start", JobState)
async def test_every_arrow_of_the_model_can_be_gone_and_no_other(scene: Scene, start: JobState) -> None:
    for to in JobState:
        job = await scene.job(start)
        if to in ARROWS[start]:
            assert (await scene.move(job, to)).state is to
        else:
            with pytest.raises(ValueError, match="no arrow"):
                await scene.move(job, to)


async def test_a_job_that_moved_meanwhile_does_not_move_again(scene: Scene) -> None:
    stale = await scene.job(S.WAITING)
    await scene.move(stale, S.SUBMITTING)

    with pytest.raises(JobMoved):
        await scene.move(stale, S.CANCELLED)


async def test_of_two_simultaneous_moves_one_wins(scene: Scene) -> None:
    job = await scene.job(S.WAITING)
    outcomes = await asyncio.gather(scene.move(job, S.SUBMITTING), scene.move(job, S.CANCELLED), return_exceptions=True)

    assert sum(isinstance(outcome, JobMoved) for outcome in outcomes) == 1


async def test_a_job_that_another_process_has_does_not_move(scene: Scene) -> None:
    job = await scene.job(S.WAITING)
    await scene.claim(worker_id="elsewhere")

    with pytest.raises(JobMoved):
        await scene.store.jobs.move(job, S.SUBMITTING, now=scene.now, worker_id="here")
    moved = await scene.store.jobs.move(job, S.SUBMITTING, now=scene.now, worker_id="elsewhere")
    assert moved.state is S.SUBMITTING


async def test_the_times_of_a_job_follow_its_states(scene: Scene) -> None:
    job = await scene.job(S.SUBMITTING)
    begin = scene.now
    for state in (S.PAINTING, S.READY, S.DELIVERING, S.DELIVERED):
        scene.now += LATER
        job = await scene.move(job, state)

    assert (job.received_at, job.submitted_at) == (begin, begin + LATER)
    assert (job.ready_at, job.finished_at) == (begin + 2 * LATER, begin + 4 * LATER)


async def test_a_job_checked_again_is_the_same_task_as_before(scene: Scene) -> None:
    job = await scene.job(S.PAINTING)
    submitted_at = job.submitted_at
    scene.now += LATER
    job = await scene.move(job, S.TIMED_OUT, failure=Failure(FailureKind.TIMED_OUT, Charged.MAYBE), announced=True)
    assert job.finished_at == scene.now
    scene.now += LATER

    job = await scene.move(job, S.PAINTING)

    assert (job.submitted_at, job.finished_at, job.failure, job.announced) == (submitted_at, None, None, False)
    assert [reclaimed.id for reclaimed in await scene.reclaim()] == [job.id]


async def test_a_job_checked_again_is_free_although_whoever_ended_it_still_had_it(scene: Scene) -> None:
    job = await scene.job(S.PAINTING)
    await scene.store.jobs.release("here")
    await scene.reclaim()
    job = await scene.store.jobs.move(job, S.TIMED_OUT, now=scene.now, worker_id="here")
    assert await scene.reclaim("elsewhere") == []

    await scene.move(job, S.PAINTING)

    assert [reclaimed.id for reclaimed in await scene.reclaim("elsewhere")] == [job.id]


async def test_what_is_written_with_a_move_reads_back(scene: Scene) -> None:
    job = await scene.job(S.SUBMITTING)
    job = await scene.move(job, S.PAINTING, task_id="task", request_id="request", attempts=2, cost_micros=20_000)
    job = await scene.move(job, S.READY, result_urls=("https://b.example/1", "https://b.example/2"))

    assert (job.task_id, job.request_id, job.attempts, job.cost_micros) == ("task", "request", 2, 20_000)
    assert job.result_urls == ("https://b.example/1", "https://b.example/2")
    assert await scene.store.jobs.get(job.id) == job


async def test_a_failure_reads_back(scene: Scene) -> None:
    failure = Failure(FailureKind.BAD_SOURCE, Charged.NO, "The picture is damaged.")
    job = await scene.move(await scene.job(S.WAITING), S.FAILED, failure=failure)

    assert (job.failure, job.finished_at) == (failure, scene.now)


@pytest.mark.parametrize("state", sorted(FINAL_STATES))
async def test_an_end_that_is_told_wipes_the_interaction_token(scene: Scene, state: JobState) -> None:
    job = await scene.job(state)
    told = job if job.announced else await scene.store.jobs.change(job.id, announced=True)

    assert told.target.token == ""
    assert await scene.store.jobs.get(job.id) == told


async def test_delivery_into_another_message_wipes_the_token_too(scene: Scene) -> None:
    job = await scene.job(S.DELIVERING)
    elsewhere = replace(job.target, message_id=77, token="fresh")

    assert (await scene.move(job, S.DELIVERED, target=elsewhere)).target == replace(elsewhere, token="")


async def test_an_end_keeps_its_token_until_it_is_told(scene: Scene) -> None:
    job = await scene.job(S.FAILED)

    assert job.target.token


async def test_the_token_of_a_click_is_not_kept_once_the_end_is_told(scene: Scene) -> None:
    job = await scene.job(S.TIMED_OUT)
    await scene.store.jobs.change(job.id, announced=True)
    clicked = replace(job.target, token="of a click")

    assert (await scene.store.jobs.change(job.id, target=clicked)).target.token == ""
    assert (await scene.move(job, S.PAINTING, target=clicked)).target.token == "of a click"
    assert (await scene.store.jobs.change(job.id, target=replace(clicked, token="later"))).target.token == "later"


async def test_change_writes_without_an_arrow(scene: Scene) -> None:
    job = await scene.job(S.PAINTING)
    target = replace(job.target, message_id=5, ephemeral=True, guild_id=None)
    request = replace(job.request, prompt="another")

    changed = await scene.store.jobs.change(
        job.id, target=target, request=request, reply_deleted=True, not_before=scene.now, cancel_requested=True
    )

    assert (changed.target, changed.request, changed.state) == (target, request, S.PAINTING)
    assert (changed.reply_deleted, changed.not_before, changed.cancel_requested) == (True, scene.now, True)


async def test_a_job_that_is_not_there_cannot_be_changed(store: Store) -> None:
    with pytest.raises(JobMoved):
        await store.jobs.change("nothing", reply_deleted=True)
    with pytest.raises(JobMoved):
        await store.jobs.request_cancel("nothing")


async def test_a_wish_to_cancel_is_noted_on_unfinished_jobs_only(scene: Scene) -> None:
    running, over = await scene.job(S.PAINTING), await scene.job(S.DELIVERED)

    assert (await scene.store.jobs.request_cancel(running.id)).cancel_requested
    assert await scene.store.jobs.request_cancel(over.id) == over


async def test_a_users_jobs_are_found_in_their_order(scene: Scene) -> None:
    await scene.job(S.PAINTING, user_id=2)
    running = [(await scene.job(state)).id for state in (S.READY, S.WAITING, S.RECEIVED)]
    for state in (S.DELIVERED, S.FAILED, S.TIMED_OUT):
        await scene.job(state)

    assert [job.id for job in await scene.store.jobs.open_jobs(1)] == running
    assert await scene.store.jobs.open_jobs(3) == []


async def test_jobs_are_counted_by_state(scene: Scene) -> None:
    for state in (S.WAITING, S.WAITING, S.DELIVERED):
        await scene.job(state)

    counts = await scene.store.lists.open_by_state(5.0)

    assert counts == dict.fromkeys(OPEN_STATES, (0, None)) | {S.WAITING: (2, scene.now)}


async def test_a_thousand_jobs_at_once_are_all_written(scene: Scene) -> None:
    received = await asyncio.gather(*(scene.receive(scene.new(user), patience=300) for user in range(1000)))

    assert [each.place for each in received] == list(range(1, 1001))
    assert (await scene.store.lists.open_by_state(5.0))[S.RECEIVED] == (1000, scene.now)


@pytest.mark.parametrize("column", ["state", "request", "result_urls"])
async def test_a_row_of_a_later_version_is_passed_over_and_keeps_no_other_from_being_read(
    scene: Scene, column: str
) -> None:
    later = {"state": "'dreaming'", "request": '\'{"prompt": "x", "resolution": "8k"}\'', "result_urls": "'?'"}
    strange, known = await scene.job(S.PAINTING), await scene.job(S.PAINTING)
    change = text(f"UPDATE jobs SET {column} = {later[column]} WHERE id = '{strange.id}'")
    await scene.store.run(lambda connection: connection.execute(change) and None)
    scene.now += scene.lease * 2

    assert [job.id for job in await scene.reclaim()] == [known.id]
    page = await scene.store.lists.page(ListScope(guild_id=13), 0, 5)
    assert [job.id for job in page.jobs] == [known.id]
    assert await scene.store.jobs.get(strange.id) is None
    assert (await scene.store.lists.open_by_state(5.0))[S.PAINTING][0] >= 1
