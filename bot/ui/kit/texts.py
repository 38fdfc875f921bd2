"""The sentences that users read. Whatever a user wrote passes through `quoted` or `plain` first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bot.errors import InvalidRequest, RequestError, SourceFault, TooManyJobs
from bot.model import (
    MAX_SOURCE_BYTES,
    MAX_SOURCE_PIXELS,
    Charged,
    Failure,
    FailureKind,
    ImageRequest,
    Job,
    JobState,
    Model,
)
from bot.ui.kit.language import mark, tr, trn
from bot.ui.kit.options import model_label

SHOWN_PROMPT_CHARS = 500
MAX_NAME_CHARS = 50  # of a model, of which ten may stand in one card

#: "<" opens mentions of members, channels, commands and times.
_MARKDOWN = re.compile(r"[\\*_~`|\[\]<>#]")
_EVERYONE = re.compile(r"@(?=everyone|here)")
_LIST = re.compile(r"^[-+]|(?<=\d)\.(?=\s)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Ending:
    """What a user is told when a job ends without pictures: a headline, what it means, and what to do next."""

    headline: str
    meaning: str
    again: bool  # whether repeating the request can help


ENDINGS: Mapping[FailureKind, Ending] = MappingProxyType(
    {
        FailureKind.REFUSED: Ending(
            mark("Refused by moderation"),
            mark(
                "The image API's moderation did not allow this request. Try different words or another picture; "
                "the same words may pass another time."
            ),
            again=True,
        ),
        FailureKind.MODERATED: Ending(
            mark("Not allowed here"),
            mark(
                "The moderation of whoever runs this bot does not allow this prompt, so nothing was sent to the image "
                "API. Please use other words."
            ),
            again=False,
        ),
        FailureKind.MODERATION_DOWN: Ending(
            mark("The prompt could not be checked"),
            mark(
                "The moderation of whoever runs this bot does not answer, and until it does nothing is painted. The "
                "fault is not yours; please try again in a few minutes."
            ),
            again=True,
        ),
        FailureKind.OUT_OF_BALANCE: Ending(
            mark("Out of balance"),
            mark(
                "The account that pays for pictures has no money left. The fault is not yours; please tell whoever "
                "runs this bot."
            ),
            again=True,
        ),
        FailureKind.BAD_KEY: Ending(
            mark("The bot's key was not accepted"),
            mark(
                "The image API does not accept this bot's key. The fault is not yours; please tell whoever runs this "
                "bot."
            ),
            again=True,
        ),
        FailureKind.BAD_INPUT: Ending(
            mark("The image API could not use this request"),
            mark(
                "It does not accept this combination of prompt, options or pictures, or does not offer this model. "
                "Change something with **Remix**; if that does not help, please tell whoever runs this bot."
            ),
            again=False,
        ),
        FailureKind.BAD_SOURCE: Ending(mark("That picture cannot be used"), "", again=False),
        FailureKind.SOURCE_GONE: Ending(
            mark("The attached picture is no longer there"),
            mark("Discord's address for it has expired. Please attach the picture again with `/edit`."),
            again=False,
        ),
        FailureKind.BUSY: Ending(
            mark("The image API is too busy"),
            mark("It was asked several times and started nothing. Please try again in a few minutes."),
            again=True,
        ),
        FailureKind.UNREACHABLE: Ending(
            mark("The image API cannot be reached"),
            mark("It was tried several times; the fault is not yours. Please try again in a few minutes."),
            again=True,
        ),
        FailureKind.TIMED_OUT: Ending(
            mark("Timed out"),
            mark(
                "The image API has not finished in time. The pictures may still come: **Check again** asks it once "
                "more."
            ),
            again=True,
        ),
        FailureKind.HOST_REFUSED: Ending(
            mark("The pictures are there, but Easel may not fetch them"),
            mark(
                "They lie on a host that whoever runs this bot has not opened for it. The fault is not yours; please "
                "tell them. **Check again** brings the pictures once that is done."
            ),
            again=False,
        ),
        FailureKind.UNCERTAIN: Ending(
            mark("Nobody knows whether this was painted"),
            mark(
                "The request went out, but no clear answer came back, so Easel does not send it again by itself. The "
                "fault is not yours. Press **Again** if you want to ask anew; that may cost a second time."
            ),
            again=True,
        ),
        FailureKind.LOST: Ending(
            mark("The pictures are lost"),
            mark(
                "The image API gave no picture that could be used, or no longer has it. The fault is not yours; "
                "**Again** asks for it anew."
            ),
            again=True,
        ),
        FailureKind.PARTIAL: Ending(
            mark("Some of the pictures are missing"),
            mark("Their address did not work. **Check again** asks for them once more, for nothing."),
            again=True,
        ),
        FailureKind.UNDELIVERABLE: Ending(
            mark("The pictures could not be posted here"),
            mark("Discord did not take them in this place. Please try again somewhere else."),
            again=True,
        ),
        FailureKind.REPLY_DELETED: Ending(
            mark("Deleted"), mark("The reply was deleted while the job ran."), again=False
        ),
        FailureKind.UNACKNOWLEDGED: Ending(
            mark("Not started"), mark("Discord did not take the answer in time."), again=False
        ),
        FailureKind.CANCELLED: Ending(mark("Cancelled"), "", again=True),
        FailureKind.UNKNOWN: Ending(
            mark("Something went wrong at the image API"),
            mark(
                "It could not finish this, for a reason of its own. The fault is not yours. **Again** may work; if it "
                "goes on, please tell whoever runs this bot."
            ),
            again=True,
        ),
    }
)

CHARGES: Mapping[Charged, str] = MappingProxyType(
    {
        Charged.NO: mark("Nothing was charged."),
        Charged.MAYBE: mark("It may have been charged; nobody can tell from here."),
        Charged.YES: mark("It was charged."),
    }
)

SOURCE_FAULTS: Mapping[SourceFault, str] = MappingProxyType(
    {
        SourceFault.NOT_A_PICTURE: mark("The attached file is no JPEG, PNG or WebP picture, whatever its name says."),
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
            "The attached picture is damaged or cut off. Please save it anew and attach it again."
        ),
        SourceFault.UNREADABLE: mark("The attached picture could not be read from Discord. Please attach it again."),
    }
)

NO_SUCH_JOB = mark(
    "Easel no longer knows this picture, so its buttons have nothing to work with. Please ask anew with `/imagine`."
)
NOT_YOURS = mark("Only the person who asked for this, or a member with the permission Manage Messages, can do that.")
TOO_LATE_TO_CANCEL = mark("Too late to cancel: this has already ended, or its pictures are just arriving.")
CANCELLING = mark("It is being cancelled; the image API has just been asked, so this takes a moment.")
DATABASE_BUSY = mark(
    "Easel cannot write down your request right now, so nothing was started. Please try again in a minute."
)
CHECKING = mark("Easel is asking the image API once more. The reply changes as soon as there is an answer.")
STILL_ASKABLE = mark("**Check again** asks once more for what was ordered here, for nothing.")
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
OWN_CHOICE = mark("The image API chose shape, size and format by itself here.")
COMMAND_TOO_OLD = mark("This command has changed since Discord showed it to you. Please type it once more.")
FORM_TOO_OLD = mark("Easel can no longer read this form. Please open it once more.")
RESTARTING = mark("Easel is just restarting. Please try again in a minute; nothing was started.")
INTERNAL_FAULT = mark("Something went wrong inside Easel; it has been noted. Please try again.")


def model_name(model: Model) -> str:
    """The name of a model as a text shows it: one escaped line."""
    return plain(shortened(model_label(model), MAX_NAME_CHARS))


def model_names(models: Iterable[Model]) -> str:
    """Several models, with commas between them."""
    return ", ".join(map(model_name, models))


def plain(text: str) -> str:
    """A user's text with all of Discord's markdown, links with a label and mentions taken out of action."""
    # discord.py's own function leaves everything from one masked link to the next as it is.
    return _LIST.sub(r"\\\g<0>", _EVERYONE.sub("@\u200b", _MARKDOWN.sub(r"\\\g<0>", text)))


def shortened(text: str, limit: int = SHOWN_PROMPT_CHARS) -> str:
    """The text in one line, cut to at most `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def quoted(prompt: str) -> str:
    """A prompt as a card shows it: one escaped line."""
    return f"> {plain(shortened(prompt)) or '…'}"


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
    """Millionths of a US dollar as an amount: `$0.02`, with as many decimals as it takes."""
    amount = f"{micros / 1_000_000:.6f}".rstrip("0")
    whole, _, decimals = amount.partition(".")
    return f"${whole}.{decimals.ljust(2, '0')}"


def seconds(value: float) -> str:
    """A span of time for people: `7.3 s`, `2 min 5 s`."""
    if value < 60:
        return tr("{seconds} s", seconds=decimal(value))
    minutes, rest = divmod(round(value), 60)
    return tr("{minutes} min {seconds} s", minutes=minutes, seconds=rest)


def decimal(value: float) -> str:
    """A number with one digit behind the point, which in most languages is a comma."""
    return f"{value:.1f}".replace(".", tr("."))


def ending(job: Job) -> Ending:
    """What the user is told about a job that ended without pictures, in the language of the moment."""
    failure = job.failure or Failure(FailureKind.UNKNOWN, Charged.MAYBE)
    end = ENDINGS[failure.kind]
    meaning = source_fault(failure.detail) if failure.kind is FailureKind.BAD_SOURCE else tr(end.meaning)
    if job.state is JobState.TIMED_OUT and failure.kind is not FailureKind.TIMED_OUT:
        meaning = f"{meaning} {tr(STILL_ASKABLE)}"
    charge = tr(CHARGES[failure.charged])
    again = end.again or failure.detail.startswith(SourceFault.NO_ROOM)  # only the moment was wrong
    return Ending(tr(end.headline), f"{meaning} {charge}".strip(), again)


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
