"""About when pictures will be there: what is said before and after anything was learned, and how the queue counts."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.jobs.polling.forecast import WINDOW_S, QueuePace, QueueState
from bot.jobs.polling.latency import Latency
from bot.jobs.polling.pacer import Pacer
from bot.model import QUALITY, FailureKind, JobState, Progress, Resolution
from tests.unit.samples import Notes, job, request

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def pacer(notes: Notes | None = None) -> Pacer:
    return Pacer(notes or Notes(), floor_s=0.5, per_s=1000)


def teach(pacer: Pacer, tasks: int, took_s: float, **options: object) -> None:
    for _ in range(tasks):
        pacer.painted_at_once(request(**options), took_s)


def in_s(progress: Progress) -> float:
    assert progress.due is not None
    return (progress.due - NOW).total_seconds()


def at_place(pacer: Pacer, place: int, *, free: int = 0, slots: int = 1, **options: object) -> float:
    queue = QueueState(length=place, free=free, slots=slots, out_of_reach=False)
    return in_s(pacer.forecast.in_queue(request(**options), place, queue, NOW))


def painted_s(pacer: Pacer, **options: object) -> float | None:
    one = job(state=JobState.PAINTING, submitted_at=NOW)
    due = pacer.forecast.painted_at(replace(one, request=request(**options)), NOW + timedelta(seconds=3))
    return None if due is None else (due - NOW).total_seconds()


def test_before_anything_is_learned_only_what_is_published_is_told() -> None:
    assert painted_s(pacer()) == pytest.approx(9.6, rel=0.1)  # 80 % of the published times
    assert painted_s(pacer(), model=QUALITY) is None


def test_three_tasks_of_our_own_say_more_than_what_is_published() -> None:
    one = pacer()
    teach(one, 3, 60.0)
    assert painted_s(one) == pytest.approx(60, rel=0.1)
    teach(one, 40, 20.0)
    assert painted_s(one) == pytest.approx(20, rel=0.1)


def test_a_kind_of_which_nothing_is_known_goes_by_the_others_of_its_model() -> None:
    one = pacer()
    teach(one, 3, 30.0, model=QUALITY)
    assert painted_s(one, model=QUALITY, resolution=Resolution.TWO_K) == pytest.approx(30, rel=0.1)
    assert painted_s(one) == pytest.approx(9.6, rel=0.1)  # another model's say nothing


async def test_another_process_expects_what_this_one_has_learned() -> None:
    notes = Notes()
    one, other = pacer(notes), pacer(notes)
    assert painted_s(other, model=QUALITY) is None
    teach(one, 5, 25.0, model=QUALITY)
    await one.share()
    await other.share()
    assert painted_s(other, model=QUALITY) == pytest.approx(25, rel=0.1)


def test_what_is_learned_is_all_but_what_was_published() -> None:
    rng = random.Random(7)
    known = Latency.published()
    assert known.learned().tasks == pytest.approx(0, abs=1e-6)
    for count in range(1, 301):
        took_s = rng.uniform(3, 9)
        known = known.after(took_s, took_s)
        if count in {1, 3, 50}:
            assert known.learned().tasks == pytest.approx(count, rel=0.15)


def test_a_free_slot_means_no_wait_and_each_full_round_ahead_one_more_task() -> None:
    one = pacer()
    teach(one, 30, 10.0)
    typical = painted_s(one) or 0.0
    assert at_place(one, 2, free=2, slots=2) == pytest.approx(typical)
    assert at_place(one, 1, free=0, slots=2) == pytest.approx(2 * typical)
    assert at_place(one, 2, free=0, slots=2) == pytest.approx(2 * typical)
    assert at_place(one, 7, free=0, slots=2) == pytest.approx(5 * typical)


def test_nobody_can_tell_while_the_api_is_out_of_reach() -> None:
    queue = QueueState(length=4, free=1, slots=1, out_of_reach=True)
    assert pacer().forecast.in_queue(request(), 2, queue, NOW) == Progress(2, 4, trouble=FailureKind.UNREACHABLE)


def test_a_busy_api_makes_the_wait_as_long_as_its_rate() -> None:
    one = pacer()
    teach(one, 30, 10.0)
    one.submissions.close(30.0)
    queue = QueueState(length=1, free=50, slots=50, out_of_reach=False)
    told = one.forecast.in_queue(request(), 1, queue, NOW)
    assert told.trouble is FailureKind.BUSY
    assert in_s(told) >= 30 + 9


def test_a_job_that_the_api_refused_is_told_busy_and_when_its_own_pause_is_over() -> None:
    one = pacer()
    teach(one, 30, 10.0)
    queue = QueueState(length=2, free=50, slots=50, out_of_reach=False)
    told = one.forecast.in_queue(request(), 1, queue, NOW, pauses_s=25.0)
    assert told.trouble is FailureKind.BUSY
    assert in_s(told) >= 25 + 9
    assert one.forecast.in_queue(request(), 2, queue, NOW).trouble is None


def test_the_pace_of_the_queue_is_measured_while_it_moves() -> None:
    pace = QueuePace()
    names = [f"job {number}" for number in range(100)]
    for second in range(40):
        pace.look(names[second // 2 :], float(second))  # one leaves every two seconds
    assert pace.per_s(39.0) == pytest.approx(0.5, rel=0.1)
    pace.look(names[18:], 40.0)  # two that a busy API refused are back
    assert pace.per_s(40.0) == pytest.approx(18 / 40)
    pace.look([], 41.0)
    pace.look(["late"], 500.0)
    assert pace.per_s(501.0) is None  # an empty queue has no pace
    for second in range(600):
        pace.look([f"{number}" for number in range(second * 3, 2000)], 502.0 + second)
    assert pace.per_s(1101.0) == pytest.approx(3, rel=0.05)
    assert len(pace._left) <= 3 * WINDOW_S + 3  # pyright: ignore[reportPrivateUsage]
