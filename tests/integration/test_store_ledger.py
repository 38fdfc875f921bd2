"""The ledger goes with its jobs: reserved, corrected, settled, given back; and never more than a quota."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete

from bot.errors import QueueFull, QuotaReached, TooManyJobs
from bot.model import QUALITY, Charged, Failure, FailureKind, ImageRequest, Job, JobState
from bot.policy.quotas import SetBy, Span, Terms, What, Whose
from bot.store.queries.ledger import By, DaySum, Extent, Sum
from bot.store.schema import ledger
from bot.store.store import Store
from tests.integration.ledgers import EVER, GUILD, TO_PAINTING, asking, entries, moved, quota, received

if TYPE_CHECKING:
    from tests.integration.conftest import PostgresServer, Scene

CROWD = 50


async def test_the_row_comes_with_the_job_and_is_settled_with_what_came(scene: Scene) -> None:
    job = await received(scene)
    (reserved,) = await entries(scene)
    assert (reserved.pictures, reserved.cost_micros, reserved.settled_at) == (4, 80_000, None)
    assert (reserved.job_id, reserved.user_id, reserved.guild_id, reserved.channel_id) == (job.id, 1, GUILD, 12)

    job = await moved(scene, job, *TO_PAINTING, JobState.READY)
    job = await scene.move(job, JobState.DELIVERING, cost_micros=60_000, pictures=3)
    assert [(it.pictures, it.cost_micros, it.settled_at) for it in await entries(scene)] == [(3, 60_000, None)]
    await scene.move(job, JobState.DELIVERED)
    assert [(it.pictures, it.cost_micros, it.settled_at) for it in await entries(scene)] == [(3, 60_000, scene.now)]


async def test_lines_are_read_part_by_part_each_once_though_many_are_of_one_moment(scene: Scene) -> None:
    for number in range(7):
        await received(scene)
        scene.now += timedelta(seconds=number // 5)
    read = [await scene.store.ledger.entries(EVER, 2)]
    while read[-1]:
        read.append(await scene.store.ledger.entries(EVER, 2, read[-1][-1]))

    assert [it for some in read for it in some] == await entries(scene)
    assert len({it.job_id for some in read for it in some}) == 7


@pytest.mark.parametrize("charged", Charged)
async def test_a_job_that_ends_uncharged_gives_its_slot_back_and_any_other_keeps_it(
    scene: Scene, charged: Charged
) -> None:
    job = await moved(scene, await received(scene), *TO_PAINTING)
    await scene.move(job, JobState.FAILED, failure=Failure(FailureKind.UNKNOWN, charged))
    left = [(it.pictures, it.cost_micros, it.settled_at) for it in await entries(scene)]
    assert left == ([] if charged is Charged.NO else [(4, 80_000, scene.now)])


async def test_checking_again_counts_a_job_once(scene: Scene) -> None:
    timed_out = Failure(FailureKind.TIMED_OUT, Charged.MAYBE)
    job = await moved(scene, await received(scene), *TO_PAINTING)
    for _ in range(3):
        job = await scene.move(job, JobState.TIMED_OUT, failure=timed_out)
        assert [(it.pictures, it.settled_at) for it in await entries(scene)] == [(4, scene.now)]
        job = await scene.move(job, JobState.PAINTING)
        assert [(it.pictures, it.settled_at) for it in await entries(scene)] == [(4, None)]
    job = await scene.move(job, JobState.READY)
    job = await scene.move(job, JobState.DELIVERING, cost_micros=80_000, pictures=4)
    await scene.move(job, JobState.DELIVERED)
    assert (await scene.store.ledger.total(EVER)) == Sum(None, 1, 4, 80_000, 0)


async def test_checking_again_can_give_a_slot_back(scene: Scene) -> None:
    job = await moved(scene, await received(scene), *TO_PAINTING)
    job = await scene.move(job, JobState.TIMED_OUT, failure=Failure(FailureKind.TIMED_OUT, Charged.MAYBE))
    job = await scene.move(job, JobState.PAINTING)
    await scene.move(job, JobState.FAILED, failure=Failure(FailureKind.REFUSED, Charged.NO))
    assert await entries(scene) == []


async def test_a_job_older_than_the_ledger_is_entered_when_it_is_delivered(scene: Scene) -> None:
    job = await moved(scene, await received(scene), *TO_PAINTING)
    await scene.store.run(lambda connection: connection.execute(delete(ledger)) and None)
    job = await scene.move(job, JobState.READY, result_urls=("https://a.example/1", "https://a.example/2"))
    job = await scene.move(job, JobState.DELIVERING, cost_micros=40_000, pictures=2)
    await scene.move(job, JobState.DELIVERED)
    assert [(it.pictures, it.cost_micros) for it in await entries(scene)] == [(2, 40_000)]


@pytest.mark.parametrize(("came", "costs"), [(4, 80_000), (3, 60_000), (1, 20_000)])
async def test_a_price_that_is_gone_meanwhile_takes_nothing_out_of_a_budget(
    scene: Scene, came: int, costs: int
) -> None:
    job = await moved(scene, await received(scene), *TO_PAINTING)
    job = await scene.move(job, JobState.READY, result_urls=("https://a.example/1",) * came)
    job = await scene.move(job, JobState.DELIVERING, cost_micros=None, pictures=came)
    await scene.move(job, JobState.DELIVERED)
    assert [(it.pictures, it.cost_micros) for it in await entries(scene)] == [(came, costs)]
    assert (await scene.store.ledger.total(EVER)) == Sum(None, 1, came, costs, 0)


async def test_sums_by_member_model_and_day(scene: Scene) -> None:
    quality = replace(asking(scene, 2, count=2), request=ImageRequest("x", QUALITY, count=2))
    await scene.receive(asking(scene, 1, count=3), terms=Terms(cost_micros=60_000))
    await scene.receive(quality)
    scene.now += timedelta(hours=13)
    await scene.receive(asking(scene, 1, guild_id=None), terms=Terms(cost_micros=20_000))
    book, here = scene.store.ledger, replace(EVER, guild_id=GUILD)

    assert await book.total(EVER) == Sum(None, 3, 6, 80_000, 2)
    assert await book.sums(EVER, By.MEMBER) == [Sum(1, 2, 4, 80_000, 0), Sum(2, 1, 2, 0, 2)]
    assert await book.sums(here, By.MODEL) == [
        Sum("grok-imagine-image", 1, 3, 60_000, 0),
        Sum("grok-imagine-image-quality", 1, 2, 0, 2),
    ]
    assert await book.sums(EVER, By.MEMBER, limit=1) == [Sum(1, 2, 4, 80_000, 0)]
    days = [DaySum(date(2026, 11, 23), 5, 60_000), DaySum(date(2026, 11, 24), 1, 20_000)]
    assert await book.days(EVER) == days
    assert await book.days(Extent(Span.DAY.began(scene.now))) == days[1:]


async def test_a_quota_says_what_is_left_and_renews_at_midnight_in_utc(scene: Scene) -> None:
    terms = Terms((quota(5, Whose.MEMBER),))
    await scene.receive(asking(scene, count=3), terms=terms)
    with pytest.raises(QuotaReached) as caught:
        await scene.receive(asking(scene, count=3), terms=terms)
    standing = caught.value.standing
    assert (standing.used, standing.left, caught.value.asked) == (3, 2, 3)
    assert standing.renews_at == datetime(2026, 11, 24, tzinfo=UTC)
    await scene.receive(asking(scene, count=2), terms=terms)
    scene.now = datetime(2026, 11, 24, tzinfo=UTC)
    await scene.receive(asking(scene, count=3), terms=terms)


async def test_a_month_renews_with_the_calendar(scene: Scene) -> None:
    terms = Terms((quota(100, Whose.SERVER, What.SPEND, Span.MONTH),), cost_micros=100)
    scene.now = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
    await scene.receive(asking(scene), terms=terms)
    with pytest.raises(QuotaReached) as caught:
        await scene.receive(asking(scene), terms=terms)
    assert caught.value.standing.renews_at == datetime(2027, 1, 1, tzinfo=UTC)
    scene.now = datetime(2027, 1, 1, tzinfo=UTC)
    await scene.receive(asking(scene), terms=terms)


async def test_each_quota_counts_its_own(scene: Scene) -> None:
    await scene.receive(asking(scene, 1))
    await scene.receive(asking(scene, 2))
    await scene.receive(asking(scene, 1, guild_id=99))
    for whose, used in ((Whose.MEMBER, 1), (Whose.USER, 2), (Whose.SERVER, 2), (Whose.EVERYONE, 3)):
        (standing,) = await scene.store.ledger.standings([quota(10, whose)], user_id=1, guild_id=GUILD, now=scene.now)
        assert standing.used == used


async def test_what_has_no_price_counts_as_pictures_only(scene: Scene) -> None:
    terms = Terms((quota(1, Whose.SERVER, What.SPEND), quota(2, Whose.SERVER)))
    await scene.receive(asking(scene), terms=terms)
    await scene.receive(asking(scene), terms=terms)
    with pytest.raises(QuotaReached) as caught:
        await scene.receive(asking(scene), terms=terms)
    assert caught.value.standing.quota.what is What.PICTURES


async def test_a_server_may_take_fewer_jobs_at_once_than_the_operator(scene: Scene) -> None:
    await scene.receive(asking(scene), terms=Terms(jobs_per_member=1))
    with pytest.raises(TooManyJobs) as caught:
        await scene.receive(asking(scene), limit=3, terms=Terms(jobs_per_member=1))
    assert (caught.value.limit, caught.value.set_by) == (1, SetBy.SERVER)
    await scene.receive(asking(scene, guild_id=99), terms=Terms(jobs_per_member=1))
    await scene.receive(asking(scene, 2), terms=Terms(jobs_per_member=1))


async def test_a_line_has_an_end(scene: Scene) -> None:
    terms = Terms(line_length=2)
    first = (await scene.receive(asking(scene, 1), terms=terms)).job
    await scene.receive(asking(scene, 2), terms=terms)
    with pytest.raises(QueueFull):
        await scene.receive(asking(scene, 3), terms=terms)
    await moved(scene, first, JobState.WAITING, JobState.SUBMITTING)
    await scene.receive(asking(scene, 3), terms=terms)


#: A limit for a crowd of which each asks for two pictures at 10 micros, and how many of the crowd it lets in.
EDGES = {
    "pictures of a member": (Terms((quota(11, Whose.MEMBER),)), 5, 100),
    "pictures of a user": (Terms((quota(11, Whose.USER),)), 5, 100),
    "pictures of a server": (Terms((quota(21, Whose.SERVER),)), 10, 100),
    "money of a server": (Terms((quota(77, Whose.SERVER, What.SPEND),), cost_micros=10), 7, 100),
    "money of a month": (Terms((quota(77, Whose.SERVER, What.SPEND, Span.MONTH),), cost_micros=10), 7, 100),
    "money of everyone": (Terms((quota(33, Whose.EVERYONE, What.SPEND),), cost_micros=10), 3, 100),
    "jobs at once in a server": (Terms(jobs_per_member=4), 4, 100),
    "jobs at once": (Terms(), 6, 6),
    "the line": (Terms(line_length=9), 9, 100),
}


@pytest.mark.parametrize("name", EDGES)
async def test_a_crowd_never_overruns_a_limit_and_what_fails_lets_others_in(scene: Scene, name: str) -> None:
    await crowds([scene], name)


@pytest.mark.parametrize("name", EDGES)
async def test_crowds_of_two_processes_never_overrun_a_limit(postgres: PostgresServer, name: str) -> None:
    from tests.integration.conftest import Scene

    url = postgres.ready_database()
    stores = [await Store.open(url) for _ in range(2)]
    await crowds(
        [Scene(store, worker_id=f"process {number}", made=number * 1000) for number, store in enumerate(stores)], name
    )
    for store in stores:
        await store.close()


async def crowds(scenes: list[Scene], name: str) -> None:
    terms, room, limit = EDGES[name]
    by_user = any(word in name for word in ("member", "user", "jobs"))

    async def press(number: int) -> Job | None:
        scene = scenes[number % len(scenes)]
        new = asking(scene, 1 if by_user else 1 + number, count=2)
        try:
            return (await scene.receive(new, limit=limit, terms=terms)).job
        except (QuotaReached, TooManyJobs, QueueFull):
            return None

    for _ in range(2):
        outcomes = await asyncio.gather(*map(press, range(CROWD)))
        taken = [job for job in outcomes if job is not None]
        assert len(taken) == room
        assert (await scenes[0].store.ledger.total(EVER)).jobs == room
        assert await press(0) is None
        # Nobody of them is charged: one fails, one is cancelled, and so on; all places are free again.
        kinds = (FailureKind.CANCELLED, FailureKind.REFUSED, FailureKind.UNACKNOWLEDGED)
        for number, job in enumerate(taken):
            await scenes[0].move(job, JobState.FAILED, failure=Failure(kinds[number % 3], Charged.NO))
        assert (await scenes[0].store.ledger.total(EVER)).jobs == 0


async def test_people_of_many_servers_at_once_in_two_processes_wait_for_nobody_for_ever(
    postgres: PostgresServer,
) -> None:
    """The locks of a crowd in all orders: no deadlock, which the database would only end after a second."""
    from tests.integration.conftest import Scene

    url = postgres.ready_database()
    stores = [await Store.open(url) for _ in range(2)]
    scenes = [Scene(store, worker_id=f"process {number}", made=number * 1000) for number, store in enumerate(stores)]
    terms = Terms((quota(100, Whose.SERVER), quota(1000, Whose.EVERYONE, What.SPEND)), cost_micros=1)

    async def press(number: int) -> None:
        scene = scenes[number % 2]
        new = asking(scene, 1 + number * 7 % 10, guild_id=1 + number * 3 % 11)
        await scene.receive(new, limit=1000, terms=terms)

    await asyncio.gather(*map(press, range(300)))
    assert (await stores[0].ledger.total(EVER)).jobs == 300
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    found = await stores[0].run(lambda connection: connection.exec_driver_sql(deadlocks).scalar_one())
    assert found == 0
    for store in stores:
        await store.close()


@pytest.mark.parametrize("span", Span)
async def test_what_is_asked_for_before_midnight_and_comes_after_counts_where_it_was_asked(
    scene: Scene, span: Span
) -> None:
    """Nobody gets a day's budget twice by asking at its end, nor loses one of the next day to it."""
    scene.now = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
    terms = Terms((quota(100_000, Whose.EVERYONE, What.SPEND, span),), cost_micros=80_000)

    async def ask() -> Job:
        return (await scene.receive(asking(scene, count=4), terms=terms)).job

    asked = [await ask()]
    with pytest.raises(QuotaReached):
        await ask()
    scene.now += timedelta(seconds=2)
    asked.append(await ask())  # all of the new day is there
    for one in asked:
        job = await moved(scene, one, *TO_PAINTING, JobState.READY)
        job = await scene.move(job, JobState.DELIVERING, cost_micros=100_000, pictures=4)
        await scene.move(job, JobState.DELIVERED)
    (standing,) = await scene.store.ledger.standings(terms.quotas, user_id=1, guild_id=GUILD, now=scene.now)
    assert (standing.used, standing.left) == (100_000, 0)
    with pytest.raises(QuotaReached):
        await ask()
