"""What people are told when a request ends without pictures: what happened, whose fault it is, what to do, who pays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bot.errors import SourceFault
from bot.jobs.submission import OF_PRESET
from bot.model import Charged, Failure, FailureKind, FollowUp, Job, JobState
from bot.ui.kit import texts
from bot.ui.kit.language import mark, tr


@dataclass(frozen=True, slots=True)
class Ending:
    """A headline, what it means and what to do next.

    `again` says whether repeating the request can help, `remix` whether changing it can, `tell` whether it is for
    whoever runs the bot to mend.
    """

    headline: str
    meaning: str
    again: bool
    tell: bool = False
    remix: bool = True


ENDINGS: Mapping[FailureKind, Ending] = MappingProxyType(
    {
        FailureKind.REFUSED: Ending(
            mark("Refused by moderation"),
            mark(
                "The picture service's moderation did not allow this request. Please try other words or another "
                "picture."
            ),
            again=True,
        ),
        FailureKind.MODERATED: Ending(
            mark("Not allowed here"),
            mark("This bot does not allow this prompt, so nothing was painted. Please use other words."),
            again=False,
        ),
        FailureKind.MODERATION_DOWN: Ending(
            mark("The prompt could not be checked"),
            mark(
                "This bot checks every prompt first, and the check does not answer just now. It is not your fault. "
                "Please try again in a few minutes."
            ),
            again=True,
        ),
        FailureKind.OUT_OF_BALANCE: Ending(
            mark("Out of balance"),
            mark(
                "The account that pays for the pictures has no money left. It is not your fault. Please tell whoever "
                "runs this bot."
            ),
            again=True,
            tell=True,
        ),
        FailureKind.BAD_KEY: Ending(
            mark("The bot's key was not accepted"),
            mark(
                "The picture service does not accept this bot's key. It is not your fault. Please tell whoever runs "
                "this bot."
            ),
            again=True,
            tell=True,
        ),
        FailureKind.BAD_INPUT: Ending(
            mark("The picture service could not use this request"),
            mark(
                "It does not take this prompt with these options or pictures. Change something with **Remix**. If that "
                "does not help, please tell whoever runs this bot."
            ),
            again=False,
            tell=True,
        ),
        FailureKind.BAD_SOURCE: Ending(mark("That picture cannot be used"), "", again=False),
        FailureKind.SOURCE_GONE: Ending(
            mark("The attached picture is no longer there"),
            mark("Discord's address for it has expired. Please attach the picture again with `/edit`."),
            again=False,
        ),
        FailureKind.BUSY: Ending(
            mark("The picture service is too busy"),
            mark(
                "Easel asked it several times, and it started nothing. It is not your fault. Please try again in a few "
                "minutes."
            ),
            again=True,
        ),
        FailureKind.UNREACHABLE: Ending(
            mark("The picture service cannot be reached"),
            mark("Easel tried several times. It is not your fault. Please try again in a few minutes."),
            again=True,
        ),
        FailureKind.TIMED_OUT: Ending(
            mark("Timed out"),
            mark(
                "The picture service did not finish in time. It is not your fault, and the pictures may still come: "
                "**Check again** asks for them once more."
            ),
            again=True,
        ),
        FailureKind.HOST_REFUSED: Ending(
            mark("The pictures are there, but Easel may not fetch them"),
            mark(
                "They lie at an address that is not opened for this bot. It is not your fault. Please tell whoever "
                "runs this bot; once they have opened it, **Check again** brings the pictures."
            ),
            again=False,
            tell=True,
        ),
        FailureKind.UNCERTAIN: Ending(
            mark("Nobody knows whether this was painted"),
            mark(
                "The request went out, but no clear answer came back, so Easel does not send it twice by itself. It is "
                "not your fault. You can press **Again**; it may then be paid for a second time."
            ),
            again=True,
        ),
        FailureKind.LOST: Ending(
            mark("The pictures are lost"),
            mark(
                "The picture service gave no usable picture, or no longer has it. It is not your fault. **Again** "
                "paints it once more."
            ),
            again=True,
        ),
        FailureKind.PARTIAL: Ending(
            mark("Some of the pictures are missing"),
            mark("Their address did not work. **Check again** asks for them once more, at no cost."),
            again=True,
        ),
        FailureKind.UNDELIVERABLE: Ending(
            mark("The pictures could not be posted here"),
            mark("Discord did not take them in this place. Please try again somewhere else."),
            again=True,
        ),
        FailureKind.REPLY_DELETED: Ending(
            mark("Deleted"), mark("The reply was deleted while the request was running."), again=False
        ),
        FailureKind.UNACKNOWLEDGED: Ending(
            mark("Not started"), mark("Discord did not take the answer in time."), again=False
        ),
        FailureKind.INTERRUPTED: Ending(
            mark("Not started: please ask again"),
            mark(
                "Easel was interrupted just when you asked, and could not find out afterwards whether its answer had "
                "reached you, so nothing was painted. It is not your fault. **Again** asks once more."
            ),
            again=True,
        ),
        FailureKind.CANCELLED: Ending(mark("Cancelled"), "", again=True),
        FailureKind.UNKNOWN: Ending(
            mark("Something went wrong at the picture service"),
            mark(
                "It could not finish this. It is not your fault. **Again** may work. If it keeps happening, please "
                "tell whoever runs this bot."
            ),
            again=True,
            tell=True,
        ),
    }
)

#: Members fear for their own money where they read "charged": so each sentence says what it means for them.
CHARGES: Mapping[Charged, str] = MappingProxyType(
    {
        Charged.NO: mark("Nothing was charged, and it does not count towards your pictures."),
        Charged.MAYBE: mark(
            "It may have been charged to whoever runs this bot, never to you. It counts towards your pictures of today."
        ),
        Charged.YES: mark(
            "It was charged to whoever runs this bot, never to you. It counts towards your pictures of today."
        ),
    }
)

STILL_ASKABLE = mark("**Check again** asks once more for what was ordered here, at no cost.")


NOT_POSTED_HEADLINE = mark("The pictures could not be posted")
NOT_POSTED = mark(
    "They could not be fetched, or no message can show them here. Nothing was paid for a second time. **Post here** "
    "can be pressed once more, and `/jobs` brings them to you alone."
)

PRESET_PICTURE_GONE = mark(
    "It came with a preset, and was taken out of it while this request waited. Please ask once more with `/imagine`."
)

#: Of a post, these say all there is to say.
_PLAIN_FOR_POSTS = frozenset({FailureKind.CANCELLED, FailureKind.REPLY_DELETED})
#: The words were not what was wrong, and the form cannot carry other pictures.
_NOT_BY_WORDS = frozenset({FailureKind.BAD_SOURCE, FailureKind.SOURCE_GONE})


def ending(job: Job) -> Ending:
    """What the user is told about a job that ended without pictures, in the language of the moment."""
    failure = job.failure or Failure(FailureKind.UNKNOWN, Charged.MAYBE)
    if job.request.follows is FollowUp.POST and failure.kind not in _PLAIN_FOR_POSTS:
        # A post has bought nothing, so nothing under it may buy either.
        return Ending(tr(NOT_POSTED_HEADLINE), tr(NOT_POSTED), again=False, remix=False)
    if failure.kind is FailureKind.SOURCE_GONE and failure.detail == OF_PRESET:
        meaning = f"{tr(PRESET_PICTURE_GONE)}\n-# {tr(CHARGES[failure.charged])}"
        return Ending(tr(ENDINGS[failure.kind].headline), meaning, again=False, remix=False)
    end = ENDINGS[failure.kind]
    sentences = [texts.source_fault(failure.detail) if failure.kind is FailureKind.BAD_SOURCE else tr(end.meaning)]
    if end.tell:
        sentences.append(texts.whom_to_ask())
    if job.state is JobState.TIMED_OUT and failure.kind is not FailureKind.TIMED_OUT:
        sentences.append(tr(STILL_ASKABLE))
    again = end.again or failure.detail.startswith(SourceFault.NO_ROOM)  # only the moment was wrong
    meaning = [" ".join(filter(None, sentences)), f"-# {tr(CHARGES[failure.charged])}"]
    remix = failure.kind not in _NOT_BY_WORDS
    return Ending(tr(end.headline), "\n".join(filter(None, meaning)), again, remix=remix)
