"""The queries over forms that were opened on a message.

They are small and go after a day. What the edit form remembers of a person is part of what `/privacy` shows and
deletes.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from bot.model import Source
from bot.policy.request_input import Options
from bot.store.queries.preferences import read_preferences
from bot.store.rows import read_sources
from bot.store.schema import openings
from bot.store.thread import Run

#: Discord takes a form that was left open for about this long.
KEPT_FOR = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Opening:
    """The pictures that a form was opened on, and the message they are in, where it may be shown."""

    id: str
    user_id: int
    sources: tuple[Source, ...]
    link: str | None


class Openings:
    """Forms do not say which message they were opened on: this does. Any method may raise StoreUnavailable."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def add(self, opening: Opening, *, now: datetime, patience: float) -> Options:
        """Keep an opening for KEPT_FOR; returns what the user chose in the edit form the last time."""
        values = {
            "id": opening.id,
            "user_id": opening.user_id,
            "sources": json.dumps([asdict(it) for it in opening.sources], separators=(",", ":")),
            "link": opening.link,
            "made_at": now,
        }

        def write(connection: Connection) -> Options:
            # Whoever opens a form clears away what nobody can send any more; so the table stays small by itself.
            connection.execute(delete(openings).where(openings.c.made_at < now - KEPT_FOR))
            connection.execute(insert(openings).values(values))
            return read_preferences(connection, opening.user_id).edit

        return await self._run(write, patience)

    async def get(self, opening_id: str, user_id: int) -> Opening | None:
        """What the user's form was opened on; None where it is too old, or not theirs."""
        query = select(openings).where(openings.c.id == opening_id, openings.c.user_id == user_id)
        row = await self._run(lambda connection: connection.execute(query).mappings().first())
        if row is None:
            return None
        return Opening(row["id"], row["user_id"], read_sources(json.loads(row["sources"])), row["link"])
