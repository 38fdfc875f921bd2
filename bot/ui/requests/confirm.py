"""The private question that a dear request begins with, and its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
import discord
from discord import ui

from bot.jobs.policies import Admitted
from bot.jobs.records.drafts import DraftBook
from bot.ui.kit import texts
from bot.ui.kit.dispatch import Click, custom_id
from bot.ui.kit.interactions import Interaction, say
from bot.ui.kit.language import mark, tr
from bot.ui.kit.widgets import WORKING, button, card, row

if TYPE_CHECKING:
    from bot.ui.requests.intake import Intake

PANEL = "confirm"

ANSWERED = mark("This question was answered already, or is too old. Please ask for the picture once more.")
NOT_STARTED = mark("Nothing was started, and nothing was charged.")


class ConfirmPanel:
    """The panel `confirm`."""

    name = PANEL

    def __init__(self, intake: Intake, drafts: DraftBook) -> None:
        self._intake = intake
        self._drafts = drafts

    async def act(self, interaction: Interaction, click: Click) -> None:
        match click.words:
            case [("yes" | "no") as answer, draft_id]:
                await self._answered(interaction, draft_id, yes=answer == "yes")
            case _:
                await say(interaction, tr(texts.FORM_TOO_OLD))

    async def _answered(self, interaction: Interaction, draft_id: str, *, yes: bool) -> None:
        draft = await self._drafts.take(draft_id, interaction.user.id)
        if draft is None:
            await say(interaction, tr(ANSWERED))
        elif not yes:
            await interaction.response.edit_message(view=card(WORKING, ui.TextDisplay(tr(NOT_STARTED))))
        else:
            await self._intake.resume(interaction, draft)
            await _remove_question(interaction)


def question(admitted: Admitted, draft_id: str) -> ui.LayoutView:
    """What is asked for, what it is expected to cost, and two buttons."""
    request = admitted.request
    lines = [
        tr("### This costs about {price}", price=texts.dollars(admitted.price or 0)),
        texts.quoted(request.prompt),
        f"-# {texts.options(request)}",
        tr("Requests over {limit} are asked about first here.", limit=texts.dollars(admitted.rules.confirm_over or 0)),
    ]
    yes = button(tr("Confirm"), custom_id(PANEL, "yes", draft_id), discord.ButtonStyle.success)
    no = button(tr("Not now"), custom_id(PANEL, "no", draft_id))
    return card(WORKING, ui.TextDisplay("\n".join(lines)), row(yes, no))


async def _remove_question(interaction: Interaction) -> None:
    """The answer is a message of its own; the question has served its purpose. Should it stay, no harm is done."""
    if interaction.message is None:
        return
    try:
        await interaction.followup.delete_message(interaction.message.id)
    except (discord.HTTPException, aiohttp.ClientError, OSError):
        return
