"""Where a task stands, how far it is, and where its pictures are: what every dialect spells in its own way."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import cast

from bot.image_api.wire.answers import as_list, as_object

#: One Discord message holds ten files, and a job asks for four pictures at most.
MAX_RESULTS = 10
_MAX_ADDRESS_CHARS = 32_768
_MAX_LOOKED_AT = 100
_MAX_DEPTH = 4


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
        return self is TaskState.SUCCEEDED or self.is_failure

    @property
    def is_failure(self) -> bool:
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
_HELD = re.compile(r"held:[0-9a-f]{32}")
#: "a,b" in one string: only a comma before the next http address separates, since commas stand in addresses too
_BETWEEN_ADDRESSES = re.compile(r",(?=\s{0,9}https?://)")


def unwrapped(body: object) -> Mapping[str, object]:
    """The object that describes the task: the body itself, or what lies inside an envelope."""
    inner = as_object(body) or _within(body)
    for _ in range(_MAX_DEPTH):
        if state_word(inner) or "task_id" in inner:
            break
        within = next((found for key in ("data", "task", "result") if (found := _within(inner.get(key)))), None)
        if within is None:
            break
        inner = within
    return inner


def _within(value: object) -> Mapping[str, object]:
    """The object in an envelope's field; of a list only one that is a task, since pictures come in lists too."""
    first = as_object(next(iter(as_list(value)), None))
    return as_object(value) or (first if state_word(first) or "task_id" in first else {})


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


def result_addresses(body: object, task: Mapping[str, object]) -> tuple[str, ...]:
    """The pictures' addresses in the API's order, each once.

    Http addresses, addresses relative to the API (`/…`), `data:` URIs and `held:` names. The documented fields are
    taken together; fields of other dialects count only where those are empty.
    """
    found = _once(_documented(task))
    if not found:
        found = _once(_elsewhere(task, 0))
    if not found:
        found = _once(_elsewhere(as_object(body), 0))
    if not found:
        # older servers of the family keep a finished task's address here
        found = _once(_addresses(task.get("fail_reason")))
    return found


def _documented(task: Mapping[str, object]) -> Iterator[str]:
    metadata = as_object(task.get("metadata"))
    for value in (
        metadata.get("result_urls"),
        task.get("result_urls"),
        metadata.get("result_url"),
        task.get("result_url"),
    ):
        yield from _addresses(value)


def _elsewhere(part: Mapping[str, object], depth: int) -> Iterator[str]:
    """Addresses in the fields of other dialects: a picture's own, then lists of pictures, then deeper ones."""
    own = _own_address(part)
    if own:
        yield own
    for key in ("urls", "image_urls", "images", "outputs", "output", "data", "result", "results", "metadata"):
        value = part.get(key)
        if isinstance(value, dict):
            yield from _pictures([cast("object", value)], depth)
        elif isinstance(value, str):
            yield from _addresses(value)
        else:
            yield from _pictures(as_list(value)[:_MAX_LOOKED_AT], depth)


def _pictures(items: Iterable[object], depth: int) -> Iterator[str]:
    for item in items:
        if isinstance(item, str):
            yield from _addresses(item)
        elif depth < _MAX_DEPTH:
            yield from _elsewhere(as_object(item), depth + 1)


def _own_address(part: Mapping[str, object]) -> str:
    """One picture's address, or its bytes where it has none. "" counts as absent."""
    for key in ("url", "image_url", "result_url"):
        value = part.get(key)
        text = _text(value) or _text(as_object(value).get("url"))
        if _is_address(text):
            return text
    for key in ("b64_json", "image_base64", "base64"):
        text = _text(part.get(key))
        if text:
            # no test for an address here: the base64 of every JPEG begins with /9j/
            return text if text.startswith("data:") or _HELD.fullmatch(text) else f"data:image/*;base64,{text}"
    return ""


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _addresses(value: object) -> Iterator[str]:
    """Addresses in a string, a list, or a string that holds a list in JSON or between commas."""
    for item in as_list(value)[:_MAX_LOOKED_AT]:
        yield from filter(_is_address, [_text(item) or _own_address(as_object(item))])
    text = _text(value)
    if text.startswith("["):
        yield from _addresses(_list_in(text))
    elif text.startswith("data:"):
        yield from filter(_is_address, [text])
    else:
        yield from filter(_is_address, (part.strip() for part in _BETWEEN_ADDRESSES.split(text, _MAX_LOOKED_AT)))


def _list_in(text: str) -> list[object]:
    try:
        items = as_list(json.loads(text[:100_000]))
    except (ValueError, RecursionError):
        return []
    return [item for item in items if isinstance(item, str)]


def _is_address(text: str) -> bool:
    if text.startswith(("data:image/", "data:application/octet-stream", "data:;base64,")):
        return True
    if _HELD.fullmatch(text):
        return True
    return (
        text.lower().startswith(("http://", "https://", "/"))
        and len(text) <= _MAX_ADDRESS_CHARS
        and text.isprintable()
        and " " not in text
    )


def _once(addresses: Iterator[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for address in addresses:
        found[address] = None
        if len(found) == MAX_RESULTS:
            break
    return tuple(found)


def has_blocked_picture(body: object, depth: int = 0) -> bool:
    """True where the answer says that moderation kept a picture back: `respect_moderation: false`."""
    top = as_object(body)
    if top.get("respect_moderation") is False:
        return True
    if depth >= _MAX_DEPTH:
        return False
    parts = [part for key in ("data", "images", "result", "metadata", "outputs") for part in _as_parts(top.get(key))]
    return any(has_blocked_picture(part, depth + 1) for part in parts[:_MAX_LOOKED_AT])


def _as_parts(value: object) -> list[object]:
    return [value] if isinstance(value, dict) else as_list(value)[:_MAX_LOOKED_AT]
