"""`/jobs`, `/usage` and `/privacy`: what a person has asked for, what it cost, and what is kept of it."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.ui.requests.handler import HandlerHolder


class AccountCommands(commands.Cog):
    """Opens the panels in which people see and decide what is theirs."""

    def __init__(self, client: HandlerHolder) -> None:
        self._client = client

    @app_commands.command(description="Your requests: in line, running and recent")
    async def jobs(self, interaction: discord.Interaction[Any]) -> None:
        await self._client.panels.open(interaction, "jobs")

    @app_commands.command(description="Pictures, spend and what is left of your quota; for managers also the server's")
    async def usage(self, interaction: discord.Interaction[Any]) -> None:
        await self._client.panels.open(interaction, "usage")

    @app_commands.command(description="What Easel stores about you and for how long, and how to delete it")
    async def privacy(self, interaction: discord.Interaction[Any]) -> None:
        await self._client.panels.open(interaction, "privacy")


async def setup(client: HandlerHolder) -> None:
    """Called by discord.py when the client loads this file."""
    await client.add_cog(AccountCommands(client))
