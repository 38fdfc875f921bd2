"""Words an answer about a task: the JSON of submissions and status questions, in every dialect of the family."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from sandbox.image_api.records import ImageTask, TaskState
from sandbox.image_api.script import JsonObject, Phrasing, ProgressForm, ResultForm, Words

#: From which part of the planned time on a running task says which percentage. Below 10 it is still queued.
_SCHEDULE = ((0.0, 0), (0.08, 10), (0.18, 30), (0.38, 45), (0.55, 60), (0.72, 75), (0.88, 90))
_STUCK_AT = 30  # percent

_QUEUED, _RUNNING = "queued", "in_progress"
_WORDS: Mapping[Words, Mapping[str, str]] = {
    Words.PAGE: {},
    Words.RAW: {
        "queued": "NOT_START",
        "in_progress": "IN_PROGRESS",
        "succeeded": "SUCCESS",
        "failed": "FAILURE",
        "cancelled": "CANCEL",
    },
    Words.VIDEO: {"succeeded": "completed", "cancelled": "canceled"},
    Words.QUEUE: {"queued": "IN_QUEUE", "in_progress": "IN_PROGRESS", "succeeded": "COMPLETED", "failed": "ERROR"},
    Words.PLAIN: {"queued": "pending", "in_progress": "processing", "succeeded": "done", "failed": "error"},
    Words.ODD: {"queued": "unknown", "in_progress": "simmering"},
}


def percent(task: ImageTask, *, stuck: bool) -> int:
    """How far a task says it is."""
    if task.state is not TaskState.RUNNING:
        return 100  # failed ones as well: that is how this family tells it
    elapsed = task.elapsed()
    told = max(value for start, value in _SCHEDULE if start <= elapsed)
    return min(told, _STUCK_AT) if stuck else told


def _status(task: ImageTask, done: int) -> str:
    if task.state is TaskState.RUNNING:
        return _QUEUED if done < _STUCK_AT else _RUNNING
    return task.state.value


def _progress(form: ProgressForm, done: int, queries: int) -> object:
    match form:
        case ProgressForm.INTEGER:
            return done
        case ProgressForm.FRACTION:
            return done / 100
        case ProgressForm.NULL | ProgressForm.MISSING:
            return None
        case ProgressForm.NAN:
            return "NaN%"
        case ProgressForm.BACKWARDS if queries % 2 == 0:
            return f"{min(done, 10)}%"
        case _:
            return f"{done}%"


def submission_answer(task: ImageTask, phrasing: Phrasing) -> JsonObject:
    """The answer to an accepted submission; bare, as the page shows it."""
    body = {
        phrasing.id_field: task.task_id,
        "status": _WORDS[phrasing.words].get(_QUEUED, _QUEUED),
        "progress": _progress(phrasing.progress, 0, 1),
        "result_url": "",
        "metadata": {"task_type": task.accepted.submission.task_type},
        "error": None,
    }
    if phrasing.progress is ProgressForm.MISSING:
        del body["progress"]
    return _wrapped(body) if phrasing.submit_wrapped else body


def status_answer(
    task: ImageTask, phrasing: Phrasing, addresses: Sequence[str], base64s: Sequence[str], *, stuck: bool
) -> JsonObject:
    """The answer to a status question; wrapped, as the page shows it. `base64s` are the pictures themselves."""
    done = percent(task, stuck=stuck)
    status = _status(task, done)
    metadata: dict[str, object] = {"task_type": task.accepted.submission.task_type}
    body: dict[str, object] = {
        phrasing.id_field: task.task_id,
        "status": _WORDS[phrasing.words].get(status, status),
        "progress": _progress(phrasing.progress, done, task.queries),
        "result_url": addresses[0] if addresses else "",
        "metadata": metadata,
        "error": None,
    }
    if phrasing.progress is ProgressForm.MISSING:
        del body["progress"]
    if task.state is TaskState.SUCCEEDED:
        metadata |= {"result_count": len(addresses), "result_urls": list(addresses)}
        _move_results(body, metadata, phrasing.results, addresses, base64s)
    elif task.state is not TaskState.RUNNING:
        outer, _, inner = task.fate.error_field.partition(".")
        (metadata if inner else body)[inner or outer] = task.error
    return body if phrasing.status_bare else _wrapped(body)


def _wrapped(data: JsonObject) -> JsonObject:
    return {"code": "success", "message": "", "data": data}


def _move_results(
    body: dict[str, object],
    metadata: dict[str, object],
    form: ResultForm,
    addresses: Sequence[str],
    base64s: Sequence[str],
) -> None:
    if form is ResultForm.PAGE:
        return
    del metadata["result_urls"]
    match form:
        case ResultForm.TOP_LEVEL:
            body["result_urls"] = list(addresses)
        case ResultForm.JOINED:
            body["result_url"] = ",".join(addresses)
        case ResultForm.JSON_TEXT:
            body["result_url"] = json.dumps(list(addresses))
        case ResultForm.OBJECTS:
            body |= {"result_url": "", "images": [{"url": address} for address in addresses]}
        case ResultForm.NESTED:
            body |= {"result_url": "", "result": {"data": [{"url": address} for address in addresses]}}
        case ResultForm.B64:
            body |= {"result_url": "", "result": {"data": [{"url": "", "b64_json": text} for text in base64s]}}
