"""`/edit`: new pictures from pictures and words."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.model import MAX_COUNT, MAX_PROMPT_CHARS
from bot.policy.request_input import RequestInput
from bot.ui.kit import options
from bot.ui.requests.handler import HandlerHolder


class Edit(commands.Cog):
    """Changes one to three attached pictures as a prompt says."""

    def __init__(self, client: HandlerHolder) -> None:
        self._client = client

    @app_commands.command(description="Change one to three pictures as your words say")
    @app_commands.describe(
        prompt="What should change",
        image="The picture to edit: JPEG, PNG or WebP, at most 25 MB",
        image2="A second picture, for example a style or a thing to add",
        image3="A third picture",
        model="Standard is quick and cheap, Quality finer",
        aspect_ratio="The shape of the result; auto keeps that of the picture",
        resolution="1k is about one megapixel, 2k about four",
        count="How many pictures",
        format="The kind of file",
        spoiler="Cover the pictures until someone clicks",
        private="Only you see the reply",
        preset="One of your saved styles, or of this server's",
    )
    @app_commands.choices(
        model=options.MODELS,
        aspect_ratio=options.EDIT_RATIOS,
        resolution=options.RESOLUTIONS,
        format=options.FORMATS,
    )
    async def edit(
        self,
        interaction: discord.Interaction[Any],
        prompt: app_commands.Range[str, 1, MAX_PROMPT_CHARS],
        image: discord.Attachment,
        image2: discord.Attachment | None = None,
        image3: discord.Attachment | None = None,
        model: str | None = None,
        aspect_ratio: str | None = None,
        resolution: str | None = None,
        count: app_commands.Range[int, 1, MAX_COUNT] | None = None,
        format: str | None = None,  # noqa: A002 - the option's name in Discord
        spoiler: bool | None = None,
        private: bool | None = None,
        preset: str | None = None,
    ) -> None:
        wish = RequestInput(
            prompt=prompt,
            options=options.given(model, aspect_ratio, resolution, count, format, spoiler=spoiler, private=private),
            sources=options.sources(image, image2, image3),
            preset=preset,
        )
        await self._client.handler.start(interaction, wish)

    @edit.autocomplete("preset")
    async def suggest(self, interaction: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        """The presets that fit what was typed so far."""
        return await self._client.handler.presets.suggest(interaction, typed)


async def setup(client: HandlerHolder) -> None:
    """Called by discord.py when the client loads this file."""
    await client.add_cog(Edit(client))
