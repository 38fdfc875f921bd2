"""`/presets`: named styles, one's own and the server's."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.ui.requests.handler import HandlerHolder


class PresetCommands(commands.Cog):
    """Opens the panel in which presets are made, changed, shared and deleted."""

    def __init__(self, client: HandlerHolder) -> None:
        self._client = client

    @app_commands.command(description="Your saved styles and those of this server: see, make, change and delete them")
    async def presets(self, interaction: discord.Interaction[Any]) -> None:
        await self._client.panels.open(interaction, "presets")


async def setup(client: HandlerHolder) -> None:
    """Called by discord.py when the client loads this file."""
    await client.add_cog(PresetCommands(client))
