"""Sums over all servers and the operator's blocks, on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Executable, event, func, insert, select

from bot.errors import Barred
from bot.model import Charged, Failure, FailureKind, FollowUp, JobState
from bot.policy.bars import Bar
from bot.policy.door import BlockKind
from bot.store.oversight.figures import Ends, ServerPace, UsageOf, UsageSums
from bot.store.schema import outcomes, totals
from bot.store.store import Store
from tests.integration.conftest import Scene

GUILD, OTHER = 13, 14
DAY = timedelta(days=1)
S = JobState


async def ended(scene: Scene, to: JobState, *, guild_id: int | None = GUILD, took_s: int = 0, **changes: Any) -> None:
    """A job that ends so, so many seconds after it came in."""
    new = scene.new()
    job = (await scene.receive(replace(new, target=replace(new.target, guild_id=guild_id)))).job
    steps = (S.WAITING, S.SUBMITTING, S.PAINTING, S.READY, S.DELIVERING) if to is S.DELIVERED else ()
    for step in steps:
        job = await scene.move(job, step)
    began = scene.now
    scene.now += timedelta(seconds=took_s)
    await scene.move(job, to, **changes)
    scene.now = began


async def test_ends_and_times_are_summed_by_server_day_and_month(scene: Scene) -> None:
    refused = Failure(FailureKind.REFUSED, Charged.NO)
    for seconds in (2, 4, 6):
        await ended(scene, S.DELIVERED, took_s=seconds)
        await ended(scene, S.DELIVERED, guild_id=OTHER, took_s=10 * seconds)
    await ended(scene, S.FAILED, failure=refused)
    scene.now += DAY
    await ended(scene, S.FAILED, failure=refused, guild_id=None)
    await ended(scene, S.DELIVERED, took_s=100)

    seen = await scene.store.figures.of_all(scene.now, top=10, slowest=1)

    assert seen.ends == [Ends("delivered", 1, 7), Ends("refused", 1, 2)]
    assert seen.slowest_month == [ServerPace(OTHER, 3, 40.0)]
    assert seen.slowest_today == []  # one request names no slowest server
    assert seen.amounts == UsageSums(1, 7, 0, 0)
    assert [(it.id, it.amounts.pictures_month) for it in seen.top] == [(GUILD, 4), (OTHER, 3), (None, 0)]
    one = await scene.store.figures.of_server(GUILD, scene.now, top=10)
    assert one.ends == [Ends("delivered", 1, 4), Ends("refused", 0, 1)]
    assert one.slowest_today == [ServerPace(GUILD, 1, 100.0)]
    assert one.top == [UsageOf(1, UsageSums(1, 4, 0, 0))]
    assert await scene.store.figures.of_user(1, scene.now) == UsageSums(1, 7, 0, 0)


async def test_a_post_of_pictures_that_are_there_is_no_request(scene: Scene) -> None:
    new = scene.new()
    post = replace(new, request=replace(new.request, follows=FollowUp.POST))
    job = (await scene.receive(post)).job
    await scene.move(await scene.move(job, S.DELIVERING), S.DELIVERED)
    assert (await scene.store.figures.of_all(scene.now, top=1, slowest=1)).ends == []


async def test_past_months_and_servers_that_were_left_go(scene: Scene) -> None:
    await ended(scene, S.DELIVERED)
    await ended(scene, S.DELIVERED, guild_id=OTHER)
    await scene.store.retention.left(OTHER, scene.now)
    await scene.store.retention.server(OTHER, scene.now, 100)
    periods = select(outcomes.c.guild_id).distinct()
    kept = await scene.store.run(lambda connection: set(connection.execute(periods).scalars()))
    assert kept == {GUILD, -2}
    later = scene.now + 31 * DAY
    assert await scene.store.retention.old_totals(later, 100) > 0
    left = select(func.count()).select_from(outcomes)
    assert await scene.store.run(lambda connection: connection.execute(left).scalar_one()) == 0


@pytest.mark.parametrize(("kind", "blocked_id"), [(BlockKind.USER, 1), (BlockKind.SERVER, GUILD)])
async def test_a_block_refuses_the_row_itself(scene: Scene, kind: BlockKind, blocked_id: int) -> None:
    blocks = scene.store.operator_blocks
    before = await blocks.version()
    both = await asyncio.gather(*(blocks.block(kind, blocked_id, by=9, now=scene.now, name="é") for _ in range(2)))
    assert sorted(both) == [False, True]
    assert await blocks.version() != before
    with pytest.raises(Barred) as refused:
        await scene.receive(scene.new())
    assert refused.value.bar is (Bar.OPERATOR_USER if kind is BlockKind.USER else Bar.OPERATOR_SERVER)
    assert [(it.kind, it.id, it.by, it.at, it.name) for it in await blocks.all()] == [
        (kind, blocked_id, 9, scene.now, "é")
    ]
    # a person's wish to be forgotten lifts no block
    await scene.store.people.forget(1, scene.now)
    assert await blocks.unblock(kind, blocked_id)
    assert not await blocks.unblock(kind, blocked_id)
    await scene.receive(scene.new())


async def test_whoever_blocked_is_forgotten_and_the_block_stands(scene: Scene) -> None:
    blocks = scene.store.operator_blocks
    await blocks.block(BlockKind.SERVER, GUILD, by=9, now=scene.now, name="Nine's server")
    await blocks.block(BlockKind.SERVER, OTHER, by=8, now=scene.now, name="Eight's server")
    await scene.store.people.forget(9, scene.now)
    assert {(it.id, it.by, it.name) for it in await blocks.all()} == {(GUILD, 0, ""), (OTHER, 8, "Eight's server")}
    with pytest.raises(Barred):
        await scene.receive(scene.new())


async def test_of_outside_servers_only_the_user_counts(scene: Scene) -> None:
    await scene.store.operator_blocks.block(BlockKind.SERVER, GUILD, by=9, now=scene.now)
    new = scene.new()
    await scene.receive(replace(new, target=replace(new.target, guild_id=None)))


async def test_a_million_jobs_change_nothing(store: Store) -> None:
    """The questions name no table that grows with the jobs: of two hundred servers and a month they read the totals."""
    now = datetime(2026, 11, 28, 12, tzinfo=UTC)
    days = [f"2026-11-{day:02}" for day in range(1, 29)]
    rows = [
        {"user_id": user, "guild_id": guild, "day": day, "shard": 0, "pictures": 1, "cost_micros": 20_000}
        for guild in [*range(1000, 1200), -2]
        for user in (-2, 7)
        for day in days
    ]
    asked: list[str] = []

    def fill(connection: Connection) -> None:
        connection.execute(insert(totals), rows)

    def listen(connection: Connection) -> None:
        @event.listens_for(connection.engine, "before_execute")
        def note(_: Connection, statement: Executable, *rest: object) -> None:
            asked.append(str(statement))

    await store.run(fill)
    await store.run(listen)
    whole = await store.figures.of_all(now, top=25, slowest=5)
    assert whole.amounts == UsageSums(1, 28, 20_000, 560_000)
    assert len(whole.top) == 25
    assert not any(f"FROM {table}" in statement for table in ("jobs", "ledger") for statement in asked)
