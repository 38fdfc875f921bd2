"""The menu of a message: edit its pictures, or paint its text."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.ui.requests.handler import HandlerHolder


class Menus(commands.Cog):
    """Works on any message a person can see, without reading any other."""

    def __init__(self, client: HandlerHolder) -> None:
        self._client = client
        self._menus = (
            app_commands.ContextMenu(name="Edit image", callback=self.edit_image),
            app_commands.ContextMenu(name="Imagine this", callback=self.imagine_this),
        )

    async def cog_load(self) -> None:
        for menu in self._menus:
            self._client.tree.add_command(menu)

    async def cog_unload(self) -> None:
        for menu in self._menus:
            self._client.tree.remove_command(menu.name, type=menu.type)

    async def edit_image(self, interaction: discord.Interaction[Any], message: discord.Message) -> None:
        """Open the edit form on the message's pictures."""
        await self._client.handler.edit_pictures_of(interaction, message)

    async def imagine_this(self, interaction: discord.Interaction[Any], message: discord.Message) -> None:
        """Paint the message's text."""
        await self._client.handler.imagine_words_of(interaction, message)


async def setup(client: HandlerHolder) -> None:
    """Called by discord.py when the client loads this file."""
    await client.add_cog(Menus(client))
