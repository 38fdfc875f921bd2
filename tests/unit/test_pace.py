from __future__ import annotations

import random

from bot.jobs.pace import LONGEST_PAUSE_S, growing_pause, pause_before_question, with_jitter


def ages_of_questions(until_s: float) -> list[float]:
    """When a task is asked about, if each answer comes at once and none is the last."""
    ages: list[float] = []
    age = 0.0
    while age < until_s:
        age += pause_before_question(age)
        ages.append(age)
    return ages


def questions_and_lag(latencies_s: list[float]) -> tuple[float, float]:
    """Mean number of questions per task, and mean seconds between a result and the question that finds it."""
    asked, lag = 0, 0.0
    for latency in latencies_s:
        ages = ages_of_questions(latency + 60)
        found = next(age for age in ages if age >= latency)
        asked += ages.index(found) + 1
        lag += found - latency
    return asked / len(latencies_s), lag / len(latencies_s)


def test_a_refusal_is_seen_within_two_seconds() -> None:
    assert ages_of_questions(1)[0] <= 2


def test_the_pause_is_always_positive_and_never_longer_than_the_longest() -> None:
    for age_ms in range(0, 700_000, 97):
        assert 0.2 < pause_before_question(age_ms / 1000) <= LONGEST_PAUSE_S


def test_on_the_published_latency_it_beats_a_fixed_interval_of_three_seconds() -> None:
    rng = random.Random(1)
    # median 7.7 s, 95 % within 11.9 s
    latencies = [7.7 * 2.718281828 ** rng.gauss(0, 0.2646) for _ in range(3000)]
    questions, lag = questions_and_lag(latencies)
    assert lag < 0.6
    assert questions < 6.5


def test_jitter_stays_within_a_tenth() -> None:
    assert with_jitter(10, lambda: 0.0) == 9
    assert with_jitter(10, lambda: 1.0) == 11


def test_pauses_after_failures_double_up_to_the_longest() -> None:
    pauses = [growing_pause(tries, first_s=1, longest_s=60, random=lambda: 1.0) for tries in range(1, 40)]
    assert pauses[:4] == [1, 2, 4, 8]
    assert max(pauses) == 60
