"""What the buttons under a reply do. Each click is read anew: whose it is, and how the job stands now.

A click may come days later and from anybody, so everything is looked up and every right is asked when it happens.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any

import structlog

from bot.errors import DownloadError, JobMoved, ReplyError, StoreUnavailable
from bot.jobs.approvals.approvals import Approvals
from bot.jobs.policies import Policies
from bot.jobs.service import Cancelled, JobService
from bot.model import AspectRatio, FailureKind, FollowUp, Job, JobState, Slot
from bot.policy.request_input import RequestInput
from bot.ui.approvals.asking import Asking
from bot.ui.kit import permissions, texts, widgets
from bot.ui.kit.card_notes import link_to
from bot.ui.kit.dispatch import JOB_PANEL, Click
from bot.ui.kit.interactions import Interaction, context_of, renewed_target, say, show, with_fresh_sources
from bot.ui.kit.language import tr
from bot.ui.kit.media import media_urls
from bot.ui.panels.preset_cards import save_button
from bot.ui.panels.report_cards import report_button
from bot.ui.panels.reports import is_reportable
from bot.ui.reply import cards
from bot.ui.reply.actions import Action
from bot.ui.requests import forms
from bot.ui.requests.deletion import Deletions
from bot.ui.requests.intake import Intake, Parent
from bot.ui.requests.posting import Posting
from bot.ui.showcase.stars import Stars

log = structlog.stdlib.get_logger(__name__)

Act = Callable[[Interaction, Job], Coroutine[Any, Any, None]]


class ReplyButtons:
    """The panel of the buttons that stand under every reply."""

    name = JOB_PANEL

    def __init__(
        self,
        service: JobService,
        policies: Policies,
        intake: Intake,
        approvals: Approvals,
        deletions: Deletions,
        stars: Stars,
    ) -> None:
        self._service = service
        self._policies = policies
        self._intake = intake
        self._deletions = deletions
        self._acts: Mapping[str, Act] = {
            Action.CANCEL: self._cancel,
            Action.AGAIN: self._again,
            Action.REMIX: self._remix,
            Action.EDIT: self._edit,
            Action.DETAILS: self._details,
            Action.DELETE: self._deletions.ask,
            Action.CHECK: self._check_again,
            Action.SHOW: self._show,
            Action.STAR: stars.press,
            Action.POST: Posting(service, policies, intake, Asking(approvals)).press,
        }

    async def act(self, interaction: Interaction, click: Click) -> None:
        """Answer a click on `easel:<action>:<job id>`."""
        match click.words:
            case [action, job_id] if action in self._acts:
                job = await self._service.get(job_id)
                if job is None or not permissions.may_see(interaction, job):
                    await say(interaction, tr(texts.NO_SUCH_JOB))
                else:
                    await self._acts[action](interaction, job)
            case _:
                await say(interaction, tr(texts.FORM_TOO_OLD))

    async def _cancel(self, interaction: Interaction, job: Job) -> None:
        """End a job whose pictures are not there yet; for the requester and moderators."""
        if not permissions.may_change(interaction, job):
            await say(interaction, tr(texts.NOT_YOURS))
            return
        if job.state.is_final and job.state is not JobState.DELIVERED:
            await self._show(interaction, job)  # the card with this button does not know yet how the job ended
            return
        if job.state.is_final:
            await say(interaction, tr(texts.TOO_LATE_TO_CANCEL))
            return
        await interaction.response.defer()
        outcome = await self._service.cancel(await self._renewed(interaction, job))
        if outcome is Cancelled.TOO_LATE:
            await say(interaction, tr(texts.TOO_LATE_TO_CANCEL))
        elif outcome is Cancelled.SOON:
            await say(interaction, tr(texts.CANCELLING))

    async def _again(self, interaction: Interaction, job: Job) -> None:
        """Ask for the same once more, on the clicker's own quota."""
        request = replace(with_fresh_sources(interaction, job), follows=FollowUp.AGAIN)
        parent = Parent(job.id, link_to(interaction, interaction.message))
        await self._intake.start(interaction, RequestInput.of(request), parent)

    async def _remix(self, interaction: Interaction, job: Job) -> None:
        """Open the form that starts from the whole request."""
        offer = await self._policies.offer(context_of(interaction))
        await interaction.response.send_modal(forms.remix_form(job, offer))

    async def _edit(self, interaction: Interaction, job: Job) -> None:
        """Open the form that starts from one of the finished pictures."""
        pictures = len(media_urls(interaction.message, Slot.PICTURE)) if interaction.message else 0
        if not pictures:
            await say(interaction, tr(texts.NOTHING_TO_EDIT))
            return
        request = replace(job.request, aspect_ratio=AspectRatio.AUTO)
        offer = await self._policies.offer(context_of(interaction))
        await interaction.response.send_modal(forms.edit_form(forms.Kind.EDIT, job.id, request, [""] * pictures, offer))

    async def _details(self, interaction: Interaction, job: Job) -> None:
        """Show the clicker everything about the job. A prompt too long for a card comes as a file."""
        view = cards.details(job, self._service.prices.cost_micros(job.request, job.request.count))
        if job.state is JobState.DELIVERED:
            buttons = [save_button(job.id)]
            if is_reportable(job, interaction.guild_id):
                rules = await self._policies.rules_of(interaction.guild_id or 0)
                buttons += [report_button(job.id)] if rules.report_channel is not None else []
            view.add_item(widgets.row(*buttons))
        await show(interaction, view, job.request.prompt)

    async def _fetch_missing(self, interaction: Interaction, job: Job) -> None:
        """The message shows some of the pictures: add the rest to it, if it can be had now."""
        await interaction.response.defer()
        try:
            missing = await self._service.fetch_missing(job, renewed_target(interaction, job))
        except (ReplyError, DownloadError, OSError) as exc:
            log.warning("missing pictures could not be added", job=job.id, error=type(exc).__name__)
            missing = 1
        if missing is None:
            await say(interaction, tr(texts.ALREADY_CHECKING))
        elif missing:
            await say(interaction, tr(texts.NONE_MORE))

    async def _check_again(self, interaction: Interaction, job: Job) -> None:
        """Ask the image API once more about a task that may have been paid for."""
        if job.failure is not None and job.failure.kind is FailureKind.PARTIAL:
            await self._fetch_missing(interaction, job)
            return
        if job.state is not JobState.TIMED_OUT:
            await say(interaction, tr(texts.ALREADY_CHECKING))
            return
        await interaction.response.defer()
        asked = await self._service.check_again(job, renewed_target(interaction, job))
        await say(interaction, tr(texts.CHECKING if asked else texts.ALREADY_CHECKING))

    async def _show(self, interaction: Interaction, job: Job) -> None:
        """The click itself brings what is missing: 15 minutes in which the reply can be changed."""
        if job.announced and job.state is not JobState.DELIVERED:
            await interaction.response.edit_message(view=cards.ended(job))
            return
        await interaction.response.defer()
        job = await self._renewed(interaction, job)
        if not job.state.is_final and job.state not in {JobState.READY, JobState.DELIVERING}:
            await say(interaction, tr(texts.STILL_RUNNING))

    async def _renewed(self, interaction: Interaction, job: Job) -> Job:
        """A click on the reply brings 15 more minutes in which it can be edited, private or not."""
        target = renewed_target(interaction, job)
        if target == job.target:
            return job
        try:
            return await self._service.renew(job, target)
        except (StoreUnavailable, JobMoved):
            return job
