"""The vocabulary of misbehaviour: what the local image API can be told to do differently.

Four kinds of effect, each a frozen value whose defaults are the ordinary behaviour:
a `Fault` replaces one HTTP answer, `Fate` decides how a task ends and what its result looks like,
`Phrasing` changes the wording of honest answers, an `Outage` takes the whole API away for a while.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

from bot.model import PictureFormat

JsonObject = Mapping[str, object]


class Stage(StrEnum):
    """Which requests a fault is for."""

    SUBMIT = "submit"  # POST on the task route and on both synchronous routes
    STATUS = "status"  # GET of a task
    DOWNLOAD = "download"  # GET of a picture


class Moment(StrEnum):
    """How far a submission comes before its fault strikes. Only AFTER_ACCEPTING costs money."""

    BEFORE_READING = "before_reading"  # the body is not read, so no prompt can ask for this
    BEFORE_ACCEPTING = "before_accepting"
    AFTER_ACCEPTING = "after_accepting"


class Act(StrEnum):
    """What happens to the answer."""

    ANSWER = "answer"  # the fault's own status, headers and body
    DROP = "drop"  # the connection is reset
    HANG = "hang"  # nothing comes, ever
    TRUNCATE = "truncate"  # the honest answer with half its body, as if it were whole
    CUT = "cut"  # the honest answer, broken off in the middle of its body
    TRICKLE = "trickle"  # the honest answer, a few bytes at a time
    OVERSIZE = "oversize"  # declares 4 GB and begins to send them
    ENDLESS = "endless"  # declares no length and never ends


@dataclass(frozen=True, slots=True)
class Fault:
    """One HTTP answer gone wrong. `retry_after` is in seconds; as a date if `retry_date` says so."""

    stage: Stage
    act: Act = Act.ANSWER
    moment: Moment = Moment.BEFORE_ACCEPTING
    status: int = 200
    body: JsonObject | str = ""  # an object is sent as JSON, a text as it is
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    retry_after: int | None = None
    retry_date: bool = False


class Ending(StrEnum):
    """How a task ends."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    VANISHED = "vanished"  # half-way the API forgets that it ever knew the task
    NEVER = "never"


class Address(StrEnum):
    """What kind of address leads to a picture."""

    OWN_ORIGIN = "own_origin"
    OTHER_ORIGIN = "other_origin"
    RELATIVE = "relative"
    DATA = "data"


@dataclass(frozen=True, slots=True)
class Fate:
    """How a task ends, and what its result looks like."""

    ending: Ending = Ending.SUCCEEDED
    slowness: float = 1.0  # times the drawn latency
    error: object = None  # what the failed task's error field holds
    error_field: str = "error"  # or fail_reason, message, metadata.error
    sync_status: int = 400  # what a synchronous route answers for the same failure
    keeps_charge: bool = False  # failed, and yet the money is gone
    missing: int = 0  # so many pictures fewer than asked for; below 0 more
    duplicate: bool = False  # every address twice
    late_answers: int = 0  # so many answers say "succeeded" without an address
    address: Address = Address.OWN_ORIGIN
    address_life_s: float | None = None  # seconds until an address answers 403; asking again gives a new one
    dead_first: bool = False  # the addresses of the first answer never work; asking again gives new ones
    gone: bool = False  # no address ever works
    there_after_s: float = 0.0  # seconds after its end until a task's pictures can be fetched; 404 before
    format: PictureFormat | None = None  # whatever was asked for


class Words(StrEnum):
    """Which vocabulary the status is told in."""

    PAGE = "page"  # queued, in_progress, succeeded, failed
    RAW = "raw"  # NOT_START, IN_PROGRESS, SUCCESS, FAILURE
    VIDEO = "video"  # queued, in_progress, completed, failed
    QUEUE = "queue"  # IN_QUEUE, IN_PROGRESS, COMPLETED, ERROR
    PLAIN = "plain"  # pending, processing, done, error
    ODD = "odd"  # "unknown" and a word nobody knows before the page's own end


class ProgressForm(StrEnum):
    """How the progress is told."""

    PERCENT = "percent"  # "30%"
    INTEGER = "integer"  # 30
    FRACTION = "fraction"  # 0.3
    NULL = "null"
    MISSING = "missing"
    NAN = "nan"  # "NaN%"
    BACKWARDS = "backwards"  # every second answer falls back to 10%


class ResultForm(StrEnum):
    """Where a finished task's addresses stand."""

    PAGE = "page"  # result_url and metadata.result_urls
    TOP_LEVEL = "top_level"  # result_urls beside result_url
    JOINED = "joined"  # result_url alone, addresses joined by commas
    JSON_TEXT = "json_text"  # result_url alone, holding a JSON list as text
    OBJECTS = "objects"  # images: [{url}]
    NESTED = "nested"  # result.data: [{url}]
    B64 = "b64"  # result.data: [{b64_json}]


@dataclass(frozen=True, slots=True)
class Phrasing:
    """How honest answers are worded."""

    words: Words = Words.PAGE
    progress: ProgressForm = ProgressForm.PERCENT
    results: ResultForm = ResultForm.PAGE
    submit_wrapped: bool = False  # in {"code": "success", "message": "", "data": …}
    status_bare: bool = False
    accepted_status: int = 200  # 202 adds Location and Retry-After
    id_field: str = "task_id"
    heartbeat: bool = False  # white space before the JSON, as keep-alive of slow answers
    compressed: bool = False  # gzip
    pending_retry_after: int | None = None  # Retry-After on answers about unfinished tasks, in seconds


@dataclass(frozen=True, slots=True)
class Outage:
    """The API is away for so many seconds: connections are refused, or taken, kept for `held_s`, and reset."""

    seconds: float = 8.0
    refused: bool = True
    held_s: float = 0.0


Effect = Fault | Fate | Phrasing | Outage
_Merged = TypeVar("_Merged", Fate, Phrasing)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One word, what it does in a sentence, and its effect. `times` requests only, or all of them when None."""

    name: str
    summary: str
    effect: Effect
    times: int | None = None

    @property
    def group(self) -> str:
        """The heading under which a page lists it."""
        match self.effect:
            case Fault(stage=stage):
                return {Stage.SUBMIT: "submission", Stage.STATUS: "status", Stage.DOWNLOAD: "download"}[stage]
            case Fate():
                return "painting"
            case Phrasing():
                return "wording"
            case Outage():
                return "connection"


def merged(base: _Merged, change: _Merged) -> _Merged:
    """`base`, with all that `change` does differently from the ordinary."""
    ordinary = type(change)()
    changes = {
        entry.name: getattr(change, entry.name)
        for entry in fields(change)
        if getattr(change, entry.name) != getattr(ordinary, entry.name)
    }
    return replace(base, **changes)
