"""What an interaction tells: where its reply will live, who may do what, and where the pictures of a reply are.

Nothing is read from the cache that the interaction says itself: after a start, or a lost connection, the cache may
know less than Discord does.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import aiohttp
import discord
import structlog

from bot.model import ImageRequest, Job, Kept, ReplyTarget, Slot, Source
from bot.policy.admission import RequestContext
from bot.policy.rules import Rules
from bot.ui.kit import texts
from bot.ui.kit.language import tr
from bot.ui.kit.media import media_urls
from bot.ui.kit.widgets import PROMPT_FILE, WORKING, card, prompt_file, text
from bot.ui.reply.transport import AUTOMOD

log = structlog.stdlib.get_logger(__name__)

Interaction = discord.Interaction[Any]

SHOWN_PROMPT_CHARS = 3600  # of a prompt that is given back; the sentence before it has the rest of the card


def context_of(interaction: Interaction) -> RequestContext:
    """Who asks and where, as the interaction itself tells it."""
    channel = interaction.channel
    in_thread = isinstance(channel, discord.Thread)
    user = interaction.user
    return RequestContext(
        user_id=user.id,
        channel_id=interaction.channel_id or 0,
        guild_id=interaction.guild_id,
        parent_id=channel.parent_id if in_thread else None,
        role_ids=role_ids_of(interaction),
        joined_at=user.joined_at if isinstance(user, discord.Member) else None,
        age_restricted=is_restricted(channel),
        bot_member=interaction.client.get_guild(interaction.guild_id) is not None
        if interaction.guild_id is not None
        else interaction.context.dm_channel,
    )


def role_ids_of(interaction: Interaction) -> frozenset[int]:
    """The roles of the one who asks, @everyone included, which has the server's id."""
    user = interaction.user
    if not isinstance(user, discord.Member):
        return frozenset()
    # `roles` leaves out what the cache does not know: all of them where the bot is no member.
    return frozenset({user.guild.id, *getattr(user, "_roles", ())})


def is_restricted(channel: Any) -> bool:
    """Whether a channel, or that of a thread, is for adults. One that cannot say so is not."""
    ask = getattr(channel, "is_nsfw", None)
    return bool(ask()) if ask is not None else False


def reply_locale(interaction: Interaction, *, private: bool, rules: Rules) -> str:
    """The language of a reply: what only the person sees is in theirs, the rest in the server's where it chose one."""
    if private or interaction.guild_id is None:
        return interaction.locale.value
    if rules.language is not None:
        return rules.language
    return (chosen_locale(interaction) or interaction.locale).value


def chosen_locale(interaction: Interaction) -> discord.Locale | None:
    """The language that a Community server has chosen.

    Discord says American English of every other server, and of a Community server that never chose: that is no choice.
    """
    guild = interaction.guild
    if guild is None or "COMMUNITY" not in guild.features:
        return None
    locale = interaction.guild_locale
    return None if locale is discord.Locale.american_english else locale


def target_of(interaction: Interaction, *, private: bool, locale: str) -> ReplyTarget:
    """Where the answer to this interaction will live. Its message is known once Discord has taken it."""
    return ReplyTarget(
        application_id=interaction.application_id,
        token=interaction.token,
        token_expires_at=interaction.expires_at,
        channel_id=interaction.channel_id or 0,
        guild_id=interaction.guild_id,
        message_id=None,
        ephemeral=private,
        bot_member=bot_reaches(interaction),
        upload_limit=interaction.filesize_limit,
        locale=locale,
    )


def renewed_target(interaction: Interaction, job: Job) -> ReplyTarget:
    """The job's target, with 15 more minutes in which it can be edited where the click was on the reply itself."""
    if interaction.message is None or interaction.message.id != job.target.message_id:
        return job.target
    return replace(job.target, token=interaction.token, token_expires_at=interaction.expires_at)


def bot_reaches(interaction: Interaction) -> bool:
    """Whether the bot's own token can change its reply there, or post it anew, once the interaction's has ended.

    Interactions are answered also where the bot may not write (a channel for commands only) and where it is no member;
    there everything goes by their token.
    """
    if interaction.guild_id is None:
        return interaction.context.dm_channel
    guild, channel = interaction.client.get_guild(interaction.guild_id), interaction.channel
    return guild is not None and reaches(guild, channel, interaction.app_permissions)


def reaches(guild: discord.Guild, channel: Any, allowed: discord.Permissions) -> bool:
    """Whether the bot can post pictures into a channel of a server and change them later."""
    if guild.unavailable:
        return False
    in_thread = isinstance(channel, discord.Thread)
    if in_thread and channel.is_private() and not (allowed.manage_threads or _is_in(guild, channel)):
        return False
    if isinstance(channel, discord.VoiceChannel | discord.StageChannel) and not allowed.connect:
        return False
    writes = allowed.send_messages_in_threads if in_thread else allowed.send_messages
    return allowed.view_channel and writes and allowed.attach_files


def _is_in(guild: discord.Guild, thread: discord.Thread) -> bool:
    """Whether the bot was added to a private thread. What an interaction says of a thread does not tell."""
    known = guild.get_thread(thread.id)
    return known is not None and known.me is not None


def _kept(interaction: Interaction, job: Job, slot: Slot, index: int) -> Kept | None:
    """Where the picture can be read again later: only in replies that the bot's own token reaches."""
    message = interaction.message
    if message is None or message.flags.ephemeral or not job.target.bot_member:
        return None
    return Kept(message.channel.id, message.id, slot, index)


def with_fresh_sources(interaction: Interaction, job: Job) -> ImageRequest:
    """The job's request; the sources of an edit at the addresses that the clicked reply shows now."""
    urls = media_urls(interaction.message, Slot.SOURCE) if interaction.message else ()
    if len(urls) != len(job.request.sources):
        return job.request
    sources = [
        replace(source, url=url, kept=_kept(interaction, job, Slot.SOURCE, index), shown_as="")
        for index, (source, url) in enumerate(zip(job.request.sources, urls, strict=True))
    ]
    return replace(job.request, sources=tuple(sources))


def result_as_source(interaction: Interaction, job: Job, index: int) -> Source:
    """Finished picture number `index` (from 0) of the clicked reply, as the source of an edit."""
    urls = media_urls(interaction.message, Slot.PICTURE) if interaction.message else ()
    kept = _kept(interaction, job, Slot.PICTURE, index)
    if kept is None and job.target.bot_member and job.target.message_id and not job.target.ephemeral:
        kept = Kept(job.target.channel_id, job.target.message_id, Slot.PICTURE, index)
    return Source(urls[index] if index < len(urls) else "", "picture", kept=kept)


async def show(interaction: Interaction, view: discord.ui.LayoutView, prompt: str = "") -> None:
    """A private card to the one who asked, lost without harm likewise.

    The `prompt` comes along as a file where the card refers to one (`widgets.prompt_file`).
    """
    has_file = any(isinstance(it, discord.ui.File) for it in view.walk_children())
    files = [discord.File(io.BytesIO(prompt.encode(errors="replace")), PROMPT_FILE)] if has_file else []
    try:
        if interaction.response.is_done():
            await interaction.followup.send(view=view, files=files, ephemeral=True)
        else:
            await interaction.response.send_message(view=view, files=files, ephemeral=True)
    except (discord.HTTPException, aiohttp.ClientError, OSError) as exc:
        log.info("a private card was not taken", error=type(exc).__name__)
        if isinstance(exc, discord.HTTPException) and exc.code in AUTOMOD:
            await say(interaction, tr(texts.REFUSED_BY_AUTOMOD))


async def say(interaction: Interaction, sentence: str) -> None:
    """A private sentence to the one who asked, as it is; lost without harm when Discord no longer takes an answer."""
    try:
        if interaction.response.is_done():
            await interaction.followup.send(sentence, ephemeral=True)
        else:
            await interaction.response.send_message(sentence, ephemeral=True)
    except (discord.HTTPException, aiohttp.ClientError, OSError) as exc:
        log.info("a private sentence was not taken", error=type(exc).__name__)


async def regret(interaction: Interaction, sentence: str) -> None:
    """Say privately that nothing came of it, with the words that were typed, so that they can be sent again."""
    prompt = typed_prompt(interaction)
    if prompt:
        rest = [prompt_file()] if len(texts.unfenced(prompt)) > SHOWN_PROMPT_CHARS else []
        await show(interaction, card(WORKING, text(sentence, texts.fenced(prompt, SHOWN_PROMPT_CHARS)), *rest), prompt)
    else:
        await say(interaction, sentence)


def typed_prompt(interaction: Interaction) -> str:
    """The prompt in a command or a form, or a preset's words, as typed; empty where none were."""
    data = cast("Mapping[str, Any]", interaction.data or {})
    typed = {str(it.get("name")): it.get("value") for it in data.get("options", ())}
    if interaction.type is discord.InteractionType.modal_submit:
        typed = {name: "".join(values) for name, values in form_fields(data.get("components", ()))}
    return str(typed.get("prompt") or typed.get("words") or "")


def form_fields(components: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, Sequence[str]]]:
    """What each field of a form holds. A field is wrapped in a label, or in a row in forms of an older kind."""
    for outer in components:
        for part in (outer["component"],) if "component" in outer else outer.get("components", ()):
            values = part.get("values")
            yield str(part.get("custom_id")), values if values is not None else [v] if (v := part.get("value")) else []
