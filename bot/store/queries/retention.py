"""What goes by itself: data that has grown old, and that of servers the bot has left. Always a few rows at a time.

Each call deletes a bounded number of rows and leaves the rest to the next, so that a clear-up after a year takes no
longer per call than one after a day.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, delete, func, insert, literal, select, update

from bot.store.audit import lines
from bot.store.oversight import outcomes
from bot.store.queries import rules, totals
from bot.store.queries.people import delete_jobs, take_person_out
from bot.store.queries.presets import delete_presets
from bot.store.schema import UtcTime, blocks, departures, drafts, jobs, ledger, presets
from bot.store.schema import rules as rules_table
from bot.store.sync import advisory_locks as locks
from bot.store.thread import Run

#: The end was announced, so there is an end.
_OVER = jobs.c.told


class Retention:
    """Deletes up to `limit` rows of a kind at each call and returns how many it were. May raise StoreUnavailable.

    Where another process clears up at the same moment, nothing is done.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    async def old_drafts(self, before: datetime, limit: int) -> int:
        """Questions about a price that nobody answered."""
        chosen = select(drafts.c.id).where(drafts.c.made_at < literal(before, UtcTime)).limit(limit)

        def write(connection: Connection) -> int:
            found = connection.execute(chosen).scalars().all()
            connection.execute(delete(drafts).where(drafts.c.id.in_(found)))
            return len(found)

        return await self._alone(write)

    async def old_jobs(self, before: datetime, limit: int) -> int:
        """Jobs that ended before, and who they were for in the ledger."""
        over = and_(_OVER, jobs.c.finished_at < literal(before, UtcTime))
        past = ledger.c.reserved_at < literal(before, UtcTime)

        def write(connection: Connection) -> int:
            gone = delete_jobs(connection, over, limit, jobs.c.finished_at)
            return len(gone) + take_person_out(connection, past, limit)

        return await self._alone(write)

    async def old_totals(self, before: datetime, limit: int) -> int:
        """Totals of days and months before, for which nobody asks any more."""

        def write(connection: Connection) -> int:
            return totals.delete_old(connection, before, limit) + outcomes.delete_old(connection, before, limit)

        return await self._alone(write)

    async def left(self, guild_id: int, now: datetime) -> bool:
        """Note that the bot is no longer in a server; False where that was known."""

        def write(connection: Connection) -> bool:
            # Discord tells of a server that was left more than once; the first word counts for the days of grace.
            known = select(departures.c.guild_id).where(departures.c.guild_id == guild_id)
            if connection.execute(known).first() is not None:
                return False
            connection.execute(insert(departures).values(guild_id=guild_id, left_at=now))
            return True

        return await self._run(write)

    async def came_back(self, guild_ids: Collection[int]) -> Sequence[int]:
        """The bot is in these servers: their data stays. Returns those that had been noted as left."""

        def write(connection: Connection) -> list[int]:
            noted = connection.execute(select(departures.c.guild_id)).scalars()
            back = [guild_id for guild_id in noted if guild_id in guild_ids]
            for guild_id in back:
                connection.execute(delete(departures).where(departures.c.guild_id == guild_id))
            return back

        return await self._run(write)

    async def departed(self) -> Sequence[tuple[int, datetime]]:
        """The servers the bot has left, and when."""
        query = select(departures.c.guild_id, departures.c.left_at)
        return await self._run(lambda connection: [(it[0], it[1]) for it in connection.execute(query)])

    async def old_lines(self, before: datetime, limit: int) -> int:
        """Changes of settings that servers' logs keep from before a moment."""
        return await self._alone(lambda connection: lines.prune(connection, before, limit))

    async def next_server(self, after: int) -> int | None:
        """The server with the next higher id of which there is data that it owns or that came of its membership."""
        own = [
            select(func.min(jobs.c.guild_id)).where(jobs.c.guild_id > after),
            select(func.min(rules_table.c.guild_id)).where(rules_table.c.guild_id > after),
            select(func.min(blocks.c.guild_id)).where(blocks.c.guild_id > after),
            select(func.min(presets.c.owner_id)).where(presets.c.of_guild, presets.c.owner_id > after),
        ]
        query = select(*(each.scalar_subquery() for each in own))

        def read(connection: Connection) -> int | None:
            return min((it for it in connection.execute(query).one() if it is not None), default=None)

        return await self._run(read)

    async def was_member(self, guild_id: int) -> bool:
        """Whether the bot was a member of a server, by what is stored. People also bring it along to other servers."""
        query = select(
            select(jobs.c.seq).where(jobs.c.guild_id == guild_id, jobs.c.bot_member).exists()
            | select(rules_table.c.guild_id).where(rules_table.c.guild_id == guild_id).exists()
            | select(blocks.c.guild_id).where(blocks.c.guild_id == guild_id).exists()
            | select(presets.c.id).where(presets.c.of_guild, presets.c.owner_id == guild_id).exists()
        )
        return await self._run(lambda connection: bool(connection.execute(query).scalar_one()))

    async def server(self, guild_id: int, left_at: datetime, limit: int) -> int:
        """What a server that was left has stored until then. With the last of it the note of its leaving goes.

        The amounts in the ledger stay, without the server.
        """
        moment = literal(left_at, UtcTime)
        theirs = and_(jobs.c.guild_id == guild_id, jobs.c.received_at <= moment)
        lines = and_(ledger.c.guild_id == guild_id, ledger.c.reserved_at <= moment)

        def write(connection: Connection) -> int:
            still = and_(departures.c.guild_id == guild_id, departures.c.left_at == moment)
            if connection.execute(select(departures.c.guild_id).where(still).with_for_update()).first() is None:
                return 0  # it is back
            rules.forget(connection, guild_id)
            sums = totals.forget_server(connection, guild_id, left_at, limit)
            outcomes.forget_server(connection, guild_id, left_at)
            delete_presets(connection, and_(presets.c.of_guild, presets.c.owner_id == guild_id))
            gone = len(delete_jobs(connection, and_(theirs, _OVER), limit))
            some = select(ledger.c.job_id).where(lines, ledger.c.settled_at.is_not(None)).limit(limit)
            found = connection.execute(some.with_for_update(skip_locked=True)).scalars().all()
            nowhere = {"guild_id": None, "channel_id": 0}
            connection.execute(update(ledger).where(ledger.c.job_id.in_(found)).values(nowhere))
            if (
                not gone
                and not sums
                and not found
                and connection.execute(select(jobs.c.seq).where(theirs)).first() is None
            ):
                connection.execute(delete(departures).where(still))
            return gone + sums + len(found)

        return await self._alone(write, locks.of_guild(guild_id))

    async def _alone(self, write: Callable[[Connection], int], *keys: int) -> int:
        """Write under the lock of all clearing up, and first under these."""

        def with_lock(connection: Connection) -> int:
            locks.hold(connection, keys)
            return write(connection) if locks.try_hold(connection, locks.OF_RETENTION) else 0

        return await self._run(with_lock)
