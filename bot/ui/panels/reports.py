"""Reports on delivered pictures: from Details into the server's channel for reports, and what moderators do there.

A report costs nobody anything until a moderator looks at it. Whoever reports is shown to the moderators only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from weakref import WeakValueDictionary

import aiohttp
import discord
import structlog

from bot.jobs.policies import Policies, Rules
from bot.jobs.records.server_log import ServerLog
from bot.jobs.service import JobService
from bot.model import Job, JobState, Slot
from bot.ui.kit.card_notes import address_of
from bot.ui.kit.dispatch import Click
from bot.ui.kit.interactions import Interaction, reply_locale, say
from bot.ui.kit.language import mark, speaking, tr
from bot.ui.kit.media import media_urls
from bot.ui.kit.permissions import moderates
from bot.ui.panels import report_cards
from bot.ui.panels.report_cards import PANEL, REASON, Report, ReportVerb
from bot.ui.reply.transport import AUTOMOD, UNKNOWN_MESSAGE
from bot.ui.serverlog import wording
from bot.ui.settings.blocking import Blocking

log = structlog.stdlib.get_logger(__name__)

PATIENCE_S = 10.0
SEARCHED = 200  # messages of the channel for reports in which an earlier report on the picture is looked for

NO_CHANNEL = mark("This server does not take reports: no channel is set for them in `/settings`.")
NOT_REPORTABLE = mark("This picture is not here any more, so there is nothing to report.")
NOT_POSTED = mark(
    "Your report could not be posted: Easel cannot write into this server's channel for reports. Please tell a "
    "moderator."
)
REPORTED = mark("Thank you. The moderators of this server have your report.")
REPORTED_BEFORE = mark("You have reported this picture already; the moderators of this server have your report.")
NOT_A_MODERATOR = mark("Only members with the permission Manage Messages or Manage Server can do that.")
DEALT_WITH = mark("This report is dealt with already, or is no report of this server.")
NOT_DELETED = mark("The picture could not be deleted. Please try again, or delete it yourself.")


LINES: Mapping[ReportVerb, Callable[[int, datetime], str]] = MappingProxyType(
    {
        ReportVerb.DELETE: report_cards.deleted_line,
        ReportVerb.BLOCK: report_cards.blocked_line,
        ReportVerb.FINE: report_cards.fine_line,
    }
)


class NotPosted(Exception):
    """The channel for reports does not take the report. The message is a short cause."""


class Reports:
    """The panel behind Report, and behind Delete picture, Block requester and All fine."""

    name = PANEL

    def __init__(
        self, client: discord.Client, service: JobService, owner: Policies, blocking: Blocking, log_book: ServerLog
    ) -> None:
        self._client = client
        self._service = service
        self._owner = owner
        self._blocking = blocking
        self._log_book = log_book
        # One for each picture, for as long as somebody has it: two reports at once on a picture become one message.
        self._posting: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def act(self, interaction: Interaction, click: Click) -> None:
        """Answer a click. Who may do what is asked here, and the job must be of the server of the click."""
        verb, _, job_id = ":".join(click.words).partition(":")
        if verb not in set(ReportVerb):
            await say(interaction, tr(DEALT_WITH))
        elif verb == ReportVerb.NEW:
            await self._ask(interaction, job_id)
        elif verb == ReportVerb.SEND:
            await self._report(interaction, job_id, click.first(REASON))
        elif not moderates(interaction):
            await say(interaction, tr(NOT_A_MODERATOR))
        else:
            await self._deal_with(interaction, ReportVerb(verb), job_id)

    async def _ask(self, interaction: Interaction, job_id: str) -> None:
        """Open the form, where a report can be made at all."""
        job, rules = await self._reported(interaction, job_id)
        if job is None or rules.report_channel is None:
            await say(interaction, tr(NOT_REPORTABLE if job is None else NO_CHANNEL))
        else:
            await interaction.response.send_modal(report_cards.report_form(job.id))

    async def _report(self, interaction: Interaction, job_id: str, reason: str) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        await interaction.edit_original_response(content=tr(await self._outcome(interaction, job_id, reason)))

    async def _reported(self, interaction: Interaction, job_id: str) -> tuple[Job | None, Rules]:
        """The job, None where its picture cannot be reported here, and the rules of the server."""
        job = await self._service.get(job_id)
        rules = await self._owner.rules_of(interaction.guild_id or 0)
        return (job if job is not None and is_reportable(job, interaction.guild_id) else None), rules

    async def _outcome(self, interaction: Interaction, job_id: str, reason: str) -> str:
        """Report a picture; returns the key of the sentence on what came of it."""
        job, rules = await self._reported(interaction, job_id)
        if job is None:
            return NOT_REPORTABLE
        if rules.report_channel is None:
            return NO_CHANNEL
        try:
            async with self._posting.setdefault(job.id, asyncio.Lock()):
                return await self._posted(interaction, job, rules, rules.report_channel, reason)
        except NotPosted as exc:
            log.warning(
                "a report could not be posted; the channel for reports is set in /settings",
                guild=interaction.guild_id,
                channel=rules.report_channel,
                error=str(exc),
            )
            return NOT_POSTED

    async def _posted(self, interaction: Interaction, job: Job, rules: Rules, channel_id: int, reason: str) -> str:
        # The channel must be of this server, whatever was set while it still was.
        guild = self._client.get_guild(interaction.guild_id or 0)
        if guild is None or guild.get_channel(channel_id) is None:
            raise NotPosted("the channel is gone")
        channel = self._client.get_partial_messageable(channel_id, guild_id=guild.id)
        try:
            async with asyncio.timeout(PATIENCE_S):
                found = await self._earlier(channel, job)
                if found is not None and interaction.user.id in found[1].reporters:
                    return REPORTED_BEFORE
                pictures = await self._pictures(job)
                with speaking(reply_locale(interaction, private=False, rules=rules)):
                    if found is None:
                        nonce = f"report-{job.id}"[:25]  # Discord drops a repeat of it for some minutes
                        report = Report(()).with_reporter(interaction.user.id, reason)
                        await _written(partial(channel.send, nonce=nonce), job, report, pictures)
                    else:
                        joined = found[1].with_reporter(interaction.user.id, reason)
                        await _written(found[0].edit, job, joined, pictures)
        except discord.HTTPException as exc:
            raise NotPosted(f"{exc.status} {exc.code}") from exc
        except (discord.RateLimited, aiohttp.ClientError, OSError, TimeoutError) as exc:
            raise NotPosted(type(exc).__name__) from exc
        log.info("a picture was reported", guild=guild.id, job=job.id)
        link = address_of(guild.id, job.target.channel_id, job.target.message_id or 0)
        self._log_book.tell(wording.report(interaction, rules, link))
        return REPORTED

    async def _pictures(self, job: Job) -> Sequence[str]:
        """Addresses of the pictures as Discord has just signed them; none where the reply cannot be read."""
        channel = self._client.get_partial_messageable(job.target.channel_id, guild_id=job.target.guild_id)
        try:
            return media_urls(await channel.get_partial_message(job.target.message_id or 0).fetch(), Slot.PICTURE)
        except discord.HTTPException as exc:
            log.info("a report goes without its pictures", job=job.id, error=f"{exc.status} {exc.code}")
            return ()

    async def _earlier(self, channel: discord.PartialMessageable, job: Job) -> tuple[discord.Message, Report] | None:
        """A report on the same picture that stands in the channel already."""
        after = discord.Object(job.target.message_id or job.interaction_id)
        try:
            async for message in channel.history(limit=SEARCHED, after=after):
                report = report_cards.read(message, job.id) if message.author == self._client.user else None
                if report is not None:
                    return message, report
        except discord.Forbidden:
            # It may be allowed to write there and not to read what stands there.
            return None
        return None

    async def _deal_with(self, interaction: Interaction, verb: ReportVerb, job_id: str) -> None:
        await interaction.response.defer()
        job = await self._service.get(job_id)
        report = report_cards.read(interaction.message, job_id)
        guild = self._client.get_guild(interaction.guild_id or 0)
        if job is None or guild is None or report is None or verb not in report.open or job.target.guild_id != guild.id:
            await say(interaction, tr(DEALT_WITH))
            return
        if verb is ReportVerb.DELETE:
            done = await self._delete(job)
            outcome = "" if done else tr(NOT_DELETED)
        elif verb is ReportVerb.FINE:
            done, outcome = True, ""
        else:
            outcome = await self._blocking.block(interaction, guild, job.user_id)
            done = job.user_id in (await self._owner.book_of(guild.id)).blocked
        if done:
            rules = await self._owner.rules_of(guild.id)
            with speaking(reply_locale(interaction, private=False, rules=rules)):
                dealt_with = report.with_done(verb, LINES[verb](interaction.user.id, datetime.now(UTC)))
                pictures = media_urls(interaction.message, Slot.PICTURE) if interaction.message else ()
                await _written(interaction.edit_original_response, job, dealt_with, pictures)
            log.info("a report was dealt with", guild=guild.id, job=job.id, by=interaction.user.id, act=verb.value)
        if outcome:
            await say(interaction, outcome)

    async def _delete(self, job: Job) -> bool:
        """Delete the job's message by its ids; True also where it is gone already."""
        channel = self._client.get_partial_messageable(job.target.channel_id, guild_id=job.target.guild_id)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await channel.get_partial_message(job.target.message_id or 0).delete()
        except discord.HTTPException as exc:
            if exc.code != UNKNOWN_MESSAGE:
                log.warning("a reported picture could not be deleted", job=job.id, error=f"{exc.status} {exc.code}")
                return False
        except (discord.RateLimited, aiohttp.ClientError, OSError, TimeoutError) as exc:
            log.warning("a reported picture could not be deleted", job=job.id, error=type(exc).__name__)
            return False
        await self._service.reply_deleted(job)
        return True


def is_reportable(job: Job, guild_id: int | None) -> bool:
    """Whether a job's picture stands in this server where moderators can see and delete it."""
    target = job.target
    here = guild_id is not None and target.guild_id == guild_id
    in_reach = target.bot_member and not target.ephemeral
    return here and in_reach and job.state is JobState.DELIVERED and not job.reply_deleted


async def _written(write: Callable[..., Awaitable[object]], job: Job, report: Report, pictures: Sequence[str]) -> None:
    """Send or edit a report; where AutoMod refuses the prompt or a reason, without them. Raises as Discord does."""
    try:
        await write(view=report_cards.card(job, report, pictures))
    except discord.HTTPException as exc:
        if exc.code not in AUTOMOD:
            raise
        await write(view=report_cards.card(job, report, pictures, with_words=False))
