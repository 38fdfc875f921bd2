"""Where a task stands and how far it is, in every spelling, and which part of an answer describes it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum

from bot.image_api.wire.answers import as_list, as_object

_MAX_LOOKED_AT = 100
_MAX_DEPTH = 6


class TaskState(StrEnum):
    """How far a task is. UNKNOWN is a word nobody has seen yet: keep asking, never fail on it."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        """Whether the task will not change any more."""
        return self is TaskState.SUCCEEDED or self.is_failure

    @property
    def is_failure(self) -> bool:
        """Whether it ended without pictures."""
        return self in {TaskState.FAILED, TaskState.CANCELLED, TaskState.EXPIRED}


#: Words seen in this family of servers, after lower-casing and `-` and spaces turned into `_`.
_STATE_WORDS: Mapping[str, TaskState] = {
    word: state
    for state, words in {
        TaskState.PENDING: "queued pending not_start not_started submitted in_queue waiting created accepted starting "
        "ready assigned",
        TaskState.RUNNING: "in_progress processing running generating executing finalizing",
        TaskState.SUCCEEDED: "succeeded success completed complete done finished",
        TaskState.FAILED: "failed failure error fail",
        TaskState.CANCELLED: "cancelled canceled cancel aborted",
        TaskState.EXPIRED: "expired timeout timed_out",
    }.items()
    for word in words.split()
}
_NUMBER = re.compile(r"[+-]?(?:\d{1,15}(?:\.\d{0,15})?|\.\d{1,15})(?:e[+-]?\d{1,3})?", re.IGNORECASE | re.ASCII)
#: What tells the description of a task from an envelope around it, and how much each field weighs.
_WEIGHTS = {
    "task_id": 2, "taskId": 2, "progress": 2, "result_url": 2, "result_urls": 2, "metadata": 1,
    "fail_reason": 1, "id": 1, "status": 1, "state": 1, "task_status": 1,
}  # fmt: skip
_ONLY_A_STATUS = 1


def described_task(body: object) -> Mapping[str, object]:
    """The object that describes the task: the body itself, or what lies inside envelopes of any kind.

    An envelope may have a status of its own (`{"status": "success", "data": {"status": "queued"}}`), so the object
    with the most of a task's fields is taken, and the outer one of equals.
    """
    best, weight = as_object(body), _weight(as_object(body))
    for part, in_list in _parts(body, 0):
        found = _weight(part)
        if in_list and not {"task_id", "taskId"} & part.keys():
            continue  # pictures come in lists, each perhaps with a status
        if found > weight or (found == weight == _ONLY_A_STATUS and state_word(part)):
            best, weight = part, found
    return best


def _weight(part: Mapping[str, object]) -> int:
    return sum(weight for name, weight in _WEIGHTS.items() if part.get(name) is not None)


def _parts(value: object, depth: int) -> Iterator[tuple[Mapping[str, object], bool]]:
    """The objects inside a value, and whether each stands in a list; the outer ones first."""
    if depth == _MAX_DEPTH:
        return
    inner = [(item, False) for item in as_object(value).values()] or [(item, True) for item in as_list(value)]
    inner = inner[:_MAX_LOOKED_AT]
    yield from ((part, in_list) for item, in_list in inner if (part := as_object(item)))
    for item, _ in inner:
        yield from _parts(item, depth + 1)


def state_word(task: Mapping[str, object]) -> str:
    """The task's status as a word of the table's spelling; empty where it has none."""
    for key in ("status", "state", "task_status"):
        value = task.get(key)
        if isinstance(value, str) and value.strip():
            return re.sub(r"[\s-]+", "_", value.strip().lower())
    return ""


def state_of(task: Mapping[str, object]) -> TaskState:
    """The state a task's status stands for."""
    return _STATE_WORDS.get(state_word(task), TaskState.UNKNOWN)


def percent_of(task: Mapping[str, object]) -> int | None:
    """How far the task says it is, 0-100. A fraction between 0 and 1 is taken as a share of the whole."""
    for key in ("progress", "percentage", "percent"):
        percent = read_percent(task.get(key))
        if percent is not None:
            return percent
    return None


def read_percent(value: object) -> int | None:
    """Read one field: "30%", 30, 0.3 and "0.3" are all 30. None for what is no number; clamped to 0-100."""
    number = _number(value)
    if number is None or not math.isfinite(number):
        return None
    if 0 < number < 1 and not (isinstance(value, str) and "%" in value):
        number *= 100
    return round(min(max(number, 0.0), 100.0))


def _number(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        try:
            return float(value)
        except OverflowError:
            return None
    if isinstance(value, str):
        text = value.strip().removesuffix("%").strip()
        return float(text) if _NUMBER.fullmatch(text) else None
    return None
