"""The private question that a dear request begins with, and its answer.

The draft is in the database, so the question can be answered after a restart, and once only.
"""

from __future__ import annotations

import aiohttp
import discord
from discord import ui

from bot.jobs.records.drafts import DraftBook
from bot.policy.request_input import RequestInput
from bot.ui.kit import texts
from bot.ui.kit.dispatch import Click
from bot.ui.kit.interactions import Interaction, say
from bot.ui.kit.language import mark, tr
from bot.ui.kit.widgets import WORKING, card
from bot.ui.requests.intake import Intake, Parent
from bot.ui.requests.questions import CONFIRM

ANSWERED = mark("This question was answered already, or is too old. Please ask for the picture once more.")
MAX_PRICE_DIGITS = 18
NOT_STARTED = mark("Nothing was started, and it cost nothing.")


class ConfirmPanel:
    """The panel `confirm`: `easel-confirm:yes:<price in micros>:<draft id>`, `easel-confirm:no:<draft id>`."""

    name = CONFIRM

    def __init__(self, intake: Intake, drafts: DraftBook) -> None:
        self._intake = intake
        self._drafts = drafts

    async def act(self, interaction: Interaction, click: Click) -> None:
        """Take the answer to the question about the price."""
        match click.words:
            case ["yes", price, draft_id] if price.isdecimal() and len(price) <= MAX_PRICE_DIGITS:
                await self._answered(interaction, draft_id, accepted=int(price))
            case ["yes", draft_id]:  # of a version that did not write the price down
                await self._answered(interaction, draft_id, accepted=0)
            case ["no", draft_id]:
                await self._answered(interaction, draft_id, accepted=None)
            case _:
                await say(interaction, tr(texts.FORM_TOO_OLD))

    async def _answered(self, interaction: Interaction, draft_id: str, *, accepted: int | None) -> None:
        """Start the request at the price that was accepted, or drop it where that is None.

        A draft is taken once, so a second click finds nothing. A price that is higher by now is asked about anew.
        """
        draft = await self._drafts.take(draft_id, interaction.user.id)
        if draft is None:
            await say(interaction, tr(ANSWERED))
        elif accepted is None:
            await interaction.response.edit_message(view=card(WORKING, ui.TextDisplay(tr(NOT_STARTED))))
        else:
            parent = Parent(draft.parent_id, draft.parent_link)
            # The place is looked at anew: a rule may have changed since the question.
            await self._intake.start(interaction, RequestInput.of(draft.request), parent, accepted=accepted)
            await _remove_question(interaction)


async def _remove_question(interaction: Interaction) -> None:
    """The answer is a message of its own; the question has served its purpose. Should it stay, no harm is done."""
    if interaction.message is None:
        return
    try:
        await interaction.followup.delete_message(interaction.message.id)
    except (discord.HTTPException, aiohttp.ClientError, OSError):
        return
