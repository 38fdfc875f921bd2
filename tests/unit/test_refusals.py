"""What is remembered of refused jobs, and what that costs."""

from __future__ import annotations

import time

from bot.jobs.polling.refusals import FORGOTTEN_S, MOST_KNOWN, RefusalJudge


def test_jobs_that_were_refused_long_ago_are_forgotten_once_there_are_many() -> None:
    judge = RefusalJudge()
    for number in range(MOST_KNOWN):
        judge.refused(f"job {number}", 0.0)
    judge.refused("job 7", FORGOTTEN_S / 2)
    assert judge.of("job 0") is not None  # few enough are kept however long ago it was
    judge.refused("one more", FORGOTTEN_S)
    assert [name for name in ("job 0", "job 7", "one more") if judge.of(name) is not None] == ["job 7", "one more"]
    again = judge.of("job 7")
    assert again is not None
    assert again.refused == 2


def test_a_refusal_costs_the_same_however_many_jobs_are_refused() -> None:
    """A busy API that stays busy refuses everybody's job again and again."""

    def cost_s(jobs: int) -> float:
        judge = RefusalJudge()
        for number in range(jobs):
            judge.refused(f"job {number}", 0.0)
        began = time.process_time()
        for number in range(2000):
            judge.refused(f"job {number % jobs}", 1.0)
        return time.process_time() - began

    few = min(cost_s(MOST_KNOWN // 2) for _ in range(3))
    assert min(cost_s(MOST_KNOWN * 10) for _ in range(3)) < few * 10
