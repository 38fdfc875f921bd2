"""Small real servers on 127.0.0.1 that play the image API, and clients that are in a hurry."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from bot.image_api.client import ImageApi, Mode
from bot.image_api.limits import Limits
from bot.model import ImageRequest
from sandbox import serving

KEY = "sk-test-0123456789"
FOX = ImageRequest("a red fox")
TASK = {"task_id": "task_1", "status": "queued", "progress": "0%", "error": None}
#: Never asked in tests; its host is the one that may lie in a private network.
API = "http://127.0.0.1:9"
MANY = 1_000_000  # bytes; more than any picture here has
#: Two seconds at most, so that a test that waits for a limit is quick, and any other holds on a busy machine.
HURRY = Limits(
    connect_s=2.0,
    get_s=1.0,
    submit_s=2.0,
    sync_s=1.0,
    silence_s=0.5,
    breaker_threshold=1000,
)
PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8 + PNG_END
JPEG = b"\xff\xd8\xff\xe0" + b"j" * 500 + b"\xff\xd9"
WEBP = b"RIFF" + (504).to_bytes(4, "little") + b"WEBP" + b"w" * 500

Reply = web.StreamResponse | None
Handler = Callable[[web.Request], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    client_port: int

    @property
    def json(self) -> dict[str, object]:
        return json.loads(self.body)


@dataclass
class Played:
    """A server that runs, and what it saw."""

    port: int
    seen: list[Seen] = field(default_factory=list[Seen])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def count(self, method: str) -> int:
        return sum(request.method == method for request in self.seen)


@asynccontextmanager
async def playing(handler: Handler) -> AsyncGenerator[Played, None]:
    """A web server that answers every request with `handler`; None means that the connection is cut."""
    played = Played(0)

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        assert isinstance(request, web.Request)
        return await handler(request) or cut(request)

    async def record(request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        peer = request.transport.get_extra_info("peername") if request.transport else ("", 0)
        played.seen.append(Seen(request.method, request.raw_path, headers, body, peer[1]))
        return await answer(request)

    app = web.Application(client_max_size=200_000_000)
    app.router.add_route("*", "/{path:.*}", record)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    played.port = runner.addresses[0][1]
    try:
        yield played
    finally:
        await serving.end(runner)


def cut(request: web.BaseRequest) -> web.StreamResponse:
    """Break the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def raw(request: web.Request, data: bytes) -> web.StreamResponse:
    """Send these bytes instead of an answer, and hang up."""
    if request.transport is not None:
        request.transport.write(data)
        request.transport.close()
    return web.Response()


def always(status: int, body: object = b"", **headers: str) -> Handler:
    """The same answer for every request; a body that is no bytes is sent as JSON."""

    async def handler(request: web.Request) -> web.StreamResponse:
        return reply(status, body, **headers)

    return handler


def reply(status: int, body: object = b"", **headers: str) -> web.Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    if isinstance(body, bytes):
        return web.Response(status=status, body=body, headers=given)
    return web.Response(status=status, text=json.dumps(body), headers=given)


def client(base_url: str, mode: Mode = Mode.TASKS, limits: Limits = HURRY, *attachment_hosts: str) -> ImageApi:
    return ImageApi(base_url=base_url, api_key=KEY, mode=mode, limits=limits, attachment_hosts=attachment_hosts)


def names(folder: Path) -> list[str]:
    """The names of the files in a folder."""
    return [path.name for path in folder.iterdir()]
