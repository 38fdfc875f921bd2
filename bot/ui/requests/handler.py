"""Requests from commands, message menus and forms, up to the point where the intake takes them.

Requests differ in where they come from and in what is filled in already. From here on they are alike.
"""

from __future__ import annotations

from dataclasses import replace

import discord

from bot.jobs.policies import Policies
from bot.jobs.records.openings import OpeningBook
from bot.jobs.service import JobService
from bot.model import AspectRatio, FollowUp, ImageRequest, Job
from bot.policy.request_input import Options, RequestInput
from bot.ui.kit import permissions, texts
from bot.ui.kit.card_notes import link_to
from bot.ui.kit.dispatch import Click
from bot.ui.kit.interactions import Interaction, context_of, regret, result_as_source, say, with_fresh_sources
from bot.ui.kit.language import tr
from bot.ui.kit.media import pictures_of, telling_name
from bot.ui.kit.message_text import words_of
from bot.ui.requests import forms
from bot.ui.requests.intake import NO_PARENT, Intake, Parent
from bot.ui.requests.preset_choice import PresetChoice


class RequestHandler:
    """Answers `/imagine`, `/edit`, the two message menus, and the forms behind Remix and Edit (the panel `form`)."""

    name = forms.PANEL

    def __init__(
        self, service: JobService, policies: Policies, intake: Intake, presets: PresetChoice, openings: OpeningBook
    ) -> None:
        self._service = service
        self._policies = policies
        self._intake = intake
        self._presets = presets
        self._openings = openings

    async def start(self, interaction: Interaction, request: RequestInput, parent: Parent = NO_PARENT) -> None:
        """Take a request that comes from no earlier one, with the preset that it names or that its person prefers."""
        styled = await self._presets.apply(interaction, request)
        if styled is not None:
            await self._intake.start(interaction, styled, parent)

    async def edit_pictures_of(self, interaction: Interaction, message: discord.Message) -> None:
        """Open the edit form on the pictures of any message, with what the person chose the last time."""
        author_id = None if message.author.id == interaction.application_id else message.author.id
        pictures = [replace(it, author_id=author_id) for it in pictures_of(message)]
        if not pictures:
            await say(interaction, tr(texts.NO_PICTURE_IN_MESSAGE))
            return
        # The form's answer does not say which message it was opened on, and what other people wrote can't be read
        # again without a privileged intent: so the addresses are kept while the form may be open.
        opened = await self._openings.open(interaction.user.id, pictures, link_to(interaction, message))
        offer = await self._policies.offer(context_of(interaction))
        usual = Options(model=self._policies.catalog.default, aspect_ratio=AspectRatio.AUTO)
        start = ImageRequest("", **opened.remembered.over(usual).said)
        names = [telling_name(it) for it in pictures]
        await interaction.response.send_modal(forms.edit_form(forms.Kind.MENU, opened.key, start, names, offer))

    async def imagine_words_of(self, interaction: Interaction, message: discord.Message) -> None:
        """Paint the words of any message."""
        prompt = words_of(message)  # too long a text is refused with a form to shorten it: nobody asked for a part
        if not prompt:
            await say(interaction, tr(texts.NO_TEXT_IN_MESSAGE))
            return
        request = RequestInput(prompt, follows=FollowUp.MENU_IMAGINE)
        await self.start(interaction, request, Parent(link=link_to(interaction, message)))

    async def act(self, interaction: Interaction, click: Click) -> None:
        """Take a filled-in form."""
        try:
            kind, key = click.words
            if kind == forms.Kind.MENU:
                await self._edit_opened(interaction, key, click)
                return
            job = await self._service.get(key)
            if job is None or not permissions.may_see(interaction, job):
                await regret(interaction, tr(texts.NO_SUCH_JOB))
                return
            request = _asked_for(interaction, forms.Kind(kind), click, job)
        except (ValueError, LookupError):
            # forged, or older than what it was about
            await regret(interaction, tr(texts.FORM_TOO_OLD))
            return
        asked = RequestInput.of(request)
        await self._intake.start(interaction, asked, Parent(job.id, link_to(interaction, interaction.message)))
        if request.follows is FollowUp.EDIT:
            await self._openings.remember(interaction.user.id, asked.options)

    async def _edit_opened(self, interaction: Interaction, key: str, click: Click) -> None:
        """Raises ValueError or LookupError for a form that is forged, or was opened too long ago."""
        opening = await self._openings.get(key, interaction.user.id)
        if opening is None:
            raise LookupError(key)
        source = opening.sources[int(click.first(forms.PICTURE) or 0)]
        request = forms.edited(ImageRequest("", follows=FollowUp.MENU_EDIT), click, source)
        asked = RequestInput.of(request)
        await self.start(interaction, asked, Parent(link=opening.link))
        await self._openings.remember(interaction.user.id, asked.options)


def _asked_for(interaction: Interaction, kind: forms.Kind, click: Click, job: Job) -> ImageRequest:
    """Raises ValueError for a form that is forged."""
    if kind is forms.Kind.EDIT:
        source = result_as_source(interaction, job, int(click.first(forms.PICTURE) or 0))
        return forms.edited(replace(job.request, follows=FollowUp.EDIT), click, source)
    return forms.remixed(replace(with_fresh_sources(interaction, job), follows=FollowUp.REMIX), click)
