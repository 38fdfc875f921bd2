"""The menus of a message (edit its pictures, paint its words) and of a member (block, unblock)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

if TYPE_CHECKING:
    from bot.client import EaselClient


class ContextMenus(commands.Cog):
    """Works on any message or member that a person can see, without reading any other."""

    def __init__(self, client: EaselClient) -> None:
        self._client = client
        blocking = (
            app_commands.ContextMenu(name="Block from Easel", callback=self.block),
            app_commands.ContextMenu(name="Unblock from Easel", callback=self.unblock),
        )
        for menu in blocking:
            # Discord offers them to members who may time others out; who may really block is asked when it is done.
            menu.default_permissions = discord.Permissions(moderate_members=True)
            menu.allowed_contexts = app_commands.AppCommandContext(guild=True, dm_channel=False, private_channel=False)
            menu.allowed_installs = app_commands.AppInstallationType(guild=True, user=False)
        self._menus = (
            app_commands.ContextMenu(name="Edit image", callback=self.edit_image),
            app_commands.ContextMenu(name="Imagine this", callback=self.imagine_this),
            *blocking,
        )

    async def cog_load(self) -> None:
        """Add the menus: discord.py collects commands of a cog by itself, and menus not."""
        for menu in self._menus:
            self._client.tree.add_command(menu)

    async def cog_unload(self) -> None:
        """Take them away again."""
        for menu in self._menus:
            self._client.tree.remove_command(menu.name, type=menu.type)

    async def edit_image(self, interaction: discord.Interaction[Any], message: discord.Message) -> None:
        """Open the edit form on the message's pictures."""
        await self._client.requests.edit_pictures_of(interaction, message)

    async def imagine_this(self, interaction: discord.Interaction[Any], message: discord.Message) -> None:
        """Paint the message's text."""
        await self._client.requests.imagine_words_of(interaction, message)

    async def block(self, interaction: discord.Interaction[Any], user: discord.User) -> None:
        """Keep somebody from using Easel."""
        await self._client.server_settings.blocking.from_menu(interaction, user, blocks=True)

    async def unblock(self, interaction: discord.Interaction[Any], user: discord.User) -> None:
        """Let somebody use Easel again."""
        await self._client.server_settings.blocking.from_menu(interaction, user, blocks=False)


async def setup(client: EaselClient) -> None:
    """Called by discord.py when the client loads this file."""
    await client.add_cog(ContextMenus(client))
