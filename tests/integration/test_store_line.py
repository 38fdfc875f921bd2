"""The line: who comes next, and which place a job has."""

from __future__ import annotations

import asyncio
import itertools
import random
import re
from dataclasses import replace
from datetime import timedelta, timezone
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, event, insert, text

from bot.model import JobState
from bot.store.rows import values_of
from bot.store.schema import jobs

if TYPE_CHECKING:
    from tests.integration.conftest import Scene

ANA, BEN, CAT = 1, 2, 3
WAITING, PAINTING = JobState.WAITING, JobState.PAINTING


async def test_a_user_with_many_jobs_does_not_hold_back_anothers_first(scene: Scene) -> None:
    ana = [(await scene.job(WAITING, user_id=ANA)).id for _ in range(3)]
    ben = [(await scene.job(WAITING, user_id=BEN)).id for _ in range(2)]
    cat = (await scene.job(WAITING, user_id=CAT)).id

    assert await scene.store.jobs.queue() == [ana[0], ben[0], cat, ana[1], ben[1], ana[2]]


async def test_jobs_at_the_image_api_count_before_a_users_waiting_ones(scene: Scene) -> None:
    await scene.job(PAINTING, user_id=ANA)
    ana = (await scene.job(WAITING, user_id=ANA)).id
    ben = (await scene.job(WAITING, user_id=BEN)).id

    assert await scene.store.jobs.queue() == [ben, ana]


async def test_a_job_that_came_back_in_line_keeps_its_turn(scene: Scene) -> None:
    refused = await scene.job(JobState.SUBMITTING, user_id=ANA)
    await scene.job(PAINTING, user_id=ANA)
    await scene.move(refused, WAITING)
    ben = await scene.job(WAITING, user_id=BEN)

    assert await scene.store.jobs.queue() == [refused.id, ben.id]


async def test_five_jobs_of_one_user_that_are_served_one_by_one_do_not_hold_back_anothers_first(scene: Scene) -> None:
    ana = [await scene.job(WAITING, user_id=ANA) for _ in range(5)]
    await scene.move(ana[0], JobState.SUBMITTING)
    ben = await scene.job(WAITING, user_id=BEN)
    await scene.move(await scene.move(await scene.store.jobs.get(ana[0].id) or ana[0], PAINTING), JobState.READY)

    assert await scene.store.jobs.queue() == [ben.id, *(job.id for job in ana[1:])]


async def test_finished_and_ready_jobs_do_not_push_a_user_back(scene: Scene) -> None:
    for state in (JobState.DELIVERED, JobState.FAILED, JobState.READY, JobState.DELIVERING):
        await scene.job(state, user_id=ANA)
    ana = (await scene.job(WAITING, user_id=ANA)).id
    ben = (await scene.job(WAITING, user_id=BEN)).id

    assert await scene.store.jobs.queue() == [ana, ben]


async def test_the_place_told_at_first_is_the_place_it_then_has(scene: Scene) -> None:
    random_ = random.Random(7)
    for _ in range(25):
        received = await scene.receive(scene.new(random_.choice([ANA, BEN, CAT])))
        job = await scene.move(received.job, WAITING)
        line = await scene.store.jobs.queue()
        assert line.index(job.id) + 1 == received.place
        if random_.random() < 0.3:
            first = await scene.store.jobs.get(line[0])
            assert first is not None
            await scene.move(first, JobState.SUBMITTING)


async def test_received_jobs_count_for_the_place_before_they_stand_in_line(scene: Scene) -> None:
    places = [(await scene.receive(scene.new(user))).place for user in (ANA, BEN, CAT)]

    assert places == [1, 2, 3]
    assert await scene.store.jobs.queue() == []


async def test_claim_takes_jobs_in_the_order_of_the_line(scene: Scene) -> None:
    for user in (ANA, ANA, ANA, BEN):
        await scene.job(WAITING, user_id=user)
    line = await scene.store.jobs.queue()

    claimed = await scene.claim(room=3)

    assert [job.id for job in claimed] == line[:3]
    assert {job.state for job in claimed} == {WAITING}


async def test_claimed_jobs_keep_their_place_but_are_claimed_once(scene: Scene) -> None:
    first, second = [(await scene.job(WAITING, user_id=user)).id for user in (ANA, BEN)]

    assert [job.id for job in await scene.claim(room=1)] == [first]
    assert [job.id for job in await scene.claim(worker_id="elsewhere")] == [second]
    assert await scene.claim() == []
    assert await scene.store.jobs.queue() == [first, second]


async def test_claim_without_room_takes_nothing(scene: Scene) -> None:
    await scene.job(WAITING)

    assert await scene.claim(room=0) == []
    assert await scene.claim(room=-1) == []


async def test_claims_of_several_processes_never_share_a_job(scene: Scene) -> None:
    for user in range(40):
        await scene.job(WAITING, user_id=user)

    shares = await asyncio.gather(*(scene.claim(room=3, worker_id=f"process-{number}") for number in range(10)))

    ids = [job.id for job in itertools.chain.from_iterable(shares)]
    assert len(ids) == len(set(ids)) == 30


async def test_a_refused_job_is_not_claimed_before_its_time(scene: Scene) -> None:
    job = await scene.job(JobState.SUBMITTING)
    await scene.move(job, WAITING, not_before=scene.now + timedelta(seconds=5))

    assert await scene.claim() == []
    scene.now += timedelta(seconds=5)
    assert [again.id for again in await scene.claim()] == [job.id]


async def test_a_claim_whose_lease_ran_out_is_anybodys(scene: Scene) -> None:
    await scene.job(WAITING)
    assert len(await scene.claim(worker_id="dead")) == 1

    scene.now += scene.lease - timedelta(microseconds=1)
    assert await scene.claim() == []
    scene.now += timedelta(microseconds=1)
    assert len(await scene.claim()) == 1


async def test_times_of_other_zones_are_compared_as_moments(scene: Scene) -> None:
    await scene.job(WAITING)
    await scene.claim(worker_id="dead")
    scene.now = (scene.now + timedelta(seconds=10)).astimezone(timezone(timedelta(hours=9)))
    assert await scene.claim() == []


async def test_the_line_stays_cheap_among_many_finished_jobs(scene: Scene) -> None:
    """Every statement finds its rows by an index: none reads the whole table of jobs."""
    await scene.store.run(lambda connection: fill(connection, scene, waiting=1000, finished=20_000))
    plans: list[str] = []
    await scene.store.run(lambda connection: explain_all(connection.engine, plans))

    await scene.store.jobs.queue()
    await scene.receive(scene.new(user_id=5))
    assert len(await scene.claim(room=50)) == 50
    await scene.reclaim()
    await scene.store.jobs.open_jobs(5)
    await scene.store.lists.open_by_state(5.0)

    print("\n\n".join(plans))  # noqa: T201
    assert len(plans) > 6
    assert [plan for plan in plans if WHOLE_TABLE.search(plan)] == []


#: How SQLite and PostgreSQL write that all rows are read. An index on a condition, or on an order, is another matter.
WHOLE_TABLE = re.compile(r"SCAN jobs(?! USING)|Seq Scan on jobs")


def explain_all(engine: Engine, plans: list[str]) -> None:
    """Have the database explain every statement on jobs that it is given from now on."""

    def explain(connection: Connection, _: object, statement: str, parameters: Any, *__: object) -> None:
        if "jobs" in statement and not statement.startswith("EXPLAIN"):
            how = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
            found = connection.exec_driver_sql(f"{how} {statement}", parameters).all()
            plans.append("\n".join([statement, *(str(row[-1]) for row in found)]))

    event.listen(engine, "before_cursor_execute", explain)


def fill(connection: Connection, scene: Scene, *, waiting: int, finished: int) -> None:
    rows = [
        values_of(replace(scene.new(number % 500), id=f"old-{number}", interaction_id=number))
        | {"state": WAITING if number < waiting else JobState.DELIVERED}
        | {"received_at": scene.now, "told": number >= waiting}
        for number in range(waiting + finished)
    ]
    connection.execute(insert(jobs), rows)
    connection.execute(text("ANALYZE"))
