"""The pacer of a process: what it learns, what processes tell each other, and who is asked about first."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from bot.jobs.polling.budget import Budget
from bot.jobs.polling.pacer import EARLY_S, Pacer, PollPlan
from bot.jobs.polling.stats import LatencyStats, kind_of
from bot.model import QUALITY, ImageRequest, Resolution
from tests.unit.samples import Notes, request

MIDDLE = 0.5  # no jitter, and no probe


def pacer(notes: Notes | None = None, *, floor_s: float = 0.5, chance: float = MIDDLE) -> Pacer:
    return Pacer(notes or Notes(), floor_s=floor_s, per_s=1000, chance=lambda: chance)


def questions(course: PollPlan, ends_s: float, *, refused: bool = False) -> list[float]:
    """The ages at which a task is asked about that ends so."""
    asked: list[float] = []
    age = 0.0
    while True:
        age += course.pause(age)
        if not course.is_due(age):
            continue
        asked.append(age)
        if age >= ends_s:
            course.ended(age, refused=refused)
            return asked
        course.goes_on(age)


def test_a_new_bot_asks_early_so_that_a_refusal_shows_at_once() -> None:
    (asked,) = questions(pacer().course(request(), 0.0), 0.5, refused=True)
    assert EARLY_S[0] <= asked <= EARLY_S[1]


def test_where_nothing_is_refused_the_early_question_is_left_out_and_comes_back_with_the_refusals() -> None:
    here = pacer()
    for _ in range(30):
        questions(here.course(request(), 0.0), 8.0)
    assert questions(here.course(request(), 0.0), 8.0)[0] > 5
    for _ in range(15):
        questions(here.course(request(), 0.0), 1.0, refused=True)
    assert questions(here.course(request(), 0.0), 8.0)[0] < 3


def test_where_nothing_is_refused_some_tasks_are_still_asked_about_early() -> None:
    notes = Notes()
    here = pacer(notes)
    for _ in range(30):
        questions(here.course(request(), 0.0), 8.0)
    here.chance = lambda: 0.01
    assert questions(here.course(request(), 0.0), 8.0)[0] < 3


def test_a_crowd_stops_asking_early_as_soon_as_the_first_answers_say_that_it_is_in_vain() -> None:
    here = pacer()
    crowd = [here.course(request(), 0.0) for _ in range(200)]
    early = 0
    for course in crowd:
        course.pause(0.0)
        if course.is_due(2.0):
            course.goes_on(2.0)
            early += 1
    assert 5 <= early <= 20


def test_the_floor_holds_for_every_question() -> None:
    asked = questions(pacer(floor_s=5).course(request(), 0.0), 60.0)
    assert asked[0] >= 5
    assert all(late - early >= 5 for early, late in pairwise(asked))


def test_a_task_found_after_a_restart_teaches_nothing() -> None:
    notes = Notes()
    here = pacer(notes)
    course = here.course(request(), 400.0)
    assert course.is_due(400.0)
    course.ended(400.0, refused=False)
    asyncio.run(here.share())
    assert not notes.texts


@pytest.mark.parametrize(
    "other",
    [
        request(model=QUALITY),
        request(resolution=Resolution.TWO_K),
        request(count=4),
    ],
)
def test_each_kind_of_task_has_its_own_pace(other: ImageRequest) -> None:
    here = pacer()
    for _ in range(60):
        questions(here.course(other, 0.0), 40.0)
    assert kind_of(other) != kind_of(request())
    assert len(questions(here.course(request(), 0.0), 7.7)) <= 4


async def test_what_one_process_learned_the_others_and_the_next_start_know() -> None:
    notes = Notes()
    one, other = pacer(notes), pacer(notes)
    for _ in range(60):
        questions(one.course(request(), 0.0), 4.0)
        questions(other.course(request(), 0.0), 4.0)
    await one.share()
    await other.share()
    (text,) = notes.texts.values()
    assert len(text) < 2000
    known = LatencyStats.read(text)
    assert known.latency.median_s() == pytest.approx(4, rel=0.2)
    fresh = pacer(notes)
    await fresh.share()
    assert len(questions(fresh.course(request(), 0.0), 4.0)) <= 2


async def test_a_lesson_is_told_once() -> None:
    notes = Notes()
    here = pacer(notes)
    questions(here.course(request(), 0.0), 4.0)
    await here.share()
    first = dict(notes.texts)
    await here.share()
    assert first
    assert notes.texts == first


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[]", "{}", '{"latency":[1,2],"early":[1,1]}', '{"latency":1e999,"early":3}']
)
def test_notes_that_cannot_be_read_count_as_none(text: str) -> None:
    assert LatencyStats.read(text) == LatencyStats.none_yet()


async def test_at_the_budget_the_likeliest_are_asked_about_first() -> None:
    budget = Budget(40)
    while budget.take():
        pass
    order: list[float] = []

    async def ask(likelihood: float) -> None:
        await budget.turn(lambda: likelihood)
        order.append(likelihood)

    likelihoods = [0.1, 0.9, 0.3, 0.7, 0.5, 0.2, 0.8, 0.4]
    await asyncio.gather(*map(ask, likelihoods))
    assert sorted(order) == sorted(likelihoods)
    assert order.index(0.9) < order.index(0.5) < order.index(0.1)
    assert budget.waiting == 0


async def test_who_goes_away_leaves_its_turn_to_the_others() -> None:
    budget = Budget(20)
    while budget.take():
        pass
    gone = asyncio.create_task(budget.turn(lambda: 1.0))
    stays = asyncio.create_task(budget.turn(lambda: 0.5))
    await asyncio.sleep(0)
    gone.cancel()
    await stays
    assert budget.waiting == 0


async def test_an_api_with_too_much_to_do_is_asked_half_as_often() -> None:
    def spare(budget: Budget) -> int:
        turns = 0
        while budget.take():
            turns += 1
        return turns

    calm, scolded = Budget(1000), Budget(1000)
    await asyncio.sleep(1.0)  # refusals within a second are one
    scolded.refused()
    scolded.refused()
    assert spare(scolded) < 0.7 * spare(calm)


async def test_a_question_that_is_refused_for_its_task_slows_nobody_and_many_slow_questions_and_submissions() -> None:
    one = pacer()
    await asyncio.sleep(1.0)  # refusals within a second of the start are one with it
    for number in range(20):
        one.question_answered(f"job {number}")
    one.question_refused("job 1")
    assert one.submissions.room() is None
    assert one.budget.take()
    for number in range(3):
        one.question_refused(f"another {number}")
    assert one.submissions.room() == 0
