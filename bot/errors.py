"""Every error that Easel raises on purpose.

EaselError
├── StartError                     the program cannot start: one sentence for the operator
│   └── SettingsError              variables are missing or wrong: all of them at once
├── StoreError
│   ├── StoreUnavailable           the database does not answer in time
│   ├── StoreInUse                 another process has the same SQLite file open
│   ├── JobMoved                   the job is no longer in the state the caller took it for
│   └── RulesChanged               the server's rules changed while they were being obeyed: look at them again
├── RequestError                   what a user asked for cannot be done; nothing was spent
│   ├── InvalidRequest             an option is out of range
│   ├── SourceRefused              a source is too large by what Discord says of it
│   ├── NotAdmitted                the policy says no: all `reasons` at once
│   ├── Barred                     a rule of the place says no: `bar` and what is allowed instead
│   ├── TooManyJobs                the user has as many jobs in flight as allowed
│   ├── QuotaReached               the rest of a quota is too small: carries where it stands
│   ├── QueueFull                   as many requests wait as the operator allows
│   ├── AlreadyReceived            this interaction started a job before
│   └── PresetFault                a preset can't be kept: PresetNameMissing, PresetNameTaken, TooManyPresets
├── ImageApiError                  the image API did not do it; carries kind, charged and request id
│   ├── Refused                    moderation
│   ├── OutOfBalance
│   ├── BadKey
│   ├── BadInput
│   ├── Busy, Unreachable          certainly nothing was started; may be tried again
│   ├── Uncertain, AnswerLost      nobody knows whether it was accepted; never sent again
│   ├── TaskLost                   the API does not know the task (any more)
│   └── Unexpected                 anything that fits no class above
├── DownloadError                  a picture's address did not give a usable picture
│   ├── DownloadGone               expired, forbidden or not there
│   ├── DownloadUnreachable        network trouble; may be tried again
│   ├── AddressRefused             a private, loopback or otherwise forbidden address
│   └── TooLarge, NotAPicture      the bytes are too many, or no picture that Discord shows; NotWritten: a full disk
├── ModerationDown                 the operator's moderation does not answer, and lets nothing pass then
├── BadSource                      an attached picture is not usable: `fault` and `amount`
└── ReplyError
    ├── ReplyGone                  the message was deleted
    ├── ReplyOutOfReach            no way to edit this message is left for now
    │   └── ChannelGone            its channel was deleted: nothing will ever reach it
    └── ReplyUnavailable           Discord does not answer; may be tried again. ReplyNotUnderstood: it answers anything
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from bot.model import Charged, FailureKind
from bot.policy.bars import Bar
from bot.policy.quotas import SetBy, Standing


class EaselError(Exception):
    """Root of all errors below."""


class StartError(EaselError):
    """The program cannot start. The message is one sentence that tells the operator what to do."""


class SettingsError(StartError):
    """Variables are missing or wrong. `faults` holds one sentence for each of them."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


class StoreError(EaselError):
    """The database did not do what was asked."""


class StoreUnavailable(StoreError):
    """The database did not answer in time."""


class StoreInUse(StoreError):
    """Another process has this SQLite file open."""


class JobMoved(StoreError):
    """The job is no longer in the state the caller took it for, or is another process's now."""


class RulesChanged(StoreError):
    """The rules of the server changed between the look at them and the request's first row, which was not written."""


class RequestError(EaselError):
    """What a user asked for cannot be done. Nothing was spent. The message is a sentence for that user."""


class InvalidRequest(RequestError):
    """An option is out of range. The sentence says which and what is allowed, with `{name}` for each of the values."""

    def __init__(self, sentence: str, **values: object) -> None:
        super().__init__(sentence.format(**values))
        self.sentence, self.values = sentence, values


class SourceRefused(RequestError):
    """A source cannot be taken, by what Discord says of it: `size` in bytes is over model.MAX_SOURCE_BYTES."""

    def __init__(self, size: int) -> None:
        super().__init__(f"a source of {size} bytes")
        self.size = size


class NotAdmitted(RequestError):
    """The policy says no. `reasons` are all that is in the way, so that one change can mend them together."""

    def __init__(self, reasons: Sequence[RequestError]) -> None:
        super().__init__("; ".join(map(str, reasons)))
        self.reasons = tuple(reasons)


class Barred(RequestError):
    """A rule of the place says no. `allowed` says what is allowed instead, `roles` whose limit it is."""

    def __init__(self, bar: Bar, *allowed: str | int, roles: Sequence[int] = ()) -> None:
        super().__init__(str(bar))
        self.bar, self.allowed, self.roles = bar, allowed, roles


class TooManyJobs(RequestError):
    """The user has `limit` jobs in flight already, in this server where the server set the limit."""

    def __init__(self, limit: int, set_by: SetBy = SetBy.OPERATOR) -> None:
        super().__init__(f"{limit} jobs in flight already")
        self.limit, self.set_by = limit, set_by


class QuotaReached(RequestError):
    """What is left of a quota is too small for the request, which would take `asked` (pictures or micros)."""

    def __init__(self, standing: Standing, asked: int) -> None:
        super().__init__(f"{standing.left} of {standing.quota.limit} left, {asked} asked for")
        self.standing, self.asked = standing, asked


class QueueFull(RequestError):
    """As many requests wait in line as the operator allows: `limit`."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} requests in line")
        self.limit = limit


class AlreadyReceived(RequestError):
    """The interaction started a job before, here or in another process."""


class PresetFault(RequestError):
    """A preset cannot be kept as it is."""


class PresetNameMissing(PresetFault):
    """Nothing is left of the name but blanks."""


class PresetNameTaken(PresetFault):
    """Its owner has another one of that name. The message is the name."""


class TooManyPresets(PresetFault):
    """Its owner has `limit` presets already, or as many pictures with them."""

    def __init__(self, limit: int, *, of_pictures: bool = False) -> None:
        super().__init__(f"{limit} already")
        self.limit, self.of_pictures = limit, of_pictures


class ImageApiError(EaselError):
    """The image API did not do it.

    `charged` says whether money went; `request_id` is the API's own id where it told one; `retry_after`
    is in seconds where it asked for a pause.
    """

    kind = FailureKind.UNKNOWN

    def __init__(
        self,
        message: str = "",
        *,
        charged: Charged = Charged.NO,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.charged, self.request_id, self.retry_after = charged, request_id, retry_after


class Refused(ImageApiError):
    """Moderation refused the prompt, a source or the result."""

    kind = FailureKind.REFUSED


class OutOfBalance(ImageApiError):
    """The operator's account at the image API has no money left."""

    kind = FailureKind.OUT_OF_BALANCE


class BadKey(ImageApiError):
    """The image API does not accept UNIALL_API_KEY."""

    kind = FailureKind.BAD_KEY


class BadInput(ImageApiError):
    """The image API refused the request as it is."""

    kind = FailureKind.BAD_INPUT


class Busy(ImageApiError):
    """The image API has too much to do and certainly started nothing."""

    kind = FailureKind.BUSY


class Unreachable(ImageApiError):
    """No connection came about, so nothing was started."""

    kind = FailureKind.UNREACHABLE


class Uncertain(ImageApiError):
    """The request went out, and nobody knows whether it was accepted."""

    kind = FailureKind.UNCERTAIN


class AnswerLost(Uncertain):
    """The request went out, and the connection broke or time ran out before an answer was there."""


class TaskLost(ImageApiError):
    """The image API does not know the task, or no longer has its pictures."""

    kind = FailureKind.LOST


class Unexpected(ImageApiError):
    """An answer that fits no other class."""


class DownloadError(EaselError):
    """A picture's address did not give a usable picture. `retry_after` is in seconds, where its host asked for it."""

    def __init__(self, message: str = "", head: bytes = b"", *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.head, self.retry_after = head, retry_after


class DownloadGone(DownloadError):
    """The address has expired or is not there, or not yet. One such answer says little; see bot/jobs/downloads.py."""


class DownloadUnreachable(DownloadError):
    """The host did not answer, or broke off in the middle."""


class AddressRefused(DownloadError):
    """The address is private, loopback, link-local or no http one. `host`: what RESULT_HOSTS would name to open it."""

    def __init__(self, message: str = "", *, host: str = "") -> None:
        super().__init__(f"{message}: {host}" if host else message)
        self.host = host


class TooLarge(DownloadError):
    """More bytes came than allowed."""


class NotWritten(DownloadError):
    """The disk of this machine did not take the bytes: it is full, or worse."""


class NotAPicture(DownloadError):
    """The bytes are no JPEG, PNG or WebP. `head` are the first of them, as far as they came."""


class ModerationDown(EaselError):
    """The operator's moderation does not answer, and the operator lets nothing pass then."""


class SourceFault(StrEnum):
    """What can be wrong with an attached picture."""

    NOT_A_PICTURE = "not_a_picture"  # no JPEG, PNG or WebP, whatever its name says
    HEIC = "heic"  # as telephones take pictures
    AVIF = "avif"
    ANIMATED = "animated"
    TOO_LARGE = "too_large"  # in bytes
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_COMPLEX = "too_complex"  # to open it takes too much memory or time
    BROKEN = "broken"  # truncated or damaged
    UNREADABLE = "unreadable"  # it could not be fetched
    NO_ROOM = "no_room"  # this machine has no room for more sources just now: on its disk, or in its memory

    @classmethod
    def of(cls, head: bytes) -> SourceFault:
        """What to say of a file that is no JPEG, PNG or WebP, by its first 32 bytes."""
        if head[4:8] == b"ftyp":
            brands = {head[at : at + 4] for at in range(8, len(head), 4)}
            if brands & {b"avif", b"avis"}:
                return cls.AVIF
            if brands & {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}:
                return cls.HEIC
        return cls.NOT_A_PICTURE


class BadSource(EaselError):
    """An attached picture is not usable. `amount` is bytes or pixels where the fault is a size."""

    def __init__(self, fault: SourceFault, amount: int = 0) -> None:
        super().__init__(f"{fault} ({amount})" if amount else str(fault))
        self.fault, self.amount = fault, amount


class ReplyError(EaselError):
    """A reply could not be edited."""


class ReplyGone(ReplyError):
    """The message was deleted."""


class ReplyOutOfReach(ReplyError):
    """No way to reach this message is left: its token has expired and the bot may not post there."""


class ChannelGone(ReplyOutOfReach):
    """The channel of the reply was deleted."""


class ReplyUnavailable(ReplyError):
    """Discord does not answer. `retry_after` is in seconds."""

    def __init__(self, message: str = "", retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ReplyNotUnderstood(ReplyUnavailable):
    """An answer came that is not Discord's, such as the page of something in between. It may have been done."""
