"""The menu of a member: keep them from using Easel in this server, and let them again."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from cogs.settings import SettingsHolder


class BlockingMenus(commands.Cog):
    """Offered to members who may time others out. Who may really block is asked when it is done."""

    def __init__(self, client: SettingsHolder) -> None:
        self._client = client
        self._menus = (
            app_commands.ContextMenu(name="Block from Easel", callback=self.block),
            app_commands.ContextMenu(name="Unblock from Easel", callback=self.unblock),
        )

    async def cog_load(self) -> None:
        for menu in self._menus:
            menu.default_permissions = discord.Permissions(moderate_members=True)
            menu.allowed_contexts = app_commands.AppCommandContext(guild=True, dm_channel=False, private_channel=False)
            menu.allowed_installs = app_commands.AppInstallationType(guild=True, user=False)
            self._client.tree.add_command(menu)

    async def cog_unload(self) -> None:
        for menu in self._menus:
            self._client.tree.remove_command(menu.name, type=menu.type)

    async def block(self, interaction: discord.Interaction[Any], user: discord.User) -> None:
        """Keep somebody from using Easel."""
        await self._choose(interaction, user, blocks=True)

    async def unblock(self, interaction: discord.Interaction[Any], user: discord.User) -> None:
        """Let somebody use Easel again."""
        await self._choose(interaction, user, blocks=False)

    async def _choose(self, interaction: discord.Interaction[Any], user: discord.User, *, blocks: bool) -> None:
        act = self._client.server_settings.blocking.from_menu(interaction, user, blocks=blocks)
        await self._client.handler.answer(interaction, act)


async def setup(client: SettingsHolder) -> None:
    """Called by discord.py when the client loads this file."""
    await client.add_cog(BlockingMenus(client))
