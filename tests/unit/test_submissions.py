"""How fast a process submits to an image API that refuses for too much work."""

from __future__ import annotations

import pytest

from bot.jobs.polling.submissions import MAX_RETRIES, MOST_REFUSALS, SubmissionGate


class Clock:
    """Monotonic seconds, moved by hand."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate(clock: Clock) -> SubmissionGate:
    return SubmissionGate(clock=clock, chance=lambda: 0.5)


def test_nothing_is_bounded_before_the_first_refusal(gate: SubmissionGate) -> None:
    gate.sent(1000)
    assert gate.room() is None


def test_a_refusal_closes_the_way_for_as_long_as_was_asked_and_not_to_the_millisecond(
    gate: SubmissionGate, clock: Clock
) -> None:
    gate.narrow(2.0)
    clock.at += 2.0
    assert gate.room() == 0
    clock.at += 0.5
    gate.room()
    clock.at += 2.0
    assert (gate.room() or 0) >= 1


def test_an_api_of_five_a_second_delivers_a_crowd_with_few_refusals(gate: SubmissionGate, clock: Clock) -> None:
    """150 at once, 50 of them at a time; the API takes five in each second and says Retry-After: 1."""
    waiting = {f"job {number}": 0.0 for number in range(150)}
    posts = failed = 0
    taken_in: dict[int, int] = {}
    for _ in range(6000):
        room = gate.room()
        due = [job for job, at in waiting.items() if at <= clock.at][: 50 if room is None else room]
        gate.sent(len(due))
        for job in due:
            posts += 1
            second = int(clock.at)
            if taken_in.setdefault(second, 0) < 5:
                taken_in[second] += 1
                gate.accepted(job)
                del waiting[job]
                continue
            gate.narrow(1.0)
            pause_s = gate.refused(job, 1.0)
            failed += pause_s is None
            waiting[job] = clock.at + (pause_s or 0.0)
        if not waiting:
            break
        clock.at += 0.1
    assert not waiting
    assert failed == 0
    assert posts < 2 * 150
    assert clock.at - 1000 < 3 * 150 / 5


def test_a_job_that_is_refused_while_nothing_is_accepted_ends_after_its_tries(
    gate: SubmissionGate, clock: Clock
) -> None:
    for _ in range(MAX_RETRIES):
        assert gate.refused("job", None) is not None
        clock.at += 60
    assert gate.refused("job", None) is None


def test_what_is_refused_while_others_are_accepted_does_not_count_but_not_for_ever(
    gate: SubmissionGate, clock: Clock
) -> None:
    refusals = 0
    while gate.refused("job", 1.0) is not None:
        refusals += 1
        clock.at += 1
        gate.accepted("another")
        clock.at += 1
    assert refusals == MOST_REFUSALS
