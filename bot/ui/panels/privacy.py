"""The panel of `/privacy`: what is stored about a person, for how long, and the way to delete it.

Deleting asks once more, because nothing brings it back.
"""

from __future__ import annotations

from typing import Any

import discord
from discord import ui

from bot.jobs.records.privacy import Privacy, Stored
from bot.ui.kit import texts
from bot.ui.kit.dispatch import Click, custom_id
from bot.ui.kit.interactions import Interaction, say
from bot.ui.kit.language import mark, tr, trn
from bot.ui.kit.widgets import BAD, NEUTRAL, button, card, row

PANEL = "privacy"

FOR_EVER = mark("They stay until you delete them, because the buttons under their replies are to work for ever.")
NOT_KEPT = mark(
    "The pictures themselves are in Discord's messages, not here; one that cannot be posted waits on the bot's disk "
    "for at most a day. The token that lets Easel change a reply is deleted as soon as the request has ended. What "
    "you ask for goes to the picture service, your words perhaps also to a moderation service; to nobody else."
)
WHAT_IS_READ = mark(
    "Easel reads messages only where a server has switched on *Reply to edit*, and there only those that mention it: "
    "your words become a request then, as with `/edit`. No other message is read."
)
WHAT_GOES = mark(
    "- Requests that have ended are deleted: their prompts, settings and addresses. The messages in Discord stay, but "
    "the buttons under them stop working, **Check again** and **Show pictures** included.\n"
    "- Your presets are deleted, and all that you chose in `/preferences` and in forms.\n"
    "- Requests in line are cancelled at no cost. Those being painted are paid for already: they are delivered, and "
    "deleted then.\n"
    "- What was spent stays on record without your name. How much you used counts on in the limits of this month: "
    "under a number made from your ID with a secret key, which goes when the month ends (UTC).\n"
    "- What belongs to a server stays: its rules, its presets, and its list of blocked members."
)
STARS_GO = mark("- The stars that you gave are taken back, and your pictures leave the showcases of servers.")


class PrivacyPanel:
    """The panel `privacy`. It only ever speaks of whoever clicks."""

    name = PANEL

    def __init__(self, privacy: Privacy) -> None:
        self._privacy = privacy

    async def open(self, interaction: Interaction) -> None:
        """What is stored of the one who asks, for nobody else to see."""
        await interaction.response.send_message(view=await self._overview(interaction), ephemeral=True)

    async def act(self, interaction: Interaction, click: Click) -> None:
        """Ask once more before anything is deleted, then delete it."""
        match click.words:
            case ["ask"]:
                await interaction.response.edit_message(view=_question())
            case ["keep"]:
                await interaction.response.edit_message(view=await self._overview(interaction))
            case ["delete"]:
                await interaction.response.defer()
                left = await self._privacy.delete(interaction.user.id)
                await interaction.edit_original_response(view=_deleted(left))
            case _:
                await say(interaction, tr(texts.FORM_TOO_OLD))

    async def _overview(self, interaction: Interaction) -> ui.LayoutView:
        """What is stored of the person just now."""
        stored = await self._privacy.stored(interaction.user.id)
        return overview(stored, self._privacy.kept_for.days if self._privacy.kept_for else None)


def overview(stored: Stored, days: int | None) -> ui.LayoutView:
    """What is stored of a person; `days` is for how long ended requests stay, None for ever."""
    delete = button(tr("Delete my data"), custom_id(PANEL, "ask"), discord.ButtonStyle.danger)
    lines = [tr("### What Easel stores about you"), _requests(stored)]
    lines.append(tr(FOR_EVER) if days is None else _for_days(days))
    others = [
        trn("- **{count} preset**", "- **{count} presets**", stored.presets),
        trn(
            "- **{count} picture** kept with your presets",
            "- **{count} pictures** kept with your presets",
            stored.preset_pictures,
        ),
        trn(
            "- **{count} other entry**: what you chose in `/preferences` or in your last form, a notice or a question "
            "under way",
            "- **{count} other entries**: what you chose in `/preferences` or in your last form, notices or questions "
            "under way",
            stored.others,
        ),
        trn(
            "- **{count} entry in the record of costs**: which model, how many pictures, what they cost, where and "
            "when",
            "- **{count} entries in the record of costs**: which model, how many pictures, what they cost, where and "
            "when",
            stored.ledger,
        ),
        trn("- **{count} star** given to a picture", "- **{count} stars** given to pictures", stored.stars),
    ]
    return card(
        NEUTRAL,
        ui.TextDisplay("\n".join(lines)),
        ui.TextDisplay("\n".join(others)),
        _note(" ".join(filter(None, (tr(NOT_KEPT), tr(WHAT_IS_READ), texts.whom_to_ask())))),
        row(delete),
    )


def _requests(stored: Stored) -> str:
    """How many requests are stored, and for how long."""
    told = trn(
        "- **{count} request that has ended**: prompt, settings, times, where its reply is, addresses of the pictures.",
        "- **{count} requests that have ended**: prompts, settings, times, where their replies are, addresses of the "
        "pictures.",
        stored.finished,
    )
    if stored.running:
        told += " " + trn("{count} more is running.", "{count} more are running.", stored.running)
    if stored.oldest is not None:
        told += " " + tr("The oldest came {when}.", when=discord.utils.format_dt(stored.oldest, "R"))
    return told


def _for_days(days: int) -> str:
    return trn(
        "They are deleted {count} day after they have ended.",
        "They are deleted {count} days after they have ended.",
        days,
    )


def _question() -> ui.LayoutView:
    """The question before everything is deleted."""
    yes = button(tr("Yes, delete it"), custom_id(PANEL, "delete"), discord.ButtonStyle.danger)
    no = button(tr("Keep it"), custom_id(PANEL, "keep"))
    head = tr("### Delete your data?\nThis cannot be undone.")
    return card(BAD, ui.TextDisplay(f"{head}\n{tr(WHAT_GOES)}\n{tr(STARS_GO)}"), row(yes, no))


def _deleted(left: Stored) -> ui.LayoutView:
    """What was deleted, and what cannot be yet."""
    lines = [tr("### Your data is deleted")]
    if left.running or left.finished:
        lines.append(
            trn(
                "{count} request is finished first and then deleted by itself.",
                "{count} requests are finished first and then deleted by themselves.",
                left.running + left.finished,
            )
        )
    if len(lines) == 1:
        lines.append(tr("Nothing is left."))
    return card(NEUTRAL, ui.TextDisplay("\n".join(lines)))


def _note(text: str) -> ui.TextDisplay[Any]:
    return ui.TextDisplay(f"-# {text}")
