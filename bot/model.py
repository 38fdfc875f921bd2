"""The words all parts of Easel share: frozen, and of the standard library only.

A *job* is one user's request, stored in our database; a *task* is what the image API runs for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import NewType

MAX_PROMPT_CHARS, MAX_COUNT = 4000, 4  # num_images is 1-4 on the image API's page, section 4
MAX_SOURCES = 3  # the documented upstream limit for both models
COVERED_PREFIX = "SPOILER_"  # how Discord's clients name a covered file
MAX_SOURCE_BYTES, MAX_SOURCE_PIXELS = 25_000_000, 50_000_000

#: An image model by its id at the image API. Which are on offer says policy/catalog.py; a stored job may name another.
Model = NewType("Model", str)
STANDARD, QUALITY = Model("grok-imagine-image"), Model("grok-imagine-image-quality")  # of the API's page, section 1


class AspectRatio(StrEnum):
    """The documented shapes of a picture; AUTO follows the source and holds for edits only."""

    SQUARE = "1:1"
    WIDE = "16:9"
    TALL = "9:16"
    LANDSCAPE = "4:3"
    PORTRAIT = "3:4"
    AUTO = "auto"


class Resolution(StrEnum):
    """The documented size tiers: about one or about four megapixels."""

    ONE_K = "1k"
    TWO_K = "2k"


class PictureFormat(StrEnum):
    """File formats. The first three can be asked for and used as a source; a result may be any that Discord shows."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    GIF = "gif"
    AVIF = "avif"

    @property
    def extension(self) -> str:
        """The usual file extension, without the dot."""
        return "jpg" if self is PictureFormat.JPEG else self.value

    @property
    def mime(self) -> str:
        return f"image/{self}"

    @classmethod
    def of(cls, head: bytes) -> PictureFormat | None:
        """What a file is by its first 12 bytes, whatever its name says; None for what Easel does not open."""
        found = cls.of_result(head)
        return found if found in OFFERED_FORMATS else None

    @classmethod
    def of_result(cls, head: bytes) -> PictureFormat | None:
        """As `of`, with the formats that Discord shows although Easel does not open them."""
        starts = {b"\xff\xd8\xff": cls.JPEG, b"\x89PNG\r\n\x1a\n": cls.PNG, b"GIF87a": cls.GIF, b"GIF89a": cls.GIF}
        inside = {b"WEBP": cls.WEBP, b"ftypavif": cls.AVIF, b"ftypavis": cls.AVIF}
        within = inside.get(head[8:12] if head[:4] == b"RIFF" else head[4:12])
        return next((kind for start, kind in starts.items() if head.startswith(start)), within)


OFFERED_FORMATS = (PictureFormat.JPEG, PictureFormat.PNG, PictureFormat.WEBP)  # what output_format may be


@dataclass(frozen=True, slots=True)
class PictureInfo:
    """What is known of a picture file without opening it: the format that its bytes show, and how many there are."""

    format: PictureFormat
    bytes: int

    @classmethod
    def at(cls, path: Path) -> PictureInfo | None:
        """What lies at `path`; None where nothing does, or something that is no picture."""
        try:
            with path.open("rb") as file:
                kind = PictureFormat.of_result(file.read(12))
            return cls(kind, path.stat().st_size) if kind else None
        except OSError:
            return None


class Slot(StrEnum):
    """Which pictures of a reply are meant: the results, or the sources kept small beside them."""

    PICTURE = "picture"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a copy of a picture stays after its signed address has expired: a reply of ours. `index` is from 0."""

    channel_id: int
    message_id: int
    slot: Slot
    index: int


@dataclass(frozen=True, slots=True)
class Source:
    """An input picture of an edit: an address that the bot and the image API can fetch for now."""

    url: str
    filename: str = "picture"
    size: int = 0  # in bytes, 0 when unknown
    kept: Kept | None = None  # a reply with a fresh address
    author_id: int | None = None  # whoever posted it
    offered: bool = False  # its author gave it to Easel, so Again on it is for everybody until they shut others out
    preset_picture: str | None = None  # the id of one kept with a preset: the job's own reply gives it an address
    shown_as: str = ""  # its file name there, while the job runs

    @property
    def is_covered(self) -> bool:
        return self.filename.startswith(COVERED_PREFIX)


class FollowUp(StrEnum):
    """How a request came out of a message that was there before."""

    AGAIN = "again"
    REMIX = "remix"
    EDIT = "edit"
    MENU_EDIT = "menu_edit"  # the message menu Edit image
    MENU_IMAGINE = "menu_imagine"  # the message menu Imagine this
    POST = "post"  # the pictures of a private result, shown to everybody: nothing is bought


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """All that a user asked for. With sources it is an edit, without it a picture from text."""

    prompt: str
    model: Model = STANDARD
    aspect_ratio: AspectRatio = AspectRatio.SQUARE
    resolution: Resolution = Resolution.ONE_K
    count: int = 1
    format: PictureFormat = PictureFormat.JPEG
    spoiler: bool = False
    private: bool = False
    sources: tuple[Source, ...] = ()
    preset: str | None = None  # the name of the saved style whose words and options came in
    follows: FollowUp | None = None  # what was done to another message to ask for this; None for a command
    copies: tuple[str, ...] = ()  # of a POST: the private message's own files, one for each picture
    left_out: int = 0  # pictures of the preset that did not come along

    @property
    def is_edit(self) -> bool:
        return bool(self.sources)


@dataclass(frozen=True, slots=True)
class ReplyTarget:
    """Where a job's reply lives, and all that is needed to edit it without the interaction object.

    `message_id` is None before the acknowledgement is taken. `bot_member`: the bot's own token reaches the channel.
    `upload_limit` is in bytes per file.
    """

    application_id: int
    token: str = field(repr=False)
    token_expires_at: datetime
    channel_id: int
    guild_id: int | None
    message_id: int | None
    ephemeral: bool
    bot_member: bool
    upload_limit: int
    locale: str = "en-US"

    @property
    def outlives_token(self) -> bool:
        """Whether the bot's own token still reaches the reply when the interaction's has expired."""
        return self.bot_member and not self.ephemeral


class JobState(StrEnum):
    """How far a job has come. ARROWS below says which may follow which."""

    RECEIVED = "received"  # the row is written; Discord has not yet taken the acknowledgement
    WAITING = "waiting"  # acknowledged, in line
    SUBMITTING = "submitting"  # written before the request goes out: found at start, its outcome is unknown
    PAINTING = "painting"  # the image API has accepted it: task_id is known
    READY = "ready"  # the pictures' addresses are known
    DELIVERING = "delivering"  # written before the upload: found at start, the message is looked at first
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    UNCERTAIN = "uncertain"  # nobody knows whether the submission was accepted; never sent again by itself
    RESTORED = "restored"  # unfinished in a backup: what has come of it since is looked for first

    @property
    def is_final(self) -> bool:
        return self in FINAL_STATES


_ENDS = frozenset({JobState.FAILED, JobState.CANCELLED})
FINAL_STATES = _ENDS | {JobState.DELIVERED, JobState.TIMED_OUT, JobState.UNCERTAIN}

#: Every arrow of a job's life. Each is one committed write before the act it announces. A job goes from *submitting*
#: back to *waiting* only after a refusal that certainly started nothing.
ARROWS: Mapping[JobState, frozenset[JobState]] = MappingProxyType(
    {
        JobState.RECEIVED: frozenset({*_ENDS, *map(JobState, ("waiting", "submitting", "delivering"))}),
        JobState.WAITING: frozenset({JobState.SUBMITTING, *_ENDS}),
        JobState.SUBMITTING: frozenset({*_ENDS, *map(JobState, ("painting", "ready", "waiting", "uncertain"))}),
        JobState.PAINTING: frozenset({*_ENDS, *map(JobState, ("ready", "delivering", "timed_out"))}),
        JobState.READY: frozenset({JobState.DELIVERING, JobState.TIMED_OUT, *_ENDS}),  # its host may give no picture
        JobState.DELIVERING: frozenset({JobState.DELIVERED, JobState.TIMED_OUT, JobState.FAILED}),
        JobState.TIMED_OUT: frozenset({JobState.PAINTING}),  # "Check again" asks once more about the same task
        **dict.fromkeys((JobState.DELIVERED, JobState.FAILED, JobState.CANCELLED), frozenset[JobState]()),
        JobState.UNCERTAIN: frozenset({JobState.PAINTING}),  # the task id may still be learned
        JobState.RESTORED: frozenset({*_ENDS, *map(JobState, ("painting", "ready", "delivered", "uncertain"))}),
    }
)

OPEN_STATES = frozenset(JobState) - FINAL_STATES  # they count for the user's limit
ACTIVE_STATES = frozenset({JobState.SUBMITTING, JobState.PAINTING})  # they hold a slot at the image API


class Charged(StrEnum):
    """Whether the image API took money for a job that ended without pictures, as far as anyone can tell."""

    NO = "no"
    MAYBE = "maybe"
    YES = "yes"


class FailureKind(StrEnum):
    """Why a job ended without pictures. Each kind has its own sentence for the user."""

    REFUSED = "refused"  # by moderation
    MODERATED = "moderated"  # by the operator's own moderation, before anything was bought
    MODERATION_DOWN = "moderation_down"  # it does not answer, and the operator lets nothing pass then
    OUT_OF_BALANCE = "out_of_balance"
    BAD_KEY = "bad_key"
    BAD_INPUT = "bad_input"
    BAD_SOURCE = "bad_source"  # an attached picture is not usable; `detail` says why
    SOURCE_GONE = "source_gone"  # the address of a source has expired and no copy can be read
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    UNCERTAIN = "uncertain"
    HOST_REFUSED = "host_refused"  # the pictures lie on a host of a private network: the operator can open it
    LOST = "lost"  # the API no longer knows the task, or its pictures can no longer be fetched
    PARTIAL = "partial"  # delivered, but not all pictures could be fetched; `detail` says "3 4" for three of four
    UNDELIVERABLE = "undeliverable"  # the pictures are there, but no message of this job can show them
    REPLY_DELETED = "reply_deleted"  # a person deleted the reply while the job ran
    UNACKNOWLEDGED = "unacknowledged"  # Discord refused the acknowledgement: nothing was bought
    INTERRUPTED = "interrupted"  # nobody could find out whether Discord had taken it: nothing was bought
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Failure:
    """How a job ended without pictures; PARTIAL (delivered) and UNDELIVERABLE (delivering) are of jobs that go on."""

    kind: FailureKind
    charged: Charged = Charged.NO
    detail: str = ""  # of BAD_SOURCE (`too_large 26000000`), PARTIAL (`3 4`) and SOURCE_GONE (`preset`)


@dataclass(frozen=True, slots=True)
class Job:
    """One user's request, as it stands in the database. Times are aware, in UTC."""

    id: str
    seq: int
    interaction_id: int
    user_id: int
    state: JobState
    request: ImageRequest
    target: ReplyTarget
    received_at: datetime
    parent_id: str | None = None  # the job this one repeats, remixes or edits
    parent_link: str | None = None  # address of the message that it follows up
    attempts: int = 0  # submissions that went out, refused ones included
    not_before: datetime | None = None  # a waiting job that was refused is not tried earlier
    submitted_at: datetime | None = None  # when the image API accepted it
    ready_at: datetime | None = None
    finished_at: datetime | None = None
    task_id: str | None = None
    request_id: str | None = None  # the image API's own id for the request, for Details and the log
    result_urls: tuple[str, ...] = ()
    cancel_requested: bool = False
    failure: Failure | None = None
    cost_micros: int | None = None  # millionths of a US dollar; None where the price list has no price
    reply_deleted: bool = False  # a person removed the reply on purpose: nothing is posted in its place
    announced: bool = False  # the reply shows how the job ended; an end that is not announced is resumed at start

    @property
    def is_shelved(self) -> bool:
        """Whether its pictures were bought and stand in no message: its user finds them under /jobs."""
        kind = self.failure.kind if self.failure and self.result_urls else None
        return kind in {FailureKind.REPLY_DELETED, FailureKind.UNDELIVERABLE}


@dataclass(frozen=True, slots=True)
class NewJob:
    """What the store needs to write a job's first row; of a POST also its pictures and whose task they are."""

    id: str
    interaction_id: int
    user_id: int
    request: ImageRequest
    target: ReplyTarget
    parent_id: str | None = None
    parent_link: str | None = None
    result_urls: tuple[str, ...] = ()
    task_id: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """What a running job's reply shows. `place` counts from 1; `percent` is 0-100 and never goes back."""

    place: int | None = None
    queue_length: int | None = None
    due: datetime | None = None  # about when the pictures will be there; None where nobody can tell
    percent: int | None = None
    trouble: FailureKind | None = None  # BUSY or UNREACHABLE while the job waits for the API to come back


@dataclass(frozen=True, slots=True)
class Picture:
    """One finished picture in the spool: its file, what its bytes say it is, and the address it came from."""

    path: Path
    format: PictureFormat
    bytes: int  # 0 where only the address can be given: Discord does not show the format, or it
    url: str
    is_too_large: bool = False  # has more bytes than Easel fetches
