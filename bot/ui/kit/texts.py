"""The sentences that users read. Whatever a user wrote passes through `quoted` or `plain` first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from types import MappingProxyType
from unicodedata import category

from bot.errors import InvalidRequest, RequestError, SourceFault, TooManyJobs
from bot.model import (
    MAX_SOURCE_BYTES,
    MAX_SOURCE_PIXELS,
    ImageRequest,
    Model,
)
from bot.ui.kit.language import mark, tr, trn
from bot.ui.kit.options import model_label

SHOWN_PROMPT_CHARS = 500
MAX_NAME_CHARS = 50  # of a model, of which ten may stand in one card

#: "<" opens mentions of members, channels, commands and times.
_MARKDOWN = re.compile(r"[\\*_~`|\[\]<>#]")
_EVERYONE = re.compile(r"@(?=everyone|here)")
#: Signs that turn the order of what follows, beyond the words that they came with (Unicode's UAX 9).
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_MARKS = frozenset({"Mn", "Me"})
MAX_MARKS = 4  # of one letter, one above the other; no script that is written has more
_LIST = re.compile(r"^[-+]|(?<=\d)\.(?=\s)", re.MULTILINE)


SOURCE_FAULTS: Mapping[SourceFault, str] = MappingProxyType(
    {
        SourceFault.NOT_A_PICTURE: mark(
            "The attached file is not a JPEG, PNG or WebP picture, even if its name says so."
        ),
        SourceFault.HEIC: mark(
            "The attached picture is a HEIC file, as telephones take them, which Easel cannot open. Please send it as "
            "JPEG: a screenshot of it will do, or the camera setting “Most compatible”."
        ),
        SourceFault.AVIF: mark(
            "The attached picture is an AVIF file, which Easel cannot open. Please save it as JPEG, PNG or WebP, or "
            "send a screenshot of it."
        ),
        SourceFault.TOO_COMPLEX: mark(
            "The attached picture is too large to open: it takes too much memory or time. Please make it smaller, or "
            "save it once more as a plain JPEG or PNG."
        ),
        SourceFault.NO_ROOM: mark(
            "Easel has no room for more attached pictures just now. Please try again in a few minutes, or with a "
            "smaller picture."
        ),
        SourceFault.ANIMATED: mark("The attached picture is animated. Please attach a still picture."),
        SourceFault.BROKEN: mark(
            "The attached picture is damaged or cut off. Please save it again and attach it once more."
        ),
        SourceFault.UNREADABLE: mark("The attached picture could not be read from Discord. Please attach it again."),
    }
)

NO_SUCH_JOB = mark(
    "Easel no longer knows this picture, so its buttons cannot do anything. Please ask for it again with `/imagine`."
)
NOT_YOURS = mark("Only the person who asked for this, or a member with the permission Manage Messages, can do that.")
TOO_LATE_TO_CANCEL = mark("Too late to cancel: this has already ended, or its pictures are just arriving.")
CANCELLING = mark("This is being cancelled. The picture service has just been asked for it, so it takes a moment.")
DATABASE_BUSY = mark(
    "Easel cannot write down your request right now, so nothing was started. Please try again in a minute."
)
CHECKING = mark("Easel is asking the picture service once more. The reply changes as soon as there is an answer.")
NONE_MORE = mark("There is nothing more yet. You can check again later.")
ALREADY_CHECKING = mark("Easel is asking already, or the pictures have come meanwhile.")
NOTHING_TO_EDIT = mark("There is no finished picture in this reply that could be edited.")
PARTING = mark(
    "Discord lets Easel change this reply for 15 minutes only. When it stops changing, press **Show pictures**."
)
FOR_YOU_ALONE = mark(
    "Only you see this, and Discord drops it when it restarts. Save what you like, or find it again in `/jobs`."
)
STILL_RUNNING = mark("Not finished yet, but the reply changes by itself again for the next 15 minutes.")
NO_PICTURE_IN_MESSAGE = mark("There is no picture in that message that could be edited.")
NO_TEXT_IN_MESSAGE = mark("There is no text in that message that could be painted.")
NOT_FETCHED = mark("The pictures are ready, but cannot be fetched yet; Easel keeps trying.")
OWN_CHOICE = mark("The picture service chose shape, size and format by itself here.")
COMMAND_TOO_OLD = mark("This command has changed since Discord showed it to you. Please type it once more.")
FORM_TOO_OLD = mark("Easel can no longer read this form. Please open it once more.")
REFUSED_BY_AUTOMOD = mark("AutoMod of this server refuses words that stand here, so Easel cannot show it.")
BEING_POSTED = mark("These pictures are just being posted.")
RESTARTING = mark("Easel is just restarting. Please try again in a minute; nothing was started.")
RUSH = mark("Too many people are asking at this moment, so nothing was started. Please try again in a minute.")
ANSWER_NOT_TAKEN = mark("Discord did not take Easel's answer. Please try again in a moment.")
INTERNAL_FAULT = mark("Something went wrong inside Easel, and it was noted. Please try again.")

#: OPERATOR_CONTACT, set once when a process begins.
operator_contact: ContextVar[str] = ContextVar("operator_contact", default="")


def model_name(model: Model) -> str:
    """The name of a model as a text shows it: one escaped line."""
    return plain(shortened(model_label(model), MAX_NAME_CHARS))


def model_names(models: Iterable[Model]) -> str:
    """Several models, with commas between them."""
    return ", ".join(map(model_name, models))


def whom_to_ask() -> str:
    """Who runs this bot, where the operator has said so: for every sentence that says to tell them. Else nothing."""
    contact = operator_contact.get()
    return tr("This bot is run by {contact}.", contact=plain(contact)) if contact else ""


def plain(text: str) -> str:
    """A user's text with all of Discord's markdown, links with a label and mentions taken out of action."""
    text = _unstacked(_TURNS.sub("", text))
    # discord.py's own function leaves everything from one masked link to the next as it is.
    return _LIST.sub(r"\\\g<0>", _EVERYONE.sub("@\u200b", _MARKDOWN.sub(r"\\\g<0>", text)))


def _unstacked(text: str) -> str:
    """The text without the marks that pile up over other people's lines."""
    if text.isascii():
        return text
    kept: list[str] = []
    marks = 0
    for sign in text:
        marks = marks + 1 if category(sign) in _MARKS else 0
        if marks <= MAX_MARKS:
            kept.append(sign)
    return "".join(kept)


def shortened(text: str, limit: int = SHOWN_PROMPT_CHARS) -> str:
    """The text in one line, cut to at most `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def quoted(prompt: str) -> str:
    """A prompt as a card shows it: one escaped line."""
    return f"> {plain(shortened(prompt)) or '…'}"


def fenced(prompt: str, limit: int) -> str:
    """At most `limit` characters of a prompt in a block of code, where they stand as they were typed."""
    whole = unfenced(prompt)
    return f"```\n{whole if len(whole) <= limit else whole[:limit] + '…'}\n```"


def unfenced(prompt: str) -> str:
    """A prompt that ends no block of code in which it stands."""
    return prompt.replace("```", "`\u200b`\u200b`")


def pictures(count: int) -> str:
    """A number of pictures in words."""
    return trn("1 picture", "{count} pictures", count)


def options(request: ImageRequest) -> str:
    """The settings of a request in one line."""
    parts = [
        model_name(request.model),
        request.aspect_ratio.value,
        request.resolution.value,
        pictures(request.count),
        request.format.value.upper(),
    ]
    if request.sources:
        parts.append(trn("from 1 picture", "from {count} pictures", len(request.sources)))
    return " · ".join(parts)


def dollars(micros: int) -> str:
    """Millionths of a US dollar as settings take them: `$0.02`, with as many decimals as it takes."""
    amount = f"{micros / 1_000_000:.6f}".rstrip("0")
    whole, _, decimals = amount.partition(".")
    return f"${whole}.{decimals.ljust(2, '0')}"


def money(micros: int) -> str:
    """An amount for people, as their language writes it; from a dollar on in whole cents."""
    return exact_money(round(micros, -4) if micros >= 1_000_000 else micros)


def exact_money(micros: int) -> str:
    """The same with all its decimals, for an amount that somebody has set."""
    return tr("${amount}", amount=dollars(micros)[1:].replace(".", tr(".")))


def seconds(value: float) -> str:
    """A span of time for people: `7.3 s`, `2 min 5 s`."""
    if value < 60:
        return tr("{seconds} s", seconds=decimal(value))
    minutes, rest = divmod(round(value), 60)
    return tr("{minutes} min {seconds} s", minutes=minutes, seconds=rest)


def decimal(value: float) -> str:
    """A number with one digit behind the point, which in most languages is a comma."""
    return f"{value:.1f}".replace(".", tr("."))


def source_fault(detail: str) -> str:
    """The sentence for a picture that cannot be used, from Failure.detail."""
    name, _, amount = detail.partition(" ")
    fault = SourceFault(name) if name in set(SourceFault) else SourceFault.UNREADABLE
    number = int(amount) if amount.isdigit() else 0
    if fault is SourceFault.TOO_LARGE:
        most = MAX_SOURCE_BYTES // 1_000_000
        if not number:
            return tr("The attached picture is too large: at most {most} MB are taken.", most=most)
        return tr(
            "The attached picture is too large: at most {most} MB are taken, and it has {size} MB.",
            most=most,
            size=decimal(number / 1_000_000),
        )
    if fault is SourceFault.TOO_MANY_PIXELS:
        most = MAX_SOURCE_PIXELS // 1_000_000
        if not number:
            return tr("The attached picture has too many pixels: at most {most} megapixels are taken.", most=most)
        return tr(
            "The attached picture has too many pixels: at most {most} megapixels are taken, and it has {size}.",
            most=most,
            size=f"{number / 1_000_000:.0f}",
        )
    return tr(SOURCE_FAULTS[fault])


def refusal(exc: RequestError) -> str:
    """The private sentence for a request that was not taken."""
    if isinstance(exc, TooManyJobs):
        return trn(
            "You already have a request running, which is as many as are taken at once. Please wait until one is done.",
            "You already have {count} requests running, which is as many as are taken at once. Please wait until one "
            "is done.",
            exc.limit,
        )
    if isinstance(exc, InvalidRequest):
        return tr(exc.sentence, **exc.values)
    return tr(INTERNAL_FAULT)
