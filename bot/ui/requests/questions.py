"""The private card that a dear request begins with: what it would cost, and two buttons."""

from __future__ import annotations

from collections.abc import Sequence

import discord
from discord import ui

from bot.policy.admission import Admitted
from bot.policy.quotas import Standing
from bot.ui.kit import texts
from bot.ui.kit.dispatch import custom_id
from bot.ui.kit.language import tr
from bot.ui.kit.widgets import WORKING, button, card, row
from bot.ui.reply.costs import Costs

CONFIRM = "confirm"  # the panel that answers it


class NeedsConfirmation(Exception):
    """The price is over what the place takes without a question; `standings` are the quotas before the request."""

    def __init__(self, admitted: Admitted, standings: Sequence[Standing]) -> None:
        super().__init__("the price needs a yes")
        self.admitted, self.standings = admitted, standings


def question(asked: NeedsConfirmation, draft_id: str) -> ui.LayoutView:
    """What is asked for, what it is expected to cost, what is left, and two buttons."""
    admitted, request = asked.admitted, asked.admitted.request
    lines = [
        tr("### This costs about {price}", price=texts.money(admitted.price or 0)),
        texts.quoted(request.prompt),
        f"-# {texts.options(request)}",
        tr("Requests over {limit} are asked about first here.", limit=texts.money(admitted.rules.confirm_over or 0)),
    ]
    if left := Costs(admitted.price, asked.standings).line(with_price=False):
        lines.append(f"-# {left}")
    # The price stands in the button, because a later start may know another one.
    yes = button(tr("Confirm"), custom_id(CONFIRM, "yes", admitted.price or 0, draft_id), discord.ButtonStyle.success)
    no = button(tr("Not now"), custom_id(CONFIRM, "no", draft_id))
    return card(WORKING, ui.TextDisplay("\n".join(lines)), row(yes, no))
