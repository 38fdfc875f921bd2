"""`/imagine`: pictures from words."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.model import MAX_COUNT, MAX_PROMPT_CHARS
from bot.policy.request_input import RequestInput
from bot.ui.kit import options
from bot.ui.requests.handler import HandlerHolder


class Imagine(commands.Cog):
    """Paints what a prompt says."""

    def __init__(self, client: HandlerHolder) -> None:
        self._client = client

    @app_commands.command(description="Paint a picture from words")
    @app_commands.describe(
        prompt="What the picture shows",
        model="Standard is quick and cheap, Quality finer",
        aspect_ratio="The shape of the picture",
        resolution="1k is about one megapixel, 2k about four",
        count="How many pictures",
        format="The kind of file",
        spoiler="Cover the pictures until someone clicks",
        private="Only you see the reply",
        preset="One of your saved styles, or of this server's",
    )
    @app_commands.choices(
        model=options.MODELS,
        aspect_ratio=options.RATIOS,
        resolution=options.RESOLUTIONS,
        format=options.FORMATS,
    )
    async def imagine(
        self,
        interaction: discord.Interaction[Any],
        prompt: app_commands.Range[str, 1, MAX_PROMPT_CHARS],
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
            preset=preset,
        )
        await self._client.handler.start(interaction, wish)

    @imagine.autocomplete("preset")
    async def suggest(self, interaction: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        """The presets that fit what was typed so far."""
        return await self._client.handler.presets.suggest(interaction, typed)


async def setup(client: HandlerHolder) -> None:
    """Called by discord.py when the client loads this file."""
    await client.add_cog(Imagine(client))
