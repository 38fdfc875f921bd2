"""The commands that open a panel: `/help`, `/jobs`, `/usage`, `/privacy`, `/presets`, `/preferences` and `/gallery`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.ui.panels.gallery_cards import ALL, MAX_SEARCH_CHARS, MINE, GalleryChoice, fitting_search

if TYPE_CHECKING:
    from bot.client import EaselClient


class PanelCommands(commands.Cog):
    """Opens each panel for the one who asks."""

    def __init__(self, client: EaselClient) -> None:
        self._client = client

    @app_commands.command(name="help", description="What Easel can do, and how to begin")
    async def show_help(self, interaction: discord.Interaction[Any]) -> None:
        """Open the guide."""
        await self._client.dispatcher.open(interaction, "help")

    @app_commands.command(description="Your requests: in line, running and recent")
    async def jobs(self, interaction: discord.Interaction[Any]) -> None:
        """Open the list of requests."""
        await self._client.dispatcher.open(interaction, "jobs")

    @app_commands.command(description="Pictures, spend and what is left of your quota; for managers also the server's")
    async def usage(self, interaction: discord.Interaction[Any]) -> None:
        """Open what was used and what is left."""
        await self._client.dispatcher.open(interaction, "usage")

    @app_commands.command(description="What Easel stores about you and for how long, and how to delete it")
    async def privacy(self, interaction: discord.Interaction[Any]) -> None:
        """Open what is stored of the one who asks."""
        await self._client.dispatcher.open(interaction, "privacy")

    @app_commands.command(description="Your saved styles and those of this server: see, make, change and delete them")
    async def presets(self, interaction: discord.Interaction[Any]) -> None:
        """Open the presets."""
        await self._client.dispatcher.open(interaction, "presets")

    @app_commands.command(description="Your own choices: notices, your usual preset, who may edit your pictures")
    async def preferences(self, interaction: discord.Interaction[Any]) -> None:
        """Open the choices of the one who asks."""
        await self._client.dispatcher.open(interaction, "preferences")

    @app_commands.command(description="Page through finished pictures: the server's, a member's or your own")
    @app_commands.describe(
        mine="Only your own pictures",
        member="Only the pictures of this member",
        date="Begin with this day, as in 2026-03-31",
        search="Words of the prompt; each of them must occur",
        starred="Only pictures with stars",
    )
    async def gallery(
        self,
        interaction: discord.Interaction[Any],
        mine: bool | None = None,
        member: discord.User | None = None,
        date: app_commands.Range[str, 8, 10] | None = None,
        search: app_commands.Range[str, 1, MAX_SEARCH_CHARS] | None = None,
        starred: bool | None = None,
    ) -> None:
        """Open the gallery where the options say."""
        whose = MINE if mine else str(member.id) if member else ALL
        choice = GalleryChoice(whose, bool(starred), fitting_search(search or ""))
        await self._client.gallery.open_at(interaction, choice, date)


async def setup(client: EaselClient) -> None:
    """Called by discord.py when the client loads this file."""
    await client.add_cog(PanelCommands(client))
