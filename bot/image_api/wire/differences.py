"""Where the answers of an image API differ from its page, in plain words for a bug report.

Easel reads all of these spellings; see envelope.py. The page shows one answer to a submission, one about a finished
task and one of a synchronous route, and what it does not show is told as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bot.image_api.wire.answers import ApiAnswer, Unreadable, as_list, as_object, read_json
from bot.image_api.wire.blobs import PREFIX
from bot.image_api.wire.result_addresses import result_addresses
from bot.image_api.wire.task_state import TaskState, described_task, state_of
from bot.model import PictureFormat

_TASK_FIELDS = frozenset({"task_id", "status", "progress", "result_url", "metadata", "error"})
_ENVELOPE = frozenset({"code", "message", "data"})
_SYNC_FIELDS = frozenset({"created", "data"})
_PICTURE_FIELDS = frozenset({"url", "revised_prompt"})
_STATUS_WORDS = frozenset({"queued", "succeeded"})
_NAMES_SHOWN = 8  # of fields in one sentence
_WORD_CHARS = 40  # of a status word


def of_submission(answer: ApiAnswer) -> Sequence[str]:
    """What is different in the answer to POST /v1/images/tasks."""
    return _once(_submission(answer))


def of_reports(answers: Sequence[ApiAnswer]) -> Sequence[str]:
    """What is different in the answers to GET /v1/images/tasks/{task_id}, each difference told once."""
    return _once(sentence for answer in answers for sentence in _report(answer))


def of_pictures(answer: ApiAnswer) -> Sequence[str]:
    """What is different in the answer of a synchronous route."""
    return _once(_pictures(answer))


def of_results(addresses: Sequence[str], *, asked: int) -> Sequence[str]:
    """What is different in the addresses of the pictures."""
    return _once(_results(addresses, asked))


def of_download(content_type: str | None, found: PictureFormat, asked: PictureFormat) -> Sequence[str]:
    """What is different in the file: its Content-Type says one thing, or its bytes are not what was asked for.

    `content_type` is None where the picture came without an HTTP answer of its own.
    """
    said = (content_type or "").partition(";")[0].strip().lower()
    sentences: list[str] = []
    if content_type is not None and said != found.mime:
        sentences.append(f"The picture is sent as {_shown(said) or 'no type at all'} and its bytes are {found.mime}.")
    if found is not asked:
        sentences.append(f"A picture in the format {asked.value} was asked for, and {found.value} came.")
    return sentences


def _submission(answer: ApiAnswer) -> Iterator[str]:
    yield from _of_http("A submission", answer)
    body = _body(answer)
    task = described_task(body)
    top = as_object(body)
    if task is not body and task:
        yield f"The answer to a submission is wrapped: the task stands inside {_names(top)}."
    if "task_id" not in task:
        other = next((key for key in ("taskId", "id", "request_id") if task.get(key) or top.get(key)), None)
        if other is None and result_addresses(body, task):
            yield "A submission gets no task_id: the pictures themselves stand in its answer."
        elif other is None:
            yield "The answer to a submission has no task_id."
        else:
            yield f"The id of the task stands in {other}, not in task_id."
    yield from _of_task(task)


def _report(answer: ApiAnswer) -> Iterator[str]:
    yield from _of_http("A question about a task", answer)
    if not answer.is_success:
        return
    body = _body(answer)
    top, task = as_object(body), described_task(body)
    if task is body:
        yield "Answers about a task come without the envelope (code, message, data)."
    else:
        yield from _of_fields("The envelope of answers about a task", top, _ENVELOPE)
    yield from _of_task(task)
    if state_of(task) is not TaskState.SUCCEEDED:
        return
    addresses = result_addresses(body, task)
    if not addresses:
        yield "A task that has succeeded names no picture at first."
    elif task.get("result_url") != addresses[0]:
        yield "The address of a finished picture does not stand alone in result_url."
    elif not isinstance(as_object(task.get("metadata")).get("result_urls"), list):
        yield "The addresses of finished pictures do not stand in metadata.result_urls."


def _of_task(task: Mapping[str, object]) -> Iterator[str]:
    if not task:
        return
    yield from _of_fields("The task", task, _TASK_FIELDS)
    word = task.get("status")
    if isinstance(word, str) and word not in _STATUS_WORDS:
        known = state_of(task)
        meaning = "Easel does not know it and goes on asking" if known is TaskState.UNKNOWN else f"read as {known}"
        yield f"The status {_shown(word)} is not on the page; {meaning}."
    progress = task.get("progress")
    if "progress" in task and not (isinstance(progress, str) and progress.endswith("%") and progress[:-1].isdigit()):
        yield f"The progress is not a text such as 30%, but {_shown(progress)}."


def _pictures(answer: ApiAnswer) -> Iterator[str]:
    yield from _of_http("The synchronous route", answer)
    body = _body(answer)
    top = as_object(body)
    yield from _of_fields("The answer", top, _SYNC_FIELDS)
    if top.get("task_id") or as_object(top.get("data")).get("task_id"):
        yield "The synchronous route answers with a task instead of pictures."
    listed = as_list(top.get("data"))
    if not listed:
        yield "The pictures do not stand in the list data."
        return
    picture = as_object(listed[0])
    if picture.get("b64_json"):
        yield "The picture comes as base64 in b64_json, although response_format asks for an address."
    yield from _of_fields("A picture in data", picture, _PICTURE_FIELDS)


def _results(addresses: Sequence[str], asked: int) -> Iterator[str]:
    if len(addresses) != asked:
        yield f"{asked} picture was asked for, and the answer names {len(addresses)}."
    for address in addresses:
        if address.startswith((PREFIX, "data:")):
            yield "The picture itself stands in the answer, although response_format asks for an address."
        elif address.startswith("/"):
            yield "The address of a picture has no scheme and no host."


def _of_http(what: str, answer: ApiAnswer) -> Iterator[str]:
    if answer.status != 200:
        yield f"{what} is answered with HTTP {answer.status}."
    kind = answer.headers.get("content-type", "").partition(";")[0].strip()
    if kind.lower() != "application/json":
        yield f"{what} is answered as {_shown(kind) if kind else 'no type at all'}, not as application/json."
    try:
        read_json(answer.body)
    except Unreadable:
        yield f"{what} is answered with something that is no JSON."
    if "retry-after" in answer.headers and answer.is_success:
        yield f"{what} is answered with a pause to keep (Retry-After), which the page does not name."


def _of_fields(what: str, found: Mapping[str, object], expected: frozenset[str]) -> Iterator[str]:
    missing, more = expected - found.keys(), found.keys() - expected
    if missing:
        yield f"{what} lacks {_names(missing)}."
    if more:
        yield f"{what} also has {_names(more)}."


def _body(answer: ApiAnswer) -> object:
    try:
        return read_json(answer.body)
    except Unreadable:
        return None


def _names(found: Mapping[str, object] | frozenset[str] | set[str]) -> str:
    names = sorted(_shown(name) for name in found)
    rest = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return "".join(char if char.isprintable() else "?" for char in text[:_WORD_CHARS])


def _once(sentences: Iterator[str]) -> Sequence[str]:
    return list(dict.fromkeys(sentences))
