"""Post here where drafts are approved: whoever may not post at once asks a moderator in the log channel."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import discord

from bot.jobs.approvals.approvals import MAX_OPEN, UNDER_WAY, Approvals, AskedPost, AskOutcome
from bot.model import ImageRequest, Job, ReplyTarget, Slot
from bot.policy.rules import Rules, SpoilerRule
from bot.ui.approvals import cards
from bot.ui.kit import permissions, texts
from bot.ui.kit.interactions import Interaction, bot_reaches, context_of, is_restricted, reply_locale, say, target_of
from bot.ui.kit.language import mark, tr
from bot.ui.kit.media import media_urls
from bot.ui.serverlog.wording import log_locale
from bot.ui.showcase.trouble import NEEDED

DECIDES = mark("In this server a moderator decides which pictures are posted.")
NO_LOG = mark("Nobody can be asked: no log channel is set in `/settings`. Please tell a moderator.")
LOG_SHUT = mark("Nobody can be asked: Easel cannot post pictures in the log channel. Please tell a moderator.")
LOG_FOR_ALL = mark(
    "The log channel is open to all ages, so pictures of an age-restricted channel are not shown there. Please tell a "
    "moderator."
)
NOT_REACHED = mark("Easel may not post pictures in this channel by itself. Please tell a moderator.")
ASKED_BEFORE = mark("A moderator was asked {when} and has not decided yet. You are told when that is done.")
ASKED_ANEW = mark("The question to the moderators was deleted, so Easel asks them once more.")
TOO_SOON = mark("A moderator declined this {when}. You can ask again {then}.")
TOO_MANY = mark("{count} of your pictures wait for a moderator's decision already. Please wait for that first.")


class Asking:
    """Asks on behalf of whoever pressed Post here."""

    def __init__(self, approvals: Approvals) -> None:
        self._approvals = approvals

    def is_needed(self, interaction: Interaction, rules: Rules) -> bool:
        """Whether a moderator decides. Members with Manage Messages post at once."""
        return bool(rules.drafts_approved) and not permissions.manages_messages(interaction)

    async def ask(self, interaction: Interaction, job: Job, request: ImageRequest, rules: Rules) -> None:
        """Write the question down and say that it is asked, or why not. Raises StoreUnavailable."""
        if why := _in_the_way(interaction, rules):
            await say(interaction, f"{tr(DECIDES)} {tr(why)}")
            return
        locale = reply_locale(interaction, private=False, rules=rules)
        message = interaction.message
        post = AskedPost(
            target=_within_the_servers_limit(interaction, target_of(interaction, private=False, locale=locale)),
            note_locale=interaction.locale.value,
            context=context_of(interaction),
            copies=tuple(media_urls(message, Slot.PICTURE)) if message else (),
            sources=tuple(media_urls(message, Slot.SOURCE)) if message else (),
            covered=request.spoiler or rules.spoiler is SpoilerRule.ALWAYS,
            interaction_id=interaction.id,
        )
        channel_id, log_language = rules.log_channel or 0, log_locale(interaction.guild, rules)
        outcome, present = await self._approvals.ask(job, post, channel_id=channel_id, locale=log_language)
        if outcome is AskOutcome.NOW:
            await interaction.response.send_message(view=cards.waiting(post.target.channel_id), ephemeral=True)
        elif outcome is AskOutcome.TOO_MANY:
            await say(interaction, tr(TOO_MANY, count=MAX_OPEN))
        elif present is None or (present.asked is not None and present.asked.interaction_id == interaction.id):
            return  # the same press, received twice: whoever had it first answers
        elif outcome is AskOutcome.TOO_SOON:
            await say(interaction, tr(TOO_SOON, when=_relative(present.decided_at), then=_relative(present.again_from)))
        elif present.state in UNDER_WAY:
            await say(interaction, tr(texts.BEING_POSTED))
        else:
            await interaction.response.defer(ephemeral=True, thinking=True)
            anew = await self._approvals.ask_anew(present)
            await say(interaction, tr(ASKED_ANEW) if anew else tr(ASKED_BEFORE, when=_relative(present.made_at)))


def _within_the_servers_limit(interaction: Interaction, target: ReplyTarget) -> ReplyTarget:
    """The bot's own messages take what the server takes, however much the requester may upload."""
    limit = interaction.guild.filesize_limit if interaction.guild else target.upload_limit
    return replace(target, upload_limit=min(target.upload_limit, limit))


def _in_the_way(interaction: Interaction, rules: Rules) -> str:
    """The key of the sentence why nobody can be asked; empty where somebody can."""
    guild = interaction.client.get_guild(interaction.guild_id or 0)
    if rules.log_channel is None:
        return NO_LOG
    channel = guild.get_channel(rules.log_channel) if guild else None
    if guild is None or channel is None:
        return LOG_SHUT
    granted = channel.permissions_for(guild.me)
    if not all(getattr(granted, name) for name in NEEDED):
        return LOG_SHUT
    if is_restricted(interaction.channel) and not is_restricted(channel):
        return LOG_FOR_ALL
    return "" if bot_reaches(interaction) else NOT_REACHED


def _relative(when: datetime | None) -> str:
    return discord.utils.format_dt(when, "R") if when else ""
