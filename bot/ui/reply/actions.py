"""The buttons under a reply. Each carries its job's id itself, so it works for ever, restarts included.

A custom id is `easel:<action>:<job id>`. Ids of earlier versions are read for ever, because their buttons stand under
messages that are still there.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import discord
from discord import ui

from bot.model import Job
from bot.ui.kit.dispatch import JOB_PANEL, custom_id
from bot.ui.kit.language import mark, tr
from bot.ui.kit.widgets import button, row


class Action(StrEnum):
    """What a button does; also the word in its custom id."""

    CANCEL = "cancel"
    AGAIN = "again"
    REMIX = "remix"
    EDIT = "edit"
    DETAILS = "details"
    DELETE = "delete"
    CHECK = "check"
    SHOW = "show"
    STAR = "star"
    POST = "post"


LABELS = {
    Action.CANCEL: mark("Cancel"),
    Action.AGAIN: mark("Again"),
    Action.REMIX: mark("Remix"),
    Action.EDIT: mark("Edit"),
    Action.DETAILS: mark("Details"),
    Action.DELETE: mark("Delete"),
    Action.CHECK: mark("Check again"),
    Action.SHOW: mark("Show pictures"),
    Action.POST: mark("Post here"),
}
RESULT_BUTTONS = (Action.AGAIN, Action.REMIX, Action.EDIT, Action.DETAILS, Action.DELETE)
#: Delete looks like the others. Red would make it the loudest thing under every picture, and it asks first anyway.
STYLES = {Action.SHOW: discord.ButtonStyle.primary}


def job_button(action: Action, job_id: str) -> ui.Button[Any]:
    """One button of one job."""
    style = STYLES.get(action, discord.ButtonStyle.secondary)
    return button(tr(LABELS[action]), custom_id(JOB_PANEL, action, job_id), style)


def result_rows(job: Job, *, whole: bool, stars: int | None) -> Sequence[ui.ActionRow[Any]]:
    """What stands under finished pictures. A private result in a server can be posted."""
    rows = [] if whole else [job_row(job.id, Action.CHECK)]
    rows.append(job_row(job.id, *RESULT_BUTTONS))
    if job.target.ephemeral and job.target.guild_id is not None:
        rows.append(job_row(job.id, Action.POST))
    if stars is not None:
        rows.append(star_row(job.id, stars))
    return rows


def star_label(count: int) -> str:
    """What the star under a reply says: how many there are, where there is one."""
    return f"☆ {count}" if count else "☆"


def star_row(job_id: str, count: int) -> ui.ActionRow[Any]:
    """The star under a reply, with how many there are."""
    return row(button(star_label(count), custom_id(JOB_PANEL, Action.STAR, job_id)))


def job_row(job_id: str, *actions: Action) -> ui.ActionRow[Any]:
    """The buttons of one job, in this order."""
    return row(*(job_button(action, job_id) for action in actions))
