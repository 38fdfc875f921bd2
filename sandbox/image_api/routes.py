"""The documented routes of the image API, and the addresses of its results."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import time
from collections.abc import Callable
from functools import partial
from typing import cast

from aiohttp import web

from sandbox.image_api.answers import status_answer, submission_answer
from sandbox.image_api.behaviour import Behaviour
from sandbox.image_api.bodies import read_body
from sandbox.image_api.faults import carry_out
from sandbox.image_api.misfortunes import BUSY, flat, nested
from sandbox.image_api.records import Finished, ImageTask, RecordedRequest, Route, Submission, TaskState
from sandbox.image_api.script import Ending, JsonObject, Moment, Outage, Phrasing, ResultForm, Stage
from sandbox.image_api.tasks import TaskBook
from sandbox.image_api.validation import Refusal, read_submission

#: The record of the request that is being answered.
RECORD = web.RequestKey("record", RecordedRequest)

_EARLY = frozenset({Moment.BEFORE_READING})
_LATER = frozenset(Moment) - _EARLY
_HEARTBEAT = " \n" * 8
_RESULT_NAME = re.compile(r"result-(\d+)\.[a-z]+\Z")
_CREATED = 1_767_225_600  # when the models are said to have been made


class Routes:
    """Answers the requests of one local image API. `begin_outage` is called when a prompt asks for one."""

    def __init__(
        self,
        book: TaskBook,
        behaviour: Behaviour,
        api_key: str,
        closing: asyncio.Event,
        begin_outage: Callable[[Outage], None],
    ) -> None:
        self._book = book
        self._behaviour = behaviour
        self._authorization = f"Bearer {api_key}"
        self._closing = closing
        self._begin_outage = begin_outage
        self.balance: float | None = None  # what is told of the account; None: nothing

    def table(self) -> list[web.RouteDef]:
        """All routes, for an aiohttp application."""
        return [
            *(web.post(route, self._submit) for route in Route),
            web.get(f"{Route.TASKS}/{{task_id}}", self._status, allow_head=False),
            web.get("/v1/models", self._models, allow_head=False),
            web.get("/v1/dashboard/billing/{page}", self._billing, allow_head=False),
            web.get("/files/{token}/{name}", self._file, allow_head=False),
        ]

    async def _submit(self, request: web.Request) -> web.StreamResponse:
        if early := self._behaviour.fault(Stage.SUBMIT, moments=_EARLY):
            return await carry_out(request, early, _nothing, self._closing)
        if not self._has_key(request):
            return _bad_key()
        route = Route(request.path)
        try:
            fields, files = await read_body(request, request[RECORD])
            submission = read_submission(
                route, fields, files, models=self._behaviour.models, strict=self._behaviour.strict
            )
        except Refusal as refusal:
            return _refused(route, refusal)
        return await self._take(request, submission)

    async def _take(self, request: web.Request, submission: Submission) -> web.StreamResponse:
        behaviour, prompt = self._behaviour, submission.prompt
        fault = behaviour.fault(Stage.SUBMIT, behaviour.markers_of(prompt), _LATER)
        if fault and fault.moment is Moment.BEFORE_ACCEPTING:
            return await carry_out(request, fault, _nothing, self._closing)
        if behaviour.is_crowded():
            return web.json_response(BUSY, status=429, headers={"Retry-After": "1"})
        markers = behaviour.fresh_markers_of(prompt)
        task = self._book.accept(submission, behaviour.fate_of(markers), markers)
        if outage := behaviour.outage_of(markers):
            self._begin_outage(outage)
        honest = partial(self._accepted if submission.route is Route.TASKS else self._result, task)
        if fault:
            return await carry_out(request, fault, honest, self._closing)
        behaviour.forget(prompt)
        return await honest()

    async def _accepted(self, task: ImageTask) -> web.Response:
        phrasing = self._behaviour.phrasing_of(task.markers)
        response = _json(submission_answer(task, phrasing), phrasing)
        if phrasing.accepted_status == 202:
            response.set_status(202)
            response.headers["Location"] = f"{Route.TASKS}/{task.task_id}"
            response.headers["Retry-After"] = "3"
        return response

    async def _result(self, task: ImageTask) -> web.Response:
        """The answer of a synchronous route, when the pictures are there."""
        await task.done.wait()
        phrasing = self._behaviour.phrasing_of(task.markers)
        task.told_at = time.monotonic()
        if task.state is not TaskState.SUCCEEDED:
            return _json(_sync_failure(task), phrasing, task.fate.sync_status)
        if task.accepted.submission.as_base64 or phrasing.results is ResultForm.B64:
            data = [{"b64_json": text, "revised_prompt": ""} for text in self._book.base64s(task)]
        else:
            data = [{"url": address, "revised_prompt": ""} for address in self._book.addresses(task)]
        return _json({"created": int(time.time()), "data": data}, phrasing)

    async def _status(self, request: web.Request) -> web.StreamResponse:
        if not self._has_key(request):
            return _bad_key()
        task = self._book.find(request.match_info["task_id"])
        fault = self._behaviour.fault(Stage.STATUS, task.markers if task else None)
        honest = partial(self._told, task)
        return await carry_out(request, fault, honest, self._closing) if fault else await honest()

    async def _told(self, task: ImageTask | None) -> web.Response:
        if task is None:
            return web.json_response(flat("task_not_exist", "task_not_exist"), status=400)
        phrasing = self._behaviour.phrasing_of(task.markers)
        task.queries += 1
        addresses: tuple[str, ...] = ()
        base64s: list[str] = []
        if task.state is TaskState.SUCCEEDED:
            task.success_answers += 1
            if task.success_answers > task.fate.late_answers:
                addresses = self._book.addresses(task)
                base64s = self._book.base64s(task) if phrasing.results is ResultForm.B64 else []
        if (
            task.state is not TaskState.RUNNING
            and task.told_at is None
            and task.success_answers >= task.fate.late_answers
        ):
            task.told_at = time.monotonic()
        body = status_answer(task, phrasing, addresses, base64s, stuck=task.fate.ending is Ending.NEVER)
        response = _json(body, phrasing)
        if task.state is TaskState.RUNNING and phrasing.pending_retry_after is not None:
            response.headers["Retry-After"] = str(phrasing.pending_retry_after)
        return response

    async def _models(self, request: web.Request) -> web.Response:
        if not self._has_key(request):
            return _bad_key()
        if not self._behaviour.lists_models:
            raise web.HTTPNotFound
        known = self._behaviour.models
        models = [{"id": model, "object": "model", "created": _CREATED, "owned_by": "xai"} for model in known]
        return web.json_response({"object": "list", "success": True, "data": models})

    async def _billing(self, request: web.Request) -> web.Response:
        """Not documented, but common among gateways of this kind: a limit, and what of it is used in cents."""
        if self.balance is None:
            raise web.HTTPNotFound
        if not self._has_key(request):
            return _bad_key()
        pages = {"subscription": {"hard_limit_usd": 100.0}, "usage": {"total_usage": (100.0 - self.balance) * 100}}
        return web.json_response(pages.get(request.match_info["page"], {}))

    async def _file(self, request: web.Request) -> web.StreamResponse:
        token, name = request.match_info["token"], _RESULT_NAME.match(request.match_info["name"])
        task = self._book.shelf_task(token)
        if task is None or name is None:
            return web.Response(status=404, text="not found")
        if task.ready_at is not None and time.monotonic() - task.ready_at < task.fate.there_after_s:
            return web.Response(status=404, text="not found")
        fault = self._behaviour.fault(Stage.DOWNLOAD, task.markers)
        honest = partial(self._picture, token, int(name[1]) - 1)
        return await carry_out(request, fault, honest, self._closing) if fault else await honest()

    async def _picture(self, token: str, index: int) -> web.Response:
        found = self._book.picture(token, index)
        if found is None:
            return web.Response(status=404, text="not found")
        task, picture = found
        if picture is None:
            return web.Response(status=403, text="the address has expired")
        content = await _read(picture)
        task.fetched_at[index] = time.monotonic()
        return web.Response(body=content, content_type=picture.format.mime)

    def _has_key(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == self._authorization


async def _read(picture: Finished) -> bytes:
    return picture.content if isinstance(picture.content, bytes) else await asyncio.to_thread(picture.read)


async def _nothing() -> web.Response:
    """Stands where no honest answer exists, since nothing was accepted."""
    return web.json_response(nested("nothing was accepted", "upstream_error"), status=503)


def _bad_key() -> web.Response:
    return web.json_response(nested("Invalid token"), status=401)


def _refused(route: Route, refusal: Refusal) -> web.Response:
    # the check of the model happens before any route of its own, so its wording is the same everywhere
    if route is Route.TASKS and refusal.code != "model_not_found":
        return web.json_response(flat(refusal.code, refusal.message), status=refusal.status)
    return web.json_response(nested(refusal.message, code=refusal.code), status=refusal.status)


def _sync_failure(task: ImageTask) -> JsonObject:
    error = task.error
    if isinstance(error, dict):
        told = cast(dict[str, object], error)
        return nested(str(told.get("message", "")), "upstream_error", told.get("code", ""))
    return nested(str(error) if error else "task failed", "upstream_error")


def _json(body: JsonObject, phrasing: Phrasing, status: int = 200) -> web.Response:
    text = (_HEARTBEAT if phrasing.heartbeat else "") + json.dumps(body)
    if phrasing.compressed:
        return web.Response(
            body=gzip.compress(text.encode()),
            status=status,
            content_type="application/json",
            headers={"Content-Encoding": "gzip"},
        )
    return web.Response(text=text, status=status, content_type="application/json")
