"""Delete under a reply: asked about first, privately, then done.

The question is a message of its own, so its buttons bring a token that does not reach the reply. Two others do: the
bot's own where it is a member and the reply is public, and the one of the click on Delete, which is remembered here
while it lives (15 minutes). After a restart neither reaches a private reply; its requester presses Delete once more.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import aiohttp
import discord
import structlog
from discord import ui

from bot.jobs.service import JobService
from bot.model import Job, JobState
from bot.ui.kit import permissions, texts
from bot.ui.kit.dispatch import Click, custom_id
from bot.ui.kit.interactions import Interaction, say
from bot.ui.kit.language import mark, tr, trn
from bot.ui.kit.media import belongs_to
from bot.ui.kit.widgets import BAD, NEUTRAL, button, card, row, text
from bot.ui.reply.transport import UNKNOWN_MESSAGE

log = structlog.stdlib.get_logger(__name__)

PANEL = "delete"
REMEMBERED = 1000  # clicks on Delete whose question may still be open
PATIENCE_S = 10.0
_TROUBLE = (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError, TimeoutError)

DELETED = mark("Deleted.")
KEPT = mark("Nothing was deleted.")
TRY_AGAIN = mark("Discord did not let Easel delete this reply. Please press **Delete** under it once more.")


class Deletions:
    """The panel of the question, `easel-delete:<yes or no>:<job id>:<message id>`."""

    name = PANEL

    def __init__(self, service: JobService) -> None:
        self._service = service
        self._clicks: OrderedDict[int, Interaction] = OrderedDict()  # by the id of the reply's message

    async def ask(self, interaction: Interaction, job: Job) -> None:
        """Ask the one who pressed Delete, for nobody else to see."""
        if interaction.message is None or not permissions.may_change(interaction, job):
            await say(interaction, tr(texts.NOT_YOURS))
            return
        self._clicks[interaction.message.id] = interaction
        if len(self._clicks) > REMEMBERED:
            self._clicks.popitem(last=False)
        await interaction.response.send_message(view=question(job, interaction.message.id), ephemeral=True)

    async def act(self, interaction: Interaction, click: Click) -> None:
        """The answer to the question."""
        match click.words:
            case ["no", *_]:
                await interaction.response.edit_message(view=card(NEUTRAL, text(tr(KEPT))))
            case ["yes", job_id, message_id] if message_id.isdecimal():
                await self._delete(interaction, job_id, int(message_id))
            case _:
                await say(interaction, tr(texts.FORM_TOO_OLD))

    async def _delete(self, interaction: Interaction, job_id: str, message_id: int) -> None:
        job = await self._service.get(job_id)
        if job is None:
            await say(interaction, tr(texts.NO_SUCH_JOB))
            return
        if not permissions.may_change(interaction, job):
            await say(interaction, tr(texts.NOT_YOURS))
            return
        await interaction.response.defer()
        done = await self._gone(interaction, job, message_id)
        if done:
            await self._service.reply_deleted(job)
        answer = card(NEUTRAL, text(tr(DELETED))) if done else card(BAD, text(tr(TRY_AGAIN)))
        await interaction.edit_original_response(view=answer)

    async def _gone(self, interaction: Interaction, job: Job, message_id: int) -> bool:
        """Delete the reply's message by whichever token reaches it; True also where it is gone already.

        The button names job and message side by side, and may be forged: the message has to be one of the job's.
        """
        pressed = self._clicks.get(message_id)
        if pressed is not None and pressed.message is not None and belongs_to(pressed.message, job.id):
            del self._clicks[message_id]
        else:
            pressed = None
        ways: list[Callable[[], Awaitable[None]]] = []
        # Only the bot's own token reaches every message of a channel: to another one "unknown" may mean "not yours".
        if job.target.bot_member and not job.target.ephemeral:
            channel = interaction.client.get_partial_messageable(interaction.channel_id or 0)
            message = channel.get_partial_message(message_id)
            is_target = (message_id, interaction.channel_id) == (job.target.message_id, job.target.channel_id)
            ways.append(message.delete if is_target or pressed is not None else lambda: _delete_of(message, job))
        if pressed is not None and datetime.now(UTC) < pressed.expires_at:
            ways.append(lambda: pressed.followup.delete_message(message_id))
        for delete in ways:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await delete()
            except _TROUBLE as exc:
                if isinstance(exc, discord.HTTPException) and exc.code == UNKNOWN_MESSAGE:
                    return True
                log.warning("a reply could not be deleted", job=job.id, error=f"{type(exc).__name__} {exc}"[:200])
            else:
                return True
        return False


async def _delete_of(message: discord.PartialMessage, job: Job) -> None:
    """Delete a message that shows the job's buttons; any other is let be. Raises as Discord does."""
    found = await message.fetch()
    if found.author.id == job.target.application_id and belongs_to(found, job.id):
        await found.delete()
    else:
        raise PermissionError("that message is not this job's")


def question(job: Job, message_id: int) -> ui.LayoutView:
    """The question before a reply is deleted."""
    if job.state is JobState.DELIVERED:
        asked = trn("Delete this picture?", "Delete these {count} pictures?", job.request.count)
        asked += " " + tr("It cannot be undone.")
    else:
        asked = tr("Delete this reply?")
    yes = button(tr("Yes, delete"), custom_id(PANEL, "yes", job.id, message_id), discord.ButtonStyle.danger)
    keep = button(tr("Keep"), custom_id(PANEL, "no"))
    return card(BAD, text(asked), row(yes, keep))
