"""The queries over presets.

Names are compared as people compare them, without regard to case, and in this process: SQLite knows the lower case of
ASCII only.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, delete, func, insert, or_, select, update

from bot.errors import PresetNameTaken, TooManyPresets
from bot.policy.preset import Preset
from bot.policy.request_input import read_options
from bot.store.queries.preferences import read_preferences
from bot.store.schema import presets
from bot.store.sync import advisory_locks as locks
from bot.store.thread import Run


class PresetQueries:
    """All that is asked of, and written to, the table of presets. Any method may raise StoreUnavailable."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def visible(self, user_id: int, guild_id: int | None, patience: float) -> list[Preset]:
        """The user's own presets and those of the server, each by name."""
        query = select(presets).where(or_(_mine(user_id), _servers(guild_id)))
        query = query.order_by(presets.c.of_guild, func.lower(presets.c.name), presets.c.id)
        return await self._run(
            lambda connection: [_preset_of(row) for row in connection.execute(query).mappings()], patience
        )

    async def preferred(self, user_id: int, guild_id: int | None, patience: float) -> Preset | None:
        """The preset that the user has chosen for requests that name none, where they may use it here."""

        def read(connection: Connection) -> Preset | None:
            # One that was deleted, or that belongs to another server, is no fault: it is passed over.
            chosen = read_preferences(connection, user_id).preset
            if chosen is None:
                return None
            there = select(presets).where(presets.c.id == chosen, or_(_mine(user_id), _servers(guild_id)))
            found = connection.execute(there).mappings().first()
            return _preset_of(found) if found is not None else None

        return await self._run(read, patience)

    async def get(self, preset_id: str) -> Preset | None:
        """One preset by its id; None where there is none."""
        query = select(presets).where(presets.c.id == preset_id)
        found = await self._run(lambda connection: connection.execute(query).mappings().first())
        return _preset_of(found) if found is not None else None

    async def add(self, preset: Preset, *, limit: int) -> None:
        """Write a new one. Raises PresetNameTaken, or TooManyPresets where its owner has `limit` already."""

        def write(connection: Connection) -> None:
            # Under its owner's lock: two at once can neither take the same name nor both be the last one allowed.
            _hold_owner(connection, preset)
            if connection.execute(select(func.count()).where(_of(preset))).scalar_one() >= limit:
                raise TooManyPresets(limit)
            _refuse_taken(connection, preset)
            connection.execute(insert(presets).values(_values(preset)))

        await self._run(write)

    async def change(self, preset: Preset) -> bool:
        """Write what `preset` says over the one of its id; False where that is gone. Raises PresetNameTaken."""

        def write(connection: Connection) -> bool:
            _hold_owner(connection, preset)
            _refuse_taken(connection, preset)
            same = and_(presets.c.id == preset.id, _of(preset))
            change = update(presets).where(same).values(_values(preset)).returning(presets.c.id)
            return connection.execute(change).first() is not None

        return await self._run(write)

    async def delete(self, preset_id: str) -> None:
        """Delete one; nothing is done where it is gone already."""
        statement = delete(presets).where(presets.c.id == preset_id)

        def write(connection: Connection) -> None:
            connection.execute(statement)

        await self._run(write)


def _mine(user_id: int) -> ColumnElement[bool]:
    return and_(presets.c.of_guild.is_(False), presets.c.owner_id == user_id)


def _servers(guild_id: int | None) -> ColumnElement[bool]:
    return and_(presets.c.of_guild.is_(True), presets.c.owner_id == (guild_id or 0))


def _of(preset: Preset) -> ColumnElement[bool]:
    return _servers(preset.owner_id) if preset.of_guild else _mine(preset.owner_id)


def _refuse_taken(connection: Connection, preset: Preset) -> None:
    # Compared here and not by the database, whose own lower case knows ASCII only on SQLite.
    others = select(presets.c.name).where(_of(preset), presets.c.id != preset.id)
    names: Sequence[str] = connection.execute(others).scalars().all()
    if preset.name.casefold() in {name.casefold() for name in names}:
        raise PresetNameTaken(preset.name)


def _hold_owner(connection: Connection, preset: Preset) -> None:
    # Two processes must not both find the last place free.
    key = locks.of_guild(preset.owner_id) if preset.of_guild else locks.of_user(preset.owner_id)
    locks.hold(connection, [key])


def _values(preset: Preset) -> dict[str, Any]:
    # ASCII only: PostgreSQL takes no NUL and SQLite no lone surrogate, and words may hold both.
    value = json.dumps({"words": preset.words, "options": preset.options.said}, separators=(",", ":"))
    return {
        "id": preset.id,
        "of_guild": preset.of_guild,
        "owner_id": preset.owner_id,
        "name": preset.name,
        "value": value,
        "made_by": preset.made_by,
        "made_at": preset.made_at,
    }


def _preset_of(row: RowMapping) -> Preset:
    columns: dict[str, Any] = {str(name): value for name, value in row.items()}
    value: dict[str, Any] = json.loads(columns.pop("value"))
    return Preset(**columns, words=value.get("words", ""), options=read_options(value.get("options") or {}))
