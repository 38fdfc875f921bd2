"""What a question about a draft shows, before and after it is decided, and what its requester reads. Pure.

The question speaks the language of the server's log, the note that of the requester. Nobody is mentioned: what looks
like a mention is sent without any.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import discord
from discord import ui

from bot.jobs.approvals.approvals import Approval, ApprovalState, AskedPost
from bot.model import Job
from bot.ui.kit import texts
from bot.ui.kit.card_notes import address_of
from bot.ui.kit.dispatch import custom_id
from bot.ui.kit.language import mark, tr
from bot.ui.kit.media import components_of
from bot.ui.kit.widgets import BAD, GOOD, NEUTRAL, WORKING, button, card, row, text
from bot.ui.reply import thumbnails
from bot.ui.reply.cards import alt_text

PANEL = "approval"
APPROVE, DECLINE = "approve", "decline"

NOT_THERE = mark("This question is no longer open: the draft was deleted, or there is a newer question about it.")
#: What a requester reads in the end. Who has decided is for moderators to tell.
NOTES: Mapping[ApprovalState, str] = {
    ApprovalState.POSTED: mark("✓ A moderator approved it, and your pictures are posted: {link}"),
    ApprovalState.DECLINED: mark(
        "A moderator decided not to post these pictures in {place}. They are still yours alone. You can change the "
        "request, or ask again {when}."
    ),
    ApprovalState.REFUSED: mark(
        "A moderator approved it, but a rule of {place} now keeps your pictures from being posted. Press "
        "**Post here** once more, and Easel says which."
    ),
    ApprovalState.FAILED: mark(
        "Your pictures could not be posted in {place}. They are still yours; press **Post here** to try again."
    ),
}


def question(
    approval: Approval, draft: Job, pictures: Sequence[str], source_files: Sequence[str], *, with_words: bool = True
) -> ui.LayoutView:
    """Who wants to post what and where, with the pictures. Without words AutoMod has nothing to refuse."""
    asked = tr("{who} would like to post this in {place}.", who=f"<@{draft.user_id}>", place=_place(approval, draft))
    quote = texts.quoted(draft.request.prompt) if with_words else ""
    parts: list[ui.Item[Any]] = [text(f"### {tr('May this be posted?')}", asked)]
    parts += thumbnails.finished(draft, quote, source_files)
    alt = alt_text(draft) if with_words else None
    items = [
        discord.MediaGalleryItem(f"attachment://{it}", description=alt, spoiler=draft.request.spoiler)
        for it in pictures
    ]
    if items:
        parts.append(ui.MediaGallery(*items))
    parts.append(text(f"-# {texts.options(draft.request)}"))
    approve = button(tr("Approve"), _id(approval, APPROVE), discord.ButtonStyle.success)
    decline = button(tr("Decline"), _id(approval, DECLINE), discord.ButtonStyle.danger)
    return card(WORKING, *parts, row(approve, decline))


def being_posted(approval: Approval, standing: ui.LayoutView) -> ui.LayoutView:
    """The question as it stands, with who has approved it in place of its buttons."""
    said = text(tr("✓ Approved by {who}, {when}", who=f"<@{approval.decided_by}>", when=_when(approval)))
    for box in [it for it in standing.children if isinstance(it, ui.Container)]:
        for buttons in [it for it in box.children if isinstance(it, ui.ActionRow)]:
            box.remove_item(buttons)
            box.add_item(said)
    return standing


def decided(approval: Approval, draft: Job | None, post: Job | None, *, with_words: bool = True) -> ui.LayoutView:
    """The same once it is over: by whom and when, and the way to what was posted. The pictures are gone."""
    if draft is None or approval.state is ApprovalState.WITHDRAWN or approval.decided_at is None:
        return not_there()
    who, when = f"<@{approval.decided_by}>", _when(approval)
    place = _place(approval, draft)
    colour, lines = NEUTRAL, [tr("✗ Declined by {who}, {when}", who=who, when=when)]
    if approval.state is not ApprovalState.DECLINED:
        colour, lines = GOOD, [tr("✓ Approved by {who}, {when}", who=who, when=when)]
    match approval.state:
        case ApprovalState.POSTED if post is not None and post.target.message_id is not None:
            lines.append(f"[{tr('To the picture')}]({_link(post)})")
        case ApprovalState.REFUSED:
            colour, said = BAD, tr("It was not posted: a rule of {place} forbids it now.", place=place)
            lines.append(said)
        case ApprovalState.FAILED:
            colour, said = BAD, tr("It could not be posted in {place}.", place=place)
            lines.append(said)
        case _:
            pass
    about = tr("{who} wanted to post this in {place}.", who=f"<@{draft.user_id}>", place=place)
    quote = texts.quoted(draft.request.prompt) if with_words else ""
    return card(colour, text(*lines), text(f"-# {about}", quote))


def not_there() -> ui.LayoutView:
    """A question whose draft is gone. It says nothing of whose it was."""
    return card(NEUTRAL, text(tr(NOT_THERE)))


def waiting(channel_id: int) -> ui.LayoutView:
    """The private note after the press."""
    said = tr(
        "A moderator decides whether your pictures are posted in {place}. You are told here, or later by a message.",
        place=f"<#{channel_id}>",
    )
    return card(WORKING, text(said))


def note(approval: Approval, asked: AskedPost, post: Job | None) -> ui.LayoutView:
    """What the private note says in the end."""
    said = note_text(approval, asked, post)
    return card(GOOD if approval.state is ApprovalState.POSTED else NEUTRAL, text(said))


def note_text(approval: Approval, asked: AskedPost, post: Job | None = None) -> str:
    """The same as one sentence, for a direct message too."""
    sentence = NOTES.get(approval.state, NOTES[ApprovalState.FAILED])
    when = _relative(approval.again_from) if approval.again_from else ""
    return tr(sentence, link=_link(post) if post else "", place=f"<#{asked.target.channel_id}>", when=when)


def shows(message: discord.Message, approval: Approval) -> bool:
    """Whether a message is the question of this approval: its buttons say so."""
    wanted = _id(approval, APPROVE)
    buttons = (it for it in components_of(message) if isinstance(it, discord.components.Button))
    return any(it.custom_id == wanted for it in buttons)


def _id(approval: Approval, verb: str) -> str:
    return custom_id(PANEL, verb, approval.job_id, approval.round)


def _place(approval: Approval, draft: Job) -> str:
    channel_id = approval.asked.target.channel_id if approval.asked else draft.target.channel_id
    return f"<#{channel_id}>"


def _link(post: Job) -> str:
    return address_of(post.target.guild_id, post.target.channel_id, post.target.message_id or 0)


def _when(approval: Approval) -> str:
    return _relative(approval.decided_at) if approval.decided_at else ""


def _relative(when: datetime) -> str:
    return discord.utils.format_dt(when, "R")
