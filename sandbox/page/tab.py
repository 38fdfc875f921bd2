"""One tab of the browser: its WebSocket, the person it is, and the events it is told.

The tab asks with `{"n": 1, "do": "press", …}` and gets `{"re": 1, "ok": …}` or `{"re": 1, "error": "a sentence"}`.
Without being asked it is told `{"event": …}`: Discord's events of its user, and the developer panel's while it is open.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from typing import Any

from aiohttp import WSMsgType, web

from sandbox.discord.clients import InvalidCommand
from sandbox.discord.events import Subscription
from sandbox.discord.refusals import Json
from sandbox.discord.server import LocalDiscord
from sandbox.image_api.server import LocalImageApi
from sandbox.page.acts import Acts
from sandbox.page.record import PAUSE_S, Recorder
from sandbox.page.scene import scene_of
from sandbox.page.switches import Switches
from sandbox.page.uploads import Uploads

_MISUNDERSTOOD = "The sandbox did not understand what the page asked for."


class Tab:
    """Serves one WebSocket until it closes."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        discord: LocalDiscord,
        image_api: LocalImageApi | None,
        uploads: Uploads,
        switches: Switches,
    ) -> None:
        self._socket = socket
        self._discord = discord
        self._acts = Acts(uploads)
        self._switches = switches
        self._is_local = image_api is not None
        self._recorder = Recorder(discord, image_api, switches)
        self._subscription: Subscription | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._watching: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Take requests until the tab goes. Each is answered by itself, for a press may take three seconds."""
        self._begin(self._tell_faults())
        try:
            async for said in self._socket:
                if said.type is WSMsgType.TEXT:
                    self._begin(self._answer(said.data))
        finally:
            await self._end()

    async def _answer(self, text: str) -> None:
        number: Any = None
        try:
            asked: Json = json.loads(text)
            number = asked["n"]
            answer: Json = {"re": number, "ok": await self._do(asked)}
        except InvalidCommand as exc:
            answer = {"re": number, "error": str(exc)}
        except (KeyError, TypeError, ValueError, AttributeError, LookupError):
            answer = {"re": number, "error": _MISUNDERSTOOD}
        await self._tell(answer)

    async def _do(self, asked: Json) -> Any:
        match asked["do"]:
            case "enter":
                return self._enter(asked["user"], asked["place"])
            case "watch":
                return self._watch(on=bool(asked["on"]))
            case "switch":
                return await self._switches.turn(asked["name"], asked.get("value"))
            case _:
                return await self._acts.do(asked)

    def _enter(self, user: str, place: str) -> Json:
        """Become someone somewhere. Reading and subscribing are one step, so that nothing falls between."""
        if user not in self._discord.world.users or self._discord.world.users[user].bot:
            raise InvalidCommand(f"There is nobody named {user} here.")
        person = self._discord.person(user, place)
        self._acts.person = person
        if self._subscription:
            self._subscription.close()
        self._subscription = self._discord.world.subscribe(person.user)
        self._begin(self._pump(self._subscription))
        history = [message.json for message in person.sees()]
        return scene_of(self._discord, person) | {"local": self._is_local, "history": history}

    async def _pump(self, subscription: Subscription) -> None:
        async for event in subscription:
            await self._tell({"event": event})

    def _watch(self, *, on: bool) -> None:
        if self._watching:
            self._watching.cancel()
            self._watching = None
        if on:
            self._watching = self._begin(self._recorder.follow(self._tell_event))

    async def _tell_faults(self) -> None:
        """Which faults are on, at first and whenever that changes: it matters also while the panel is closed."""
        told: list[str] | None = None
        while not self._socket.closed:
            names = self._switches.names_on()
            if names != told and (names or told):
                await self._tell_event({"type": "faults", "names": names})
            told = names
            await asyncio.sleep(PAUSE_S)

    async def _tell_event(self, event: Json) -> None:
        await self._tell({"event": event})

    async def _tell(self, said: Json) -> None:
        if not self._socket.closed:
            try:
                await self._socket.send_str(json.dumps(said))
            except ConnectionError:
                return  # the tab went while it was being told

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _end(self) -> None:
        if self._subscription:
            self._subscription.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
