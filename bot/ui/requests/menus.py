"""The menu of a message: its pictures as sources of an edit, its words as a prompt."""

from __future__ import annotations

import discord

from bot.jobs.records.openings import OpeningBook
from bot.model import MAX_PROMPT_CHARS, AspectRatio, FollowUp, ImageRequest
from bot.policy.request_input import Options, RequestInput
from bot.ui.kit import texts
from bot.ui.kit.card_notes import link_to
from bot.ui.kit.interactions import Interaction, say
from bot.ui.kit.language import tr
from bot.ui.kit.media import pictures_of
from bot.ui.kit.message_text import words_of
from bot.ui.requests import forms
from bot.ui.requests.intake import Intake


class MenuHandler:
    """Answers Edit image and Imagine this, on any message a person can see."""

    def __init__(self, book: OpeningBook, intake: Intake) -> None:
        self._book = book
        self._intake = intake

    async def edit_pictures_of(self, interaction: Interaction, message: discord.Message) -> None:
        """Open the edit form on the message's pictures, with what the person chose the last time."""
        pictures = pictures_of(message)
        if not pictures:
            await say(interaction, tr(texts.NO_PICTURE_IN_MESSAGE))
            return
        # The form's answer does not say which message it was opened on, and what other people wrote can't be read
        # again without a privileged intent: so the addresses are kept while the form may be open.
        opened = await self._book.open(interaction.user.id, pictures, link_to(interaction, message))
        start = ImageRequest("", **opened.remembered.over(Options(aspect_ratio=AspectRatio.AUTO)).said)
        await interaction.response.send_modal(forms.edit_form(forms.Kind.MENU, opened.key, start, len(pictures)))

    async def submit(self, interaction: Interaction, answer: forms.FormAnswer) -> None:
        """Take the filled-in form. Raises ValueError or LookupError for one that is forged or too old."""
        opening = await self._book.get(answer.key, interaction.user.id)
        if opening is None:
            raise LookupError(answer.key)
        source = opening.sources[int(answer.first(forms.PICTURE) or 0)]
        request = forms.edited(ImageRequest("", follows=FollowUp.MENU_EDIT), answer, source)
        await self._intake.start(interaction, request, link=opening.link)
        await self._book.remember(interaction.user.id, request)

    async def imagine(self, interaction: Interaction, message: discord.Message) -> None:
        """Paint the message's words."""
        prompt = words_of(message)[:MAX_PROMPT_CHARS]
        if not prompt:
            await say(interaction, tr(texts.NO_TEXT_IN_MESSAGE))
            return
        request = RequestInput(prompt, follows=FollowUp.MENU_IMAGINE)
        await self._intake.start(interaction, request, link=link_to(interaction, message))
