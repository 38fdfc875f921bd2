"""The rules of servers, and whom they have blocked.

Each server's rules carry a version, a random word that changes with them. Whoever obeys rules remembers them with their
version, and `Jobs.receive` compares it in the same statement that reads everything else: so obeying rules costs no
question of its own, and a change holds at once in all processes, whatever they remember.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, delete, insert, select, update

from bot.policy.rules import NO_RULES, WHOLE_SERVER, RuleBook, Rules
from bot.policy.server_log import LogLine
from bot.store.approvals import queries as approvals
from bot.store.audit import lines
from bot.store.schema import blocks, meta, rules
from bot.store.sync import advisory_locks as locks
from bot.store.thread import Run

T = TypeVar("T")
#: Rules before and after, and the channel for the lines.
Telling = Callable[[Rules, Rules, int | None], Sequence[LogLine]]

MAX_REMEMBERED = 5_000  # servers; about 2 kB each where much is set


@dataclass(frozen=True, slots=True)
class Block:
    """Somebody who may not use Easel in a server."""

    user_id: int
    blocked_by: int
    blocked_at: datetime


class RuleStore:
    """Reads and changes rules and blocks. Any method may raise StoreUnavailable."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._remembered: dict[int, RuleBook] = {}
        self._reading: dict[int, asyncio.Future[RuleBook]] = {}

    def remembered(self, guild_id: int) -> RuleBook | None:
        """What this process last read of a server's rules: perhaps no longer true, see above."""
        return self._remembered.get(guild_id)

    async def read(self, guild_id: int, patience: float | None = None) -> RuleBook:
        """The rules as they stand, and remember them. A crowd that asks at once shares one question."""
        reading = self._reading.get(guild_id)
        if reading is None:
            reading = asyncio.ensure_future(self._run(lambda connection: _read(connection, guild_id), patience))
            self._reading[guild_id] = reading
            reading.add_done_callback(lambda _: self._reading.pop(guild_id, None))
        book = await asyncio.shield(reading)
        self._remembered.pop(guild_id, None)
        self._remembered[guild_id] = book
        while len(self._remembered) > MAX_REMEMBERED:
            self._remembered.pop(next(iter(self._remembered)))
        return book

    async def change(
        self,
        guild_id: int,
        edit: Callable[[Rules], Rules],
        *,
        by: int,
        now: datetime,
        channel_id: int = WHOLE_SERVER,
        tell: Telling | None = None,
    ) -> RuleBook:
        """Let `edit` make new rules from the present ones of a server or of one of its channels.

        It is called in the database thread, perhaps several times; of two changes at once none is lost. `tell` words
        what has changed for the server's log, which is written in the same transaction.
        """

        def write(connection: Connection) -> RuleBook:
            # Under the server's lock: the second of two changes at once sees what the first one wrote.
            locks.hold(connection, [locks.of_guild(guild_id)])
            row = (rules.c.guild_id == guild_id) & (rules.c.channel_id == channel_id)
            present = connection.execute(select(rules.c.value).where(row)).scalar_one_or_none()
            before = NO_RULES if present is None else read_rules(present)
            changed = edit(before)
            connection.execute(delete(rules).where(row))
            if changed.said:
                values = {"value": rules_text(changed), "changed_by": by, "changed_at": now}
                connection.execute(insert(rules).values(guild_id=guild_id, channel_id=channel_id, **values))
            if tell is not None and changed != before:
                log_channel = changed.log_channel if channel_id == WHOLE_SERVER else _log_channel(connection, guild_id)
                # Where the log is switched off, its channel is the one that has to be told.
                lines.add(connection, tell(before, changed, log_channel or before.log_channel), now)
            _stamp(connection, guild_id)
            return _read(connection, guild_id)

        return await self._changed(guild_id, write)

    async def block(self, guild_id: int, user_id: int, *, by: int, now: datetime, line: LogLine | None = None) -> bool:
        """Keep somebody from using Easel in a server, with a line in its log; False where they are blocked already."""

        def write(connection: Connection) -> bool:
            # Of two who block the same member at once, one is told that it was done already.
            locks.hold(connection, [locks.of_guild(guild_id)])
            if user_id in _blocked(connection, guild_id):
                return False
            values = {"guild_id": guild_id, "user_id": user_id, "blocked_by": by, "blocked_at": now}
            connection.execute(insert(blocks).values(values))
            lines.add(connection, [line] if line else [], now)
            _stamp(connection, guild_id)
            return True

        return await self._changed(guild_id, write)

    async def unblock(self, guild_id: int, user_id: int, *, now: datetime, line: LogLine | None = None) -> bool:
        """Let somebody use Easel again, with a line in the log; False where they are not blocked."""

        def write(connection: Connection) -> bool:
            locks.hold(connection, [locks.of_guild(guild_id)])
            row = (blocks.c.guild_id == guild_id) & (blocks.c.user_id == user_id)
            if connection.execute(delete(blocks).where(row).returning(blocks.c.user_id)).first() is None:
                return False
            lines.add(connection, [line] if line else [], now)
            _stamp(connection, guild_id)
            return True

        return await self._changed(guild_id, write)

    async def anyone_wants_messages(self) -> bool:
        """Whether some server has answers to pictures as edits."""
        query = select(rules.c.guild_id).where(rules.c.value.contains('"reply_edits":true', autoescape=True)).limit(1)
        return await self._run(lambda connection: connection.execute(query).first() is not None)

    async def blocks(self, guild_id: int) -> Sequence[Block]:
        """Who is blocked in a server, latest first."""
        query = (
            select(blocks.c.user_id, blocks.c.blocked_by, blocks.c.blocked_at)
            .where(blocks.c.guild_id == guild_id)
            .order_by(blocks.c.blocked_at.desc(), blocks.c.user_id)
        )
        return await self._run(lambda connection: [Block(*row) for row in connection.execute(query)])

    async def _changed(self, guild_id: int, write: Callable[[Connection], T]) -> T:
        try:
            return await self._run(write)
        finally:
            self._remembered.pop(guild_id, None)


def version_name(guild_id: int | None) -> str:
    """Under which name of the table `meta` the version of a server's rules stands."""
    return f"rules:{guild_id}"


def forget(connection: Connection, guild_id: int) -> None:
    """Delete all rules and blocks of a server."""
    connection.execute(delete(rules).where(rules.c.guild_id == guild_id))
    connection.execute(delete(blocks).where(blocks.c.guild_id == guild_id))
    connection.execute(delete(meta).where(meta.c.name == version_name(guild_id)))
    lines.forget_server(connection, guild_id)
    approvals.forget_server(connection, guild_id)


def rules_text(value: Rules) -> str:
    """Rules as JSON text: only what was set."""
    said = value.said
    if value.defaults is not None:
        said["defaults"] = value.defaults.said
    if value.role_limits is not None:
        said["role_limits"] = [asdict(limits) for limits in value.role_limits]
    if value.preset is not None:
        said["preset"] = asdict(value.preset)
    return json.dumps(said, separators=(",", ":"))


def read_rules(text: str) -> Rules:
    """Rules from JSON text. What this version does not know, or cannot understand, counts as not set."""
    return Rules.read(json.loads(text))


def _read(connection: Connection, guild_id: int) -> RuleBook:
    version = select(meta.c.value).where(meta.c.name == version_name(guild_id))
    book_version = connection.execute(version).scalar_one_or_none()
    if book_version is None:
        return RuleBook(guild_id)
    query = select(rules.c.channel_id, rules.c.value).where(rules.c.guild_id == guild_id)
    by_channel = {channel_id: read_rules(value) for channel_id, value in connection.execute(query)}
    server = by_channel.pop(WHOLE_SERVER, NO_RULES)
    return RuleBook(guild_id, book_version, server, by_channel, _blocked(connection, guild_id))


def _log_channel(connection: Connection, guild_id: int) -> int | None:
    row = (rules.c.guild_id == guild_id) & (rules.c.channel_id == WHOLE_SERVER)
    value = connection.execute(select(rules.c.value).where(row)).scalar_one_or_none()
    return read_rules(value).log_channel if value is not None else None


def _blocked(connection: Connection, guild_id: int) -> frozenset[int]:
    query = select(blocks.c.user_id).where(blocks.c.guild_id == guild_id)
    return frozenset(connection.execute(query).scalars())


def _stamp(connection: Connection, guild_id: int) -> None:
    name, version = version_name(guild_id), secrets.token_hex(8)
    change = update(meta).where(meta.c.name == name).values(value=version).returning(meta.c.name)
    if connection.execute(change).first() is None:
        connection.execute(insert(meta).values(name=name, value=version))
