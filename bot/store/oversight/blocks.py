"""Whom the operator keeps out everywhere, beside BLOCKED_USERS and BLOCKED_SERVERS.

The list has a version, which each change draws anew, so that a process that looks every few seconds reads the list
only where it has changed. No request depends on that look: it is refused in the transaction that would write its job
(`queries/reserve.py`).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from bot.policy.door import BlockKind
from bot.store.schema import meta, operator_blocks
from bot.store.sync import advisory_locks as locks
from bot.store.thread import Run

_VERSION = "operator blocks"


@dataclass(frozen=True, slots=True)
class OperatorBlock:
    """A server or a person that may not use this bot anywhere. `by` is 0 once whoever blocked them was forgotten."""

    kind: BlockKind
    id: int
    by: int
    at: datetime
    name: str = ""  # of a server, as it was called then; empty once `by` was forgotten


class OperatorBlocks:
    """Any method may raise StoreUnavailable."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def version(self) -> str | None:
        """Which list holds; None while there was never a block."""
        query = select(meta.c.value).where(meta.c.name == _VERSION)
        return await self._run(lambda connection: connection.execute(query).scalar_one_or_none())

    async def all(self) -> Sequence[OperatorBlock]:
        """The whole list, the newest first."""
        query = select(operator_blocks).order_by(operator_blocks.c.blocked_at.desc(), operator_blocks.c.blocked_id)
        known = set(BlockKind)

        def read(connection: Connection) -> list[OperatorBlock]:
            rows = connection.execute(query).mappings()
            return [
                OperatorBlock(
                    BlockKind(row["kind"]),
                    row["blocked_id"],
                    row["blocked_by"],
                    row["blocked_at"],
                    json.loads(row["name"]),
                )
                for row in rows
                if row["kind"] in known
            ]

        return await self._run(read)

    async def block(self, kind: BlockKind, blocked_id: int, *, by: int, now: datetime, name: str = "") -> bool:
        """Keep somebody out from now on; False where they are kept out already."""
        row: dict[str, Any] = {"kind": kind.value, "blocked_id": blocked_id, "blocked_by": by, "blocked_at": now}
        row["name"] = json.dumps(name)

        def write(connection: Connection) -> bool:
            # Two that press at once must not both insert.
            locks.hold(connection, [locks.of_name(_VERSION)])
            if connection.execute(select(operator_blocks.c.kind).where(_is(kind, blocked_id))).first():
                return False
            connection.execute(insert(operator_blocks).values(row))
            _renew_version(connection)
            return True

        return await self._run(write)

    async def unblock(self, kind: BlockKind, blocked_id: int) -> bool:
        """Let somebody in again; False where they were not kept out by this list."""

        def write(connection: Connection) -> bool:
            locks.hold(connection, [locks.of_name(_VERSION)])
            gone = delete(operator_blocks).where(_is(kind, blocked_id)).returning(operator_blocks.c.kind)
            if connection.execute(gone).first() is None:
                return False
            _renew_version(connection)
            return True

        return await self._run(write)


def _is(kind: BlockKind, blocked_id: int) -> ColumnElement[bool]:
    return (operator_blocks.c.kind == kind.value) & (operator_blocks.c.blocked_id == blocked_id)


def _renew_version(connection: Connection) -> None:
    version = secrets.token_hex(8)
    known = update(meta).where(meta.c.name == _VERSION).values(value=version).returning(meta.c.name)
    if connection.execute(known).first() is None:
        connection.execute(insert(meta).values(name=_VERSION, value=version))
