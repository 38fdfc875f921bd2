"""Post here under a private result: its requester shows the same pictures to everybody in the channel.

The public reply is the answer to the click, so it works wherever an interaction does. It is a job of its own that
begins with its pictures known: from its row on it is delivered as any other, and nothing is bought. There is one such
row for each private result, which is what keeps two presses from being two posts.

Where the server has drafts approved, the press asks a moderator instead, and the post is a message of the bot's own
(see bot/ui/approvals).
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import aiohttp
import discord
import structlog
from discord import ui

from bot.errors import AlreadyReceived, RequestError, RulesChanged, StoreUnavailable
from bot.jobs.backoff import beside
from bot.jobs.policies import Policies
from bot.jobs.service import JobService, Received, post_id
from bot.model import FollowUp, Job, JobState, Slot
from bot.policy.request_input import RequestInput
from bot.ui.approvals.asking import Asking
from bot.ui.kit import permissions, texts
from bot.ui.kit.card_notes import address_of
from bot.ui.kit.dispatch import JOB_PANEL, custom_id
from bot.ui.kit.interactions import (
    Interaction,
    context_of,
    is_restricted,
    reply_locale,
    say,
    show,
    target_of,
    with_fresh_sources,
)
from bot.ui.kit.language import mark, tr
from bot.ui.kit.media import media_urls, view_of
from bot.ui.reply.actions import Action
from bot.ui.reply.costs import Costs
from bot.ui.requests.intake import Intake
from bot.ui.requests.refusals import refusal_card

log = structlog.stdlib.get_logger(__name__)

BUTTON_PATIENCE_S = 5.0
#: How often, in seconds, and how many times a post is looked at before its private message keeps the button for now.
LOOK_EVERY_S, LOOKS_AT_POST = 1.0, 300
LOOKS_AT_RULES = 3  # a manager may be changing several things just now

NO_PICTURES = mark("These pictures are not here any more, so they can't be posted.")
NO_CHANNEL = mark("There is nobody to post these pictures for here.")
POSTED = mark("These pictures are posted already: {link}")
POSTED_AND_GONE = mark("These pictures were posted already, and that reply was deleted.")
FOR_ADULTS = mark("These pictures come from an age-restricted channel, so they are not posted in this one.")
NO_APPS = mark("In this channel only you would see what Easel posts, so nothing was posted.")


class Posting:
    """The act of the button Post here."""

    def __init__(self, service: JobService, policies: Policies, intake: Intake, asking: Asking) -> None:
        self._service = service
        self._policies = policies
        self._intake = intake
        self._asking = asking
        self._watching: set[asyncio.Task[None]] = set()

    async def press(self, interaction: Interaction, pressed: Job) -> None:
        """Post the pictures of the message that was clicked, or say privately why not."""
        job = await self._bought(pressed)
        why = tr(NO_PICTURES) if job is None else _barred(interaction, job)
        if job is None or why:
            await say(interaction, why)
            return
        try:
            received = await self._received(interaction, job)
        except AlreadyReceived:
            await self._tell_posted(interaction, job)
        except RequestError as exc:
            self._intake.tell_refusal(interaction, RequestInput.of(job.request), exc)
            await show(interaction, refusal_card(exc, "", None))
        except (RulesChanged, StoreUnavailable) as exc:
            log.error("the database did not take a post in time", error=str(exc))
            await say(interaction, tr(texts.DATABASE_BUSY))
        else:
            if received is None:
                return
            try:
                await self._intake.acknowledge(interaction, received, Costs())
            finally:
                self._service.answered()
            if interaction.response.is_done():
                watch = self._take_once_posted(interaction, pressed, received.job)
                beside(watch, f"button of job {pressed.id}", self._watching)

    async def _take_once_posted(self, interaction: Interaction, pressed: Job, post: Job) -> None:
        """Take the button away when the pictures stand. Where they never do, it is there to be pressed again.

        Should this process end before that, the button stays until the next press, which finds that all is posted.
        """
        for _ in range(LOOKS_AT_POST):
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                present = await self._service.get(post.id)
            except StoreUnavailable:
                continue
            if present is None or present.state.is_final:
                if present is not None and present.state is JobState.DELIVERED:
                    await _take_button(interaction, pressed)
                return

    async def _bought(self, pressed: Job) -> Job | None:
        """The job whose pictures these are: a post that could not be shown to everybody is itself shown in private."""
        if pressed.request.follows is not FollowUp.POST:
            return pressed
        return await self._service.get(pressed.parent_id) if pressed.parent_id else None

    async def _received(self, interaction: Interaction, job: Job) -> Received | None:
        """Write the post's row; None where a moderator decides, and is asked. Raises RequestError or StoreError."""
        context = context_of(interaction)
        copies = tuple(media_urls(interaction.message, Slot.PICTURE)) if interaction.message else ()
        wanted = replace(with_fresh_sources(interaction, job), follows=FollowUp.POST, copies=copies)
        for _ in range(LOOKS_AT_RULES):
            request, rules, version = await self._policies.admit_post(context, wanted)
            if self._asking.is_needed(interaction, rules):
                await self._check_not_posted(job)
                await self._asking.ask(interaction, job, request, rules)
                return None
            locale = reply_locale(interaction, private=False, rules=rules)
            try:
                return await self._service.receive_post(
                    job,
                    interaction_id=interaction.id,
                    request=request,
                    target=target_of(interaction, private=False, locale=locale),
                    rules_version=version,
                )
            except RulesChanged:
                continue
        raise RulesChanged("the rules changed at every look")

    async def _check_not_posted(self, job: Job) -> None:
        """Raises AlreadyReceived where the pictures are posted, or just being posted."""
        post = await self._service.get(post_id(job.id))
        if post is not None and (post.state is JobState.DELIVERED or not post.state.is_final):
            raise AlreadyReceived

    async def _tell_posted(self, interaction: Interaction, job: Job) -> None:
        """Say where the pictures stand. The same click, received twice, is answered by whoever had it first."""
        post = await self._service.get(post_id(job.id))
        if post is None or post.interaction_id == interaction.id:
            log.info("an interaction was received twice", interaction=interaction.id)
            return
        if post.state is not JobState.DELIVERED:
            await say(interaction, tr(texts.BEING_POSTED))
            return
        if post.reply_deleted:
            await say(interaction, tr(POSTED_AND_GONE))
        else:
            place = post.target
            link = address_of(place.guild_id, place.channel_id, place.message_id or 0)
            await say(interaction, tr(POSTED, link=link))
        await _take_button(interaction, job)


def _barred(interaction: Interaction, job: Job) -> str:
    """What stands in the way besides the rules of the place, in a sentence; empty where nothing does."""
    if interaction.user.id != job.user_id:
        return tr(texts.NOT_YOURS)
    if interaction.guild_id is None:
        return tr(NO_CHANNEL)
    if interaction.message is None or not (media_urls(interaction.message, Slot.PICTURE) or job.result_urls):
        return tr(NO_PICTURES)
    if interaction.client.get_guild(interaction.guild_id) is None and not _apps_are_public(interaction):
        return tr(NO_APPS)
    return tr(FOR_ADULTS) if comes_from_adults(interaction, job, interaction.channel) else ""


def _apps_are_public(interaction: Interaction) -> bool:
    """Whether what a person's own app answers is for everybody here.

    Discord hides it where its user may not bring apps along, or may not speak.
    """
    granted, in_thread = permissions.granted(interaction), isinstance(interaction.channel, discord.Thread)
    speaks = granted.send_messages_in_threads if in_thread else granted.send_messages
    return granted.use_external_apps and speaks


def comes_from_adults(interaction: Interaction, job: Job, into: Any) -> bool:
    """Whether pictures of another channel, which is for adults or not known, would come into one that is for all."""
    home = job.target
    if home.guild_id is None or into is None or home.channel_id == into.id or is_restricted(into):
        return False
    channel = interaction.client.get_channel(home.channel_id)
    return channel is None or is_restricted(channel)


async def _take_button(interaction: Interaction, job: Job) -> None:
    """Let the private message go without its button. Where it stays, another press finds that all is posted."""
    if interaction.message is None:
        return
    view, identity = view_of(interaction.message), custom_id(JOB_PANEL, Action.POST, job.id)
    for box in [it for it in view.children if isinstance(it, ui.Container)]:
        for row in [it for it in box.children if isinstance(it, ui.ActionRow)]:
            if any(isinstance(it, ui.Button) and it.custom_id == identity for it in row.children):
                box.remove_item(row)
    try:
        # Bounded: this edit and the upload take turns in the library.
        async with asyncio.timeout(BUTTON_PATIENCE_S):
            await interaction.followup.edit_message(interaction.message.id, view=view)
    except (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError) as exc:
        log.info("a private message keeps its button", job=job.id, error=type(exc).__name__)
