"""When to try again, how long to wait, and when to leave the image API alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Unreachable
from bot.image_api.breaker import Breaker
from bot.image_api.retry import MAX_RETRY_AFTER_S, may_pass, retry_after_seconds
from tests.each import each
from tests.unit.clocks import HandMovedClock

NOON = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


@each(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("3", 3.0),
        (" 2.5 ", 2.5),
        ("0", 0.0),
        ("86400", MAX_RETRY_AFTER_S),
        ("-5", None),
        ("nan", None),
        ("inf", None),
        ("1e3", None),
        ("soon", None),
        ("9" * 5000, None),
        ("Sun, 22 Nov 2026 12:00:09 GMT", 9.0),
        ("Sun, 22 Nov 2026 13:00:09 +0100", 9.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
        ("Mon, 23 Nov 2026 12:00:00 GMT", MAX_RETRY_AFTER_S),
        ("Sun, 99 Nov 2026 12:00:00 GMT", None),
        ("Mon, 01 Jan 2024 00:00:00 +9999999999999", None),
        ("Mon, 01 Jan 0001 00:00:00 +1400", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_never_too_long(value: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(value, NOON) == seconds


@given(st.text(max_size=60))
def test_any_retry_after_is_a_bounded_pause_or_none(value: str) -> None:
    seconds = retry_after_seconds(value, NOON)
    assert seconds is None or 0 <= seconds <= MAX_RETRY_AFTER_S


@each("status", [408, 425, 429, 500, 502, 503, 504, 520, 524])
def test_trouble_of_a_host_may_pass(status: int) -> None:
    assert may_pass(status)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 416, 451, 501])
def test_a_refusal_does_not_pass(status: int) -> None:
    assert not may_pass(status)


def new_breaker(clock: HandMovedClock) -> Breaker:
    return Breaker(threshold=3, pause_s=5, max_pause_s=12, clock=clock)


def call(breaker: Breaker, ok: bool | None) -> None:
    with breaker.call() as verdict:
        verdict.ok = ok


def test_three_failures_in_a_row_open_the_breaker_and_a_success_between_does_not() -> None:
    breaker = new_breaker(HandMovedClock())
    for ok in (False, False, True, False, None, False):
        call(breaker, ok)
    assert not breaker.is_open
    call(breaker, False)
    assert breaker.is_open
    assert breaker.retry_at == 1005


def test_an_open_breaker_refuses_at_once_and_tells_the_rest_of_the_pause() -> None:
    clock = HandMovedClock()
    breaker = new_breaker(clock)
    for _ in range(3):
        call(breaker, False)
    clock.at += 2
    with pytest.raises(Unreachable) as caught:
        call(breaker, True)
    assert caught.value.retry_after == 3


def test_after_the_pause_one_trial_goes_out_and_its_success_closes() -> None:
    clock = HandMovedClock()
    breaker = new_breaker(clock)
    for _ in range(3):
        call(breaker, False)
    clock.at += 5
    assert not breaker.is_open
    with breaker.call() as trial:
        assert breaker.is_open
        with pytest.raises(Unreachable):
            call(breaker, True)
        trial.ok = True
    assert breaker.retry_at is None
    call(breaker, False)
    assert not breaker.is_open


def test_each_failed_trial_makes_the_pause_longer_up_to_a_limit() -> None:
    clock = HandMovedClock()
    breaker = new_breaker(clock)
    for _ in range(3):
        call(breaker, False)
    pauses: list[float] = []
    for _ in range(3):
        clock.at = breaker.retry_at or 0
        call(breaker, False)
        pauses.append((breaker.retry_at or 0) - clock.at)
    assert pauses == [10, 12, 12]


def test_a_cancelled_trial_makes_room_for_the_next() -> None:
    clock = HandMovedClock()
    breaker = new_breaker(clock)
    for _ in range(3):
        call(breaker, False)
    clock.at += 5
    with pytest.raises(KeyboardInterrupt), breaker.call():
        raise KeyboardInterrupt
    call(breaker, True)
    assert breaker.retry_at is None


def test_calls_from_before_the_opening_do_not_make_the_pause_longer() -> None:
    clock = HandMovedClock()
    breaker = new_breaker(clock)
    with breaker.call() as early:
        for _ in range(3):
            call(breaker, False)
        clock.at += 1
        early.ok = False
    assert breaker.retry_at == 1005


ADA, BEN = 1, 2


def failed(breaker: Breaker, *users: int | None) -> None:
    for user_id in users:
        with breaker.call(user_id=user_id) as verdict:
            verdict.ok = False


@pytest.mark.parametrize("then", [BEN, None], ids=["another person", "the question that costs nothing"])
def test_beside_others_one_persons_lost_submissions_open_the_breaker_only_with_anothers(then: int | None) -> None:
    breaker = new_breaker(HandMovedClock())
    breaker.is_alone = lambda _: False
    failed(breaker, *(ADA,) * 10)
    assert breaker.retry_at is None
    failed(breaker, then)
    assert breaker.retry_at == 1005


def test_one_who_is_alone_is_spared_the_fourth_loss() -> None:
    breaker = new_breaker(HandMovedClock())
    failed(breaker, ADA, ADA)
    assert not breaker.is_open
    failed(breaker, ADA)
    assert breaker.is_open


def test_a_failed_trial_of_one_person_leaves_the_breaker_open() -> None:
    clock = HandMovedClock()
    breaker = new_breaker(clock)
    breaker.is_alone = lambda _: False
    failed(breaker, ADA, BEN, ADA)
    clock.at += 5
    failed(breaker, ADA)
    assert breaker.is_open
    assert breaker.retry_at == 1015
