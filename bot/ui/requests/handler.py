"""Where people's wishes come in: commands, buttons and forms, each answered within Discord's three seconds."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, Protocol

import aiohttp
import discord
import structlog
from discord import app_commands, ui
from discord.ext import commands

from bot.errors import JobMoved, StoreUnavailable
from bot.jobs.policies import Policies
from bot.jobs.records.drafts import DraftBook
from bot.jobs.records.openings import OpeningBook
from bot.jobs.service import Cancelled, JobService
from bot.model import AspectRatio, FollowUp, ImageRequest, Job, JobState, Slot
from bot.policy.request_input import RequestInput
from bot.ui.kit import texts
from bot.ui.kit.card_notes import link_to
from bot.ui.kit.interactions import Interaction, may_change, renewed_target, result_as_source, say, with_fresh_sources
from bot.ui.kit.language import speaking
from bot.ui.kit.media import media_urls
from bot.ui.panels.dispatch import Panels
from bot.ui.panels.gallery import GalleryPanel
from bot.ui.panels.preset_cards import save_button
from bot.ui.panels.presets import PresetPanel
from bot.ui.panels.report_cards import report_button
from bot.ui.panels.reports import is_reportable
from bot.ui.reply import cards
from bot.ui.reply.actions import Action
from bot.ui.reply.reply import DiscordReplies
from bot.ui.requests import forms
from bot.ui.requests.confirm import ConfirmPanel
from bot.ui.requests.intake import Intake
from bot.ui.requests.menus import MenuHandler

log = structlog.stdlib.get_logger(__name__)

GIVE_WAY_S = 1.2


class HandlerHolder(Protocol):
    """The client, as commands see it."""

    handler: InteractionHandler
    panels: Panels
    gallery: GalleryPanel

    @property
    def tree(self) -> app_commands.CommandTree[Any]: ...

    async def add_cog(self, cog: commands.Cog, /) -> None: ...


class InteractionHandler:
    """Turns interactions into calls of the job service, and answers them."""

    def __init__(
        self,
        service: JobService,
        owner: Policies,
        replies: DiscordReplies,
        presets: PresetPanel,
        openings: OpeningBook,
        drafts: DraftBook,
    ) -> None:
        self._service = service
        self._owner = owner
        self.presets = presets
        self._openings = openings
        self._intake = Intake(service, owner, replies, drafts)
        self.confirming = ConfirmPanel(self._intake, drafts)
        self._menus = MenuHandler(openings, self._intake)
        self._closing = False
        self._answering: set[asyncio.Task[Any]] = set()

    async def start(self, interaction: Interaction, wish: RequestInput) -> None:
        """Take a command: write the job, acknowledge it with its first card, then let it go."""
        await self.answer(interaction, self._start(interaction, wish))

    async def press(self, interaction: Interaction, action: Action, job_id: str) -> None:
        """Answer a click on one of a job's buttons."""
        await self.answer(interaction, self._press(interaction, action, job_id))

    async def submit(self, interaction: Interaction, answer: forms.FormAnswer) -> None:
        """Take a filled-in form."""
        await self.answer(interaction, self._submit(interaction, answer))

    async def edit_pictures_of(self, interaction: Interaction, message: discord.Message) -> None:
        """Open the edit form on the pictures of any message."""
        await self.answer(interaction, self._menus.edit_pictures_of(interaction, message))

    async def imagine_words_of(self, interaction: Interaction, message: discord.Message) -> None:
        """Paint the words of any message."""
        await self.answer(interaction, self._menus.imagine(interaction, message))

    async def close(self, patience_s: float) -> None:
        """Take nothing new, and let the answers under way finish."""
        self._closing = True
        if self._answering:
            await asyncio.wait(self._answering, timeout=patience_s)

    async def say(self, interaction: Interaction, sentence: str) -> None:
        """A private sentence to the one who asked, translated into their language."""
        with speaking(interaction.locale.value):
            await say(interaction, sentence)

    async def answer(self, interaction: Interaction, act: Coroutine[Any, Any, None]) -> None:
        """Do the answer to an interaction, in the person's language; whatever goes wrong is told in a sentence."""
        with speaking(interaction.locale.value):
            await self._answer(interaction, act)

    async def _answer(self, interaction: Interaction, act: Coroutine[Any, Any, None]) -> None:
        if self._closing:
            act.close()
            # In a redeploy the new process may have the same interaction and answer it first, as it should.
            await asyncio.sleep(GIVE_WAY_S)
            await self.say(interaction, texts.RESTARTING)
            return
        task = asyncio.ensure_future(act)
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)
        try:
            await task
        except StoreUnavailable as exc:
            log.error("the database does not answer", error=str(exc))
            await self.say(interaction, texts.DATABASE_BUSY)
        except (discord.HTTPException, aiohttp.ClientError, OSError) as exc:
            log.warning("Discord did not take an answer", error=f"{type(exc).__name__}: {getattr(exc, 'code', '')}")
        except Exception:
            # The person who clicked must not be left with "the application did not respond" over a fault of ours.
            log.exception("unhandled exception in an interaction")
            await self.say(interaction, texts.INTERNAL_FAULT)

    async def _start(self, interaction: Interaction, wish: RequestInput) -> None:
        styled = await self.presets.apply(interaction, wish)
        if styled is not None:
            await self._intake.start(interaction, styled)

    async def _press(self, interaction: Interaction, action: Action, job_id: str) -> None:
        job = await self._job(interaction, job_id)
        if job is None:
            return
        match action:
            case Action.CANCEL:
                await self._cancel(interaction, job)
            case Action.AGAIN:
                again = replace(with_fresh_sources(interaction, job), follows=FollowUp.AGAIN)
                await self._follow_up(interaction, again, job)
            case Action.REMIX:
                await interaction.response.send_modal(forms.remix_form(job))
            case Action.EDIT:
                await self._open_edit(interaction, job)
            case Action.DETAILS:
                await self._details(interaction, job)
            case Action.DELETE:
                await self._delete(interaction, job)
            case Action.CHECK:
                await self._check_again(interaction, job)
            case Action.SHOW:
                await self._show(interaction, job)

    async def _submit(self, interaction: Interaction, answer: forms.FormAnswer) -> None:
        try:
            if answer.kind is forms.Kind.MENU:
                await self._menus.submit(interaction, answer)
            elif (job := await self._job(interaction, answer.key)) is not None:
                await self._follow_up(interaction, _asked_for(interaction, answer, job), job)
        except (ValueError, LookupError):
            await self.say(interaction, texts.FORM_TOO_OLD)

    async def _follow_up(self, interaction: Interaction, request: ImageRequest, job: Job) -> None:
        link = link_to(interaction, interaction.message)
        await self._intake.start(interaction, request, parent=job, link=link)
        if request.follows is FollowUp.EDIT:
            await self._openings.remember(interaction.user.id, request)

    async def _job(self, interaction: Interaction, job_id: str) -> Job | None:
        try:
            job = await self._service.get(job_id)
        except StoreUnavailable:
            await self.say(interaction, texts.DATABASE_BUSY)
            return None
        if job is None:
            await self.say(interaction, texts.NO_SUCH_JOB)
        return job

    async def _cancel(self, interaction: Interaction, job: Job) -> None:
        if not may_change(interaction, job):
            await self.say(interaction, texts.NOT_YOURS)
            return
        if job.state.is_final:
            await self.say(interaction, texts.TOO_LATE_TO_CANCEL)
            return
        await interaction.response.defer()
        outcome = await self._service.cancel(await self._renewed(interaction, job))
        if outcome is Cancelled.TOO_LATE:
            await self.say(interaction, texts.TOO_LATE_TO_CANCEL)
        elif outcome is Cancelled.SOON:
            await self.say(interaction, texts.CANCELLING)

    async def _open_edit(self, interaction: Interaction, job: Job) -> None:
        pictures = len(media_urls(interaction.message, Slot.PICTURE)) if interaction.message else 0
        if not pictures:
            await self.say(interaction, texts.NOTHING_TO_EDIT)
            return
        request = replace(job.request, aspect_ratio=AspectRatio.AUTO)
        await interaction.response.send_modal(forms.edit_form(forms.Kind.EDIT, job.id, request, pictures))

    async def _details(self, interaction: Interaction, job: Job) -> None:
        price = self._service.prices.cost_micros(job.request, job.request.count)
        view = cards.details(job, price)
        if job.state is JobState.DELIVERED:
            row: ui.ActionRow[Any] = ui.ActionRow(save_button(job.id))
            view.add_item(row)
            if is_reportable(job, interaction.guild_id):
                rules = await self._owner.rules_of(interaction.guild_id or 0)
                if rules.report_channel is not None:
                    row.add_item(report_button(job.id))
        if cards.needs_prompt_file(job):
            file = discord.File(io.BytesIO(job.request.prompt.encode()), filename=cards.PROMPT_FILE)
            await interaction.response.send_message(view=view, file=file, ephemeral=True)
        else:
            await interaction.response.send_message(view=view, ephemeral=True)

    async def _delete(self, interaction: Interaction, job: Job) -> None:
        if not may_change(interaction, job):
            await self.say(interaction, texts.NOT_YOURS)
            return
        await interaction.response.defer()
        await self._service.reply_deleted(job)
        await interaction.delete_original_response()

    async def _check_again(self, interaction: Interaction, job: Job) -> None:
        if job.state is not JobState.TIMED_OUT:
            await self.say(interaction, texts.ALREADY_CHECKING)
            return
        await interaction.response.defer()
        asked = await self._service.check_again(job, renewed_target(interaction, job))
        await self.say(interaction, texts.CHECKING if asked else texts.ALREADY_CHECKING)

    async def _show(self, interaction: Interaction, job: Job) -> None:
        """The click itself brings what is missing: 15 minutes in which the reply can be changed."""
        if job.announced and job.state is not JobState.DELIVERED:
            await interaction.response.edit_message(view=cards.ended(job))
            return
        await interaction.response.defer()
        job = await self._renewed(interaction, job)
        if not job.state.is_final and job.state not in {JobState.READY, JobState.DELIVERING}:
            await self.say(interaction, texts.STILL_RUNNING)

    async def _renewed(self, interaction: Interaction, job: Job) -> Job:
        """A click on the reply brings 15 more minutes in which it can be edited, private or not."""
        target = renewed_target(interaction, job)
        if target == job.target:
            return job
        try:
            return await self._service.renew(job, target)
        except (StoreUnavailable, JobMoved):
            return job


def _asked_for(interaction: Interaction, answer: forms.FormAnswer, job: Job) -> ImageRequest:
    """Raises ValueError or LookupError for a form that is forged, or older than what it was about."""
    if answer.kind is forms.Kind.EDIT:
        source = result_as_source(interaction, job, int(answer.first(forms.PICTURE) or 0))
        return forms.edited(replace(job.request, follows=FollowUp.EDIT), answer, source)
    return forms.remixed(replace(with_fresh_sources(interaction, job), follows=FollowUp.REMIX), answer)
