"""The local Discord: one HTTP and WebSocket server on 127.0.0.1 that a bot takes for the real one."""

from __future__ import annotations

import asyncio
from types import TracebackType

from aiohttp import web

from sandbox import serving
from sandbox.discord.account import Account
from sandbox.discord.callbacks import Callbacks
from sandbox.discord.calls import Call, RequestLog, Route
from sandbox.discord.channels import Channels
from sandbox.discord.commands import Commands
from sandbox.discord.faults import Faults
from sandbox.discord.forums import Forums
from sandbox.discord.front import API, Front
from sandbox.discord.gateway import Gateway
from sandbox.discord.interactions import Interactions
from sandbox.discord.person import Person, Stage
from sandbox.discord.refusals import NOT_FOUND, Refusal
from sandbox.discord.reply import PATIENCE_S
from sandbox.discord.rules import DEFAULT_RULES, DiscordRules
from sandbox.discord.slow_line import WINDOW_BYTES, listening_socket
from sandbox.discord.webhooks import Webhooks
from sandbox.discord.world import easel_studio

HOST = "127.0.0.1"
_GATEWAY_PATH = "/gateway/"
_MAX_BODY = 256 * 1024 * 1024  # larger than any request, so that the limit is answered and not cut off
_FILES = ("/attachments/{folder}/{id}/{filename}", "/ephemeral-attachments/{folder}/{id}/{filename}")


class LocalDiscord:
    """Discord for one bot. Use it as an async context manager, or call `start` and `stop`.

    Point the bot at `api_url` (DISCORD_API_URL) with `token` (DISCORD_TOKEN); it finds the gateway by itself.
    What is stored survives `stop` and `start`, so an outage can be played with them. `host` is another address of this
    machine for a bot that cannot reach 127.0.0.1, as in a container.
    """

    def __init__(
        self,
        *,
        token: str = "sandbox-token",  # noqa: S107
        settings: DiscordRules = DEFAULT_RULES,
        host: str = HOST,
    ) -> None:
        self.token = token
        self._host = host
        self.world = easel_studio(settings)
        self.gateway = Gateway(self.world, token)
        self.interactions = Interactions(self.world)
        self.commands = Commands(self.world)
        self._front = Front(token, self.interactions.token_state, lambda: self.world.rules)
        self._stage = Stage(self.world, self.commands, self.interactions)
        self._runner: web.AppRunner | None = None
        self.port = 0
        self.commands.on_change = self.gateway.changed.ring

    async def __aenter__(self) -> LocalDiscord:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def rules(self) -> DiscordRules:
        """The limits this Discord keeps; assign `dataclasses.replace(discord.rules, …)` to change them at once."""
        return self.world.rules

    @rules.setter
    def rules(self, rules: DiscordRules) -> None:
        self.world.rules = rules

    @property
    def base_url(self) -> str:
        return f"http://{self._host}:{self.port}"

    @property
    def api_url(self) -> str:
        """What DISCORD_API_URL is set to."""
        return self.base_url + API

    @property
    def requests(self) -> RequestLog:
        """Every request so far, files of the CDN included."""
        return self._front.requests

    @property
    def faults(self) -> Faults:
        return self._front.faults

    async def start(self, port: int = 0) -> None:
        """Listen; port 0 takes a free one, or the same again after a stop."""
        app = web.Application(middlewares=[serving.no_web_pages], client_max_size=_MAX_BODY)
        app.add_routes([self._front.define(route) for route in self._routes()])
        app.router.add_get(_GATEWAY_PATH, self.gateway.connect)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, read_bufsize=WINDOW_BYTES)
        await self._runner.setup()
        listening = listening_socket(self._host, port or self.port or serving.free_port())
        await web.SockSite(self._runner, listening).start()
        self.port = self._runner.addresses[0][1]
        self.world.cdn.base_url = self.base_url
        self.gateway.url = f"ws://{self._host}:{self.port}{_GATEWAY_PATH}"

    async def stop(self) -> None:
        """Close every connection and stop listening. Does nothing when it is not running."""
        if self._runner is None:
            return
        runner, self._runner = self._runner, None
        self.faults.clear()
        await self.gateway.close_all(1001)
        await serving.end(runner)

    async def wait_for_bot(
        self,
        timeout: float = PATIENCE_S,  # noqa: ASYNC109 raises with what is missing
        *,
        sessions: int | None = None,
        commands: bool = True,
    ) -> None:
        """Wait until the bot has its gateway sessions (by default one per shard) and registered its commands.

        Raises TimeoutError.
        """
        try:
            async with asyncio.timeout(timeout):
                while not self._has_bot(sessions or self.rules.shards, commands):
                    await self.gateway.changed.wait()
        except TimeoutError:
            found = f"{len(self.gateway.connected)} gateway sessions, {len(self.commands)} commands"
            raise TimeoutError(f"The bot is not ready after {timeout} s: {found}.") from None

    def person(self, name: str, place: str = "pictures") -> Person:
        """A user of this world: `Ada` or `Ben`."""
        return Person(self._stage, self.world.user(name), place)

    def expire_tokens(self) -> None:
        """Every interaction token handed out so far has reached the end of its 15 minutes."""
        self.interactions.expire_all()

    def _has_bot(self, sessions: int, commands: bool) -> bool:
        return len(self.gateway.connected) >= sessions and (not commands or len(self.commands) > 0)

    def _routes(self) -> list[Route]:
        account = Account(self.world, lambda: self.gateway.url, lambda: self.gateway.identifies_left)
        callbacks = Callbacks(self.world, self.interactions)
        cdn = self.world.cdn
        return [
            *account.routes(),
            *self.commands.routes(),
            *callbacks.routes(),
            *Webhooks(self.world, self.interactions, callbacks).routes(),
            *Channels(self.world, self.interactions).routes(),
            *Forums(self.world, self.interactions).routes(),
            *(Route("GET", path, lambda call: cdn.serve(call.request), bot=False, cdn=True) for path in _FILES),
            Route("*", "/{rest:.*}", _unknown, bot=False),
        ]


def _unknown(_: Call) -> None:
    raise Refusal(*NOT_FOUND)
