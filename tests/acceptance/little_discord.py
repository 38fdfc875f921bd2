"""As much of Discord as a start and a stop need: who am I, where is the WebSocket, HELLO, READY, heartbeats."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from sandbox import serving

TOKEN = "MTE5.little.discord"
BOT: dict[str, Any] = {"id": "1", "username": "Easel", "discriminator": "0", "avatar": None, "bot": True}
APPLICATION: dict[str, Any] = {
    "id": "1",
    "name": "Easel",
    "description": "",
    "icon": None,
    "bot_public": True,
    "bot_require_code_grant": False,
    "verify_key": "",
    "owner": BOT,
}


@dataclass
class LittleDiscord:
    """A Discord on a free port of 127.0.0.1. `refuse` is the status that every REST call gets instead of an answer."""

    refuse: int = 0
    shards: int = 1
    close_with: int = 0  # the code with which the WebSocket is closed instead of READY
    gateway_url: str = ""
    heartbeat_ms: int = 41_250
    silent: bool = False  # whether heartbeats stay unanswered
    sessions_left: int = 999  # and how long until Discord gives new ones, in ms
    sessions_renewed_in_ms: int = 1
    servers: tuple[tuple[str, str], ...] = ()  # ids and names of those the bot is in
    commands: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])  # registered before
    registration: tuple[int, dict[str, Any]] | None = None  # status and body that refuse the next ones
    clock_ahead_s: float = 0.0  # of the time in its answers
    answers_after_s: float = 0.0
    application: dict[str, Any] | None = None  # what its own page says besides APPLICATION
    port: int = field(default_factory=serving.free_port)
    calls: list[str] = field(default_factory=list[str])
    identified: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    sockets: list[web.WebSocketResponse] = field(default_factory=list[web.WebSocketResponse])
    registered: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    runner: web.AppRunner | None = None

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v10"

    @property
    def own_gateway(self) -> str:
        return f"ws://127.0.0.1:{self.port}/gateway"

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[LittleDiscord]:
        app = web.Application()
        app.router.add_get("/gateway", self._socket)
        app.router.add_route("*", "/api/v10/{path:.*}", self._rest)
        self.runner = runner = web.AppRunner(app, shutdown_timeout=0.5)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port)
        await site.start()
        self.port = runner.addresses[0][1]
        try:
            yield self
        finally:
            await self.shut()

    async def shut(self) -> None:
        """Go away; `open` comes back at the same address."""
        for socket in self.sockets:
            await socket.close(code=WSCloseCode.GOING_AWAY)
        self.sockets.clear()
        if self.runner is not None:
            runner, self.runner = self.runner, None
            await serving.end(runner)

    async def _rest(self, request: web.Request) -> web.Response:
        await asyncio.sleep(self.answers_after_s)
        answer = self._answer(request, await request.read())
        answer.headers["Date"] = formatdate(time.time() + self.clock_ahead_s, usegmt=True)
        return answer

    def _answer(self, request: web.Request, body: bytes) -> web.Response:
        path = request.match_info["path"]
        self.calls.append(f"{request.method} {path}")
        if self.refuse or request.headers.get("Authorization") != f"Bot {TOKEN}":
            return _json({"message": "401: Unauthorized", "code": 0}, self.refuse or 401)
        if path == "users/@me":
            return _json(BOT)
        if path == "oauth2/applications/@me":
            return _json(APPLICATION)
        if path == "gateway/bot":
            renewed = self.sessions_renewed_in_ms
            limit = {"total": 1000, "remaining": self.sessions_left, "reset_after": renewed, "max_concurrency": 1}
            url = self.gateway_url or self.own_gateway
            return _json({"url": url, "shards": self.shards, "session_start_limit": limit})
        if path == "applications/@me" and self.application is not None:
            return _json(APPLICATION | self.application)
        if path == "users/@me/guilds":
            return _json([{"id": number, "name": name} for number, name in self.servers])
        if path.endswith("/commands") and request.method == "GET":
            return _json(self.commands)
        if path.endswith("/commands") and request.method == "PUT":
            commands: list[dict[str, Any]] = json.loads(body)
            kept = {it["id"] for it in commands if "id" in it}
            if self.registration is not None:
                return _json(self.registration[1], self.registration[0])
            if any(it["type"] == 4 and it["id"] not in kept for it in self.commands):
                return _json({"message": "You cannot remove this app's Entry Point command", "code": 50240}, 400)
            self.registered = commands
            return _json([{"id": str(n), "application_id": "1", **it} for n, it in enumerate(commands, start=10)])
        return _json({"message": "404: Not Found", "code": 0}, 404)

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        await socket.send_json({"op": 10, "d": {"heartbeat_interval": self.heartbeat_ms}})
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await self._take(socket, message.json())
        return socket

    async def _take(self, socket: web.WebSocketResponse, payload: dict[str, Any]) -> None:
        if payload["op"] == 1 and not self.silent:
            await socket.send_json({"op": 11})
        if payload["op"] != 2:
            return
        self.identified.append(payload["d"])
        if self.close_with:
            await socket.close(code=self.close_with)
            return
        ready: dict[str, Any] = {
            "v": 10,
            "user": BOT,
            "guilds": [],
            "session_id": "s",
            "resume_gateway_url": self.own_gateway,
            "shard": payload["d"]["shard"],
            "application": {"id": "1", "flags": 0},
        }
        await socket.send_json({"op": 0, "s": 1, "t": "READY", "d": ready})


def _json(body: Any, status: int = 200) -> web.Response:
    # discord.py takes an answer for JSON only when the type is exactly this, without a charset
    response = web.json_response(body, status=status)
    response.headers["Content-Type"] = "application/json"
    # and a refusal for a rate limit of Discord's own only when it came through Discord's proxy
    response.headers["Via"] = "1.1 google"
    return response
