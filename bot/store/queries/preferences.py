"""The queries over what members have chosen for themselves, one row for each of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping

from sqlalchemy import Connection, insert, select, update

from bot.policy.patience import ANSWER_WITHIN_S
from bot.policy.preferences import EditChoice, Preferences
from bot.store.schema import preferences
from bot.store.sync import advisory_locks as locks
from bot.store.thread import Run


class PreferenceStore:
    """Reads and changes preferences. Any method may raise StoreUnavailable."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def read(self, user_id: int) -> Preferences:
        """What one person has chosen."""
        return await self._run(lambda connection: read_preferences(connection, user_id), ANSWER_WITHIN_S)

    async def edit_choices(self, user_ids: Iterable[int]) -> Mapping[int, EditChoice]:
        """Who may edit the pictures of these people, where they have said so."""
        query = select(preferences.c.user_id, preferences.c.value).where(preferences.c.user_id.in_(list(user_ids)))

        def read(connection: Connection) -> Mapping[int, EditChoice]:
            found = {user_id: Preferences.read(json.loads(value)) for user_id, value in connection.execute(query)}
            return {user_id: its.edits for user_id, its in found.items() if its.edits is not None}

        return await self._run(read, ANSWER_WITHIN_S)

    async def change(self, user_id: int, edit: Callable[[Preferences], Preferences]) -> Preferences:
        """Let `edit` make new preferences from the present ones. Of two changes at once none is lost."""

        def write(connection: Connection) -> Preferences:
            locks.hold(connection, [locks.of_user(user_id)])
            changed = edit(read_preferences(connection, user_id))
            value = json.dumps(changed.written, separators=(",", ":"))
            known = update(preferences).where(preferences.c.user_id == user_id).values(value=value)
            if connection.execute(known.returning(preferences.c.user_id)).first() is None:
                connection.execute(insert(preferences).values(user_id=user_id, value=value))
            return changed

        return await self._run(write)


def read_preferences(connection: Connection, user_id: int) -> Preferences:
    """What one person has chosen, read within a transaction."""
    value = connection.execute(select(preferences.c.value).where(preferences.c.user_id == user_id)).scalar_one_or_none()
    return Preferences.read(json.loads(value)) if value else Preferences()
