"""When to ask the image API about a task again. Pure functions over seconds.

The published latency of the model has its median at 7.7 s and 95 % within 11.9 s. The questions are
dense where an answer is likeliest and thin out in the tail; the first comes early, so that a refusal shows at once.
"""

from __future__ import annotations

from collections.abc import Callable

#: Ages of a task, in seconds, at which it is asked about.
FIRST_QUESTIONS_S = (1.5, 3.6, 5.6, 6.6, 7.4, 8.2, 9.1, 10.1, 11.3, 13.0, 15.0, 17.5)
TAIL_GROWTH = 0.15  # from there on, each pause is this share of the task's age
LONGEST_PAUSE_S = 10.0
JITTER = 0.1  # a pause is stretched or shortened by up to this share, so that jobs don't ask in step


def pause_before_question(age_s: float) -> float:
    """Seconds from now until a task of this age is asked about next."""
    for question in FIRST_QUESTIONS_S:
        if question > age_s + 0.3:  # a question that is almost due has just been asked
            return question - age_s
    return min(age_s * TAIL_GROWTH, LONGEST_PAUSE_S)


def with_jitter(pause_s: float, random: Callable[[], float]) -> float:
    """The pause, stretched or shortened by up to JITTER; `random` gives numbers from 0 to 1."""
    return pause_s * (1 + JITTER * (2 * random() - 1))


def growing_pause(tries: int, *, first_s: float, longest_s: float, random: Callable[[], float]) -> float:
    """Pause after `tries` failures in a row (from 1): doubles from `first_s` to `longest_s`, with half of it jitter."""
    full = min(first_s * 2.0 ** min(tries - 1, 30), longest_s)
    return full * (0.5 + 0.5 * random())
