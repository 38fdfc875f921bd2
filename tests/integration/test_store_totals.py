"""Totals of days and months: always what the rows of the ledger add up to."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from bot.errors import QuotaReached
from bot.model import Charged, Failure, FailureKind, JobState
from bot.policy.quotas import Span, Terms, What, Whose
from bot.store.queries import totals
from bot.store.schema import totals as totals_table
from tests.integration.ledgers import GUILD, TO_PAINTING, asking, entries, moved, quota, received

if TYPE_CHECKING:
    from tests.integration.conftest import Scene


async def sums_of_rows(scene: Scene) -> dict[tuple[int, int, str], tuple[int, int]]:
    """What the totals ought to be, added up from the ledger's rows."""
    sums: dict[tuple[int, int, str], tuple[int, int]] = {}
    for entry in await entries(scene):
        guild = totals.NO_SERVER if entry.guild_id is None else entry.guild_id
        for user in {entry.user_id, totals.ALL} - {None}:
            for place in (guild, totals.ALL):
                key = (user or 0, place, totals.day_of(entry.reserved_at))
                pictures, cost = sums.get(key, (0, 0))
                sums[key] = (pictures + entry.pictures, cost + (entry.cost_micros or 0))
    return sums


async def totals_in_the_table(scene: Scene) -> dict[tuple[int, int, str], tuple[int, int]]:
    query = select(
        totals_table.c.user_id,
        totals_table.c.guild_id,
        totals_table.c.day,
        func.sum(totals_table.c.pictures),
        func.sum(totals_table.c.cost_micros),
    ).group_by(totals_table.c.user_id, totals_table.c.guild_id, totals_table.c.day)
    found = await scene.store.run(lambda connection: connection.execute(query).all())
    return {(row[0], row[1], row[2]): (int(row[3]), int(row[4])) for row in found if row[3] or row[4]}


async def test_totals_are_what_the_rows_add_up_to_after_every_way_a_job_can_go(scene: Scene) -> None:
    uncharged, charged = Failure(FailureKind.REFUSED, Charged.NO), Failure(FailureKind.REFUSED, Charged.MAYBE)
    for user, guild in ((1, GUILD), (2, GUILD), (1, None), (3, 14)):
        terms = Terms(cost_micros=None if user == 2 else 80_000)
        begun = [(await scene.receive(asking(scene, user, count=4, guild_id=guild), terms=terms)).job for _ in range(5)]
        await scene.move(begun[0], JobState.FAILED, failure=uncharged)
        await scene.move(await moved(scene, begun[1], *TO_PAINTING), JobState.FAILED, failure=charged)
        ready = await moved(scene, begun[2], *TO_PAINTING, JobState.READY)
        came = await scene.move(ready, JobState.DELIVERING, pictures=3, cost_micros=60_000)
        await scene.move(came, JobState.DELIVERED)
        # One that began yesterday, in the month before, and ends uncharged now, is taken out of its own day.
        late = await moved(scene, begun[3], *TO_PAINTING)
        scene.now += timedelta(days=10)
        await scene.move(late, JobState.FAILED, failure=uncharged)

    expected = await sums_of_rows(scene)
    assert await totals_in_the_table(scene) == expected
    assert expected[totals.ALL, totals.ALL, "2026-11-23"] == (11, 220_000)


async def test_what_failed_uncharged_is_given_back_to_every_quota(scene: Scene) -> None:
    every = [
        quota(10**6 if what is What.SPEND else 4, whose, what, span)
        for whose in Whose
        for what in What
        for span in Span
    ]
    terms = Terms(quotas=tuple(every), cost_micros=250_000)
    failed = (await scene.receive(asking(scene, count=4), terms=terms)).job
    with pytest.raises(QuotaReached):
        await scene.receive(asking(scene), terms=terms)
    await scene.move(failed, JobState.FAILED, failure=Failure(FailureKind.REFUSED, Charged.NO))

    standings = await scene.store.ledger.standings(every, user_id=1, guild_id=GUILD, now=scene.now)
    assert {standing.used for standing in standings} == {0}
    await scene.receive(asking(scene, count=4), terms=terms)


async def test_totals_of_past_months_go_and_a_persons_have_no_name_from_the_wish_on(scene: Scene) -> None:
    await moved(scene, await received(scene), *TO_PAINTING, JobState.READY, JobState.DELIVERING, JobState.DELIVERED)
    await scene.store.people.forget(1, scene.now)
    (note,) = await scene.store.people.to_forget()
    before = await totals_in_the_table(scene)
    while (await scene.store.people.forget_some(note, 100)).rows:
        pass
    left = await totals_in_the_table(scene)
    assert {user for user, _, _ in left if user > 0} == set()
    assert sorted(left.values()) == sorted(before.values())
    assert len({user for user, _, _ in left if user < totals.ALL}) == 1

    month_began = Span.MONTH.began(scene.now + timedelta(days=31))
    while await scene.store.retention.old_totals(month_began, 1):
        pass
    assert await totals_in_the_table(scene) == {}


async def test_totals_of_a_server_that_was_left_go_a_few_at_a_time(scene: Scene) -> None:
    for user_id in range(1, 6):
        await scene.receive(scene.new(user_id))
    await scene.store.retention.left(13, scene.now)
    of_server = select(func.count()).select_from(totals_table).where(totals_table.c.guild_id == 13)
    left: list[int] = []
    for _ in range(3):
        await scene.store.retention.server(13, scene.now, 2)
        left.append(await scene.store.run(lambda connection: connection.execute(of_server).scalar_one()))

    assert left == [4, 2, 0]
