"""Requests that wait for their user: for a yes to the price, or for a change after they were refused.

A draft is taken by deleting it and returning the row in one statement, so that two clicks cannot both have it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, insert, select

from bot.model import ImageRequest
from bot.policy.server_log import LogLine
from bot.store.audit import lines
from bot.store.rows import read_request
from bot.store.schema import drafts
from bot.store.thread import Run

KEPT_OF_EACH = 20  # so many drafts of one user at most


@dataclass(frozen=True, slots=True)
class Draft:
    """A request, whole but perhaps not allowed, and what it follows up."""

    id: str
    user_id: int
    request: ImageRequest
    parent_id: str | None = None
    parent_link: str | None = None


class Drafts:
    """Any method may raise StoreUnavailable. What nobody answers goes after a day, see retention.py."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def keep(self, draft: Draft, line: LogLine | None = None, *, now: datetime, patience: float) -> None:
        """Write a draft down, and the line of the server's log that tells why it waits."""
        values = {
            "id": draft.id,
            "user_id": draft.user_id,
            "request": json.dumps(asdict(draft.request), separators=(",", ":")),
            "parent_id": draft.parent_id,
            "parent_link": draft.parent_link,
            "made_at": now,
        }
        newest = select(drafts.c.id).where(drafts.c.user_id == draft.user_id).order_by(drafts.c.made_at.desc())
        # Being refused over and over fills no disk.
        old = (drafts.c.user_id == draft.user_id) & drafts.c.id.not_in(newest.limit(KEPT_OF_EACH - 1))

        def write(connection: Connection) -> None:
            connection.execute(delete(drafts).where(old))
            connection.execute(insert(drafts).values(values))
            lines.add(connection, [line] if line else [], now)

        await self._run(write, patience)

    async def get(self, draft_id: str, user_id: int, *, patience: float) -> Draft | None:
        """A draft, left where it is; None where it is gone, or not this user's."""
        query = select(drafts).where((drafts.c.id == draft_id) & (drafts.c.user_id == user_id))
        row = await self._run(lambda connection: connection.execute(query).mappings().first(), patience)
        return None if row is None else _draft_of(row)

    async def take(self, draft_id: str, user_id: int, *, patience: float) -> Draft | None:
        """Take a draft out, which only one caller can; None where it is gone, or not this user's."""
        which = (drafts.c.id == draft_id) & (drafts.c.user_id == user_id)
        taken = delete(drafts).where(which).returning(*drafts.c)
        row = await self._run(lambda connection: connection.execute(taken).mappings().first(), patience)
        return None if row is None else _draft_of(row)


def _draft_of(row: RowMapping) -> Draft:
    request = read_request(row["request"])
    return Draft(row["id"], row["user_id"], request, row["parent_id"], row["parent_link"])
