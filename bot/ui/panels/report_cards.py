"""What a report on a picture shows. All that the report knows of itself stands in its message, so nothing else is kept.

Its texts carry Discord's numbers for components, by which they are found again in whatever language they are. The
pictures are shown from where they were posted and not copied: with the reply they are gone here too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import discord
from discord import ui

from bot.model import Job
from bot.ui.kit import texts, widgets
from bot.ui.kit.dispatch import custom_id
from bot.ui.kit.language import tr
from bot.ui.kit.media import components_of

PANEL = "report"
MAX_REPORTERS = 20  # that are named; more say nothing new
MAX_DONE = 4  # lines on what was done
MAX_REASONS = 5  # that are shown
MAX_REASON_CHARS = 200
REPORTERS_PART, DONE_PART, REASONS_PART = 701, 702, 703  # numbers of components
REASON = "reason"  # the form's field

_MENTION = re.compile(r"<@(\d+)>")


class ReportVerb(StrEnum):
    """What a button does; also the word in its custom id."""

    NEW = "new"  # opens the form
    SEND = "send"  # the form, filled in
    DELETE = "delete"
    BLOCK = "block"
    FINE = "fine"


#: What moderators can do about a report, in the order of its buttons.
ACTS = (ReportVerb.DELETE, ReportVerb.BLOCK, ReportVerb.FINE)


@dataclass(frozen=True, slots=True)
class Report:
    """A report as its message tells it: who reported and why, and lines on what was done about it."""

    reporters: tuple[int, ...]
    done: tuple[str, ...] = ()
    open: tuple[ReportVerb, ...] = ACTS
    reasons: tuple[str, ...] = ()

    def with_reporter(self, user_id: int, reason: str = "") -> Report:
        """The same, with one more person who has reported, and what they wrote, not escaped yet."""
        line = f"> {texts.plain(texts.shortened(reason, MAX_REASON_CHARS))}" if reason.strip() else ""
        reasons = (*self.reasons, line)[:MAX_REASONS] if line else self.reasons
        return replace(self, reporters=(*self.reporters, user_id)[:MAX_REPORTERS], reasons=reasons)

    def with_done(self, verb: ReportVerb, line: str) -> Report:
        """The same, with what was done about it and by whom."""
        left = tuple(one for one in self.open if one is not verb)
        return replace(self, done=(*self.done, line)[-MAX_DONE:], open=left)


def report_button(job_id: str) -> ui.Button[Any]:
    """Report, in the details of a picture."""
    return widgets.button(tr("Report"), custom_id(PANEL, ReportVerb.NEW, job_id), discord.ButtonStyle.danger)


def report_form(job_id: str) -> ui.Modal:
    """Asks what is wrong, which also keeps a slip of the finger from being a report."""
    field: ui.TextInput[Any] = ui.TextInput(
        custom_id=REASON, style=discord.TextStyle.paragraph, required=False, max_length=MAX_REASON_CHARS
    )
    label: ui.Label[Any] = ui.Label(
        text=tr("What is wrong with it?"),
        description=tr("The moderators read this and see who reports. You can leave it empty."),
        component=field,
    )
    return widgets.form(tr("Report this picture"), custom_id(PANEL, ReportVerb.SEND, job_id), label)


def card(job: Job, report: Report, pictures: Sequence[str] = (), *, with_words: bool = True) -> ui.LayoutView:
    """The message in the channel for reports, its pictures covered. Without words AutoMod has nothing to refuse."""
    target = job.target
    link = f"https://discord.com/channels/{target.guild_id}/{target.channel_id}/{target.message_id}"
    when = discord.utils.format_dt(job.received_at, "R")
    place = f"<#{target.channel_id}>"
    asked = tr("Asked for by {who} in {place}, {when}", who=f"<@{job.user_id}>", place=place, when=when)
    lines = [
        f"### {tr('A picture was reported')}",
        f"[{tr('To the picture')}]({link})",
        asked,
        texts.quoted(job.request.prompt) if with_words else "",
    ]
    reporters = " ".join(f"<@{one}>" for one in report.reporters)
    parts: list[ui.Item[Any]] = [
        ui.TextDisplay("\n".join(line for line in lines if line)),
        ui.TextDisplay(tr("Reported by {who}", who=reporters), id=REPORTERS_PART),
    ]
    if report.reasons and with_words:
        parts.append(ui.TextDisplay("\n".join(report.reasons), id=REASONS_PART))
    if pictures and ReportVerb.DELETE in report.open:
        parts.insert(1, ui.MediaGallery(*(discord.MediaGalleryItem(it, spoiler=True) for it in pictures)))
    if report.done:
        parts.append(ui.TextDisplay("\n".join(report.done), id=DONE_PART))
    if report.open:
        parts.append(_row(job, report.open))
    return widgets.card(widgets.GOOD if report.done else widgets.BAD, *parts)


def read(message: discord.Message | None, job_id: str) -> Report | None:
    """What a message says as a report on this job; None where it is none."""
    parts: Sequence[discord.Component] = components_of(message) if message else ()
    texts_by_part = {part.id: part.content for part in parts if isinstance(part, discord.TextDisplay)}
    ids = [part.custom_id for part in parts if isinstance(part, discord.components.Button)]
    still_open = tuple(verb for verb in ACTS if custom_id(PANEL, verb, job_id) in ids)
    if REPORTERS_PART not in texts_by_part or not still_open:
        return None
    reporters = tuple(int(one) for one in _MENTION.findall(texts_by_part[REPORTERS_PART]))
    done = tuple(texts_by_part.get(DONE_PART, "").splitlines())
    reasons = tuple(texts_by_part.get(REASONS_PART, "").splitlines())
    return Report(reporters, done, still_open, reasons)


def deleted_line(by: int, now: datetime) -> str:
    """That the picture is gone."""
    return tr("✓ Picture deleted by {who}, {when}", who=f"<@{by}>", when=discord.utils.format_dt(now, "R"))


def blocked_line(by: int, now: datetime) -> str:
    """That who asked for it is blocked."""
    return tr("✓ Requester blocked by {who}, {when}", who=f"<@{by}>", when=discord.utils.format_dt(now, "R"))


def fine_line(by: int, now: datetime) -> str:
    """That a moderator has looked at it and lets it stand."""
    return tr("✓ All fine, says {who}, {when}", who=f"<@{by}>", when=discord.utils.format_dt(now, "R"))


def _row(job: Job, verbs: Sequence[ReportVerb]) -> ui.ActionRow[Any]:
    labels = {
        ReportVerb.DELETE: tr("Delete picture"),
        ReportVerb.BLOCK: tr("Block requester"),
        ReportVerb.FINE: tr("All fine"),
    }
    styles = {ReportVerb.FINE: discord.ButtonStyle.success}
    danger = discord.ButtonStyle.danger
    return widgets.row(
        *(widgets.button(labels[verb], custom_id(PANEL, verb, job.id), styles.get(verb, danger)) for verb in verbs)
    )
