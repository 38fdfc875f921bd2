"""How many submissions are out at once, and what a lost answer changes."""

from __future__ import annotations

import pytest

from bot.errors import BadKey, Unreachable
from bot.jobs.polling.slow_start import FIRST, LATE_S, PAUSE_FIRST_S, PAUSE_LONGEST_S, RECENT_S, TRIAL_S, SlowStart
from tests.unit.clocks import HandMovedClock


@pytest.fixture
def clock() -> HandMovedClock:
    return HandMovedClock()


@pytest.fixture
def start(clock: HandMovedClock) -> SlowStart:
    return SlowStart(clock=clock, chance=lambda: 0.5)


def send_all(start: SlowStart, name: str) -> list[str]:
    """Send as many as may go out now."""
    sent: list[str] = []
    while start.take(job_id := f"{name} {len(sent)}"):
        sent.append(job_id)
    return sent


def test_fifty_are_out_after_four_rounds(start: SlowStart) -> None:
    rounds: list[int] = []
    while sum(rounds) < 50:
        sent = send_all(start, f"round {len(rounds)}")
        rounds.append(len(sent))
        for job_id in sent:
            start.answered(job_id)
    assert rounds == [FIRST, 2 * FIRST, 4 * FIRST, 8 * FIRST]


def test_after_a_quiet_time_it_begins_anew(start: SlowStart, clock: HandMovedClock) -> None:
    for job_id in send_all(start, "first"):
        start.answered(job_id)
    clock.at += RECENT_S
    assert len(send_all(start, "later")) == FIRST


async def unanswered() -> None:
    raise Unreachable


async def answered() -> None:
    raise BadKey


async def test_a_lost_answer_shuts_the_way_until_the_api_answers_and_then_opens_it_to_one(
    start: SlowStart, clock: HandMovedClock
) -> None:
    for job_id in send_all(start, "first"):
        start.answered(job_id)
    lost, *others = send_all(start, "second")
    start.lost(lost)
    assert not start.take("third")
    assert start.asks
    for job_id in others:
        start.forget(job_id)
    assert not await start.probe(unanswered)
    assert not start.asks
    clock.at += PAUSE_FIRST_S
    assert not start.take("third")
    assert start.asks
    assert await start.probe(answered)
    assert send_all(start, "third") == ["third 0"]
    start.answered("third 0")
    assert len(send_all(start, "fourth")) == 2


def test_a_question_without_an_answer_shuts_the_way_too(start: SlowStart) -> None:
    start.doubt()
    assert not start.take("first")
    start.heard()
    assert len(send_all(start, "first")) == FIRST


def test_where_questions_are_answered_and_submissions_are_not_few_are_lost(
    start: SlowStart, clock: HandMovedClock
) -> None:
    lost = 0
    began = clock.at
    while clock.at < began + 60:
        start.heard()
        if start.take(job_id := f"job {lost}"):
            start.lost(job_id)
            lost += 1
        clock.at += 0.1
    assert lost < 2 * 60 / PAUSE_LONGEST_S


def test_where_nothing_answers_one_is_tried_now_and_then(start: SlowStart, clock: HandMovedClock) -> None:
    start.take("first")
    start.lost("first")
    clock.at += TRIAL_S
    assert send_all(start, "trial") == ["trial 0"]
    start.lost("trial 0")
    clock.at += TRIAL_S - 0.1
    assert not start.take("next")


def test_one_that_hangs_holds_nobody_up_for_long(start: SlowStart, clock: HandMovedClock) -> None:
    start.take("first")
    start.lost("first")
    start.heard()
    clock.at += PAUSE_FIRST_S
    assert start.take("hangs")
    assert not start.take("next")
    clock.at += LATE_S
    assert start.take("next")


def test_where_an_answer_is_the_picture_a_connection_that_holds_is_as_good(start: SlowStart) -> None:
    for job_id in send_all(start, "first"):
        start.silent(job_id)
    assert len(send_all(start, "second")) == 2 * FIRST
