"""How fast a process submits to an image API that refuses for too much work."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from bot.jobs.polling.refusals import CLOSES, Judgement
from bot.jobs.polling.submissions import MAX_RETRIES, MOST_TRIES, RETRY_LONGEST_S, TRIAL_S, SubmissionGate
from tests.unit.clocks import HandMovedClock


@pytest.fixture
def clock() -> HandMovedClock:
    return HandMovedClock()


@pytest.fixture
def gate(clock: HandMovedClock) -> SubmissionGate:
    return SubmissionGate(clock=clock, chance=lambda: 0.5)


def refused(gate: SubmissionGate, job_id: str, retry_after: float | None) -> float | None:
    """A refusal and what becomes of its job: the pause in seconds, None when it is given up."""
    gate.refused(job_id, retry_after)
    return gate.again_in_s(job_id, retry_after)


@dataclass
class Played:
    """What came of a crowd."""

    accepted: int = 0
    posts: int = 0
    failed: int = 0  # of jobs that the API would have taken


class Bucket:
    """An API that takes so many a second, and says Retry-After: 1 to the others."""

    def __init__(self, per_s: float) -> None:
        self._per_s = self._tokens = per_s
        self._filled_at = 1000.0

    def __call__(self, now: float) -> bool:
        self._tokens = min(self._tokens + (now - self._filled_at) * self._per_s, self._per_s)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def play(
    clock: HandMovedClock,
    takes: Callable[[float], bool],
    *,
    seconds: float,
    own: float = 0.0,
    jobs: int = 10_000,
    seed: int = 1,
) -> Played:
    """Let jobs come to a gate as fast as it lets them. A share `own` of them is refused for itself, each time."""
    chance = random.Random(seed)
    gate = SubmissionGate(clock=clock, chance=chance.random)
    is_own = [chance.random() < own for _ in range(jobs)]
    fresh = iter(range(jobs))
    again: list[tuple[float, int]] = []
    on_their_way: list[tuple[float, int]] = []
    played, until, look_at = Played(), clock.at + seconds, 0.0
    while clock.at < until:
        clock.at += 0.02
        while on_their_way and on_their_way[0][0] <= clock.at:
            _, job = heapq.heappop(on_their_way)
            played.posts += 1
            if not is_own[job] and takes(clock.at):
                gate.accepted(str(job))
                played.accepted += 1
                continue
            look_at = 0.0
            if (pause_s := refused(gate, str(job), 1.0)) is None:
                played.failed += not is_own[job]
            else:
                heapq.heappush(again, (clock.at + pause_s, job))
        if clock.at < look_at:
            continue
        room, sent = gate.room(), 0
        for _ in range(min(50 if room is None else room, 50 - len(on_their_way))):
            due = again and again[0][0] <= clock.at
            job = heapq.heappop(again)[1] if due else next(fresh, None)
            if job is None:
                break
            heapq.heappush(on_their_way, (clock.at + 0.1 * (0.5 + chance.random()), job))
            sent += 1
        gate.sent(sent)
        look_at = clock.at + gate.pause_s()
    return played


def test_nothing_is_bounded_before_the_first_refusal(gate: SubmissionGate) -> None:
    gate.sent(1000)
    assert gate.room() is None


def test_where_nothing_is_taken_the_way_closes_for_as_long_as_was_asked_and_not_to_the_millisecond(
    gate: SubmissionGate, clock: HandMovedClock
) -> None:
    for number in range(CLOSES - 1):
        assert gate.refused(f"job {number}", 2.0) is not Judgement.CLOSED
        assert gate.room() != 0
    assert gate.refused("the last job", 2.0) is Judgement.CLOSED
    clock.at += 2.0
    assert gate.room() == 0
    clock.at += 0.5
    gate.room()
    clock.at += 2.0
    assert (gate.room() or 0) >= 1


def test_an_api_of_five_a_second_delivers_a_crowd_with_few_refusals(clock: HandMovedClock) -> None:
    played = play(clock, Bucket(5), seconds=45, jobs=150)
    assert played.accepted == 150
    assert played.failed == 0
    assert played.posts < 1.5 * 150


@pytest.mark.parametrize(("own", "least_per_s"), [(0.0, 4.5), (0.05, 4.2), (0.15, 3.2)])
def test_prompts_that_are_refused_for_themselves_slow_nobody_down(
    clock: HandMovedClock, own: float, least_per_s: float
) -> None:
    """With a gate that closes at each refusal it were 4.6, 1.0 and 0.4 a second."""
    for seed in range(3):
        played = play(clock, Bucket(5), seconds=200, own=own, seed=seed)
        assert played.accepted / 200 > least_per_s
        assert played.failed == 0


def test_an_api_with_no_limit_is_not_slowed_down_by_such_prompts(clock: HandMovedClock) -> None:
    assert play(clock, lambda _: True, seconds=60, own=0.05).accepted > 20 * 60


def test_one_refusal_among_others_that_are_taken_says_nothing(gate: SubmissionGate) -> None:
    for number in range(10):
        gate.accepted(f"job {number}")
    assert gate.refused("another", 60.0) is Judgement.NOTHING
    assert gate.room() is None
    assert not gate.is_busy
    assert gate.pauses_s("job 1") is None


def test_three_prompts_that_are_refused_for_themselves_hold_nobody_up_for_a_minute(
    gate: SubmissionGate, clock: HandMovedClock
) -> None:
    for number in range(CLOSES):
        gate.refused(f"their job {number}", 60.0)
    assert gate.room() == 0
    clock.at += TRIAL_S
    assert gate.room() == 1
    gate.sent(1)
    assert gate.room() == 0
    gate.accepted("another")
    clock.at += 1.0
    assert (gate.room() or 0) >= 1


def test_a_trial_that_is_refused_as_well_leaves_the_way_closed(gate: SubmissionGate, clock: HandMovedClock) -> None:
    for number in range(CLOSES):
        gate.refused(f"job {number}", 60.0)
    clock.at += TRIAL_S
    gate.sent(gate.room() or 0)
    assert gate.refused("another", 60.0) is Judgement.CLOSED
    assert gate.room() == 0


def test_a_job_that_is_refused_while_nothing_is_accepted_ends_after_its_tries(
    gate: SubmissionGate, clock: HandMovedClock
) -> None:
    for _ in range(MAX_RETRIES):
        assert refused(gate, "job", None) is not None
        clock.at += 60
    assert refused(gate, "job", None) is None


def test_a_job_that_never_reached_the_api_ends_after_its_tries_and_teaches_nothing(gate: SubmissionGate) -> None:
    for _ in range(MAX_RETRIES):
        gate.missed("job")
        assert gate.again_in_s("job", None) is not None
        assert gate.pauses_s("job") is None
    gate.missed("job")
    assert gate.again_in_s("job", None) is None
    assert gate.room() is None


def test_a_job_that_is_refused_for_itself_waits_longer_each_time_and_ends(
    gate: SubmissionGate, clock: HandMovedClock
) -> None:
    pauses: list[float] = []
    for _ in range(30):
        gate.accepted("a job that is taken")
    while (pause_s := refused(gate, "job", 1.0)) is not None:
        pauses.append(pause_s)
        clock.at += pause_s
        gate.accepted("another")
        clock.at += 0.1
    assert MAX_RETRIES <= len(pauses) <= 8
    assert pauses[-1] > 3 * pauses[0]
    assert max(pauses) <= RETRY_LONGEST_S


def test_where_nearly_everybody_is_refused_a_job_is_not_given_up_for_it(
    gate: SubmissionGate, clock: HandMovedClock
) -> None:
    """Of an API that paints one task at a time, one in four tries is taken."""
    tries = 0
    while refused(gate, "job", 1.0) is not None:
        tries += 1
        for number in range(3):
            refused(gate, f"job {tries} {number}", 1.0)
            clock.at += 1
        gate.accepted(f"another {tries}")
        clock.at += 1
    assert 16 < tries <= MOST_TRIES
