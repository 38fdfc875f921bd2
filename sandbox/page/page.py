"""The page's server: static files, pictures, uploads, and one WebSocket per tab."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import WSCloseCode, web

from sandbox import serving
from sandbox.discord.server import LocalDiscord
from sandbox.image_api.server import LocalImageApi
from sandbox.page.control import BotControl
from sandbox.page.guard import add_headers, guard
from sandbox.page.switches import Switches
from sandbox.page.tab import Tab
from sandbox.page.uploads import MAX_FILE_BYTES, Uploads

HOST = "127.0.0.1"
_STATIC = Path(__file__).with_name("static")
_INLINE_KINDS = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
_MAX_SAID = 1024 * 1024  # bytes of one WebSocket message


class Page:
    """The sandbox page of a running LocalDiscord. `bot` lets its developer panel start and kill the bot's process."""

    def __init__(
        self, discord: LocalDiscord, image_api: LocalImageApi | None = None, *, bot: BotControl | None = None
    ) -> None:
        self._discord = discord
        self._image_api = image_api
        self._switches = Switches(discord, image_api, bot)
        self._uploads = Uploads()
        self._sockets: set[web.WebSocketResponse] = set()
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Where the page is. Empty before `start`."""
        return f"http://{HOST}:{self.port}/" if self.port else ""

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1; port 0 takes a free one. Raises OSError where the port is taken."""
        app = web.Application(middlewares=[guard], client_max_size=MAX_FILE_BYTES)
        app.on_response_prepare.append(add_headers)
        app.router.add_get("/", self._index)
        app.router.add_get("/tab", self._tab)
        app.router.add_get("/cdn/{path:.+}", self._file)
        app.router.add_post("/uploads", self._uploads.receive)
        app.router.add_static("/static", _STATIC)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, HOST, port or serving.free_port()).start()
        except OSError:
            await self.stop()
            raise
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close every tab's connection and stop listening. Does nothing when it is not running."""
        if self._runner is None:
            return
        runner, self._runner = self._runner, None
        closing = [socket.close(code=WSCloseCode.GOING_AWAY) for socket in self._sockets]
        await asyncio.gather(*closing)
        await self._switches.settle()
        await serving.end(runner)

    async def _index(self, _: web.Request) -> web.StreamResponse:
        return web.FileResponse(_STATIC / "index.html")

    async def _tab(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(heartbeat=20.0, max_msg_size=_MAX_SAID)
        await socket.prepare(request)
        self._sockets.add(socket)
        try:
            await Tab(socket, self._discord, self._image_api, self._uploads, self._switches).run()
        finally:
            self._sockets.discard(socket)
        return socket

    async def _file(self, request: web.Request) -> web.StreamResponse:
        """A file of the local CDN. Signatures are not asked for: what a tab shows stays readable while it is open."""
        cdn = self._discord.world.cdn
        attachment = cdn.find(f"{self._discord.base_url}/{request.match_info['path']}")
        if attachment is None:
            raise web.HTTPNotFound(text="This file is no longer there.")
        headers = {"Content-Type": attachment.content_type, "Cache-Control": "private, max-age=3600, immutable"}
        if attachment.content_type not in _INLINE_KINDS:
            headers |= {"Content-Type": "application/octet-stream", "Content-Disposition": "attachment"}
        return web.Response(body=cdn.bytes(attachment.id), headers=headers)
