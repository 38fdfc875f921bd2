"""A crowd that asks in one instant: it is written with few statements, and each is judged as if they came in a row."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event

from bot.errors import AlreadyReceived, Barred, EaselError, JobMoved, QueueFull, QuotaReached, RulesChanged, TooManyJobs
from bot.model import FollowUp, ImageRequest, Job, JobState, NewJob
from bot.policy.door import BlockKind
from bot.policy.preset import Preset
from bot.policy.quotas import FREE, Quota, SetBy, Span, Terms, What, Whose
from bot.policy.request_input import Options
from bot.policy.rules import Rules
from bot.policy.server_log import LogLine
from bot.store.queries.jobs import Received
from bot.store.queries.ledger import Extent
from bot.store.store import Store
from tests.integration.conftest import PostgresServer, Scene

CROWD = 300
#: Everything that can be limited, and so much of it that nobody is refused.
EVERY_CEILING = Terms(
    quotas=tuple(
        Quota(whose, what, span, 10**9, SetBy.OPERATOR)
        for whose in Whose
        for what in What
        for span in Span
        if whose is not Whose.USER or span is Span.DAY
    ),
    cost_micros=20_000,
    jobs_per_member=3,
    line_length=10**6,
)


@contextmanager
def counted() -> Generator[list[str]]:
    """The statements that reach any database meanwhile."""
    statements: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *others: Any) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def quota(limit: int, whose: Whose, what: What = What.PICTURES, span: Span = Span.DAY) -> Quota:
    return Quota(whose, what, span, limit, SetBy.OPERATOR)


def asking(scene: Scene, user_id: int, *, guild_id: int | None = 13, count: int = 1) -> NewJob:
    new = scene.new(user_id)
    return replace(new, request=ImageRequest("a red fox", count=count), target=replace(new.target, guild_id=guild_id))


async def all_at_once(scene: Scene, asked: list[NewJob], terms: Terms, limit: int = 100) -> list[Received | EaselError]:
    """What came of each, in the order in which they asked."""

    async def one(new: NewJob) -> Received | EaselError:
        try:
            return await scene.receive(new, terms=terms, limit=limit)
        except EaselError as error:
            return error

    return await asyncio.gather(*map(one, asked))


async def test_a_crowd_with_every_ceiling_set_costs_few_statements(scene: Scene) -> None:
    """One statement for each of some steps and hundred jobs; it was seven for each job."""
    with counted() as statements:
        outcomes = await all_at_once(scene, [asking(scene, user) for user in range(1, CROWD + 1)], EVERY_CEILING)
    assert [it for it in outcomes if not isinstance(it, Received)] == []
    assert len(statements) <= CROWD // 3
    places = [it.place for it in outcomes if isinstance(it, Received)]
    assert places == list(range(1, CROWD + 1))
    total = await scene.store.ledger.total(Extent(scene.now - timedelta(days=1)))
    assert (total.jobs, total.pictures, total.cost_micros) == (CROWD, CROWD, CROWD * 20_000)


async def test_statements_of_crowds_of_any_size_have_the_same_texts(scene: Scene) -> None:
    """A text with a placeholder for each value was made anew for each size, which cost more than doing it."""
    await all_at_once(scene, [asking(scene, 1)], EVERY_CEILING)
    texts: list[set[str]] = []
    for size in (1, 7, 80):
        with counted() as statements:
            await all_at_once(scene, [asking(scene, size * 1000 + user) for user in range(size)], EVERY_CEILING)
        texts.append(set(statements))
    assert texts[0] == texts[1] == texts[2]


async def test_the_acknowledgements_of_a_crowd_cost_few_statements(scene: Scene) -> None:
    """It was one for each job, and one more on PostgreSQL."""
    outcomes = await all_at_once(scene, [asking(scene, user) for user in range(1, CROWD + 1)], EVERY_CEILING)
    received = [it.job for it in outcomes if isinstance(it, Received)]
    with counted() as statements:
        waiting = await asyncio.gather(
            *(scene.store.jobs.acknowledged(it, replace(it.target, message_id=it.interaction_id)) for it in received)
        )
    assert len(statements) <= CROWD // 10
    assert {it.state for it in waiting} == {JobState.WAITING}
    assert [await scene.store.jobs.get(it.id) for it in waiting[:3]] == waiting[:3]
    assert await scene.store.jobs.queue() == [it.id for it in waiting]
    assert len(await scene.claim(room=CROWD)) == CROWD


async def test_what_was_written_before_an_acknowledgement_comes_with_it(scene: Scene) -> None:
    """A click on the card can be quicker: it cancels, or brings a new token. One that has ended stays ended."""
    cancelled, renewed, ended = [await scene.job() for _ in range(3)]
    await scene.store.jobs.request_cancel(cancelled.id)
    await scene.store.jobs.change(renewed.id, target=replace(renewed.target, token="another"))
    await scene.move(ended, JobState.FAILED, announced=True)
    seen = [replace(it.target, message_id=7, ephemeral=True) for it in (cancelled, renewed, ended)]
    acts = [scene.store.jobs.acknowledged(it, at) for it, at in zip((cancelled, renewed, ended), seen, strict=True)]
    first, second, third = await asyncio.gather(*acts, return_exceptions=True)
    assert isinstance(first, Job)
    assert isinstance(second, Job)
    assert first.cancel_requested
    assert (second.target.token, second.target.message_id, second.target.ephemeral) == ("another", 7, True)
    assert isinstance(third, JobMoved)
    failed = await scene.store.jobs.get(ended.id)
    assert failed is not None
    assert failed.state is JobState.FAILED


async def test_the_life_of_a_job_costs_few_statements(scene: Scene) -> None:
    """Eight after its first row, in four transactions; it was thirteen in six, and two more to claim it."""
    job = (await scene.receive(asking(scene, 1), terms=EVERY_CEILING)).job
    urls, price = ("https://a.example/1",), 20_000
    with counted() as statements:
        job = await scene.move(job, JobState.SUBMITTING, attempts=1)
        job = await scene.move(job, JobState.PAINTING, task_id="task_1")
        job = await scene.move(job, JobState.DELIVERING, pictures=1, cost_micros=price, result_urls=urls)
        await scene.move(job, JobState.DELIVERED, announced=True)
    assert len([it for it in statements if not it.startswith("BEGIN")]) <= 8


@pytest.mark.parametrize(
    ("whose", "what", "limit", "fit"),
    [
        (Whose.EVERYONE, What.PICTURES, 37, 37),
        (Whose.SERVER, What.SPEND, 25 * 20_000 + 19_999, 25),
        (Whose.USER, What.PICTURES, 3, 3),
        (Whose.MEMBER, What.SPEND, 3 * 20_000, 3),
    ],
)
async def test_of_a_crowd_as_many_fit_as_a_quota_has_room_for(
    scene: Scene, whose: Whose, what: What, limit: int, fit: int
) -> None:
    one_person = whose in {Whose.USER, Whose.MEMBER}
    terms = Terms((quota(limit, whose, what),), cost_micros=20_000)
    outcomes = await all_at_once(scene, [asking(scene, 1 if one_person else user) for user in range(1, 60)], terms)
    assert [isinstance(it, Received) for it in outcomes] == [True] * fit + [False] * (59 - fit)
    used = [it.standings[0].used for it in outcomes if isinstance(it, Received)]
    assert used == [(n + 1) * (1 if what is What.PICTURES else 20_000) for n in range(fit)]
    assert all(isinstance(it, QuotaReached) for it in outcomes[fit:])


async def test_who_asks_for_less_still_fits_behind_one_who_does_not(scene: Scene) -> None:
    terms = Terms((quota(5, Whose.EVERYONE),))
    asked = [asking(scene, user, count=count) for user, count in enumerate((4, 2, 1, 1), 1)]
    outcomes = await all_at_once(scene, asked, terms)
    assert [isinstance(it, Received) for it in outcomes] == [True, False, True, False]


async def test_each_is_held_to_its_own_limits(scene: Scene) -> None:
    """Who is refused is in nobody's way; servers and direct messages are counted apart."""
    here, elsewhere = Terms(jobs_per_member=1), Terms(rules_version="old")
    asked = [asking(scene, 1), asking(scene, 1), asking(scene, 1, guild_id=99), asking(scene, 2)]
    outcomes = await all_at_once(scene, asked, here)
    assert [type(it) for it in outcomes] == [Received, TooManyJobs, Received, Received]
    assert [type(it) for it in await all_at_once(scene, [asking(scene, 3)], elsewhere)] == [RulesChanged]
    again = [asking(scene, 4), asking(scene, 4), asking(scene, 4, guild_id=None)]
    assert [type(it) for it in await all_at_once(scene, again, FREE, limit=2)] == [Received, Received, TooManyJobs]
    line = await all_at_once(scene, [asking(scene, 5), asking(scene, 6)], Terms(line_length=6))
    assert [type(it) for it in line] == [Received, QueueFull]


async def test_an_interaction_that_comes_twice_at_once_is_received_once(scene: Scene) -> None:
    new = asking(scene, 1)
    outcomes = await all_at_once(scene, [new, replace(new, id="another"), asking(scene, 2)], EVERY_CEILING)
    assert [type(it) for it in outcomes] == [Received, AlreadyReceived, Received]


async def test_each_of_a_crowd_has_its_line_in_the_log_and_no_refused_one_has(scene: Scene) -> None:
    """Whom the operator keeps out is refused in the midst of the others, by person and by server."""
    await scene.store.operator_blocks.block(BlockKind.USER, 2, by=9, now=scene.now)
    await scene.store.operator_blocks.block(BlockKind.SERVER, 99, by=9, now=scene.now)
    asked = [asking(scene, user, guild_id=99 if user == 4 else 13) for user in range(1, 7)]

    async def one(new: NewJob) -> Received | EaselError:
        line = LogLine(13, 70, "en", f"asked by {new.user_id}", new.user_id)
        (outcome,) = await all_at_once(scene, [new], Terms(line=line))
        return outcome

    outcomes = await asyncio.gather(*map(one, asked))
    assert [type(it) for it in outcomes] == [Received, Barred, Received, Barred, Received, Received]
    later = scene.now + timedelta(minutes=1)
    (batch,) = await scene.store.server_log.claim(
        "here", now=later, lease=scene.lease, gather=timedelta(seconds=1), at_most=5
    )
    assert [it.user_id for it in batch.lines] == [1, 3, 5, 6]


async def test_a_post_that_is_pressed_twice_at_once_is_received_once(scene: Scene) -> None:
    new = replace(asking(scene, 1), id="the-post", request=ImageRequest("a red fox", follows=FollowUp.POST))
    pressed = [new, replace(new, interaction_id=77)]
    assert [type(it) for it in await all_at_once(scene, pressed, FREE)] == [Received, AlreadyReceived]
    (job,) = await scene.store.jobs.open_jobs(1)
    await scene.move(job, JobState.FAILED, announced=True)
    pressed = [replace(new, interaction_id=78), replace(new, interaction_id=79)]
    assert [type(it) for it in await all_at_once(scene, pressed, FREE)] == [Received, AlreadyReceived]
    assert (await scene.store.ledger.total(Extent(scene.now - timedelta(days=1)))).jobs == 0


async def test_people_of_a_crowd_take_turns(scene: Scene) -> None:
    """Whoever asks for three at once stands in line three times, behind the first of everybody."""
    asked = [asking(scene, user) for user in (1, 1, 1, 2, 3, 2)]
    outcomes = await all_at_once(scene, asked, FREE)
    assert [it.place for it in outcomes if isinstance(it, Received)] == [1, 2, 3, 2, 3, 5]


async def test_two_processes_share_the_room_of_a_quota(postgres: PostgresServer) -> None:
    """Two crowds at once, through two processes: together exactly as many as fit."""
    url = postgres.ready_database()
    stores = [await Store.open(url), await Store.open(url)]
    try:
        terms = Terms((quota(70, Whose.EVERYONE), quota(50, Whose.SERVER)))
        sides = [Scene(store, worker_id=f"w{n}", made=n * 1000) for n, store in enumerate(stores)]
        both = await asyncio.gather(
            *(
                all_at_once(side, [asking(side, side.made + user, guild_id=13 + user % 2) for user in range(60)], terms)
                for side in sides
            )
        )
        outcomes = [it for each in both for it in each]
        assert len([it for it in outcomes if isinstance(it, Received)]) == 70
        assert all(isinstance(it, (Received, QuotaReached)) for it in outcomes)
    finally:
        for store in stores:
            await store.close()


async def test_what_a_crowd_prefers_is_asked_together_and_each_gets_their_own(scene: Scene) -> None:
    """Every command asks it before its job is written; it was two statements for each."""
    store = scene.store
    here = await store.rules.change(13, lambda _: Rules(max_count=2), by=1, now=scene.now)
    styles = {
        "mine": Preset("mine", False, 1, "Mine", "in ink", Options(), 1, scene.now),
        "ours": Preset("ours", True, 13, "Ours", "in oil", Options(), 1, scene.now),
        "elsewhere": Preset("elsewhere", True, 14, "Theirs", "in chalk", Options(), 1, scene.now),
    }
    for style in styles.values():
        await store.presets.add(style, limit=50)
    for user_id, name in ((1, "mine"), (2, "ours"), (3, "elsewhere"), (4, "mine"), (5, "gone")):
        await store.preferences.change(user_id, lambda own, name=name: replace(own, preset=name))
    with counted() as statements:
        asked = [store.presets.preferred(user_id, 13, 20) for user_id in range(1, CROWD + 1)]
        found = await asyncio.gather(*asked, store.presets.preferred(1, None, 20))
    assert len(statements) <= CROWD // 10
    assert [it.id if it else None for it, _ in found[:5]] == ["mine", "ours", None, None, None]
    assert {preset for preset, _ in found[5:-1]} == {None}
    assert {version for _, version in found[:-1]} == {here.version}
    outside, version = found[-1]
    assert outside == styles["mine"]
    assert version is None
