"""What the operator sees and does across all servers: the figures, and the door as it is at the moment.

The door is that of the settings, closed also to those who were blocked since, by whatever process.
A process looks for blocks made elsewhere every few seconds. Until it has looked, only a panel may still open there:
requests are refused in the database, see `store/oversight/blocks.py`.
With each door that is new to a process, the first one of a start included, what waits in line for those whom it shuts
out is cancelled. What becomes ready to be sent later is asked about then, see `jobs/submission.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from bot.jobs.backoff import repeat
from bot.jobs.clock import now
from bot.jobs.service import JobService
from bot.policy.door import BlockKind, Door
from bot.store.oversight.blocks import OperatorBlock, OperatorBlocks
from bot.store.oversight.figures import Ends, Figures, ServerPace, ServersOverview, UsageOf, UsageSums
from bot.store.oversight.outcomes import DELIVERED

__all__ = [
    "DELIVERED",
    "BlockKind",
    "DoorBook",
    "Ends",
    "Figures",
    "OperatorBlock",
    "ServerPace",
    "ServersOverview",
    "UsageOf",
    "UsageSums",
]

log = structlog.stdlib.get_logger(__name__)

EVERY_S = 3.0


class DoorBook:
    """Keeps servers and people out, and lets them in again. Who may do that is for the caller to ask."""

    def __init__(
        self, base: Door, blocks: OperatorBlocks, service: JobService, hold: Callable[[Door], Awaitable[None]]
    ) -> None:
        """`base` is the door of the settings; `hold` is called with each door that takes its place."""
        self.base = base
        self._blocks = blocks
        self._service = service
        self._hold = hold
        self._version: str | None = None
        self._has_looked = False
        self._looking = asyncio.Lock()

    async def run(self) -> None:
        """Until it is cancelled. Database trouble is waited out: the last known door holds."""
        await repeat(self.look, asyncio.Event(), EVERY_S, longest_s=EVERY_S)

    async def look(self) -> None:
        """Take over what has changed since the last look. Raises StoreUnavailable."""
        async with self._looking:
            await self._look()

    async def _look(self) -> int:
        version = await self._blocks.version()
        if version == self._version and self._has_looked:
            return 0
        found = await self._blocks.all()
        by_kind = {kind: {it.id for it in found if it.kind is kind} for kind in BlockKind}
        await self._hold(self.base.and_blocked(by_kind[BlockKind.USER], by_kind[BlockKind.SERVER]))
        cancelled = await self._service.cancel_shut_out()
        if cancelled:
            log.warning("requests in line of those who are not let in any more were cancelled", count=cancelled)
        self._version, self._has_looked = version, True
        return cancelled

    async def blocks(self) -> Sequence[OperatorBlock]:
        """Who was blocked here, the newest first; not those of the settings. Raises StoreUnavailable."""
        return await self._blocks.all()

    async def block(self, kind: BlockKind, blocked_id: int, *, by: int, name: str = "") -> int | None:
        """Keep somebody out everywhere, and end what waits in line for them, uncharged.

        Returns how many requests that were; None where they were blocked before. Raises StoreUnavailable.
        """
        async with self._looking:  # so that what is cancelled is counted here
            if not await self._blocks.block(kind, blocked_id, by=by, now=now(), name=name):
                return None
            log.warning("the operator has blocked somebody", kind=kind.value, blocked=blocked_id, by=by)
            return await self._look()

    async def unblock(self, kind: BlockKind, blocked_id: int, *, by: int) -> bool:
        """Let somebody in again; False where they were not blocked here. Raises StoreUnavailable."""
        if not await self._blocks.unblock(kind, blocked_id):
            return False
        log.warning("the operator has unblocked somebody", kind=kind.value, blocked=blocked_id, by=by)
        await self.look()
        return True
