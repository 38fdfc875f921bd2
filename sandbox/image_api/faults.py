"""Carries a fault out on a live HTTP exchange."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from email.utils import format_datetime
from itertools import repeat

from aiohttp import web

from sandbox.image_api.records import utc_now
from sandbox.image_api.script import Act, Fault

_LINGER_ZERO = struct.pack("ii", 1, 0)  # closing sends RST instead of FIN
_HUGE = 4 * 1024**3  # bytes announced by an oversize download
_JUNK = b"\xff\xd8\xff\xe0" + bytes(64 * 1024 - 4)
_TRICKLE_BYTES = 7
_TRICKLE_PAUSE_S = 0.005
_TRICKLE_STEPS = 200  # after so many the rest comes at once

Honest = Callable[[], Awaitable[web.Response]]


def reset(request: web.Request) -> None:
    """Break the connection so that the client sees it at once."""
    if (transport := request.transport) is None:
        return
    raw = transport.get_extra_info("socket")
    if raw is not None:
        with suppress(OSError):  # the client may have gone first
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
    transport.abort()


async def carry_out(request: web.Request, fault: Fault, honest: Honest, closing: asyncio.Event) -> web.StreamResponse:
    """Answer as the fault wants. `honest` gives the answer that would have come without it."""
    match fault.act:
        case Act.ANSWER:
            return _answer(fault)
        case Act.DROP:
            reset(request)
            return web.Response()
        case Act.HANG:
            await closing.wait()
            return web.Response(status=503)
        case Act.TRUNCATE:
            response = await honest()
            response.body = _body(response)[: len(_body(response)) // 2]
            return response
        case Act.CUT:
            return await _cut(request, await honest())
        case Act.TRICKLE:
            return await _trickle(request, await honest())
        case Act.OVERSIZE:
            return await _pour(request, declared=_HUGE)
        case Act.ENDLESS:
            return await _pour(request, declared=None)


def _answer(fault: Fault) -> web.Response:
    headers = dict(fault.headers)
    if fault.retry_after is not None:
        moment = utc_now() + timedelta(seconds=fault.retry_after)
        headers["Retry-After"] = format_datetime(moment, usegmt=True) if fault.retry_date else str(fault.retry_after)
    if isinstance(fault.body, str):
        content = fault.body.encode("latin-1")
        return web.Response(status=fault.status, body=content, content_type=fault.content_type, headers=headers)
    return web.Response(
        status=fault.status, text=json.dumps(fault.body), content_type=fault.content_type, headers=headers
    )


def _body(response: web.Response) -> bytes:
    return response.body if isinstance(response.body, bytes) else b""


async def _cut(request: web.Request, honest: web.Response) -> web.StreamResponse:
    content = _body(honest)
    response = web.StreamResponse(status=honest.status, headers={"Content-Type": honest.content_type})
    response.content_length = len(content)
    await response.prepare(request)
    await response.write(content[: len(content) // 2])
    reset(request)
    return response


async def _trickle(request: web.Request, honest: web.Response) -> web.StreamResponse:
    content = _body(honest)
    response = web.StreamResponse(status=honest.status, headers={"Content-Type": honest.content_type})
    response.content_length = len(content)
    await response.prepare(request)
    slow_end = min(len(content), _TRICKLE_BYTES * _TRICKLE_STEPS)
    for start in range(0, slow_end, _TRICKLE_BYTES):
        await response.write(content[start : min(start + _TRICKLE_BYTES, slow_end)])
        await asyncio.sleep(_TRICKLE_PAUSE_S)
    await response.write(content[slow_end:])
    return response


async def _pour(request: web.Request, declared: int | None) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "image/jpeg"})
    response.content_length = declared
    await response.prepare(request)
    with suppress(ConnectionError):  # the client is expected to break off
        for chunk in repeat(_JUNK):
            await response.write(chunk)
    return response
