"""The discord.py client: intents, cogs by name, buttons that outlive a restart, commands synced when they changed."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, cast

import aiohttp
import discord
import structlog
from discord import app_commands
from discord.ext import commands

from bot.config.causes import cause_of
from bot.config.settings import Settings
from bot.discord_api.connector import ProxyConnector, bound_by_silence
from bot.discord_api.guild_memory import LeanState
from bot.discord_api.reconnect import OUTAGES, PatientShards
from bot.discord_api.rest import DiscordUnreachable
from bot.model import Job
from bot.pictures.studio import PictureStudio
from bot.policy.door import Door
from bot.policy.patience import Rush
from bot.ui.kit import texts
from bot.ui.kit.command_words import CommandWords
from bot.ui.kit.dispatch import Dispatcher
from bot.ui.kit.interactions import regret
from bot.ui.kit.language import tr
from bot.ui.kit.mentions import Mentions
from bot.ui.panels.welcome import leave
from bot.ui.reply.reply import DiscordReplies
from bot.ui.reply.transport import noting_answers

if TYPE_CHECKING:
    from bot.jobs.records.janitor import Janitor
    from bot.store.queries.meta import Meta
    from bot.ui.panels.gallery import GalleryPanel
    from bot.ui.requests.handler import RequestHandler
    from bot.ui.requests.preset_choice import PresetChoice
    from bot.ui.requests.reply_edits import ReplyEdits
    from bot.ui.settings.command import ServerSettings

log = structlog.stdlib.get_logger(__name__)

ENTRY_POINT = 4  # the kind of command that starts an Activity
ENTRY_POINT_MISSING = 50240  # Discord's code for a registration that leaves that command out
MAX_SAID_CHARS = 300
_WRITABLE = frozenset(
    {
        *("id", "type", "name", "name_localizations", "description", "description_localizations", "handler", "nsfw"),
        *("default_member_permissions", "integration_types", "contexts"),
    }
)

COGS = ("cogs.painting", "cogs.panels", "cogs.context_menus", "cogs.settings", "cogs.servers")


class Tree(app_commands.CommandTree["EaselClient"]):
    """The slash commands and menus. The dispatcher begins each answer and explains what goes wrong in it."""

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """discord.py asks before each command; whether the answer was begun."""
        return await self.client.dispatcher.begin(interaction)

    async def on_error(self, interaction: discord.Interaction[Any], error: app_commands.AppCommandError) -> None:
        """A command that the person has is older than ours, or something went wrong in its answer."""
        if isinstance(error, app_commands.CommandNotFound | app_commands.CommandSignatureMismatch):
            log.info("an outdated command was used", error=type(error).__name__)
            await regret(interaction, tr(texts.COMMAND_TOO_OLD))
        else:
            cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
            await self.client.dispatcher.explain(interaction, cause)


class _Options(TypedDict, total=False):
    shard_ids: list[int]
    http_trace: aiohttp.TraceConfig


def _options(settings: Settings, trace: aiohttp.TraceConfig | None) -> _Options:
    """discord.py wants no argument at all where every shard is this process's."""
    options: _Options = {"http_trace": noting_answers(trace)}
    if settings.discord_shard_ids:
        options["shard_ids"] = list(settings.discord_shard_ids)
    return options


def _writable(command: Mapping[str, Any]) -> dict[str, Any]:
    """A command as Discord tells it, with only what may be sent back."""
    return {name: value for name, value in command.items() if name in _WRITABLE and value is not None}


def _ids(commands: Sequence[Mapping[str, Any]]) -> Mapping[str, int]:
    """The ids of our commands in Discord's answer, of which a proxy in between may have cut a part."""
    whole = [it for it in commands if {"id", "name"} <= it.keys()]
    return {it["name"]: int(it["id"]) for it in whole if it.get("type") != ENTRY_POINT}


def why_not_registered(error: BaseException) -> str:
    """Why Discord did not take the slash commands, as it says itself."""
    match error:
        case discord.RateLimited(retry_after=seconds):
            return f"Discord allows it again in {seconds:.0f} s"
        case discord.HTTPException(status=status, code=code, text=text):
            said = " ".join(text.split())[:MAX_SAID_CHARS]
            return f"Discord says {said!r} (HTTP {status}, code {code})"
        case DiscordUnreachable():
            return f"Discord gave no usable answer ({error})"
        case _:
            return f"Discord gave no usable answer ({cause_of(error)})"


class EaselClient(PatientShards, commands.AutoShardedBot):
    """One connection to Discord. Nothing privileged is asked for, and no message is kept.

    Messages are heard only where a server wants answers to pictures to be edits (`hear_messages`), and read only where
    they name this bot.
    """

    #: What commands and events are handed to; given by the composition root before login.
    requests: RequestHandler
    presets: PresetChoice
    gallery: GalleryPanel
    server_settings: ServerSettings
    janitor: Janitor
    reply_edits: ReplyEdits

    def __init__(self, settings: Settings, trace: aiohttp.TraceConfig | None = None) -> None:
        """`trace` hears of every request to Discord."""
        self.rush = Rush()
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
        self.settings = settings
        texts.operator_contact.set(settings.operator_contact or "")
        self.dispatcher = Dispatcher(settings.door)
        self._door_known = asyncio.Event()
        self.mentions = Mentions({})
        self.studio = PictureStudio()
        self.replies = DiscordReplies(self, self.studio)

    @property
    def door(self) -> Door:
        """Whom the operator lets in, by the settings and by the blocks that are kept in the database."""
        return self.dispatcher.door

    async def shuts_out(self, job: Job) -> bool:
        """Whether the operator lets whoever asked for this in no more, or the server where they did.

        At a start it waits until the blocks of the database are known.
        """
        await self._door_known.wait()
        target = job.target
        return self.door.shuts_out(job.user_id, target.guild_id, bot_member=target.bot_member)

    async def hold_door(self, door: Door) -> None:
        """Let only these in from now on, and leave the servers of this process that are no longer served."""
        self.dispatcher.door = door
        self._door_known.set()
        for guild in [it for it in self.guilds if not door.serves(it.id)]:
            log.warning("leaving a server that is not served", guild=guild.id)
            await leave(guild)

    def _get_state(self, **options: Any) -> LeanState:
        """Called once by discord.py, when it makes the client."""
        hooks = {"dispatch": self.dispatch, "handlers": self._handlers, "hooks": self._hooks}
        return LeanState(rush=self.rush, http=self.http, **hooks, **options)

    async def login(self, token: str) -> None:
        """Log in, over connections that take the proxies of the settings."""
        self.http.connector = ProxyConnector(self.settings.proxies)
        await super().login(token)

    async def setup_hook(self) -> None:
        """Called by discord.py once it is logged in: the cogs are loaded."""
        bound_by_silence(self)
        for name in COGS:
            await self.load_extension(name)
        await self.tree.set_translator(CommandWords())

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Clicks and forms are read here and not by the objects that were sent: so they work after a restart too."""
        await self.dispatcher.click(interaction)

    async def on_message(self, message: discord.Message, /) -> None:
        """An answer that names this bot; no other message comes so far, see discord_api/guild_memory.py."""
        if self.dispatcher.enter():
            await self.reply_edits.take(message)

    async def sync_commands(self) -> int:
        """Register the slash commands with Discord; returns how many. Raises one of OUTAGES.

        They replace all commands of the application. An Activity's Entry Point command is not ours, and Discord refuses
        a registration without it: then it is sent along as it is.
        """
        application = self.application_id
        if application is None:
            raise discord.MissingApplicationID
        payload = await self.command_payload(translated=True)
        try:
            answer = await self.http.bulk_upsert_global_commands(application, payload)
        except discord.HTTPException as error:
            if error.code != ENTRY_POINT_MISSING:
                raise
            present = cast("Sequence[Mapping[str, Any]]", await self.http.get_global_commands(application))
            entry_points = [_writable(it) for it in present if it.get("type") == ENTRY_POINT]
            answer = await self.http.bulk_upsert_global_commands(application, [*payload, *entry_points])
        self.mentions = Mentions(_ids([dict(it) for it in answer]))
        return len(payload)

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
        except OUTAGES as exc:
            log.warning(
                "the slash commands could not be registered; those registered before go on working, and "
                "`python -m bot sync` tries again",
                error=why_not_registered(exc),
            )
            return
        await memory.put(ids, self.mentions.written())
        await memory.put(name, fingerprint)
        log.info("slash commands registered", count=count)
