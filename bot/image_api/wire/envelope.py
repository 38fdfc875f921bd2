"""What the image API's answers mean, whatever their dialect. Pure: any bytes become a typed result or a typed error.

Answers are read tolerantly (wrapped or bare, any spelling of a status) and decided strictly (a table of statuses,
final or not). A success that cannot be understood is never taken for a refusal: it may have cost money.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.errors import ImageApiError, Refused, TaskLost, Uncertain, Unreachable
from bot.image_api.wire.answers import ApiAnswer, Unreadable, as_object, as_text, read_json
from bot.image_api.wire.faults import ask_error, ask_fault, submit_error, submit_fault, task_failure
from bot.image_api.wire.quoted import NOTHING_ASKED, Asked
from bot.image_api.wire.result_addresses import has_blocked_picture, result_addresses
from bot.image_api.wire.task_state import TaskState, described_task, percent_of, state_of, state_word
from bot.image_api.wire.vocabulary import fault_of
from bot.model import Charged

_TASK_ID = re.compile(r"[\x21-\x7e]{1,256}")
_MAX_POLL_HINT_S = 60.0
#: A task that is not done has no results: addresses beside it are an echo of the request.
_GOES_ON = frozenset({TaskState.PENDING, TaskState.RUNNING})


@dataclass(frozen=True, slots=True)
class Submission:
    """An accepted submission: a task to ask about, or the results themselves, or both.

    `result_urls` holds http addresses, addresses relative to the API, `data:` URIs or `held:` names, all of which
    `ImageApi.download` takes. Without a `task_id` there is at least one.
    """

    task_id: str | None
    request_id: str | None
    result_urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskReport:
    """What the image API says about a task.

    `percent` is 0-100, None where it tells nothing usable. `failure` is set for FAILED, CANCELLED and EXPIRED and
    says whether money went. `retry_after` is in seconds. SUCCEEDED without addresses happens: they may follow a
    moment later, so ask again a few times.
    """

    state: TaskState
    percent: int | None = None
    result_urls: tuple[str, ...] = ()
    failure: ImageApiError | None = None
    retry_after: float | None = None
    request_id: str | None = None


def read_submission(answer: ApiAnswer, *, tasks: bool, asked: Asked = NOTHING_ASKED) -> Submission:
    """What a POST was answered; `tasks` says that the task route was asked, where a bare `id` names the task.

    Raises an ImageApiError: Uncertain where a success cannot be understood, TaskLost for an empty list of pictures.
    """
    if not answer.is_success:
        raise submit_error(answer, asked)
    try:
        body = read_json(answer.body)
    except Unreadable as error:
        raise _not_understood(answer) from error
    task = described_task(body)
    task_id = _task_id(body, task, bare=tasks)
    fault = fault_of(body, asked)
    goes_on = task_id is not None and state_of(task) in _GOES_ON
    addresses = () if goes_on else result_addresses(body, task, asked.sources)
    if fault is not None and not addresses and not (task_id and state_word(task)):
        raise submit_fault(answer, fault)
    if task_id is None and not addresses:
        raise _without_pictures(answer, body, tasks=tasks)
    return Submission(task_id, answer.request_id(), addresses)


def _without_pictures(answer: ApiAnswer, body: object, *, tasks: bool) -> ImageApiError:
    if has_blocked_picture(body):
        return _all_blocked(answer)
    if not tasks and as_object(body).get("data") == []:
        # understood well enough: it was accepted, and nothing came of it
        return TaskLost("the image API gave no picture", charged=Charged.MAYBE, request_id=answer.request_id())
    return _not_understood(answer)


def _all_blocked(answer: ApiAnswer) -> Refused:
    return Refused("moderation blocked every picture", charged=Charged.MAYBE, request_id=answer.request_id())


def _not_understood(answer: ApiAnswer) -> Uncertain:
    return Uncertain(
        f"the image API's answer cannot be understood (HTTP {answer.status})",
        charged=Charged.MAYBE,
        request_id=answer.request_id(),
    )


def _task_id(body: object, task: Mapping[str, object], *, bare: bool) -> str | None:
    top = as_object(body)
    candidates = [task.get("task_id"), task.get("taskId"), top.get("task_id"), top.get("data")]
    if bare:
        candidates += [task.get("id"), top.get("id"), task.get("request_id"), top.get("request_id")]
    # a string is taken whole or not at all: an id with a character less would name nothing
    texts = (value.strip() if isinstance(value, str) else as_text(value) for value in candidates)
    return next((text for text in texts if _TASK_ID.fullmatch(text) and text not in {".", ".."}), None)


def read_report(answer: ApiAnswer, asked: Asked = NOTHING_ASKED) -> TaskReport:
    """What a GET about a task was answered. Raises an ImageApiError; Busy and Unreachable mean: ask again later."""
    try:
        body = read_json(answer.body)
    except Unreadable as error:
        if answer.is_success:
            raise Unreachable("the image API's answer about the task cannot be understood") from error
        raise ask_error(answer, asked) from error
    task = described_task(body)
    if not answer.is_success and not _is_about_task(task):
        raise ask_error(answer, asked)
    fault = fault_of(body, asked)
    report = _report(answer, body, task, asked)
    if fault is not None and not state_word(task) and not report.result_urls:
        raise ask_fault(answer, fault)
    return report


def _is_about_task(task: Mapping[str, object]) -> bool:
    """Does an error answer carry a task all the same? Some servers send a waiting task with an odd status."""
    state = state_of(task)
    return state in _GOES_ON or (state.is_final and "task_id" in task)


def _report(answer: ApiAnswer, body: object, task: Mapping[str, object], asked: Asked) -> TaskReport:
    state = state_of(task)
    percent = percent_of(task)
    may_have_ended = state in {TaskState.SUCCEEDED, TaskState.UNKNOWN}
    addresses = result_addresses(body, task, asked.sources) if may_have_ended else ()
    if state is TaskState.UNKNOWN and addresses and (percent == 100 or not state_word(task)):
        state = TaskState.SUCCEEDED
    failure = None
    if state.is_failure:
        failure = task_failure(answer, body, task, state, asked)
    elif state is TaskState.SUCCEEDED and not addresses and has_blocked_picture(body):
        state, failure = TaskState.FAILED, _all_blocked(answer)
    return TaskReport(
        state,
        percent,
        addresses if state is TaskState.SUCCEEDED else (),
        failure,
        _next_question(answer),
        failure.request_id if failure else answer.request_id(),
    )


def _next_question(answer: ApiAnswer) -> float | None:
    """The pause the API hints at, in seconds: Retry-After, or the header OpenAI's servers send."""
    if answer.retry_after is not None:
        return answer.retry_after
    milliseconds = answer.headers.get("openai-poll-after-ms", "")
    if re.fullmatch(r"\d{1,9}", milliseconds):
        return min(int(milliseconds) / 1000, _MAX_POLL_HINT_S)
    return None
