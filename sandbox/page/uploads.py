"""Files on their way from the browser into a message, a command or a form."""

from __future__ import annotations

import secrets
from collections import OrderedDict

from aiohttp import web

from sandbox.discord.cdn import Upload
from sandbox.discord.clients import InvalidCommand

MAX_FILE_BYTES = 64 * 1024 * 1024
#: Files that were handed over and never used; the oldest goes when there are more.
MAX_WAITING = 32
_MAX_NAME_CHARS = 200


class Uploads:
    """Keeps files in memory, each under a token that only the tab which sent it knows."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, Upload] = OrderedDict()

    async def receive(self, request: web.Request) -> web.Response:
        """POST /uploads?name=…: the body is the file, the answer its token."""
        name = request.query.get("name", "")[:_MAX_NAME_CHARS] or "file"
        return web.json_response({"token": self.keep(name, await request.read())})

    def keep(self, name: str, data: bytes) -> str:
        """Keep a file; the token under which it waits."""
        token = secrets.token_urlsafe(12)
        self._waiting[token] = Upload(name, data)
        while len(self._waiting) > MAX_WAITING:
            self._waiting.popitem(last=False)
        return token

    def get(self, token: str) -> Upload:
        """The file of a token. It stays until others push it out, so that a refused act can be repeated."""
        try:
            return self._waiting[token]
        except KeyError:
            raise InvalidCommand("That file is no longer there. Please attach it again.") from None
