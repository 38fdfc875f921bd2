"""The private card that a dear request begins with: what it would cost, and two buttons."""

from __future__ import annotations

import discord
from discord import ui

from bot.policy.admission import Admitted
from bot.ui.kit import texts
from bot.ui.kit.dispatch import custom_id
from bot.ui.kit.language import tr
from bot.ui.kit.widgets import WORKING, button, card, row

CONFIRM = "confirm"  # the panel that answers it


def question(admitted: Admitted, draft_id: str) -> ui.LayoutView:
    """What is asked for, what it is expected to cost, and two buttons."""
    request = admitted.request
    lines = [
        tr("### This costs about {price}", price=texts.dollars(admitted.price or 0)),
        texts.quoted(request.prompt),
        f"-# {texts.options(request)}",
        tr("Requests over {limit} are asked about first here.", limit=texts.dollars(admitted.rules.confirm_over or 0)),
    ]
    yes = button(tr("Confirm"), custom_id(CONFIRM, "yes", draft_id), discord.ButtonStyle.success)
    no = button(tr("Not now"), custom_id(CONFIRM, "no", draft_id))
    return card(WORKING, ui.TextDisplay("\n".join(lines)), row(yes, no))
