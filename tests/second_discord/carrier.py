"""Carries SimCord's backend over HTTP and WebSocket, so that an unmodified bot process can use it as its Discord.

SimCord (PyPI) models Discord's routes, permissions and validation inside the bot's own process and on a clock of its
own. Here it stands behind a server: REST calls go to its router, its events go out as a gateway's, its files lie under
our address, and its clock follows the real one. It knows no rate limits, no resume and no addresses that expire; the
local Discord in sandbox/ does. What both agree on is likely to be true of the real one.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import io
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from aiohttp import BodyPartReader, WSMsgType, web
from simcord.backend import Backend, serializers
from simcord.backend.cdn import CDN_BASE
from simcord.backend.errors import BackendError
from simcord.http.router import dispatch

importlib.import_module("simcord.http.routes")  # this registers them

Json = dict[str, Any]
TOKEN = "second-token"
HOST = "127.0.0.1"
API = "/api/v10"
DISPATCH, HEARTBEAT, IDENTIFY, HELLO, ACK = 0, 1, 2, 10, 11
_FILE_PART = re.compile(r"files\[(\d+)\]")
#: SimCord's clock begins at the start of 2026, whatever the day.
_CLOCK_BEGINS = 1_767_225_600.0


@dataclass(slots=True)
class _File:
    """An uploaded file as SimCord's routes take it."""

    filename: str
    fp: io.BytesIO
    description: str | None


class SecondDiscord:
    """Use it as an async context manager; point the bot at `api_url` with TOKEN."""

    def __init__(self) -> None:
        self.backend = Backend()
        self.keep_time()
        owner = self.backend.make_user("Ada", global_name="Ada")
        self.member = self.backend.make_user("Ben", global_name="Ben")
        self.owner = owner
        self.guild = self.backend.create_guild("Studio", owner_id=owner.id)
        for user in (owner, self.member, self.backend.bot_user):
            if user.id not in self.guild.members:
                self.backend.add_member(self.guild.id, user.id)
        self.channel = self.backend.create_channel(self.guild.id, "pictures")
        self.refused: list[tuple[str, int, Any]] = []  # what was asked, status, answer
        self._sockets: set[web.WebSocketResponse] = set()
        self._outbox: asyncio.Queue[tuple[str, Json]] = asyncio.Queue()
        self.backend.subscribers.append(lambda event, payload: self._outbox.put_nowait((event, dict(payload))))
        self._runner: web.AppRunner | None = None
        self._teller: asyncio.Task[None] | None = None
        self._seq = 0
        self.base_url = ""

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=256 * 1024 * 1024)
        app.router.add_get("/gateway/", self._gateway)
        app.router.add_get("/cdn/{path:.*}", self._file)
        app.router.add_route("*", API + "/{path:.*}", self._rest)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.base_url = f"http://{HOST}:{port}"
        self._teller = asyncio.create_task(self._tell())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        assert self._teller is not None
        self._teller.cancel()
        for socket in list(self._sockets):
            await socket.close(code=1001)
        await self._runner.cleanup()

    @property
    def api_url(self) -> str:
        return self.base_url + API

    @property
    def connected(self) -> bool:
        return bool(self._sockets)

    def keep_time(self) -> None:
        self.backend.clock.elapsed = time.time() - _CLOCK_BEGINS

    async def _rest(self, request: web.Request) -> web.Response:
        """One REST call: what SimCord answers, or its refusal as Discord words it."""
        path = "/" + request.match_info["path"]
        if path == "/gateway/bot":
            limit = {"total": 1000, "remaining": 999, "reset_after": 0, "max_concurrency": 1}
            url = self.base_url.replace("http", "ws", 1) + "/gateway/"
            return _answer(200, {"url": url, "shards": 1, "session_start_limit": limit})
        body, files = await _read(request)
        self.keep_time()
        try:
            answer = dispatch(
                *(self.backend, request.method, path),
                json=_with_their_addresses(body, self.base_url),
                params=dict(request.query),
                files=files,
                reason=request.headers.get("X-Audit-Log-Reason"),
            )
        except BackendError as error:
            self.refused.append((f"{request.method} {path}", error.status, error.to_json()))
            return _answer(error.status, error.to_json())
        return _answer(204, None) if answer is None else _answer(200, self._with_our_addresses(answer))

    async def _file(self, request: web.Request) -> web.Response:
        data = self.backend.cdn.get(f"{CDN_BASE}/{request.match_info['path']}")
        return web.Response(status=404) if data is None else web.Response(body=data)

    async def _gateway(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(timeout=1.0, max_msg_size=0)
        await socket.prepare(request)
        await socket.send_json({"op": HELLO, "d": {"heartbeat_interval": 41_250}})
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            payload = json.loads(message.data)
            if payload["op"] == HEARTBEAT:
                await asyncio.sleep(0.02)
                await socket.send_json({"op": ACK, "d": None})
            elif payload["op"] == IDENTIFY:
                await self._identify(socket)
        self._sockets.discard(socket)
        return socket

    async def _identify(self, socket: web.WebSocketResponse) -> None:
        ready = {
            "v": 10,
            "user": dict(serializers.user_payload(self.backend.bot_user)),
            "guilds": [{"id": str(self.guild.id), "unavailable": True}],
            "session_id": "second",
            "resume_gateway_url": self.base_url.replace("http", "ws", 1) + "/gateway/",
            "shard": [0, 1],
            "application": {"id": str(self.backend.application_id), "flags": 0},
        }
        await self._send(socket, "READY", ready)
        created = dict(serializers.guild_create_payload(self.backend, self.guild))
        await self._send(socket, "GUILD_CREATE", created | {"unavailable": False})
        self._sockets.add(socket)

    async def _tell(self) -> None:
        """Send what happens to the bot, in order."""
        while True:
            event, payload = await self._outbox.get()
            for socket in list(self._sockets):
                # Message events take an intent that Easel does not ask for.
                if not event.startswith(("MESSAGE_", "TYPING")):
                    with contextlib.suppress(ConnectionError):
                        await self._send(socket, event, payload)

    async def _send(self, socket: web.WebSocketResponse, event: str, payload: Mapping[str, Any]) -> None:
        self._seq += 1
        shown = self._with_our_addresses(dict(payload))
        await socket.send_str(json.dumps({"op": DISPATCH, "t": event, "s": self._seq, "d": shown}))

    def _with_our_addresses(self, answer: Any) -> Any:
        return json.loads(json.dumps(answer, default=str).replace(CDN_BASE, f"{self.base_url}/cdn"))


def _with_their_addresses(body: Any, base_url: str) -> Any:
    return json.loads(json.dumps(body).replace(f"{base_url}/cdn", CDN_BASE)) if body is not None else None


async def _read(request: web.Request) -> tuple[Any, list[_File]]:
    if not request.content_type.startswith("multipart/"):
        text = await request.text() if request.can_read_body else ""
        return (json.loads(text) if text else None), []
    body: Any = None
    files: dict[int, _File] = {}
    reader = await request.multipart()
    while (part := await reader.next()) is not None:
        if not isinstance(part, BodyPartReader):
            continue
        data = bytes(await part.read())
        if part.name == "payload_json":
            body = json.loads(data)
        elif numbered := _FILE_PART.fullmatch(part.name or ""):
            files[int(numbered[1])] = _File(part.filename or "unknown", io.BytesIO(data), None)
    listed: list[Json] = (body.get("data") or body).get("attachments") or [] if body else []
    for it in listed:
        if isinstance(it.get("id"), int | str) and str(it["id"]).isdigit() and (file := files.get(int(it["id"]))):
            file.description = it.get("description")
    return body, [files[index] for index in sorted(files)]


def _answer(status: int, body: Any) -> web.Response:
    if body is None:
        return web.Response(status=status)
    return web.Response(status=status, body=json.dumps(body).encode(), content_type="application/json")
