"""The discord.py client: intents, cogs by name, buttons that outlive a restart, commands synced when they changed."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, TypedDict

import aiohttp
import discord
import structlog
from discord import app_commands
from discord.ext import commands

from bot.config.settings import Settings
from bot.discord_api.guild_memory import LeanState
from bot.discord_api.reconnect import PatientShards
from bot.pictures.studio import PictureStudio
from bot.ui.kit import texts
from bot.ui.kit.command_words import CommandWords
from bot.ui.kit.dispatch import Dispatcher
from bot.ui.kit.interactions import say
from bot.ui.kit.language import tr
from bot.ui.kit.mentions import Mentions
from bot.ui.reply.reply import DiscordReplies

if TYPE_CHECKING:
    from bot.jobs.records.janitor import Janitor
    from bot.store.queries.meta import Meta
    from bot.ui.panels.gallery import GalleryPanel
    from bot.ui.panels.presets import PresetPanel
    from bot.ui.requests.handler import RequestHandler
    from bot.ui.settings.command import ServerSettings

log = structlog.stdlib.get_logger(__name__)

COGS = ("cogs.painting", "cogs.panels", "cogs.context_menus", "cogs.settings", "cogs.servers")


class Tree(app_commands.CommandTree["EaselClient"]):
    """The slash commands and menus. The dispatcher begins each answer and explains what goes wrong in it."""

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        return await self.client.dispatcher.begin(interaction)

    async def on_error(self, interaction: discord.Interaction[Any], error: app_commands.AppCommandError) -> None:
        if isinstance(error, app_commands.CommandNotFound | app_commands.CommandSignatureMismatch):
            log.info("an outdated command was used", error=type(error).__name__)
            await say(interaction, tr(texts.COMMAND_TOO_OLD))
        else:
            cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
            await self.client.dispatcher.explain(interaction, cause)


class _Options(TypedDict, total=False):
    shard_ids: list[int]
    http_trace: aiohttp.TraceConfig


def _options(settings: Settings, trace: aiohttp.TraceConfig | None) -> _Options:
    """discord.py wants no argument at all where every shard is this process's, or nobody listens."""
    options: _Options = {"shard_ids": list(settings.discord_shard_ids)} if settings.discord_shard_ids else {}
    if trace is not None:
        options["http_trace"] = trace
    return options


class EaselClient(PatientShards, commands.AutoShardedBot):
    """One connection to Discord. Nothing privileged is asked for, and no message is read or kept."""

    #: What commands and events are handed to; given by the composition root before login.
    requests: RequestHandler
    presets: PresetPanel
    gallery: GalleryPanel
    server_settings: ServerSettings
    janitor: Janitor

    def __init__(self, settings: Settings, trace: aiohttp.TraceConfig | None = None) -> None:
        """`trace` hears of every request to Discord."""
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=Tree,
            intents=discord.Intents(guilds=True),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            allowed_mentions=discord.AllowedMentions.none(),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True),
            activity=discord.CustomActivity("/imagine"),
            max_ratelimit_timeout=60,
            shard_count=settings.discord_shard_count,
            **_options(settings, trace),
        )
        self.door = settings.door
        self.dispatcher = Dispatcher(settings.door, settings.operator_contact or "")
        self.mentions = Mentions({})
        self.studio = PictureStudio()
        self.replies = DiscordReplies(self, self.studio)

    def _get_state(self, **options: Any) -> LeanState:
        """Called once by discord.py, when it makes the client."""
        return LeanState(dispatch=self.dispatch, handlers=self._handlers, hooks=self._hooks, http=self.http, **options)

    async def setup_hook(self) -> None:
        for name in COGS:
            await self.load_extension(name)
        await self.tree.set_translator(CommandWords())

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Clicks and forms are read here and not by the objects that were sent: so they work after a restart too."""
        await self.dispatcher.click(interaction)

    async def sync_commands(self) -> int:
        """Register the slash commands with Discord; returns how many. Raises discord.HTTPException."""
        try:
            registered = await self.tree.sync()
        except KeyError as exc:
            # They are taken by then; only the answer is not as the library reads it, as from a proxy that cuts it.
            log.info("the answer to the registration of the slash commands is incomplete", missing=str(exc))
            return len(self._commands())
        self.mentions = Mentions({command.name: command.id for command in registered})
        return len(registered)

    def _commands(self) -> list[app_commands.Command[Any, ..., Any] | app_commands.ContextMenu | app_commands.Group]:
        kinds = discord.AppCommandType
        menus = [*self.tree.get_commands(type=kinds.message), *self.tree.get_commands(type=kinds.user)]
        return [*self.tree.get_commands(type=kinds.chat_input), *menus]

    async def command_payload(self, *, translated: bool) -> list[dict[str, Any]]:
        """The commands as they are sent to Discord, with or without their words in other languages."""
        if not translated:
            return [command.to_dict(self.tree) for command in self._commands()]
        words = CommandWords()
        return [await command.get_translated_payload(self.tree, words) for command in self._commands()]

    async def sync_if_changed(self, memory: Meta) -> None:
        """Register the slash commands when they differ from those registered last: Discord limits how often."""
        payload = await self.command_payload(translated=True)
        name, ids = f"commands:{self.application_id}", f"command ids:{self.application_id}"
        fingerprint = hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()
        known = await memory.get(ids)
        if await memory.get(name) == fingerprint and known is not None:
            self.mentions = Mentions.read(known)
            return
        try:
            count = await self.sync_commands()
        except (discord.HTTPException, aiohttp.ClientError, OSError) as exc:
            log.warning(
                "the slash commands could not be registered; `python -m bot sync` does it", error=str(exc)[:200]
            )
            return
        await memory.put(ids, self.mentions.written())
        await memory.put(name, fingerprint)
        log.info("slash commands registered", count=count)
