"""How people learn what happens: one feed per listener, holding only what that user may see."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.discord.payloads import Json
from sandbox.discord.places import User


class Bell:
    """Wakes everybody who waits for the next ring."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self) -> None:
        await self._event.wait()


class Subscription:
    """An endless async iterator of events for one user. Close it when the listener goes."""

    def __init__(self, user: User, closed: Callable[[Subscription], None]) -> None:
        self.user = user
        self._waiting: asyncio.Queue[Json | None] = asyncio.Queue()
        self._closed = closed

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Json:
        event = await self._waiting.get()
        if event is None:
            raise StopAsyncIteration
        return event

    def put(self, event: Json) -> None:
        self._waiting.put_nowait(event)

    def close(self) -> None:
        """End the iteration and take no more events."""
        self._closed(self)
        self._waiting.put_nowait(None)


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A gateway event for bots: to the shard of `guild_id` (none: the first), to sessions with `intent` (0: to all)."""

    name: str
    data: Json
    guild_id: int | None = None
    intent: int = 0


def _nowhere(_: Dispatch) -> None:
    """No gateway is listening yet."""


class Events:
    """The hub: `publish` hands an event to every subscriber who may see it, `dispatch` hands one to the gateway."""

    def __init__(self) -> None:
        self._subscriptions: list[Subscription] = []
        self.dispatch: Callable[[Dispatch], None] = _nowhere

    def subscribe(self, user: User) -> Subscription:
        subscription = Subscription(user, self._forget)
        self._subscriptions.append(subscription)
        return subscription

    def publish(self, event: Json, may_see: Callable[[User], bool]) -> None:
        for subscription in self._subscriptions:
            if may_see(subscription.user):
                subscription.put(event)

    def _forget(self, subscription: Subscription) -> None:
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
