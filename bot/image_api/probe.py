"""For `check`: do the address and the key of the image API answer? Costs nothing.

It asks for the list of models, which costs nothing on any server of this family. An answer of any shape shows that
address and key are right; the shape only decides how much more can be said.
"""

from __future__ import annotations

from typing import cast

from bot.errors import ImageApiError, TaskLost, Unexpected
from bot.image_api.transport import Transport
from bot.image_api.wire.answers import ApiAnswer, Unreadable, as_object, read_json
from bot.image_api.wire.envelope import read_report
from bot.image_api.wire.faults import ask_error, ask_fault
from bot.image_api.wire.vocabulary import fault_of
from bot.model import Charged

_NO_TASK = "easel-check"
_WRONG_ADDRESS = "what answers there is not the image API; check UNIALL_BASE_URL"


async def probe(transport: Transport, *, tasks: bool) -> None:
    """Raise an ImageApiError, whose message tells the operator what to do, unless address and key are good.

    The list of models is asked for; where a server has none, a task that does not exist (`tasks`).
    """
    answer = await transport.ask("models")
    try:
        if tasks and answer.status in {404, 405, 501}:
            _check_answer_about_no_task(await transport.ask("images", "tasks", _NO_TASK))
        else:
            _check_models(answer)
    except ImageApiError as error:
        error.charged = Charged.NO
        raise


async def models(transport: Transport) -> frozenset[str] | None:
    """The models that the key may use; None where the API does not list them."""
    answer = await transport.ask("models")
    if not answer.is_success:
        return None
    try:
        body = read_json(answer.body)
    except Unreadable:
        return None
    listed = as_object(body).get("data")
    names = (
        {as_object(it).get("id") for it in cast("list[object]", listed)} if isinstance(listed, list) else set[object]()
    )
    return frozenset(name for name in names if isinstance(name, str)) or None


def _check_answer_about_no_task(answer: ApiAnswer) -> None:
    _read(answer)
    try:
        read_report(answer)
    except TaskLost:
        return


def _check_models(answer: ApiAnswer) -> None:
    if answer.status >= 500 or answer.status in {401, 402, 403, 429}:
        raise ask_error(answer)
    body = _read(answer)
    if 300 <= answer.status < 400:
        raise _wrong_address(answer)
    fault = fault_of(body)
    if fault is not None and answer.is_success:
        raise ask_fault(answer, fault)
    if not answer.is_success:
        error = ask_error(answer)
        raise error if not isinstance(error, TaskLost) else _wrong_address(answer)
    if not isinstance(body, list) and not {"data", "models"} & as_object(body).keys():
        raise _wrong_address(answer)


def _read(answer: ApiAnswer) -> object:
    try:
        return read_json(answer.body)
    except Unreadable as error:
        raise _wrong_address(answer) from error


def _wrong_address(answer: ApiAnswer) -> Unexpected:
    return Unexpected(f"{_WRONG_ADDRESS} (HTTP {answer.status})", request_id=answer.request_id())
