"""`/help`: what the bot can do."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.ui.requests.handler import HandlerHolder


class GuideCommands(commands.Cog):
    """Explains Easel in one reply."""

    def __init__(self, client: HandlerHolder) -> None:
        self._client = client

    @app_commands.command(name="help", description="What Easel can do, and how to begin")
    async def show_help(self, interaction: discord.Interaction[Any]) -> None:
        await self._client.panels.open(interaction, "help")


async def setup(client: HandlerHolder) -> None:
    """Called by discord.py when the client loads this file."""
    await client.add_cog(GuideCommands(client))
