"""`/gallery`: delivered pictures, paged."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.ui.requests.handler import HandlerHolder


class GalleryCommands(commands.Cog):
    """Opens the gallery for the one who asks."""

    def __init__(self, client: HandlerHolder) -> None:
        self._client = client

    @app_commands.command(description="Page through finished pictures: the server's, a member's or your own")
    @app_commands.describe(
        mine="Only your own pictures",
        member="Only the pictures of this member",
        date="Begin with this day, as in 2026-03-31",
    )
    async def gallery(
        self,
        interaction: discord.Interaction[Any],
        mine: bool | None = None,
        member: discord.User | None = None,
        date: app_commands.Range[str, 8, 10] | None = None,
    ) -> None:
        member_id = member.id if member else None
        opening = self._client.gallery.open_at(interaction, mine=bool(mine), member_id=member_id, day=date)
        await self._client.handler.answer(interaction, opening)


async def setup(client: HandlerHolder) -> None:
    """Called by discord.py when the client loads this file."""
    await client.add_cog(GalleryCommands(client))
