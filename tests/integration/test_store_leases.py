"""Who works on a job: leases, their end, and what a start takes over."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from bot.model import JobState
from bot.store.schema import jobs
from bot.store.store import Store

if TYPE_CHECKING:
    from tests.integration.conftest import Scene

S = JobState
#: Leases are counted by the database's clock, which is measured, and not to the microsecond.
A_MOMENT = timedelta(seconds=1)


async def owner_of(store: Store, job_id: str) -> str | None:
    query = select(jobs.c.owner).where(jobs.c.id == job_id)
    return await store.run(lambda connection: connection.execute(query).scalar_one())


async def test_a_start_takes_over_what_its_predecessor_left(scene: Scene) -> None:
    left = [await scene.job(state) for state in (S.RECEIVED, S.SUBMITTING, S.PAINTING, S.READY, S.DELIVERING)]
    await scene.job(S.DELIVERED)
    waiting = await scene.job(S.WAITING)
    await scene.claim()
    await scene.store.run(lambda connection: connection.execute(update(jobs).values(owner="here")) and None)

    assert [job.id for job in await scene.reclaim(include_own=True)] == [job.id for job in left]
    assert [job.id for job in await scene.claim()] == [waiting.id]


async def test_only_jobs_without_a_lease_are_adopted(scene: Scene) -> None:
    leased = await scene.job(S.RECEIVED)
    assert await scene.reclaim("elsewhere") == []
    assert await scene.reclaim() == []

    scene.now += scene.lease + A_MOMENT
    assert [job.id for job in await scene.reclaim("elsewhere")] == [leased.id]
    assert await scene.reclaim() == []
    assert await owner_of(scene.store, leased.id) == "elsewhere"


async def test_an_end_that_nobody_was_told_is_adopted_until_it_is_told(scene: Scene) -> None:
    job = await scene.move(await scene.job(S.PAINTING), S.FAILED)
    await scene.move(await scene.job(S.PAINTING), S.FAILED, announced=True)
    await scene.job(S.DELIVERED)

    assert [reclaimed.id for reclaimed in await scene.reclaim()] == [job.id]
    assert (await scene.store.jobs.change(job.id, announced=True)).announced
    scene.now += 2 * scene.lease
    assert await scene.reclaim() == []


async def test_whoever_ended_a_job_keeps_it_until_it_is_told(scene: Scene) -> None:
    job = (await scene.receive(scene.new())).job
    await scene.store.jobs.move(job, S.FAILED, now=scene.now, worker_id="here")

    assert await scene.reclaim("elsewhere") == []
    assert await scene.store.jobs.keep("here", [job.id], now=scene.now, lease=scene.lease)


async def test_a_late_word_that_a_job_was_told_does_not_touch_one_taken_up_again(scene: Scene) -> None:
    job = await scene.move(await scene.job(S.PAINTING), S.TIMED_OUT)
    await scene.move(job, S.PAINTING)

    assert not (await scene.store.jobs.change(job.id, announced=True)).announced


async def test_the_heartbeat_renews_what_is_still_ours(scene: Scene) -> None:
    mine, lost = await scene.job(), await scene.job()
    scene.now += scene.lease + A_MOMENT
    await scene.store.jobs.keep("here", [mine.id], now=scene.now, lease=scene.lease)
    assert [job.id for job in await scene.reclaim("elsewhere")] == [lost.id]

    kept = await scene.store.jobs.keep("here", [mine.id, lost.id, "nothing"], now=scene.now, lease=scene.lease)

    assert set(kept) == {mine.id}
    assert await scene.store.jobs.keep("here", [], now=scene.now, lease=scene.lease) == {}


async def test_released_jobs_are_taken_over_at_once(scene: Scene) -> None:
    job = await scene.job()
    await scene.job(S.WAITING)
    await scene.claim()
    await scene.store.jobs.release("elsewhere")
    assert await scene.reclaim("elsewhere") == []

    await scene.store.jobs.release("here")

    assert [reclaimed.id for reclaimed in await scene.reclaim("elsewhere")] == [job.id]
    assert len(await scene.claim(worker_id="elsewhere")) == 1


async def test_a_write_after_the_release_counts_while_nobody_took_over(scene: Scene) -> None:
    job = await scene.job(S.RECEIVED)
    await scene.store.jobs.release("here")

    await scene.store.jobs.move(job, S.CANCELLED, now=scene.now, worker_id="here")


async def test_a_held_job_is_claimed_by_nobody_until_it_is_let_go(scene: Scene) -> None:
    first, second = [await scene.job(S.WAITING) for _ in range(2)]
    held = await scene.store.jobs.hold("one", [first.id, second.id], now=scene.now, lease=scene.lease)
    assert {it.id for it in held} == {first.id, second.id}
    assert await scene.store.jobs.hold("two", [first.id], now=scene.now, lease=scene.lease) == []
    assert await scene.claim(worker_id="one") == await scene.claim(worker_id="two") == []
    await scene.store.jobs.move(second, S.CANCELLED, now=scene.now)
    assert await scene.store.jobs.let_go("two", [first.id]) == []  # not its own
    assert await scene.store.jobs.let_go("one", [first.id, second.id]) == [first.id]
    assert [it.id for it in await scene.claim(worker_id="two")] == [first.id]
    assert await scene.store.jobs.hold("one", [first.id], now=scene.now, lease=scene.lease) == []


async def test_a_job_back_in_line_belongs_to_nobody(scene: Scene) -> None:
    job = await scene.job(S.WAITING)
    await scene.claim()
    job = await scene.store.jobs.move(job, S.SUBMITTING, now=scene.now, worker_id="here")
    await scene.store.jobs.move(job, S.WAITING, now=scene.now, worker_id="here")

    assert await owner_of(scene.store, job.id) is None
    assert len(await scene.claim(worker_id="elsewhere")) == 1


async def test_a_refused_acknowledgement_row_that_was_written_too_late_is_handed_out_unbought(scene: Scene) -> None:
    """The caller of `receive` was told StoreUnavailable although the commit came through: the worst of cases."""
    job = (await scene.receive(scene.new())).job
    scene.now += scene.lease + A_MOMENT

    assert await scene.claim() == []
    reclaimed = await scene.reclaim("elsewhere")

    assert [(each.id, each.state) for each in reclaimed] == [(job.id, JobState.RECEIVED)]
