"""The panel of `/jobs`: what runs and what has ended, with Cancel and the way to the pictures.

A private reply vanishes when its reader restarts Discord. This list is where they find their requests again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any

import discord
import structlog
from discord import ui

from bot.errors import DownloadError, ReplyError
from bot.jobs.records.lists import JobLists, ListScope, Page
from bot.jobs.service import Cancelled, JobService
from bot.model import FailureKind, FollowUp, Job, JobState
from bot.ui.kit import permissions, texts, widgets
from bot.ui.kit.dispatch import Click, custom_id
from bot.ui.kit.interactions import Interaction, say, target_of
from bot.ui.kit.language import mark, tr
from bot.ui.reply.actions import Action, job_button
from bot.ui.reply.endings import ending
from bot.ui.reply.reply import DiscordReplies

log = structlog.stdlib.get_logger(__name__)

PANEL = "jobs"
PROMPT_CHARS = 120
MAX_PAGES = 10_000

NOBODY_ELSES = mark("Only members with the permission Manage Server or Manage Messages can see that.")
NOT_YOURS_TO_SHOW = mark("Only the person who asked for these pictures can see them here.")
LATER = mark("The pictures cannot be fetched right now. Please try again in a few minutes; nothing was lost.")
GONE = mark("The picture service no longer has these pictures. It keeps them for a limited time only.")
NOT_TAKEN = mark("Discord did not take the pictures. Please try again in a few minutes; nothing was lost.")

_STATES = {
    JobState.RECEIVED: mark("Waiting in line"),
    JobState.WAITING: mark("Waiting in line"),
    JobState.SUBMITTING: mark("Being sent to the picture service"),
    JobState.PAINTING: mark("Painting"),
    JobState.READY: mark("Painted"),
    JobState.DELIVERING: mark("Being posted"),
    JobState.DELIVERED: mark("Done"),
    JobState.CANCELLED: mark("Cancelled"),
}


class Scope(StrEnum):
    """Which requests a list shows; also the word in its custom ids."""

    MINE = "mine"
    SERVER = "server"  # for members with Manage Server
    CHANNEL = "channel"  # for members with Manage Messages in this channel


class JobsPanel:
    """The panel `jobs`."""

    name = PANEL

    def __init__(self, service: JobService, lists: JobLists, replies: DiscordReplies) -> None:
        self._service = service
        self._lists = lists
        self._replies = replies

    async def open(self, interaction: Interaction) -> None:
        """The requests of the one who asks, for nobody else to see."""
        await interaction.response.send_message(view=await self._view(interaction, Scope.MINE, 0), ephemeral=True)

    async def act(self, interaction: Interaction, click: Click) -> None:
        """Turn the page, cancel a request, or bring pictures that no message shows."""
        match click.words:
            case ["page", scope, number] if scope in set(Scope):
                await self._turn(interaction, Scope(scope), _number(number))
            case ["cancel", job_id, scope, number] if scope in set(Scope):
                await self._cancel(interaction, job_id, Scope(scope), _number(number))
            case ["show", job_id]:
                await self._show(interaction, job_id)
            case _:
                await say(interaction, tr(texts.FORM_TOO_OLD))

    async def _turn(self, interaction: Interaction, scope: Scope, number: int) -> None:
        """Show another page or another scope, where the person may see it."""
        if scope not in _open_to(interaction):
            await say(interaction, tr(NOBODY_ELSES))
            return
        await interaction.response.edit_message(view=await self._view(interaction, scope, number))

    async def _view(self, interaction: Interaction, scope: Scope, number: int) -> ui.LayoutView:
        """One page of the list as a card."""
        page = await self._lists.page(_whose(interaction, scope), number)
        return layout(page, scope, _open_to(interaction))

    async def _cancel(self, interaction: Interaction, job_id: str, scope: Scope, number: int) -> None:
        """Cancel a request from the list, and show the list as it is then."""
        job = await self._service.get(job_id)
        if job is None:
            await say(interaction, tr(texts.NO_SUCH_JOB))
            return
        if not permissions.may_cancel(interaction, job):
            await say(interaction, tr(texts.NOT_YOURS))
            return
        await interaction.response.defer()
        outcome = Cancelled.TOO_LATE if job.state.is_final else await self._service.cancel(job)
        if scope in _open_to(interaction):
            await interaction.edit_original_response(view=await self._view(interaction, scope, number))
        if outcome is not Cancelled.NOW:
            await say(interaction, tr(texts.CANCELLING if outcome is Cancelled.SOON else texts.TOO_LATE_TO_CANCEL))

    async def _show(self, interaction: Interaction, job_id: str) -> None:
        """Pictures that stand in no message others see: for the one who asked for them, and nothing is bought."""
        job = await self._service.get(job_id)
        if job is None:
            await say(interaction, tr(texts.NO_SUCH_JOB))
            return
        if job.user_id != interaction.user.id or not _can_be_shown(job):
            await say(interaction, tr(NOT_YOURS_TO_SHOW))
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        try:
            pictures = await self._lists.pictures(job)
        except (DownloadError, OSError) as exc:
            log.warning("pictures cannot be fetched for their user", job=job.id, error=type(exc).__name__)
            await say(interaction, tr(LATER))
            return
        if not pictures:
            await say(interaction, tr(GONE))
            return
        here = replace(job, target=target_of(interaction, private=True, locale=interaction.locale.value))
        try:
            await self._replies.deliver(here, pictures, ())
        except ReplyError as exc:
            log.warning("pictures could not be shown to their user", job=job.id, error=str(exc))
            await say(interaction, tr(NOT_TAKEN))
        else:
            self._lists.shown(job)


def layout(page: Page, scope: Scope, open_to: Sequence[Scope]) -> ui.LayoutView:
    """One page of a list, as a card."""
    heads = {
        Scope.MINE: mark("### Your requests"),
        Scope.SERVER: mark("### Requests in this server"),
        Scope.CHANNEL: mark("### Requests in this channel"),
    }
    parts: list[ui.Item[Any]] = [ui.TextDisplay(tr(heads[scope])), *(_entry(job, page, scope) for job in page.jobs)]
    if not page.jobs:
        parts.append(ui.TextDisplay(tr("Nothing here yet. `/imagine` paints a picture from words.")))
    scopes = [_scopes(scope, open_to)] if len(open_to) > 1 else []
    return widgets.layout(ui.Container(*parts, _pages(page, scope), accent_colour=widgets.NEUTRAL), *scopes)


def _entry(job: Job, page: Page, scope: Scope) -> ui.Item[Any]:
    """One request of the list, with the button that helps: Cancel while it runs, Show pictures, or Again."""
    text: ui.TextDisplay[Any] = ui.TextDisplay(
        "\n".join((_headline(job, page), _quote(job, scope), _small(job, scope)))
    )
    if scope is Scope.MINE and _can_be_shown(job):
        return ui.Section(text, accessory=widgets.button(tr("Show pictures"), custom_id(PANEL, "show", job.id)))
    if not job.state.is_final:
        word = custom_id(PANEL, "cancel", job.id, scope, page.number)
        return ui.Section(text, accessory=widgets.button(tr("Cancel"), word))
    if scope is Scope.MINE and _is_unstarted(job):
        # Perhaps no message has told its user, or lets them ask once more.
        return ui.Section(text, accessory=job_button(Action.AGAIN, job.id))
    return text


def _headline(job: Job, page: Page) -> str:
    """How far the request is, its place in line, and when."""
    when = discord.utils.format_dt(job.finished_at or job.submitted_at or job.received_at, "R")
    if job.failure is not None and job.state is not JobState.CANCELLED:
        state = tr(ending(job).headline)
    else:
        state = tr(_STATES[job.state])
    if place := page.places.get(job.id):
        return tr("**{state}** · place {place} · {when}", state=state, place=place, when=when)
    return tr("**{state}** · {when}", state=state, when=when)


def _quote(job: Job, scope: Scope) -> str:
    """What others asked for in private is not shown to those who look after a server."""
    if scope is not Scope.MINE and job.target.ephemeral:
        return tr("> *a private request*")
    return f"> {texts.plain(texts.shortened(job.request.prompt, PROMPT_CHARS)) or '…'}"


def _small(job: Job, scope: Scope) -> str:
    """Who asked, the settings, and where the reply is."""
    who = "" if scope is Scope.MINE else f"<@{job.user_id}> · "
    return f"-# {who}{texts.options(job.request)} · {_where(job, scope)}"


def _where(job: Job, scope: Scope) -> str:
    """A link to the reply, or why there is none."""
    target = job.target
    if target.ephemeral:
        return tr("private: only you see it") if scope is Scope.MINE else tr("private")
    if job.reply_deleted or (job.failure is not None and job.failure.kind is FailureKind.REPLY_DELETED):
        return tr("the reply was deleted")
    if target.message_id is None:
        return tr("no reply yet") if not job.state.is_final else tr("no reply")
    link = f"https://discord.com/channels/{target.guild_id or '@me'}/{target.channel_id}/{target.message_id}"
    return tr("[Go to the reply]({link})", link=link)


def _can_be_shown(job: Job) -> bool:
    """Whether its pictures stand in no message at all, or in one that only its user sees and may have dismissed."""
    private = job.state is JobState.DELIVERED and job.target.ephemeral and bool(job.result_urls)
    return job.is_shelved or private


def _is_unstarted(job: Job) -> bool:
    """Whether it ended before anything was done for it, so that its user may not have been told."""
    kind = job.failure.kind if job.failure and job.request.follows is not FollowUp.POST else None
    return kind in {FailureKind.UNACKNOWLEDGED, FailureKind.INTERRUPTED}


def _pages(page: Page, scope: Scope) -> ui.ActionRow[Any]:
    """The buttons to newer and older requests."""
    row: ui.ActionRow[Any] = ui.ActionRow()
    if page.number > 0:
        row.add_item(widgets.button(tr("Newer"), custom_id(PANEL, "page", scope, page.number - 1)))
    row.add_item(widgets.button(tr("Refresh"), custom_id(PANEL, "page", scope, page.number)))
    if page.more:
        row.add_item(widgets.button(tr("Older"), custom_id(PANEL, "page", scope, page.number + 1)))
    return row


def _scopes(scope: Scope, open_to: Sequence[Scope]) -> ui.ActionRow[Any]:
    """The buttons to the other lists that this person may see."""
    labels = {
        Scope.MINE: mark("My requests"),
        Scope.SERVER: mark("This server's requests"),
        Scope.CHANNEL: mark("This channel's requests"),
    }
    row: ui.ActionRow[Any] = ui.ActionRow()
    for other in open_to:
        if other is not scope:
            row.add_item(widgets.button(tr(labels[other]), custom_id(PANEL, "page", other, 0)))
    return row


def _open_to(interaction: Interaction) -> Sequence[Scope]:
    """Which lists this person may see here."""
    if interaction.guild_id is None:
        return (Scope.MINE,)
    if permissions.manages_server(interaction):
        return (Scope.MINE, Scope.SERVER)
    return (Scope.MINE, Scope.CHANNEL) if permissions.manages_messages(interaction) else (Scope.MINE,)


def _whose(interaction: Interaction, scope: Scope) -> ListScope:
    """What the database is asked for."""
    if scope is Scope.MINE:
        return ListScope(user_id=interaction.user.id)
    channel = interaction.channel_id if scope is Scope.CHANNEL else None
    return ListScope(guild_id=interaction.guild_id, channel_id=channel)


def _number(text: str) -> int:
    """The page that a custom id names; a forged one counts as the first."""
    return min(int(text), MAX_PAGES) if text.isdecimal() else 0
