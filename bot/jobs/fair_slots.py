"""Who may download or upload next: fair between hosts and between users, so that nobody holds up the others.

Transfers share the network and a bounded number of files and connections, so only some begin at once. A slot is held
for a short time only: a transfer that takes longer (its host hangs, or sends a few bytes now and then) goes on
without one and the next may begin. So one that waits for the network never keeps a slot from one that would use it.
A transfer that counts its bytes keeps its slot as long as they move: then it is the line that is slow, and one more
on the same line would make all of them slower, until none is done before its time is over.

Large uploads have slots of their own, so that a small one never waits for a large one to end.

Who waits is served in turns: first between hosts, then between the users of a host. A hundred pictures on a host
that does not answer stand beside one picture elsewhere, not before it.

What goes on without a slot still holds a connection. These are bounded, too, for each user, for each host, and in
all; a user who has reached that bound waits for their own transfers, not for those of others.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

HOLD_S = 5.0
MOST_OPEN, MOST_OF_HOST, MOST_OF_USER = 200, 100, 12
#: Uploads from this size on are large. A picture of 1k has some 300 KB, four of them stay below it.
LARGE_BYTES = 2 * 1024 * 1024
#: Four at a time fill any line: Discord thinks about one while the next sends. Each holds about half a megabyte of
#: memory, which bounds how many may be open where Discord hangs.
LARGE_AT_ONCE, LARGE_OPEN = 4, 32


@dataclass(slots=True)
class Transfer:
    """A transfer that has its turn. Whoever carries it may count its bytes, which keeps its slot."""

    bytes: int = 0


@asynccontextmanager
async def without_turn(size: int) -> AsyncGenerator[Transfer]:
    """An upload of `size` bytes that waits for nobody: somebody has clicked for it and looks on."""
    yield Transfer()


class FairSlots:
    """`at_once` slots; each is held for `hold_s` seconds, and as long as bytes move.

    At most `most_open` transfers are under way, with a slot or without.
    """

    def __init__(self, at_once: int, *, hold_s: float = HOLD_S, most_open: int = MOST_OPEN) -> None:
        self._free = at_once
        self._hold_s = hold_s
        self._most_open = most_open
        self._open: Counter[str | int] = Counter()  # transfers under way, with a slot or without, by host and by user
        self._all_open = 0
        self._waiting: dict[str, dict[int, deque[asyncio.Future[None]]]] = {}

    @asynccontextmanager
    async def turn(self, host: str, user_id: int) -> AsyncGenerator[Transfer]:
        """Wait for a turn, then do one transfer with this host on behalf of this user."""
        mine = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(host, {}).setdefault(user_id, deque()).append(mine)
        self._serve()
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._end(host, user_id, holds_slot=True)
            else:
                mine.cancel()
            raise
        transfer, handed_on = Transfer(), False

        def look(before: int) -> None:
            """Keep the slot where bytes have moved since the last look; else give it to whoever is next, once."""
            nonlocal handed_on, timer
            if transfer.bytes > before:
                timer = loop.call_later(self._hold_s, look, transfer.bytes)
                return
            handed_on = True
            self._free += 1
            self._serve()

        loop = asyncio.get_running_loop()
        timer = loop.call_later(self._hold_s, look, 0)
        try:
            yield transfer
        finally:
            timer.cancel()
            self._end(host, user_id, holds_slot=not handed_on)

    def _end(self, host: str, user_id: int, *, holds_slot: bool) -> None:
        self._free += holds_slot
        self._all_open -= 1
        for key in (host, user_id):
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]
        self._serve()

    def _serve(self) -> None:
        """Give free slots to those whose turn it is."""
        while self._free > 0 and self._all_open < self._most_open and (chosen := self._next()):
            host, user_id, waiting = chosen
            self._free -= 1
            self._all_open += 1
            self._open.update((host, user_id))
            waiting.set_result(None)

    def _next(self) -> tuple[str, int, asyncio.Future[None]] | None:
        """The first in line of the user and the host whose turn it is; both go to the end of their rounds."""
        for host in list(self._waiting):
            users = self._waiting[host]
            for user_id in list(users):
                queue = users[user_id]
                while queue and queue[0].done():
                    queue.popleft()  # its transfer was given up while it waited
                if queue and self._open[host] < MOST_OF_HOST and self._open[user_id] < MOST_OF_USER:
                    chosen = queue.popleft()
                    del users[user_id]
                    if queue:
                        users[user_id] = queue
                    del self._waiting[host]
                    if users:
                        self._waiting[host] = users
                    return host, user_id, chosen
                if not queue:
                    del users[user_id]
            if not users:
                del self._waiting[host]
        return None


class UploadSlots:
    """Slots for uploads: many small ones begin at once, and few large ones."""

    def __init__(self, at_once: int, *, large_at_once: int = LARGE_AT_ONCE, hold_s: float = HOLD_S) -> None:
        self._small = FairSlots(at_once, hold_s=hold_s)
        self._large = FairSlots(large_at_once, hold_s=hold_s, most_open=LARGE_OPEN)

    def turn(self, channel: str, user_id: int, size: int) -> AbstractAsyncContextManager[Transfer]:
        """Wait for a turn to upload `size` bytes to this channel on behalf of this user, and have it for the block."""
        return (self._large if size >= LARGE_BYTES else self._small).turn(channel, user_id)
