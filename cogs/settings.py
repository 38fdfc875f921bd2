"""`/settings`: see and change what holds in this server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.model import MAX_COUNT
from bot.ui.kit import options
from bot.ui.settings import command

if TYPE_CHECKING:
    from bot.client import EaselClient

Number = app_commands.Range[int, 1, 1_000_000]
Count = app_commands.Range[int, 1, MAX_COUNT]
Money = app_commands.Range[str, 1, 20]


class SettingsCommands(commands.Cog):
    """Without options the panel opens; with options they are set, and the answer shows what holds now."""

    def __init__(self, client: EaselClient) -> None:
        self._client = client
        models = options.model_choices(client.settings.models)
        app_commands.choices(models=[command.ALL_MODELS, *models])(self.settings)

    @app_commands.command(description="See and change what holds in this server")
    @app_commands.default_permissions(manage_guild=True)
    @app_commands.describe(
        channel="What you change holds in this channel only, instead of the whole server",
        role="What you change holds for members with this role only (with remove: not any more)",
        allow_channel="Add a channel to those where Easel works (with remove: take it off)",
        allow_role="Add a role to those that may use Easel (with remove: take it off)",
        exempt_role="Add a role that no limit of this server holds back (with remove: take it off)",
        block_member="Keep a member from using Easel (with remove: let them again)",
        block_word="Refuse prompts with this word, or with this /pattern/ (with remove: no longer)",
        remove="Take off what the options above name, instead of adding it",
        pictures_per_member_day="Pictures that a member may ask for in a day",
        pictures_per_member_month="Pictures that a member may ask for in a month",
        pictures_per_day="Pictures that all members together may ask for in a day",
        jobs_per_member="Requests that a member may have running at once",
        spend_per_day="US dollars that may be spent in a day, such as 2.50",
        spend_per_month="US dollars that may be spent in a month",
        confirm_over="Requests that cost more than this many US dollars ask first",
        models="Which models are offered",
        resolutions="Which resolutions are offered",
        max_count="The most pictures that one request may ask for",
        spoiler="Whether pictures are covered until someone clicks",
        private_only="Whether only the person who asks sees the reply, always",
        language="The language of public replies",
        report_channel="Where members' reports on pictures are posted",
        rule="Any other setting, by its name",
        value="What to set it to",
        reset="Lift a rule, a section, or everything",
    )
    @app_commands.choices(
        resolutions=command.RESOLUTIONS,
        spoiler=command.SPOILERS,
        language=command.LANGUAGES,
    )
    async def settings(
        self,
        interaction: discord.Interaction[Any],
        channel: command.PlaceOrThreadOption | None = None,
        role: discord.Role | None = None,
        allow_channel: command.PlaceOption | None = None,
        allow_role: discord.Role | None = None,
        exempt_role: discord.Role | None = None,
        block_member: discord.User | None = None,
        block_word: app_commands.Range[str, 1, 300] | None = None,
        remove: bool = False,
        pictures_per_member_day: Number | None = None,
        pictures_per_member_month: Number | None = None,
        pictures_per_day: Number | None = None,
        jobs_per_member: Number | None = None,
        spend_per_day: Money | None = None,
        spend_per_month: Money | None = None,
        confirm_over: Money | None = None,
        models: str | None = None,
        resolutions: str | None = None,
        max_count: Count | None = None,
        spoiler: str | None = None,
        private_only: bool | None = None,
        language: str | None = None,
        report_channel: command.ReportPlaceOption | None = None,
        rule: app_commands.Range[str, 1, 100] | None = None,
        value: app_commands.Range[str, 1, 300] | None = None,
        reset: app_commands.Range[str, 1, 100] | None = None,
    ) -> None:
        """Set what the options say, or open the panel."""
        # The parameters declare the options; they are read by their names.
        given = dict(iter(interaction.namespace))
        await self._client.server_settings.command(interaction, given)

    @settings.autocomplete("rule")
    async def suggest_rule(self, interaction: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        """The settings that fit what was typed so far."""
        return await self._client.server_settings.suggest(interaction, "rule", typed)

    @settings.autocomplete("value")
    async def suggest_value(self, interaction: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        """What the setting may be set to."""
        return await self._client.server_settings.suggest(interaction, "value", typed)

    @settings.autocomplete("reset")
    async def suggest_reset(self, interaction: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        """What can be lifted."""
        return await self._client.server_settings.suggest(interaction, "reset", typed)


async def setup(client: EaselClient) -> None:
    """Called by discord.py when the client loads this file."""
    await client.add_cog(SettingsCommands(client))
