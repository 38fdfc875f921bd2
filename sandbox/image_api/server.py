"""The local image API: a real HTTP server on 127.0.0.1 that stands in for the paid one."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.model import MAX_SOURCE_BYTES, MAX_SOURCES
from sandbox import serving
from sandbox.image_api.behaviour import Behaviour
from sandbox.image_api.control import BEHAVIOUR_PATH, LOG_PATH, Control
from sandbox.image_api.faults import reset
from sandbox.image_api.latency import PUBLISHED, Latency
from sandbox.image_api.misfortunes import flat, nested
from sandbox.image_api.records import AcceptedTask, ImageTask, RecordedRequest
from sandbox.image_api.routes import RECORD, Routes
from sandbox.image_api.script import Outage
from sandbox.image_api.studio import NoiseStudio, PaintingStudio, PaintMode, Studio, TinyStudio
from sandbox.image_api.tasks import TaskBook

HOST = "127.0.0.1"
_MAX_BODY = MAX_SOURCES * MAX_SOURCE_BYTES + 1_000_000  # bytes
_SHUTDOWN_S = 0.5  # for answers on their way
_OUTAGE_DELAY_S = 0.05  # lets the answer that began the outage get out


class LocalImageApi:
    """The image API of the sandbox and of the tests.

    Listens on two ports of 127.0.0.1: `base_url` (without /v1) is the API, `files_url` a second origin for results and,
    since it stays up during an outage of the first, for the control address. `requests`, `accepted` and `tasks` tell
    what happened; `behaviour` may be changed while it runs. With `paint=PaintMode.TINY` pictures are valid but cost
    nothing, for load tests. `seed` decides latencies and pictures, so the same run gives the same pictures.
    """

    def __init__(
        self,
        *,
        api_key: str = "sandbox",
        latency: Latency = PUBLISHED,
        seed: int = 0,
        paint: PaintMode = PaintMode.REAL,
        behaviour: Behaviour | None = None,
        balance: float | None = None,
        host: str = HOST,
    ) -> None:
        """`balance` is what it says is left on the account, in US dollars; None: it does not say.

        `host` is another address of this machine for a bot that cannot reach 127.0.0.1, as in a container.
        """
        self._host = host
        self.behaviour = behaviour or Behaviour()
        self.behaviour.on_outage = self._begin_outage
        self.base_url = ""
        self.files_url = ""
        studio = _studio(paint, seed)
        self._book = TaskBook(studio, latency, seed)
        self._requests: list[RecordedRequest] = []
        self._closing = asyncio.Event()
        self._api_key = api_key
        self._balance = balance
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._port = 0
        self._resetting: Outage | None = None
        self._outage: asyncio.Task[None] | None = None
        self._listening = asyncio.Lock()
        self._changes: set[asyncio.Task[None]] = set()

    @property
    def requests(self) -> Sequence[RecordedRequest]:
        """Every request so far, those to the control address left out."""
        return self._requests

    @property
    def accepted(self) -> Sequence[AcceptedTask]:
        """What was bought: one entry per accepted submission."""
        return self._book.accepted

    @property
    def tasks(self) -> Mapping[str, ImageTask]:
        """All tasks of the task route, by id."""
        return self._book.tasks

    @property
    def charged_micros(self) -> int:
        """What everything cost, refunds taken off, in millionths of a US dollar."""
        return self._book.charged_micros

    @property
    def latency(self) -> Latency:
        """From which distribution the time of a task is drawn; may be changed while running."""
        return self._book.latency

    @latency.setter
    def latency(self, latency: Latency) -> None:
        self._book.latency = latency

    async def start(self, port: int = 0) -> None:
        """Listen; with port 0 on any free one. Raises OSError if the port is taken."""
        self._runner = runner = web.AppRunner(
            self._application(), access_log=None, handler_cancellation=True, shutdown_timeout=_SHUTDOWN_S
        )
        await runner.setup()
        try:
            await self._listen(port or serving.free_port())
            files = web.TCPSite(runner, self._host, 0)
            await files.start()
        except OSError:
            await self.stop()
            raise
        self._port, files_port = (int(address[1]) for address in runner.addresses)
        self.base_url = self._book.own_origin = f"http://{self._host}:{self._port}"
        self.files_url = self._book.other_origin = f"http://{self._host}:{files_port}"

    async def stop(self) -> None:
        """Stop listening and drop all that is under way; may be called more than once."""
        self._closing.set()
        if self._outage:
            self._outage.cancel()
            await asyncio.gather(self._outage, return_exceptions=True)
        await asyncio.gather(*self._changes, return_exceptions=True)
        await self._book.close()
        if self._runner:
            await serving.end(self._runner)

    def go_away(self, seconds: float, *, refused: bool = True, held_s: float = 0.0) -> None:
        """Begin an outage: connections are refused, or taken, kept for `held_s`, and reset. `files_url` stays up."""
        self._begin_outage(Outage(seconds, refused, held_s))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _application(self) -> web.Application:
        routes = Routes(self._book, self.behaviour, self._api_key, self._closing, self._begin_outage)
        routes.balance = self._balance
        control = Control(self.behaviour, self._book, self._requests, self._begin_outage)
        application = web.Application(middlewares=[serving.no_web_pages, self._record], client_max_size=_MAX_BODY)
        application.add_routes([*routes.table(), *control.table()])
        return application

    @web.middleware
    async def _record(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in {BEHAVIOUR_PATH, LOG_PATH}:
            return await handler(request)
        is_api = _local_port(request.transport) == self._port
        record = RecordedRequest(
            request.method, request.path, request.headers, "api" if is_api else "files", query=request.query
        )
        self._requests.append(record)
        if is_api and self._resetting is not None:
            await asyncio.sleep(self._resetting.held_s)
            reset(request)
            return web.Response()
        request[RECORD] = record
        response = await _answered(request, handler)
        if not response.prepared:
            response.headers["X-Oneapi-Request-Id"] = uuid4().hex
        gone = request.transport is None or request.transport.is_closing()
        record.status = None if gone else response.status
        return response

    def _begin_outage(self, outage: Outage) -> None:
        if self._outage:
            self._outage.cancel()
        self._outage = asyncio.create_task(self._be_away(outage), name="image-api-outage")

    async def _be_away(self, outage: Outage) -> None:
        await asyncio.sleep(_OUTAGE_DELAY_S)
        if outage.refused:
            await self._uninterrupted(self._stop_listening())
        self._resetting = None if outage.refused else outage
        self._break_connections()
        await asyncio.sleep(outage.seconds)
        self._resetting = None
        await self._uninterrupted(self._listen(self._port))

    async def _uninterrupted(self, change: Coroutine[Any, Any, None]) -> None:
        """To its end, though another outage cancels this one meanwhile: a server that half listens answers nobody."""
        task = asyncio.create_task(change, name="image-api-listening")
        self._changes.add(task)
        task.add_done_callback(self._changes.discard)
        await asyncio.shield(task)

    async def _stop_listening(self) -> None:
        async with self._listening:
            site, self._site = self._site, None
            if site:
                await serving.stop(site)

    async def _listen(self, port: int) -> None:
        async with self._listening:
            if self._runner and self._site is None:
                site = web.TCPSite(self._runner, self._host, port, reuse_address=True)
                await site.start()
                self._site = site

    def _break_connections(self) -> None:
        if self._runner and self._runner.server:
            for connection in self._runner.server.connections:
                transport = connection.transport
                if transport and _local_port(transport) == self._port:
                    transport.abort()


def _local_port(transport: asyncio.BaseTransport | None) -> int:
    return transport.get_extra_info("sockname")[1] if transport else 0


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The handler's answer; what aiohttp itself refuses is worded as this family of gateways does."""
    try:
        return await handler(request)
    except ConnectionResetError:  # whoever asked has gone, killed perhaps
        return web.Response()
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
        body = nested(f"Invalid URL ({request.method} {request.path})", "invalid_request_error")
        return web.json_response(body, status=404)
    except web.HTTPRequestEntityTooLarge:
        return web.json_response(flat("read_request_body_failed", "http: request body too large"), status=413)


def _studio(paint: PaintMode, seed: int) -> Studio:
    match paint:
        case PaintMode.TINY:
            return TinyStudio()
        case PaintMode.LARGE:
            return NoiseStudio(1400)
        case PaintMode.NOISE:
            return NoiseStudio(2048)
        case PaintMode.REAL:
            return PaintingStudio(seed)
