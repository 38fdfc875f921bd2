"""What a reply shows at each point of a job's life. Pure: a job in, a layout out.

A card is built anew for each edit and holds no state. It speaks the language that the reply began in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec

import discord
from discord import ui

from bot.model import FailureKind, FollowUp, Job, JobState, PictureFormat, Progress
from bot.ui.kit import texts
from bot.ui.kit.card_notes import address_of, follow_up_note, not_kept_note, preset_note
from bot.ui.kit.language import speaking, tr
from bot.ui.kit.widgets import BAD, GOOD, NEUTRAL, WORKING, Part, card, prompt_file, text
from bot.ui.reply import endings, thumbnails
from bot.ui.reply.actions import Action, job_row, result_rows
from bot.ui.reply.costs import Costs

MAX_ALT_CHARS = 1024  # Discord's limit for an attachment's description
BAR_CELLS = 10
#: All texts of one message together may have 4,000 characters; the rest of a details card needs some of them.
DETAILS_PROMPT_CHARS = 3000
LINKS_CHARS = 1600  # of all addresses together: beside everything else they stay within 4,000 characters

Rest = ParamSpec("Rest")
Card = Callable[Concatenate[Job, Rest], ui.LayoutView]


def _of_reply(build: Card[Rest]) -> Card[Rest]:
    """A reply speaks one language from the first card to the last, whoever clicks on it."""

    @wraps(build)
    def spoken(job: Job, /, *args: Rest.args, **kwargs: Rest.kwargs) -> ui.LayoutView:
        """The card of a moment in the language of the reply."""
        with speaking(job.target.locale):
            return build(job, *args, **kwargs)

    return spoken


NO_COSTS = Costs()


@dataclass(frozen=True, slots=True)
class Look:
    """What the place of a reply asks of its card.

    `parting` when the reply can soon no longer be changed by Easel itself, and has to be fetched with a click.
    `with_prompt` is False where the server's AutoMod refuses to repeat the prompt. `overdue` when the time at which
    the pictures were expected has passed. `costs` are told while the request runs. `stars` is how many a finished
    reply shows; None where it has no star.
    """

    parting: bool = False
    with_prompt: bool = True
    overdue: bool = False
    costs: Costs = NO_COSTS
    stars: int | None = None


PLAIN = Look()


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture of a finished card: its file name in the message, or None where only a link is left."""

    filename: str | None
    reencoded: bool
    url: str
    unknown: bool = False  # in a format that Discord does not show


@_of_reply
def in_line(job: Job, progress: Progress, look: Look = PLAIN) -> ui.LayoutView:
    """A job that waits for its turn."""
    trouble = f"-# {_trouble(progress.trouble)}" if progress.trouble is not None else ""
    parts = thumbnails.running(job, _place(progress, look), trouble, _quote(job, look))
    return card(NEUTRAL, *parts, _by(job, look.costs.line(), _parting(look)), _running_row(job, look))


@_of_reply
def painting(job: Job, progress: Progress, look: Look = PLAIN) -> ui.LayoutView:
    """A job that the image API works on."""
    bar = _bar(progress.percent) if progress.percent is not None else ""
    began = job.submitted_at or job.received_at
    if progress.due is None:
        lines = [tr("**Painting** {bar}· begun {when}", bar=bar, when=_relative(began))]
    elif look.overdue:
        lines = [tr("**Painting** {bar}· any moment now", bar=bar)]
    else:
        lines = [tr("**Painting** {bar}· expected {when}", bar=bar, when=_relative(progress.due))]
    if job.state is JobState.READY:
        lines = [
            tr("**Painted** {bar}· begun {when}", bar=bar, when=_relative(began)),
            f"-# {tr(texts.NOT_FETCHED)}",
        ]
    elif progress.trouble is not None:
        lines.append(f"-# {_trouble(progress.trouble)}")
    parts = thumbnails.running(job, *lines, _quote(job, look))
    return card(WORKING, *parts, _by(job, look.costs.line(), _parting(look)), _running_row(job, look))


@_of_reply
def posting(job: Job, look: Look = PLAIN) -> ui.LayoutView:
    """A private result on its way to everybody's eyes."""
    row = job_row(job.id, *((Action.SHOW,) if look.parting else ()), Action.DETAILS)
    return card(WORKING, text(tr("**Posting the pictures**"), _quote(job, look)), _by(job, _parting(look)), row)


def running(job: Job, progress: Progress, look: Look = PLAIN) -> ui.LayoutView:
    """The card of a job that has not ended, by its state."""
    if job.request.follows is FollowUp.POST:
        return posting(job, look)
    waiting = job.state in {JobState.RECEIVED, JobState.WAITING}
    return in_line(job, progress, look) if waiting else painting(job, progress, look)


@_of_reply
def finished(job: Job, shown: Sequence[Shown], source_files: Sequence[str], look: Look = PLAIN) -> ui.LayoutView:
    """A job with its pictures."""
    parts: list[Part] = [*thumbnails.finished(job, _quote(job, look), source_files)]
    gallery = [
        discord.MediaGalleryItem(
            f"attachment://{it.filename}",
            description=alt_text(job) if look.with_prompt else None,
            spoiler=job.request.spoiler,
        )
        for it in shown
        if it.filename
    ]
    if gallery:
        parts.append(ui.MediaGallery(*gallery))
    notes = (_for_you_alone(job), _missing(job, shown), _own_choice(job), not_kept_note(job, len(source_files)))
    parts.append(_by(job, *notes, *_fitting(shown)))
    return card(GOOD, *parts, *result_rows(job, whole=len(shown) >= len(job.result_urls), stars=look.stars))


@_of_reply
def ended(job: Job, look: Look = PLAIN) -> ui.LayoutView:
    """A job that ended without pictures: one plain sentence, and what can be done."""
    ending = endings.ending(job)
    actions: list[Action] = []
    if job.state is JobState.TIMED_OUT:
        actions.append(Action.CHECK)
    if ending.again:
        actions.append(Action.AGAIN)
    if ending.remix:
        actions.append(Action.REMIX)
    actions += [Action.DETAILS, Action.DELETE]
    cancelled = job.failure is not None and job.failure.kind is FailureKind.CANCELLED
    return card(
        NEUTRAL if cancelled else BAD,
        text(f"**{ending.headline}**", ending.meaning, _quote(job, look)),
        _by(job),
        job_row(job.id, *actions),
    )


def details(job: Job, price: int | None) -> ui.LayoutView:
    """All about a job, for the one who pressed Details. `price` is in millionths of a dollar, None where unknown."""
    request = job.request
    support = [
        f"`{job.task_id}`" if job.task_id else "",
        f"`{job.request_id}`" if job.request_id else "",
        f"`{job.id}`",
    ]
    rows = [
        (tr("Asked by"), f"<@{job.user_id}> {_relative(job.received_at)}"),
        (tr("Settings"), texts.options(request)),
        (tr("Preset"), texts.plain(request.preset or "")),
        (tr("Time taken"), _time_taken(job)),
        (tr("Cost"), _cost(job, price)),
        (tr("Link to share"), _link(job)),
    ]
    parts: list[Part] = [text(f"### {tr('Details')}", texts.fenced(request.prompt, DETAILS_PROMPT_CHARS))]
    if needs_prompt_file(job):
        parts.append(prompt_file())
    numbers = " · ".join(filter(None, support))
    lines = [f"**{name}**: {value}" for name, value in rows if value]
    # One line with all that somebody who looks into a problem needs: the ids of task, API request and job.
    parts.append(text(*lines, f"-# {tr('For support: {numbers}', numbers=numbers)}"))
    return card(NEUTRAL, *parts)


def _link(job: Job) -> str:
    """The address of the reply, for whoever may press its buttons, too; empty where others cannot see it."""
    place = job.target
    if job.request.private or place.ephemeral or place.message_id is None or job.reply_deleted:
        return ""
    return address_of(place.guild_id, place.channel_id, place.message_id)


def needs_prompt_file(job: Job) -> bool:
    """Whether the details card has the prompt as a file, because the prompt is too long for its text."""
    return len(texts.unfenced(job.request.prompt)) > DETAILS_PROMPT_CHARS


def alt_text(job: Job) -> str:
    """What a screen reader says for a picture: the prompt."""
    return job.request.prompt[:MAX_ALT_CHARS]


def picture_filename(index: int, kind: PictureFormat) -> str:
    """The name of result number `index` (from 0) in its message."""
    return f"picture-{index + 1}.{kind.extension}"


def _bar(percent: int) -> str:
    """A bar of ten cells and the number, such as `▰▰▰▱▱▱▱▱▱▱ 30%`."""
    filled = round(percent * BAR_CELLS / 100)
    return f"{'▰' * filled}{'▱' * (BAR_CELLS - filled)} {tr('{percent}%', percent=percent)} "


def _parting(look: Look) -> str:
    """What is to be said of a reply that only the interaction's token reaches."""
    return tr(texts.PARTING) if look.parting else ""


def _running_row(job: Job, look: Look) -> ui.ActionRow[Any]:
    """The buttons of a job that has not ended. Show pictures comes first where the reply is about to end."""
    return job_row(job.id, *((Action.SHOW,) if look.parting else ()), Action.CANCEL)


def _quote(job: Job, look: Look) -> str:
    """The prompt as a quotation, or nothing where the server's AutoMod refuses to see it repeated."""
    return texts.quoted(job.request.prompt) if look.with_prompt else ""


def _by(job: Job, *notes: str) -> ui.TextDisplay[Any]:
    """Small lines under everything else: who asked, the settings, and what else is to be known."""
    about = (preset_note(job.request), follow_up_note(job), *notes)
    lines = [f"-# <@{job.user_id}> · {texts.options(job.request)}", *(f"-# {note}" for note in about if note)]
    return text(*lines)


def _missing(job: Job, shown: Sequence[Shown]) -> str:
    """What to say where fewer pictures came than were asked for."""
    asked = job.request.count
    if len(shown) < len(job.result_urls):
        return tr(
            "{count} of {asked} pictures: the rest could not be fetched yet. **Check again** asks for it once more.",
            count=len(shown),
            asked=len(job.result_urls),
        )
    if len(shown) >= asked:
        return ""
    return tr("{count} of {asked} pictures: the picture service gave no more.", count=len(shown), asked=asked)


def _for_you_alone(job: Job) -> str:
    """Where a private result is found again; nothing of a reply that stays."""
    return tr(texts.FOR_YOU_ALONE) if job.target.ephemeral else ""


def _own_choice(job: Job) -> str:
    """An answer without a task came from a route that takes neither shape, resolution nor format."""
    return tr(texts.OWN_CHOICE) if job.task_id is None else ""


def _fitting(shown: Sequence[Shown]) -> Sequence[str]:
    """Which pictures were re-encoded or left out because of the upload limit, each with its original's address."""
    notes: list[str] = []
    links = _links(shown)
    for number, it in enumerate(shown, start=1):
        link = links.get(number, "")
        if it.unknown:
            notes.append(tr("Picture {number} is in a format that Discord does not show.", number=number) + link)
        elif it.filename is None:
            notes.append(tr("Picture {number} is too large to be posted here.", number=number) + link)
        elif it.reencoded:
            notes.append(tr("Picture {number} was re-encoded to fit the upload limit here.", number=number) + link)
    return notes


def _links(shown: Sequence[Shown]) -> Mapping[int, str]:
    """Links to originals, by the number of the picture: first those that are all there is of it, then as room is."""
    links: dict[int, str] = {}
    left = LINKS_CHARS
    numbered = [(number, it) for number, it in enumerate(shown, start=1) if it.url.startswith("http")]
    for number, it in sorted(numbered, key=lambda one: one[1].filename is not None):
        url = it.url.replace("(", "%28").replace(")", "%29")
        if (it.filename is None or it.reencoded) and len(url) <= left:
            left -= len(url)
            links[number] = f" [{tr('Original')}]({url})"
    return links


def _place(progress: Progress, look: Look) -> str:
    """The headline of a job in line: its place, the length of the line, and about when its pictures will be there."""
    if progress.place is None:
        return tr("**Waiting in line**")
    # A job may move up between two looks at the line.
    values = {"place": progress.place, "length": max(progress.queue_length or 0, progress.place)}
    if progress.due is None:
        return tr("**Waiting in line** · place {place} of {length}", **values)
    if look.overdue:
        return tr("**Waiting in line** · place {place} of {length} · any moment now", **values)
    when = _relative(progress.due)
    return tr("**Waiting in line** · place {place} of {length} · expected {when}", when=when, **values)


def _trouble(kind: FailureKind) -> str:
    """The small line about trouble with the image API."""
    if kind is FailureKind.BUSY:
        return tr("The picture service is busy. Easel keeps asking.")
    return tr("The picture service cannot be reached right now. Easel keeps trying.")


def _relative(when: datetime) -> str:
    """A time that Discord's client keeps up to date by itself, such as `3 seconds ago`."""
    return discord.utils.format_dt(when, "R")


def _time_taken(job: Job) -> str:
    """From the command to the pictures, and how much of that the painting took."""
    if job.finished_at is None:
        return tr("still running")
    whole = texts.seconds((job.finished_at - job.received_at).total_seconds())
    if job.submitted_at is None or job.ready_at is None:
        return whole
    painting = texts.seconds((job.ready_at - job.submitted_at).total_seconds())
    return tr("{whole}, of which {painting} for the painting", whole=whole, painting=painting)


def _cost(job: Job, price: int | None) -> str:
    """What the job cost, or whether a failed one did."""
    if job.state is not JobState.DELIVERED and job.failure is not None:
        return tr(endings.CHARGES[job.failure.charged])
    known = job.cost_micros if job.cost_micros is not None else price
    return texts.money(known) if known is not None else tr("no price is set for this model")
