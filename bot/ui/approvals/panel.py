"""Approve and Decline under a question: rights and rules are asked anew at each press, and the first one counts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar

import discord
import structlog

from bot.errors import RequestError
from bot.jobs.approvals.approvals import OPEN, Approvals, ApprovalState, AskedPost, wanted
from bot.jobs.policies import Policies, RequestContext
from bot.jobs.service import JobService
from bot.model import Job, Slot
from bot.policy.door import Door, Entrance
from bot.ui.approvals import cards
from bot.ui.kit import permissions
from bot.ui.kit.dispatch import Click
from bot.ui.kit.interactions import Interaction, is_restricted, reaches, say
from bot.ui.kit.language import mark, tr
from bot.ui.kit.media import media_urls
from bot.ui.kit.visibility import LOOK_PATIENCE_S, NOT_TOLD, Channel
from bot.ui.requests.posting import comes_from_adults
from bot.ui.requests.refusals import refusal

T = TypeVar("T")
log = structlog.stdlib.get_logger(__name__)

NOT_A_MODERATOR = mark("Only members with the permission Manage Messages decide about drafts.")
DECIDED = mark("Somebody was faster: this is decided already.")
NOT_NOW = mark("Discord does not say just now whether this can be posted. Please try again in a minute.")
CHANNEL_GONE = mark("The channel that this was meant for is gone, so it cannot be posted there.")
NO_MEMBER = mark("{who} is no longer a member of this server, so nothing is posted.")
SHUT_OUT = mark("{who} may not write in {place} just now, so nothing is posted.")
NO_RIGHT = mark("Easel may not post pictures in {place}, so nothing is posted.")
BARRED = mark("Nothing was posted. {who} would be told: {why}")
FOR_ADULTS = mark("These pictures come from an age-restricted channel, so they are not posted in {place}.")


class _Barred(Exception):
    """What keeps a draft from being posted just now; the message is a sentence for the moderator."""


class ApprovalPanel:
    """The panel `approval`: `easel-approval:<approve or decline>:<job id>:<round>`."""

    name = cards.PANEL

    def __init__(self, approvals: Approvals, service: JobService, policies: Policies, door: Callable[[], Door]) -> None:
        self._approvals = approvals
        self._service = service
        self._policies = policies
        self._door = door

    async def act(self, interaction: Interaction, click: Click) -> None:
        """Take a decision. The question is read by all who see the log channel, so only moderators change it."""
        if not permissions.manages_messages(interaction):
            await say(interaction, tr(NOT_A_MODERATOR))
            return
        match click.words:
            case [(cards.APPROVE | cards.DECLINE) as verb, job_id, number] if number.isdecimal():
                await self._press(interaction, job_id, int(number), approves=verb == cards.APPROVE)
            case _:
                await self._close(interaction)

    async def _press(self, interaction: Interaction, job_id: str, number: int, *, approves: bool) -> None:
        approval, job = await self._approvals.get(job_id), await self._service.get(job_id)
        if (
            approval is None
            or job is None
            or (approval.guild_id, approval.round) != (interaction.guild_id, number)
            or approval.state is ApprovalState.WITHDRAWN
        ):
            await self._close(interaction)
            return
        if approval.asked is None or approval.state not in OPEN:
            await say(interaction, tr(DECIDED))
            return
        await interaction.response.defer()
        post = _fresh(interaction, approval.asked)
        try:
            if approves:
                post = await self._allowed(interaction, job, post)
        except _Barred as exc:
            await say(interaction, str(exc))
            return
        to = ApprovalState.APPROVED if approves else ApprovalState.DECLINED
        message_id = interaction.message.id if interaction.message else approval.message_id or 0
        if await self._approvals.decide(
            approval, to, by=interaction.user.id, decision_id=interaction.id, message_id=message_id, post=post
        ):
            log.info("a moderator has decided about a draft", job=job.id, by=interaction.user.id, state=to.value)
        else:
            await say(interaction, tr(DECIDED))

    async def _close(self, interaction: Interaction) -> None:
        """The question is about something that is not there any more, or was asked anew since."""
        await interaction.response.edit_message(view=cards.not_there(), attachments=[])

    async def _allowed(self, interaction: Interaction, job: Job, post: AskedPost) -> AskedPost:
        """Look at all that Post here looks at, for the requester as they stand now. Raises _Barred or StoreUnavailable.

        Returns the post as it is to be made.
        """
        guild = interaction.client.get_guild(interaction.guild_id or 0)
        who, place = f"<@{job.user_id}>", f"<#{post.target.channel_id}>"
        if guild is None or self._door().closed_to(job.user_id, guild.id, Entrance.SERVER) is not None:
            raise _Barred(tr(SHUT_OUT, who=who, place=place))
        channel, member = await _there(guild, job.user_id, post.target.channel_id)
        if channel is None:
            raise _Barred(tr(CHANNEL_GONE))
        if member is None:
            raise _Barred(tr(NO_MEMBER, who=who))
        if member.is_timed_out() or not channel.permissions_for(member).view_channel:
            raise _Barred(tr(SHUT_OUT, who=who, place=place))
        if not reaches(guild, channel, channel.permissions_for(guild.me)):
            raise _Barred(tr(NO_RIGHT, place=place))
        if comes_from_adults(interaction, job, channel):
            raise _Barred(tr(FOR_ADULTS, place=place))
        context = RequestContext(
            user_id=job.user_id,
            channel_id=channel.id,
            guild_id=guild.id,
            parent_id=channel.parent_id if isinstance(channel, discord.Thread) else None,
            role_ids=frozenset(it.id for it in member.roles),
            joined_at=member.joined_at,
            age_restricted=is_restricted(channel),
        )
        post = replace(post, context=context)
        try:
            await self._policies.admit_post(context, wanted(job, post))
        except RequestError as exc:
            raise _Barred(tr(BARRED, who=who, why=refusal(exc))) from exc
        return post


async def _there(guild: discord.Guild, user_id: int, channel_id: int) -> tuple[Channel | None, discord.Member | None]:
    """The channel and the requester as they are now; None for what is gone. Raises _Barred."""
    try:
        async with asyncio.timeout(LOOK_PATIENCE_S):
            channel = guild.get_channel_or_thread(channel_id) or await _or_none(guild.fetch_channel(channel_id))
            return channel, await _or_none(guild.fetch_member(user_id))
    except NOT_TOLD:
        raise _Barred(tr(NOT_NOW)) from None


async def _or_none(look: Coroutine[Any, Any, T]) -> T | None:
    try:
        return await look
    except discord.NotFound:
        return None


def _fresh(interaction: Interaction, asked: AskedPost) -> AskedPost:
    """What was asked for, with the addresses that the pictures have in the question: they are signed for now."""
    message = interaction.message
    copies = tuple(media_urls(message, Slot.PICTURE)) if message else ()
    sources = tuple(media_urls(message, Slot.SOURCE)) if message else ()
    return replace(asked, copies=copies or asked.copies, sources=sources or asked.sources)
