"""The queries over presets.

Names are compared as people compare them, without regard to case, and in this process: SQLite knows the lower case of
ASCII only.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, delete, func, insert, or_, select, update

from bot.errors import EaselError, PresetNameTaken, TooManyPresets
from bot.policy.preset import MAX_PICTURES_KEPT, PictureData, Preset, PresetPicture
from bot.policy.request_input import read_options
from bot.store.queries.preferences import chosen_presets
from bot.store.queries.rules import version_name
from bot.store.schema import meta, preset_pictures, presets
from bot.store.sync import advisory_locks as locks
from bot.store.thread import Join, Run


class PresetQueries:
    """All that is asked of, and written to, the table of presets. Any method may raise StoreUnavailable."""

    def __init__(self, run: Run, join: Join) -> None:
        self._run = run
        self._join = join

    async def visible(self, user_id: int, guild_id: int | None, patience: float) -> list[Preset]:
        """The user's own presets and those of the server, each by name."""
        query = select(presets).where(or_(_mine(user_id), _servers(guild_id)))
        query = query.order_by(presets.c.of_guild, func.lower(presets.c.name), presets.c.id)
        return await self._run(
            lambda connection: [_preset_of(row) for row in connection.execute(query).mappings()], patience
        )

    async def preferred(self, user_id: int, guild_id: int | None, patience: float) -> tuple[Preset | None, str | None]:
        """The preset that the user has chosen for requests that name none, where they may use it here.

        The other is the version of the server's rules, which say what else may be used: so that whoever remembers them
        need not ask a question of its own. Every command asks this before its job is written, so a crowd asks together.
        """
        return await self._join(_preferred, (user_id, guild_id), patience)

    async def get(self, preset_id: str) -> Preset | None:
        """One preset by its id; None where there is none."""
        query = select(presets).where(presets.c.id == preset_id)
        found = await self._run(lambda connection: connection.execute(query).mappings().first())
        return _preset_of(found) if found is not None else None

    async def of_server(self, guild_id: int, patience: float) -> list[Preset]:
        """A server's presets by name."""
        query = select(presets).where(_servers(guild_id)).order_by(func.lower(presets.c.name), presets.c.id)
        return await self._run(
            lambda connection: [_preset_of(row) for row in connection.execute(query).mappings()], patience
        )

    async def picture(self, picture_id: str) -> bytes | None:
        """The file of a reference picture; None where it is gone."""
        query = select(preset_pictures.c.data).where(preset_pictures.c.id == picture_id)
        return await self._run(lambda connection: connection.execute(query).scalar_one_or_none())

    async def add(self, preset: Preset, pictures: Sequence[PictureData] = (), *, limit: int) -> None:
        """Write a new one with its pictures.

        Raises PresetNameTaken, or TooManyPresets where its owner has `limit` already, or too many pictures.
        """

        def write(connection: Connection) -> None:
            # Under its owner's lock: two at once can neither take the same name nor both be the last one allowed.
            _hold_owner(connection, preset)
            if connection.execute(select(func.count()).where(_of(preset))).scalar_one() >= limit:
                raise TooManyPresets(limit)
            _refuse_taken(connection, preset)
            connection.execute(insert(presets).values(_values(preset)))
            _add_pictures(connection, preset, pictures)

        await self._run(write)

    async def put_pictures(self, preset: Preset, pictures: Sequence[PictureData]) -> Preset | None:
        """Let a preset have these pictures and no others; None where it is gone. Raises TooManyPresets."""

        def write(connection: Connection) -> Preset | None:
            _hold_owner(connection, preset)
            # As it stands now: its words may have been changed meanwhile.
            same = and_(presets.c.id == preset.id, _of(preset))
            found = connection.execute(select(presets).where(same)).mappings().first()
            if found is None:
                return None
            changed = replace(_preset_of(found), pictures=tuple(it.picture for it in pictures))
            connection.execute(delete(preset_pictures).where(preset_pictures.c.preset_id == preset.id))
            _add_pictures(connection, changed, pictures)
            connection.execute(update(presets).where(same).values(_values(changed)))
            return changed

        return await self._run(write)

    async def change(self, preset: Preset) -> bool:
        """Write what `preset` says over the one of its id; False where that is gone. Raises PresetNameTaken."""

        def write(connection: Connection) -> bool:
            _hold_owner(connection, preset)
            _refuse_taken(connection, preset)
            same = and_(presets.c.id == preset.id, _of(preset))
            found = connection.execute(select(presets).where(same)).mappings().first()
            if found is None:
                return False
            # Its pictures are changed by themselves, and perhaps were meanwhile.
            changed = replace(preset, pictures=_preset_of(found).pictures)
            connection.execute(update(presets).where(same).values(_values(changed)))
            return True

        return await self._run(write)

    async def delete(self, preset: Preset) -> None:
        """Delete one with its pictures; nothing is done where it is gone already."""

        def write(connection: Connection) -> None:
            _hold_owner(connection, preset)
            delete_presets(connection, presets.c.id == preset.id)

        await self._run(write)


def _preferred(
    connection: Connection, people: Sequence[tuple[int, int | None]]
) -> list[tuple[Preset | None, str | None] | EaselError]:
    """What each of these people prefers in a server, see `PresetQueries.preferred`: two statements, or three."""
    names = {version_name(guild_id) for _, guild_id in people if guild_id is not None}
    of_servers = select(meta.c.name, meta.c.value).where(meta.c.name.in_(sorted(names)))
    versions = {row[0]: row[1] for row in connection.execute(of_servers)}
    chosen = chosen_presets(connection, {user_id for user_id, _ in people})
    there: dict[str, Preset] = {}
    if chosen:
        query = select(presets).where(presets.c.id.in_(sorted(set(chosen.values()))))
        there = {row["id"]: _preset_of(row) for row in connection.execute(query).mappings()}
    found: list[tuple[Preset | None, str | None] | EaselError] = []
    for user_id, guild_id in people:
        preset = there.get(chosen.get(user_id, ""))
        # A preset that was deleted, or that belongs to another server, is no fault: it is passed over.
        usable = preset if preset is not None and preset.is_for(user_id, guild_id) else None
        found.append((usable, versions.get(version_name(guild_id))))
    return found


def delete_presets(connection: Connection, which: ColumnElement[bool]) -> None:
    """Delete presets with their pictures. The caller holds the lock of their owner: no picture may come between."""
    chosen = select(presets.c.id).where(which)
    connection.execute(delete(preset_pictures).where(preset_pictures.c.preset_id.in_(chosen)))
    connection.execute(delete(presets).where(which))


def _add_pictures(connection: Connection, preset: Preset, pictures: Sequence[PictureData]) -> None:
    """Raises TooManyPresets where the preset's owner would have more than are kept."""
    theirs = select(presets.c.id).where(_of(preset))
    there = select(func.count()).where(preset_pictures.c.preset_id.in_(theirs))
    if pictures and connection.execute(there).scalar_one() + len(pictures) > MAX_PICTURES_KEPT:
        raise TooManyPresets(MAX_PICTURES_KEPT, of_pictures=True)
    for it in pictures:
        row = {"id": it.picture.id, "preset_id": preset.id, "data": it.data}
        connection.execute(insert(preset_pictures).values(row))


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
    pictures = [asdict(it) for it in preset.pictures]
    kept = {"words": preset.words, "options": preset.options.said, "pictures": pictures}
    value = json.dumps(kept, separators=(",", ":"))
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
    return Preset(
        **columns,
        words=value.get("words", ""),
        options=read_options(value.get("options") or {}),
        pictures=tuple(
            PresetPicture(it["id"], it["bytes"], bool(it.get("covered"))) for it in value.get("pictures") or ()
        ),
    )
