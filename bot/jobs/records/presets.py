"""What people may do with presets. Who may do it to a server's is asked by whoever calls.

Presets belong to a person or to a server. The words of a preset go into a prompt, so they are bounded, and escaped
wherever they are shown.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace

from bot.errors import PresetNameMissing
from bot.jobs.clock import now
from bot.model import MAX_SOURCES, AspectRatio, Model, Source
from bot.policy.patience import ANSWER_WITHIN_S
from bot.policy.preset import MAX_NAME_CHARS, MAX_PRESETS, MAX_WORDS_CHARS, PictureData, Preset
from bot.policy.request_input import Options, RequestInput, shows_anything
from bot.store.queries.presets import PresetQueries

#: How long the database may take for the presets of a command, whose own row comes after that.
LOOK_UP_PATIENCE_S = 0.8


class PresetBook:
    """The door between what people do in Discord and the kept presets."""

    def __init__(self, presets: PresetQueries, models: Sequence[Model]) -> None:
        """`models` are those on offer: any other that a preset was kept with is passed over."""
        self._presets = presets
        self.models = models

    async def visible(self, user_id: int, guild_id: int | None) -> Sequence[Preset]:
        """What the user may use here, their own first, each group by name. Raises StoreUnavailable, soon."""
        there = await self._presets.visible(user_id, guild_id, LOOK_UP_PATIENCE_S)
        return [self._as_it_acts(preset) for preset in there]

    async def find(self, wanted: str, user_id: int, guild_id: int | None) -> Preset | None:
        """The preset of this id or, as people type it, of this name; one's own goes before the server's."""
        there = await self.visible(user_id, guild_id)
        name = wanted.strip().casefold()
        by_name = (preset for preset in there if preset.name.casefold() == name)
        return next((preset for preset in there if preset.id == wanted), None) or next(by_name, None)

    async def preferred(self, user_id: int, guild_id: int | None) -> tuple[Preset | None, str | None]:
        """What the user wants where they name none, if it is there still and may be used here.

        The other is the version of the server's rules as they stand.

        Every command asks this, also those of people who have chosen nothing. So it is as patient as Discord allows:
        a database that stalls for a moment must not refuse anybody. Raises StoreUnavailable.
        """
        preset, version = await self._presets.preferred(user_id, guild_id, ANSWER_WITHIN_S)
        return preset and self._as_it_acts(preset), version

    async def is_there(self, preset_id: str) -> bool:
        """Whether there is such a preset, here or in another server."""
        return await self._presets.get(preset_id) is not None

    async def get(self, preset_id: str, user_id: int, guild_id: int | None) -> Preset | None:
        """A preset that the user may use here; None for a strange or forged id."""
        preset = await self._presets.get(preset_id)
        return self._as_it_acts(preset) if preset is not None and preset.is_for(user_id, guild_id) else None

    def _as_it_acts(self, preset: Preset) -> Preset:
        return replace(preset, options=preset.options.on_offer(self.models))

    async def of_server(self, guild_id: int) -> Sequence[Preset]:
        """A server's presets by name."""
        return await self._presets.of_server(guild_id, ANSWER_WITHIN_S)

    async def files(self, preset: Preset) -> Sequence[PictureData]:
        """The preset's pictures with their bytes, without those that were deleted just now."""
        read = [(it, await self._presets.picture(it.id)) for it in preset.pictures]
        return [PictureData(it, data) for it, data in read if data is not None]

    async def put_pictures(self, preset: Preset, pictures: Sequence[PictureData]) -> Preset | None:
        """Let a preset have these pictures and no others; None where it is gone. Raises a PresetFault."""
        return await self._presets.put_pictures(preset, pictures)

    async def add(
        self,
        *,
        name: str,
        words: str,
        options: Options,
        user_id: int,
        guild_id: int | None,
        pictures: Sequence[PictureData] = (),
    ) -> Preset:
        """Keep a new one, for the server where one is given. Raises a PresetFault."""
        # Each preset has files of its own: one that is deleted takes nothing from another.
        own = [PictureData(replace(it.picture, id=secrets.token_hex(8)), it.data) for it in pictures]
        preset = Preset(
            id=secrets.token_hex(8),
            of_guild=guild_id is not None,
            owner_id=user_id if guild_id is None else guild_id,
            name=_clean_name(name),
            words=words.strip()[:MAX_WORDS_CHARS],
            options=_usable(options),
            made_by=user_id,
            made_at=now(),
            pictures=tuple(it.picture for it in own),
        )
        await self._presets.add(preset, own, limit=MAX_PRESETS)
        return preset

    async def change(self, preset: Preset, *, name: str, words: str, options: Options) -> Preset | None:
        """Write it anew; None where it was deleted meanwhile. Raises a PresetFault."""
        changed = replace(
            preset, name=_clean_name(name), words=words.strip()[:MAX_WORDS_CHARS], options=_usable(options)
        )
        return changed if await self._presets.change(changed) else None

    async def delete(self, preset: Preset) -> None:
        """Delete a preset; nothing is done where it is gone already."""
        await self._presets.delete(preset)


def applied(wish: RequestInput, preset: Preset, *, with_pictures: bool = True) -> RequestInput:
    """The wish with the preset's words, options and pictures; what the person said themselves goes before.

    The pictures come after the person's, as many as an edit takes.
    """
    kept = [
        Source("", f"{'SPOILER_' * it.covered}preset", it.bytes, preset_picture=it.id)
        for it in preset.pictures[: MAX_SOURCES - len(wish.sources) if with_pictures else 0]
    ]
    options = preset.options
    if options.aspect_ratio is AspectRatio.AUTO and not (wish.sources or kept):
        options = replace(options, aspect_ratio=None)  # there is no picture to take the shape of
    return replace(
        wish,
        prompt=preset.applied_to(wish.prompt),
        options=wish.options.over(options),
        preset=preset.name,
        sources=(*wish.sources, *kept),
        left_out=len(preset.pictures) - len(kept),
    )


def _clean_name(name: str) -> str:
    """A name in one line. Raises PresetNameMissing where nothing is left of it that can be seen."""
    clean = " ".join(name.split())[:MAX_NAME_CHARS].rstrip()
    if not shows_anything(clean):
        raise PresetNameMissing
    return clean


def _usable(options: Options) -> Options:
    """What a preset keeps: whether a reply is private is decided anew each time."""
    return replace(options, private=None)
