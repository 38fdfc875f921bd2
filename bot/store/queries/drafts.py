"""Requests that wait for their user's yes to the price."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import delete, insert

from bot.model import ImageRequest
from bot.store.rows import read_request
from bot.store.schema import drafts
from bot.store.thread import Run


@dataclass(frozen=True, slots=True)
class Draft:
    """A request as its place had allowed it, and what it follows up."""

    id: str
    user_id: int
    request: ImageRequest
    parent_id: str | None = None
    parent_link: str | None = None


class Drafts:
    """Any method may raise StoreUnavailable. What nobody answers goes after a day, see retention.py."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def keep(self, draft: Draft, *, now: datetime, patience: float) -> None:
        """Write a draft down."""
        values = {
            "id": draft.id,
            "user_id": draft.user_id,
            "request": json.dumps(asdict(draft.request), separators=(",", ":")),
            "parent_id": draft.parent_id,
            "parent_link": draft.parent_link,
            "made_at": now,
        }
        await self._run(lambda connection: connection.execute(insert(drafts).values(values)) and None, patience)

    async def take(self, draft_id: str, user_id: int, *, patience: float) -> Draft | None:
        """Take a draft out, which only one caller can; None where it is gone, or not this user's."""
        which = (drafts.c.id == draft_id) & (drafts.c.user_id == user_id)
        taken = delete(drafts).where(which).returning(*drafts.c)
        row = await self._run(lambda connection: connection.execute(taken).mappings().first(), patience)
        if row is None:
            return None
        request = read_request(row["request"])
        return Draft(row["id"], row["user_id"], request, row["parent_id"], row["parent_link"])
