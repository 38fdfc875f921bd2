"""Notices of delivered jobs: written with the delivery, taken by one process, found again after its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from bot.model import Job, JobState
from bot.policy.preferences import TOOK_LONG, Notify, Preferences
from bot.store.queries.preferences import Notice
from bot.store.schema import jobs, notices
from tests.integration.conftest import Scene

S = JobState
LEASE = timedelta(seconds=13)
SECOND = timedelta(seconds=1)


async def wants(scene: Scene, when: Notify, user_id: int = 1) -> None:
    await scene.store.preferences.change(user_id, lambda it: replace(it, notify=when))


async def due(scene: Scene, worker_id: str = "here", *, include_own: bool = False, at_most: int = 10) -> list[Notice]:
    return await scene.store.notices.claim(
        worker_id, now=scene.now, lease=LEASE, at_most=at_most, include_own=include_own
    )


async def delivered(scene: Scene, took: timedelta = SECOND, *, channel_id: int = 12) -> Job:
    """A job that took so long from its acknowledgement on."""
    began = scene.now
    job = await scene.job(S.DELIVERING)
    scene.now = began + took
    return await scene.move(job, S.DELIVERED, target=replace(job.target, channel_id=channel_id))


@pytest.mark.parametrize(
    ("when", "took", "told"),
    [
        (Notify.ALWAYS, SECOND, True),
        (Notify.LONG, TOOK_LONG + SECOND, True),
        (Notify.LONG, TOOK_LONG, False),
        (Notify.NEVER, TOOK_LONG * 9, False),
    ],
)
async def test_who_is_told_of_a_delivery(scene: Scene, when: Notify, took: timedelta, told: bool) -> None:
    await wants(scene, when)
    job = await delivered(scene, took)
    assert [(it.job.id, it.tried_at) for it in await due(scene)] == ([(job.id, None)] if told else [])


async def test_whoever_chose_nothing_is_told_nothing(scene: Scene) -> None:
    assert not Preferences().wants_notice(TOOK_LONG * 9)
    await delivered(scene, TOOK_LONG * 9)
    assert await due(scene) == []


async def test_neither_private_replies_nor_failures_nor_what_a_backup_knew_of_are_announced(scene: Scene) -> None:
    await wants(scene, Notify.ALWAYS)
    new = scene.new()
    private = (await scene.receive(replace(new, target=replace(new.target, ephemeral=True)))).job
    for step in (S.WAITING, S.SUBMITTING, S.PAINTING, S.READY, S.DELIVERING, S.DELIVERED):
        private = await scene.move(private, step)
    for state in (S.FAILED, S.CANCELLED, S.TIMED_OUT, S.UNCERTAIN, S.DELIVERING):
        await scene.job(state)
    await scene.move(await scene.job(S.RESTORED), S.DELIVERED)
    assert await due(scene) == []


async def test_one_process_has_a_notice_until_its_time_is_over(scene: Scene) -> None:
    await wants(scene, Notify.ALWAYS)
    job = await delivered(scene)
    store = scene.store.notices
    assert [it.job.id for it in await due(scene, "one")] == [job.id]
    assert await due(scene, "two") == []
    assert await store.trying(job.id, "one", scene.now)
    tried_at = scene.now
    scene.now += LEASE
    [taken_over] = await due(scene, "two")
    assert (taken_over.job.id, taken_over.tried_at) == (job.id, tried_at)
    # The first one was only asleep: it must not send any more, nor put the notice off.
    assert not await store.trying(job.id, "one", scene.now)
    await store.later(job.id, "one", scene.now)
    assert await due(scene, "one") == []
    await store.later(job.id, "two", scene.now + SECOND)
    assert await due(scene, "one") == []
    scene.now += SECOND
    assert [it.job.id for it in await due(scene, "one")] == [job.id]
    await store.done(job.id)
    scene.now += LEASE
    assert await due(scene, "two") == []


async def test_a_start_takes_back_what_its_predecessor_had(scene: Scene) -> None:
    await wants(scene, Notify.ALWAYS)
    job = await delivered(scene)
    await due(scene, "one")
    assert await due(scene, "two", include_own=True) == []
    assert [it.job.id for it in await due(scene, "one", include_own=True)] == [job.id]


async def test_one_of_each_channel_at_a_time_the_oldest_first(scene: Scene) -> None:
    await wants(scene, Notify.ALWAYS)
    crowd = [await delivered(scene) for _ in range(3)]
    alone = await delivered(scene, channel_id=99)
    for job in (crowd[0], alone), (crowd[1],), (crowd[2],):
        assert [it.job.id for it in await due(scene)] == [it.id for it in job]
    scene.now += LEASE
    assert [it.job.id for it in await due(scene, at_most=1)] == [crowd[0].id]


async def test_a_notice_goes_with_its_job(scene: Scene) -> None:
    await wants(scene, Notify.ALWAYS)
    gone, kept = await delivered(scene), await delivered(scene)
    await scene.store.run(lambda connection: connection.execute(delete(jobs).where(jobs.c.id == gone.id)) and None)
    assert [it.job.id for it in await due(scene)] == [kept.id]
    left = await scene.store.run(lambda connection: connection.execute(select(notices.c.job_id)).scalars().all())
    assert list(left) == [kept.id]


async def test_forgetting_a_person_takes_notices_and_choices_along(scene: Scene) -> None:
    await wants(scene, Notify.ALWAYS)
    await delivered(scene)
    assert (await scene.store.people.stored(1)).others == 2
    await scene.store.people.forget(1, scene.now)
    assert (await scene.store.people.stored(1)).others == 0
    assert await due(scene) == []
    assert await scene.store.preferences.read(1) == Preferences()
