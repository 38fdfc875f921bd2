"""What the command `/settings` and the user menus do, and the choices of the command's options.

Discord has no command that is bare and has subcommands as well. So `/settings` alone opens the panel, and with options
it sets them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import discord
from discord.app_commands import AppCommandChannel, AppCommandThread, Choice, Transform, Transformer

from bot.errors import StoreUnavailable
from bot.jobs.policies import Policies
from bot.jobs.records.presets import PresetBook
from bot.jobs.service import JobService
from bot.model import Model, Resolution
from bot.policy.rules import WHOLE_SERVER, SpoilerRule
from bot.ui.kit import permissions
from bot.ui.kit.interactions import Interaction, say
from bot.ui.kit.language import Language, speaking, tr
from bot.ui.settings import rights
from bot.ui.settings.blocking import Blocking
from bot.ui.settings.changes import is_here
from bot.ui.settings.entries import InvalidEntry
from bot.ui.settings.layout import PLACES, REPORT_PLACES
from bot.ui.settings.panel import OTHER_SERVER, SettingsPanel
from bot.ui.settings.sections import RULES, RuleKind
from bot.ui.settings.typed import ALL, Reader, names_of_rules, names_to_reset, rule_of
from bot.ui.settings.wording import LANGUAGE_NAMES, SPOILER_NAMES

ALL_MODELS = Choice(name="all", value=ALL)  # the models themselves are added once the settings are read
RESOLUTIONS = [Choice(name="all", value=ALL), *(Choice(name=it.value, value=it.value) for it in Resolution)]
SPOILERS = [Choice(name=SPOILER_NAMES[it], value=it.value) for it in SpoilerRule]
_CHANNEL_KINDS = (RuleKind.CHANNEL, RuleKind.CHANNELS)
LANGUAGES = [Choice(name=LANGUAGE_NAMES[it], value=it.value) for it in Language]
MAX_CHOICES = 25  # Discord's limit of an autocomplete
MAX_CHOICE_CHARS = 100
THREADS = [
    discord.ChannelType.public_thread,
    discord.ChannelType.private_thread,
    discord.ChannelType.news_thread,
]


class _ChannelOfType(Transformer):
    """An option for a channel of these types. discord.py's own offer categories and media channels too."""

    def __init__(self, *types: discord.ChannelType) -> None:
        self._types = list(types)

    @property
    def type(self) -> discord.AppCommandOptionType:
        """The kind of option that Discord shows."""
        return discord.AppCommandOptionType.channel

    @property
    def channel_types(self) -> list[discord.ChannelType]:
        """The kinds of channel that can be picked."""
        return self._types

    async def transform(self, interaction: Interaction, value: Any, /) -> Any:
        """What was picked, as it came."""
        return value


PlaceOption = Transform[AppCommandChannel, _ChannelOfType(*PLACES)]
PlaceOrThreadOption = Transform[AppCommandChannel | AppCommandThread, _ChannelOfType(*PLACES, *THREADS)]
ReportPlaceOption = Transform[AppCommandChannel, _ChannelOfType(*REPORT_PLACES)]


class ServerSettings:
    """What the cogs of `/settings` and of the user menus call."""

    def __init__(self, owner: Policies, panel: SettingsPanel, blocking: Blocking, presets: PresetBook) -> None:
        self._owner = owner
        self._presets = presets
        self.panel = panel
        self.blocking = blocking

    async def command(self, interaction: Interaction, options: Mapping[str, Any]) -> None:
        """Change what the options ask for and show what holds then; without options open the panel."""
        guild = rights.server_of(interaction)
        if not options or guild is None or not permissions.manages_server(interaction):
            await self.panel.open(interaction)  # or say why not
            return
        given = {name: _plain(value) for name, value in options.items()}
        channel = rights.channel_in(guild, given.pop("channel", WHOLE_SERVER))
        remove, member_id = given.pop("remove", False), given.pop("block_member", None)
        role_id = given.pop("role", None)
        if channel is None:
            await say(interaction, tr(OTHER_SERVER))
            return
        try:
            presets = await self._presets.of_server(guild.id) if "rule" in given else ()
            reader = Reader(guild, channel, self._owner.catalog.models, self._owner.pattern_fault, presets)
            typed = reader.read(given, remove=remove, role_id=role_id)
        except InvalidEntry as unfit:
            await say(interaction, str(unfit))
            return
        await self.panel.change(interaction, guild, channel, typed, member_id=member_id, unblocks=remove)

    async def suggest(self, interaction: Interaction, option: str, typed: str) -> list[Choice[str]]:
        """What fits what was typed so far of the options `rule`, `value` and `reset`."""
        with speaking(interaction.locale.value):
            if option == "value":
                known = _values(rule := str(interaction.namespace.rule or ""), self._owner.catalog.models)
                known = known or _channels_for(rule, interaction)
                if not known and interaction.guild_id is not None:
                    known = await self._presets_for(rule, interaction.guild_id)
            else:
                known = names_of_rules() if option == "rule" else names_to_reset()
            wanted = typed.strip().casefold()
            fitting = [label for label in known if wanted in label.casefold()]
            return [Choice(name=it[:MAX_CHOICE_CHARS], value=known[it]) for it in fitting[:MAX_CHOICES]]

    async def _presets_for(self, rule: str, guild_id: int) -> Mapping[str, str]:
        """The server's presets by name, where the rule is the one that takes a preset."""
        try:
            names = [it.name for it in await self._presets.of_server(guild_id)] if rule_of(rule) == "preset" else []
        except (InvalidEntry, StoreUnavailable):
            return {}
        return {name: name for name in names}


def _values(rule: str, models: Sequence[Model]) -> Mapping[str, str]:
    """What a rule may be set to, where it has fixed choices."""
    try:
        name = rule_of(rule)
    except InvalidEntry:
        return {}
    return {label: str(value) for label, value in RULES[name].choices(models)} if name in RULES else {}


def _channels_for(rule: str, interaction: Interaction) -> Mapping[str, str]:
    """The channels by name that a rule takes. They are told to those only who may set it, for some may be hidden."""
    try:
        name = rule_of(rule)
    except InvalidEntry:
        return {}
    guild = interaction.guild
    if guild is None or name not in RULES or RULES[name].kind not in _CHANNEL_KINDS:
        return {}
    if not permissions.manages_server(interaction):
        return {}
    return {f"#{it.name}": str(it.id) for it in guild.channels if is_here(guild, name, it.id)}


def _plain(value: Any) -> Any:
    """A channel, role or member by its id; anything else as it is."""
    return int(value.id) if isinstance(value, discord.abc.Snowflake) else value


def server_settings(owner: Policies, service: JobService, presets: PresetBook) -> ServerSettings:
    """Everything behind `/settings`, put together."""
    blocking = Blocking(owner, service)
    panel = SettingsPanel(owner, blocking, _ceilings(owner, service), presets)
    return ServerSettings(owner, panel, blocking, presets)


def _ceilings(owner: Policies, service: JobService) -> Mapping[str, int]:
    """What the operator allows at most, by the names of the rules that say the same for a server."""
    most = owner.ceilings
    known = {
        "pictures_per_member_day": most.pictures_per_user_day,
        "pictures_per_day": most.pictures_per_server_day,
        "spend_per_day": most.spend_per_server_day,
        "spend_per_month": most.spend_per_server_month,
        "jobs_per_member": service.max_jobs_per_user,
    }
    return {name: value for name, value in known.items() if value is not None}
