"""The pace against latencies that are drawn here, so that every figure is the same at every run."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from itertools import pairwise
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.jobs.backoff import growing_pause
from bot.jobs.polling.latency import EDGES, Latency, share_below
from bot.jobs.polling.schedule import (
    LONGEST_PAUSE_S,
    SHORTEST_PAUSE_S,
    next_question,
    schedule,
    with_jitter,
)

Draw = Callable[[random.Random], float]


def log_normal(median_s: float, p95_s: float) -> Draw:
    sigma = math.log(p95_s / median_s) / 1.6448536269514722
    return lambda rng: median_s * math.exp(sigma * rng.gauss(0, 1))


PUBLISHED = log_normal(7.7, 11.9)
LATENCIES: dict[str, Draw] = {
    "published": PUBLISHED,
    "hardly varying": log_normal(8, 9),
    "quick": log_normal(3, 4.5),
    "slow": log_normal(45, 60),
    "two servers": lambda rng: rng.choice((log_normal(5, 6), log_normal(20, 24)))(rng),
}


class Office:
    """Asks about one task after the other by what it has learned, without waiting."""

    def __init__(self, seed: int = 1) -> None:
        self.latency = Latency.published()
        self.questions: list[int] = []
        self.lags: list[float] = []
        self._rng = random.Random(seed)
        self._ages = schedule(self.latency)

    def work(self, draw: Draw, tasks: int) -> None:
        for _ in range(tasks):
            self._ask_about(draw(self._rng))
            if len(self.lags) % 10 == 0:
                self._ages = schedule(self.latency)

    def _ask_about(self, takes_s: float) -> None:
        age = before = 0.0
        questions = 0
        while questions == 0 or age < takes_s:
            before = age
            age += with_jitter(next_question(self._ages, age, floor_s=0.0) - age, self._rng.random)
            questions += 1
        self.questions.append(questions)
        self.lags.append(age - takes_s)
        self.latency = self.latency.after(before, age)


def at_fixed_intervals(draw: Draw, interval_s: float) -> float:
    """The mean lag of questions at fixed intervals."""
    rng = random.Random(2)
    takes = [draw(rng) for _ in range(4000)]
    return fmean(math.ceil(each / interval_s) * interval_s - each for each in takes)


def interval_of_as_many_questions(draw: Draw, questions: float) -> float:
    """The fixed interval that asks so many questions about a task on average."""
    rng = random.Random(3)
    takes = [draw(rng) for _ in range(4000)]
    low, high = 0.01, 300.0
    for _ in range(40):
        middle = (low + high) / 2
        too_many = fmean(math.ceil(each / middle) for each in takes) > questions
        low, high = (middle, high) if too_many else (low, middle)
    return high


def test_the_published_latency_is_what_is_expected_before_anything_was_learned() -> None:
    below = Latency.published().below()
    assert Latency.published().median_s() == pytest.approx(7.7, rel=0.05)
    assert share_below(below, 11.9) == pytest.approx(0.95, abs=0.01)


def test_on_the_published_latency_pictures_are_six_tenths_late_with_little_more_than_three_questions() -> None:
    ages = schedule(Latency.published())
    rng = random.Random(4)
    takes = [PUBLISHED(rng) for _ in range(20_000)]
    found = [next(index for index, age in enumerate(ages) if age >= each) for each in takes]
    assert fmean(index + 1 for index in found) <= 3.25
    assert fmean(ages[index] - each for index, each in zip(found, takes, strict=True)) <= 0.61
    assert at_fixed_intervals(PUBLISHED, 3.0) > 1.4


@pytest.mark.parametrize("name", LATENCIES)
def test_once_learned_it_is_sooner_than_a_fixed_interval_with_as_many_questions(name: str) -> None:
    office = Office()
    office.work(LATENCIES[name], 1500)
    questions, lag = fmean(office.questions[500:]), fmean(office.lags[500:])
    interval = interval_of_as_many_questions(LATENCIES[name], questions)
    assert lag < 0.75 * at_fixed_intervals(LATENCIES[name], interval)


@pytest.mark.parametrize("factor", [0.4, 4])
def test_it_follows_an_api_that_becomes_quicker_or_slower(factor: float) -> None:
    before, after = PUBLISHED, log_normal(7.7 * factor, 11.9 * factor)
    office = Office()
    office.work(before, 300)
    office.work(after, 900)
    new = Office()
    new.work(after, 900)
    assert office.latency.median_s() == pytest.approx(7.7 * factor, rel=0.15)
    assert fmean(office.lags[-400:]) < 1.25 * fmean(new.lags[-400:])


@pytest.mark.parametrize(("takes_s", "questions"), [(20.0, 3.6), (30.0, 3.6), (45.0, 5.5)])
def test_twenty_slow_tasks_are_enough_to_give_up_what_is_published(takes_s: float, questions: float) -> None:
    """Else each of the next ones is asked about when published ones would be ready: six to eight questions."""
    office = Office()
    office.work(lambda _: takes_s, 40)
    assert fmean(office.questions[20:]) <= questions
    assert fmean(office.lags[20:]) <= 1.2


def test_among_tasks_like_the_published_ones_what_is_published_gives_way_slowly() -> None:
    rng, latency = random.Random(5), Latency.published()
    for _ in range(20):
        takes = PUBLISHED(rng)
        latency = latency.after(max(takes - 0.5, 0.0), takes + 0.5)
    assert latency.published_left > 0.4
    assert latency.learned().tasks == pytest.approx(20, rel=0.1)


def test_a_question_that_comes_late_is_not_taken_for_the_end_of_the_task() -> None:
    """Tasks take 8 s and are asked about every 6 s: all are found at 12 s, and none took so long."""
    latency = Latency.published()
    for _ in range(500):
        latency = latency.after(6, 12)
    assert 7 < latency.median_s() < 10


def test_a_task_given_up_says_that_tasks_may_take_longer() -> None:
    latency = Latency.published()
    for _ in range(20):
        latency = latency.after(60, math.inf)
    assert share_below(latency.below(), 60) < 0.6


ages_s = st.floats(0, 1e6)
histories = st.lists(st.tuples(ages_s, st.one_of(ages_s, st.just(math.inf))), max_size=30)


@given(history=histories, floor_s=st.floats(0, 30))
def test_whatever_was_learned_questions_keep_to_their_bounds(
    history: list[tuple[float, float]], floor_s: float
) -> None:
    latency = Latency.published()
    for one, other in history:
        latency = latency.after(min(one, other), max(one, other))
    assert all(0 <= weight < math.inf for weight in latency.weights)
    assert sum(latency.weights) > 0
    ages = [0.0, *schedule(latency, floor_s=floor_s)]
    longest = max(LONGEST_PAUSE_S, floor_s + 0.021 * EDGES[-1])  # the ages considered lie 2 % apart
    assert all(floor_s - 1e-6 <= late - early <= longest for early, late in pairwise(ages[:-1]))
    assert ages[-1] == pytest.approx(EDGES[-1], rel=0.02)


@given(age_s=st.floats(0, 1e5), floor_s=st.floats(0, 60))
def test_the_next_question_is_never_sooner_than_the_floor(age_s: float, floor_s: float) -> None:
    pause = next_question(schedule(Latency.published()), age_s, floor_s=floor_s) - age_s
    assert pause >= max(floor_s, SHORTEST_PAUSE_S) - 1e-6
    assert pause <= max(LONGEST_PAUSE_S, floor_s) + LONGEST_PAUSE_S


@given(low_s=ages_s, high_s=ages_s)
def test_shares_grow_with_age_and_end_at_one(low_s: float, high_s: float) -> None:
    below = Latency.published().after(5, 9).below()
    low, high = sorted((low_s, high_s))
    assert 0 <= share_below(below, low) <= share_below(below, high) <= 1
    assert share_below(below, 1e6) == pytest.approx(1)


def test_jitter_is_a_tenth_and_at_most_three_tenths_of_a_second() -> None:
    assert with_jitter(2, lambda: 0.0) == pytest.approx(1.8)
    assert with_jitter(2, lambda: 1.0) == pytest.approx(2.2)
    assert with_jitter(10, lambda: 1.0) == pytest.approx(10.3)


def test_pauses_after_failures_double_up_to_the_longest() -> None:
    pauses = [growing_pause(tries, first_s=1, longest_s=60, random=lambda: 1.0) for tries in range(1, 40)]
    assert pauses[:4] == [1, 2, 4, 8]
    assert max(pauses) == 60
