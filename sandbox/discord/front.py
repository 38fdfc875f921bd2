"""The way every request takes: read, recorded, spoilt if a fault waits for it, checked, limited, answered."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import time
from collections.abc import Callable
from typing import Any

from aiohttp import BodyPartReader, web

from sandbox.discord.calls import Call, Recorded, RequestLog, Route, SentFile
from sandbox.discord.cdn import Upload
from sandbox.discord.faults import Effect, Fault, Faults
from sandbox.discord.limits import Limits, RateLimited, rate_limit_body, rate_limit_headers
from sandbox.discord.refusals import INVALID_JSON, TOO_LARGE, UNAUTHORIZED, Refusal
from sandbox.discord.rules import DiscordRules
from sandbox.discord.slow_line import PIECE_BYTES, SlowLine

API = "/api/v10"
_FILE_PART = re.compile(r"files\[(\d+)\]")


class Front:
    """Wraps every room's handlers. `token_state` looks an interaction token up for the log."""

    def __init__(self, token: str, token_state: Callable[[str], str], rules: Callable[[], DiscordRules]) -> None:
        self.requests = RequestLog()
        self.faults = Faults()
        self._limits = Limits()
        self._authorization = f"Bot {token}"
        self._token_state = token_state
        self._rules = rules
        self._line = SlowLine(lambda: rules().line_bytes_per_s)

    def define(self, route: Route) -> web.RouteDef:
        """The route as aiohttp takes it."""

        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._serve(route, request)

        path = route.pattern if route.cdn else API + route.pattern
        return web.route(route.method, path, handle)

    async def _serve(self, route: Route, request: web.Request) -> web.StreamResponse:
        started = time.monotonic()
        record = self._begin(request)
        try:
            response = await self._handle(route, request, record)
            record.status = response.status
        except (_NoAnswer, ConnectionError):
            response = web.Response()  # nobody reads it: the connection is broken
        record.took_s = time.monotonic() - started
        return response

    async def _handle(self, route: Route, request: web.Request, record: Recorded) -> web.StreamResponse:
        call, unreadable = await self._read(request, record)
        fault = self.faults.take(record.label, files=bool(record.files))
        spoilt = await self._spoil(fault, request, processed=False)
        if spoilt:
            return spoilt
        response = await self._answer(route, call, unreadable, record)
        return await self._spoil(fault, request, processed=True) or response

    def _begin(self, request: web.Request) -> Recorded:
        token = request.match_info.get("token")
        record = Recorded(
            method=request.method,
            path=request.path.removeprefix(API),
            query=dict(request.query),
            authorized="Authorization" in request.headers,
            token_state=self._token_state(token) if token else None,
        )
        self.requests.append(record)
        return record

    async def _read(self, request: web.Request, record: Recorded) -> tuple[Call, Refusal | None]:
        """Take the whole body in, and note it. A body that can't be used comes back as the refusal it deserves."""
        files: dict[int, Upload] = {}
        text: bytes = b""
        if request.content_type.startswith("multipart/"):
            text, files = await _read_parts(request, self._line)
        elif request.content_type == "application/x-www-form-urlencoded":  # Discord takes it too
            text = str((await request.post()).get("payload_json", "")).encode()
        elif request.can_read_body:
            text = await request.read()
            await self._line.carry(len(text))
        record.files = tuple(SentFile(index, one.filename, len(one.data)) for index, one in files.items())
        refusal = None
        try:
            record.json = json.loads(text) if text else None
        except ValueError:
            refusal = Refusal(*INVALID_JSON)
        size = request.content_length or len(text) + sum(len(one.data) for one in files.values())
        if size > self._rules().request_limit:
            refusal = Refusal(*TOO_LARGE)
        return Call(request, dict(request.match_info), record.query, record.json, files), refusal

    async def _answer(
        self, route: Route, call: Call, unreadable: Refusal | None, record: Recorded
    ) -> web.StreamResponse:
        headers: dict[str, str] = {}
        try:
            if route.bot and call.request.headers.get("Authorization") != self._authorization:
                raise Refusal(*UNAUTHORIZED)
            headers = self._limits.take(route, call.params, self._rules())
            if unreadable:
                raise unreadable
            result = route.handler(call)
            if inspect.isawaitable(result):
                result = await result
        except Refusal as refusal:
            record.code, record.answer = refusal.code, refusal.body()
            return _json(refusal.status, record.answer, headers)
        except RateLimited as limited:
            record.answer = limited.body()
            return _json(429, record.answer, limited.headers())
        if isinstance(result, web.StreamResponse):
            return result
        record.answer = result
        return web.Response(status=204, headers=headers) if result is None else _json(200, result, headers)

    async def _spoil(self, fault: Fault | None, request: web.Request, *, processed: bool) -> web.Response | None:
        """Do what a fault asks at this point; an answer means that it replaces the right one. Raises _NoAnswer."""
        if fault is None or fault.processed is not processed:
            return None
        if fault.effect is Effect.STATUS:
            return _false_answer(fault)
        if fault.effect is Effect.SLOW:
            await asyncio.sleep(fault.seconds)
        elif fault.effect is Effect.HANG:
            await fault.released.wait()
        elif request.transport:
            request.transport.abort()
        if not fault.lasting and (request.transport is None or request.transport.is_closing()):
            raise _NoAnswer  # also when the bot gave up waiting: what it no longer wants is not carried out
        return None


class _NoAnswer(Exception):
    """The connection is gone before the answer."""


def _false_answer(fault: Fault) -> web.Response:
    if fault.html:
        page = f"<!DOCTYPE html><html><head><title>{fault.status} | discord.com</title></head><body></body></html>"
        return web.Response(status=fault.status, text=page, content_type="text/html")
    if fault.status != 429 or fault.code:
        body = {"message": fault.message or f"{fault.status}: made up", "code": fault.code}
        return _json(fault.status, body, {})
    retry_after = 0.5 if fault.retry_after is None else fault.retry_after
    headers = rate_limit_headers(retry_after)
    if not fault.via:
        del headers["Via"]
    return _json(429, rate_limit_body(retry_after), headers)


async def _read_parts(request: web.Request, line: SlowLine) -> tuple[bytes, dict[int, Upload]]:
    """The JSON and the files of a multipart body, read no faster than the line brings them."""
    text, files = b"", dict[int, Upload]()
    reader = await request.multipart()
    while (part := await reader.next()) is not None:
        if not isinstance(part, BodyPartReader):
            continue
        data = bytes(await (_read_slowly(part, line) if line.is_slow else part.read()))
        numbered = _FILE_PART.fullmatch(part.name or "")
        if numbered:
            files[int(numbered[1])] = Upload(part.filename or "unknown", data)
        elif part.name == "payload_json":
            text = data
    return text, files


async def _read_slowly(part: BodyPartReader, line: SlowLine) -> bytearray:
    data = bytearray()
    while piece := await part.read_chunk(PIECE_BYTES):
        data += piece
        await line.carry(len(piece))
    return data


def _json(status: int, body: Any, headers: dict[str, str]) -> web.Response:
    # exactly this content type: discord.py takes JSON with a charset for plain text
    response = web.Response(status=status, body=json.dumps(body).encode(), headers=headers)
    response.headers["Content-Type"] = "application/json"
    return response
