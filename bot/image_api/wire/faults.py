"""Which error of ours an answer is: documented codes first, then the HTTP status, then the words of its text.

A text decides only where the status leaves it open (400, 401, 403, 404, 422, an error inside a success). The same
status means different things for a submission, which may cost money, and for a question about a task, which may be
asked again. Messages name the status and the code, never a text from outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.errors import (
    BadInput,
    BadKey,
    Busy,
    ImageApiError,
    OutOfBalance,
    Refused,
    TaskLost,
    Uncertain,
    Unexpected,
    Unreachable,
)
from bot.image_api.wire.answers import ApiAnswer, Unreadable, as_object, read_json
from bot.image_api.wire.quoted import NOTHING_ASKED, Asked
from bot.image_api.wire.task_state import TaskState
from bot.image_api.wire.vocabulary import ApiFault, Meaning, merged, read_fault
from bot.model import Charged


class SourceOutOfReach(BadInput):
    """The image API could not fetch a source's address. Its bytes can be uploaded instead, where it was a refusal."""


#: What the text of a refusal can mean: a 401 is about the key or its quota, whatever else its text says.
_POSSIBLE: Mapping[int, frozenset[Meaning]] = {
    401: frozenset({Meaning.BALANCE}),
    403: frozenset({Meaning.MODERATION, Meaning.BALANCE, Meaning.NO_MODEL, Meaning.KEY}),
    404: frozenset({Meaning.NO_MODEL, Meaning.TASK_LOST}),
    400: frozenset(Meaning),
    422: frozenset(Meaning),
}


@dataclass(frozen=True, slots=True)
class _Case:
    """One error answer with all that its class needs."""

    answer: ApiAnswer
    fault: ApiFault
    is_json: bool

    @classmethod
    def of_error(cls, answer: ApiAnswer, asked: Asked) -> _Case:
        """From an answer whose status is no success."""
        try:
            body = read_json(answer.body)
        except Unreadable:
            return cls(answer, ApiFault(), is_json=False)
        return cls(answer, read_fault(as_object(body), asked), isinstance(body, dict))

    def meaning(self) -> Meaning | None:
        """What the codes say; where they say nothing definite and the status allows it, what the text says."""
        by_code = self.fault.code_meaning()
        if by_code not in {None, Meaning.INPUT}:
            return by_code
        if self.answer.is_success:
            return self.fault.meaning()
        by_text = self.fault.text_meaning() if self.answer.status in _POSSIBLE else None
        return by_text if by_text in _POSSIBLE.get(self.answer.status, ()) else by_code

    def make(self, kind: type[ImageApiError], text: str, charged: Charged = Charged.NO) -> ImageApiError:
        """An error of this kind, with all that the answer says about it."""
        label = self.fault.label
        where = f"HTTP {self.answer.status}, {label}" if label else f"HTTP {self.answer.status}"
        return kind(
            f"{text} ({where})",
            charged=Charged.YES if self.fault.cost else charged,
            request_id=self.answer.request_id(self.fault.message),
            retry_after=self.answer.retry_after,
        )


def submit_error(answer: ApiAnswer, asked: Asked) -> ImageApiError:
    """Why a submission was not accepted, for an answer that is no success."""
    case = _Case.of_error(answer, asked)
    may_be_source = bool(asked.sources) and 400 <= answer.status < 500
    return _by_meaning(case, source=SourceOutOfReach if may_be_source else BadInput) or _by_submit_status(case)


def submit_fault(answer: ApiAnswer, fault: ApiFault) -> ImageApiError:
    """What an error inside a success is, after a submission: never a reason to send it again."""
    case = _Case(answer, fault, is_json=True)
    error = _by_meaning(case)
    if error is None and case.meaning() is Meaning.INPUT:
        error = case.make(BadInput, "the image API did not accept the request")
    return error or case.make(Unexpected, "the image API answered with an error", Charged.MAYBE)


def ask_error(answer: ApiAnswer, asked: Asked = NOTHING_ASKED) -> ImageApiError:
    """Why a question about a task was not answered. Busy and Unreachable mean: ask again later."""
    case = _Case.of_error(answer, asked)
    return _perhaps_charged(_by_meaning_about_task(case) or _by_ask_status(case))


def ask_fault(answer: ApiAnswer, fault: ApiFault) -> ImageApiError:
    """What an error inside a success is, after a question: without known words a reason to ask again."""
    case = _Case(answer, fault, is_json=True)
    unclear = case.make(Unreachable, "the image API did not tell about the task")
    return _perhaps_charged(_by_meaning_about_task(case) or unclear)


def _perhaps_charged(error: ImageApiError) -> ImageApiError:
    """The task was accepted before the question, so an error that ends it may have cost money."""
    if not isinstance(error, Busy | Unreachable) and error.charged is Charged.NO:
        error.charged = Charged.MAYBE
    return error


def task_failure(
    answer: ApiAnswer, body: object, task: Mapping[str, object], state: TaskState, asked: Asked
) -> ImageApiError:
    """Why a task ended without pictures.

    This family of servers refunds failed tasks, moderated ones not always; of cancelled and expired ones nothing
    is known.
    """
    fault = merged(read_fault(task, asked), read_fault(as_object(body), asked))
    case = _Case(replace(answer, status=200), fault, is_json=True)  # the status of an answer about a task says nothing
    definite = _by_meaning(case)
    if definite is not None:
        return definite
    if state is TaskState.EXPIRED:
        return case.make(TaskLost, "the image API gave up the task", Charged.MAYBE)
    if state is TaskState.CANCELLED:
        return case.make(Unexpected, "the task was cancelled at the image API", Charged.MAYBE)
    if case.meaning() is Meaning.BUSY:
        return case.make(Busy, "the image API had too much to do")
    if case.meaning() is Meaning.INPUT:
        return case.make(BadInput, "the image API could not work with the request")
    return case.make(Unexpected, "the task failed")


def _by_meaning(case: _Case, *, source: type[BadInput] = BadInput) -> ImageApiError | None:
    """The errors that a meaning tells whatever the status, and the less certain ones below 500.

    `source` is the class for a source that the API could not fetch.
    """
    early = case.answer.status < 500
    match case.meaning():
        case Meaning.MODERATION:
            return case.make(Refused, "the image API refused the content", _moderation_charge(case.fault))
        case Meaning.BALANCE:
            return case.make(OutOfBalance, "the account at the image API has no balance left")
        case Meaning.NO_MODEL:
            return case.make(BadInput, "the image API does not offer this model to this key")
        case Meaning.SOURCE if early and case.fault.is_about_result():
            return case.make(BadInput, "the image API could not fetch the picture it had painted", Charged.MAYBE)
        case Meaning.SOURCE if early:
            return case.make(source, "the image API could not fetch a source")
        case Meaning.KEY if early:
            return case.make(BadKey, "the image API does not accept the key")
        case _:
            return None


def _by_meaning_about_task(case: _Case) -> ImageApiError | None:
    """As `_by_meaning`, for an answer about a task: models and sources were settled when it was accepted."""
    match case.meaning():
        case Meaning.TASK_LOST:
            return case.make(TaskLost, "the image API does not know the task")
        case Meaning.NO_MODEL | Meaning.SOURCE:
            return None
        case _:
            return _by_meaning(case)


def _moderation_charge(fault: ApiFault) -> Charged:
    if fault.is_fined:
        return Charged.YES
    return Charged.NO if fault.is_local_refusal else Charged.MAYBE


def _by_submit_status(case: _Case) -> ImageApiError:
    status = case.answer.status
    if status == 429 or (status == 503 and (case.is_json or case.answer.retry_after is not None)):
        return case.make(Busy, "the image API has too much to do")
    if (status >= 500 and status != 501) or status == 408:
        return case.make(Uncertain, "the image API did not say whether it accepted the request", Charged.MAYBE)
    if status == 409:
        return case.make(Unexpected, "the image API speaks of a conflict", Charged.MAYBE)
    if status in {404, 405, 415}:
        return case.make(Unexpected, "the image API has no such address; check UNIALL_BASE_URL")
    if status in {400, 413, 422, 501}:
        return case.make(BadInput, "the image API did not accept the request")
    return _by_status(case)


def _by_ask_status(case: _Case) -> ImageApiError:
    status = case.answer.status
    if status in {408, 409, 425, 429, 503}:
        return case.make(Busy, "the image API has too much to do")
    if status >= 500:
        return case.make(Unreachable, "the image API is in trouble")
    if status < 400 or (not case.is_json and status not in {401, 402}):
        # a redirect elsewhere or a proxy's page: the API's own word about the task is still missing
        return case.make(Unreachable, "something before the image API answered")
    if status in {404, 410}:
        return case.make(TaskLost, "the image API does not know the task")
    return _by_status(case)


def _by_status(case: _Case) -> ImageApiError:
    status = case.answer.status
    if status == 401 or (status == 403 and case.is_json):
        return case.make(BadKey, "the image API does not accept the key")
    if status == 402:
        return case.make(OutOfBalance, "the account at the image API has no balance left")
    if status == 451:
        return case.make(Refused, "the image API refused the content", Charged.MAYBE)
    if 300 <= status < 400:
        return case.make(Unexpected, "the image API answered with a redirect; check UNIALL_BASE_URL")
    return case.make(Unexpected, "the image API answered with a status of no known meaning")
