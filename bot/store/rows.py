"""Rows to jobs and back: pure functions.

What Easel never searches for (the request, the failure, the result addresses) is JSON text. Reading is tolerant:
keys a later version added are ignored, keys an earlier version did not know get the model's default.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, fields, replace
from datetime import datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, TypedDict

import structlog
from sqlalchemy import RowMapping

from bot.model import (
    COVERED_PREFIX,
    AspectRatio,
    Charged,
    Failure,
    FailureKind,
    FollowUp,
    ImageRequest,
    Job,
    JobState,
    Kept,
    NewJob,
    PictureFormat,
    ReplyTarget,
    Resolution,
    Slot,
    Source,
)
from bot.policy.catalog import read_model

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

log = structlog.stdlib.get_logger(__name__)

_TARGET = tuple(field.name for field in fields(ReplyTarget))
_REQUEST = tuple(field.name for field in fields(ImageRequest))
_PLAIN = tuple(
    field.name
    for field in fields(Job)
    if field.name not in {"request", "target", "result_urls", "failure", "announced"}
)


class JobChanges(TypedDict, total=False):
    """What may be written to a job besides its state; each key means what it means in `model.Job`."""

    target: ReplyTarget
    request: ImageRequest
    task_id: str | None
    request_id: str | None
    result_urls: tuple[str, ...]
    ready_at: datetime  # with DELIVERING, where READY was never written
    failure: Failure | None
    cost_micros: int | None
    attempts: int
    not_before: datetime | None
    cancel_requested: bool
    reply_deleted: bool
    announced: bool
    pictures: int  # how many came; for the ledger only, goes with READY or DELIVERING


def values_of(new: NewJob) -> dict[str, Any]:
    """The columns that a new job brings with it."""
    return {
        "id": new.id,
        "interaction_id": new.interaction_id,
        "user_id": new.user_id,
        "parent_id": new.parent_id,
        "parent_link": new.parent_link,
        "request": _request_text(new.request),
        **_target_values(new.target),
        "attempts": 0,
        "result_urls": _text(new.result_urls),
        "task_id": new.task_id,
        "cancel_requested": False,
        "reply_deleted": False,
        "told": False,
    }


def first_job(new: NewJob, seq: int, received_at: datetime) -> Job:
    """The job that `values_of(new)` has become, without reading it back."""
    return Job(
        id=new.id,
        seq=seq,
        interaction_id=new.interaction_id,
        user_id=new.user_id,
        state=JobState.RECEIVED,
        request=new.request,
        target=new.target,
        received_at=received_at,
        parent_id=new.parent_id,
        parent_link=new.parent_link,
        result_urls=new.result_urls,
        task_id=new.task_id,
    )


def values_of_changes(changes: JobChanges) -> dict[str, Any]:
    """The columns behind `changes`."""
    values: dict[str, Any] = dict(changes)
    values.pop("pictures", None)
    if "announced" in changes:
        values["told"] = values.pop("announced")  # the column keeps the name of the first version
    if "target" in changes:
        del values["target"]
        values |= _target_values(changes["target"])
    if "request" in changes:
        values["request"] = _request_text(changes["request"])
    if "result_urls" in changes:
        values["result_urls"] = _text(changes["result_urls"])
    if "failure" in changes:
        failure = changes["failure"]
        values["failure"] = _text(asdict(failure)) if failure else None
    return values


def jobs_of(rows: Iterable[RowMapping]) -> list[Job]:
    """The jobs in whole rows of the table `jobs`, without those that this version cannot read.

    A later version may have written a state or a resolution that this one does not know. Such a job waits for a version
    that does; it must not keep all others from being read. Each is logged once.
    """
    found: list[Job] = []
    for row in rows:
        try:
            found.append(job_of(row))
        except (ValueError, TypeError, KeyError, LookupError) as error:
            _tell_unreadable(str(row["id"]), type(error).__name__)
    return found


@lru_cache(maxsize=1000)
def _tell_unreadable(job_id: str, error: str) -> None:
    log.error(
        "this version cannot read a job and passes it over; start the version that wrote it", job=job_id, error=error
    )


def job_of(row: RowMapping) -> Job:
    """The job in a whole row of the table `jobs`. Raises ValueError, TypeError or KeyError for what it cannot read."""
    columns: dict[str, Any] = {str(name): value for name, value in row.items()}
    columns["state"] = JobState(columns["state"])
    failure = columns["failure"]
    return Job(
        **{name: columns[name] for name in _PLAIN},
        request=read_request(columns["request"]),
        target=ReplyTarget(**{name: columns[name] for name in _TARGET}),
        result_urls=tuple(json.loads(columns["result_urls"])),
        failure=read_failure(failure) if failure else None,
        announced=columns["told"],
    )


def read_request(text: str) -> ImageRequest:
    """A request from its JSON text."""
    known = known_fields(ImageRequest, json.loads(text))
    for name, read in _REQUEST_READERS.items():
        if name in known:
            known[name] = read(known[name])
    return ImageRequest(**known)


def without_source(text: str, position: int) -> str:
    """A request's JSON text without the address and the name of one of its sources."""
    raw = json.loads(text)
    source: dict[str, Any] = raw["sources"][position]
    covered = str(source.get("filename", "")).startswith(COVERED_PREFIX)
    source |= {"url": "", "filename": f"{COVERED_PREFIX * covered}picture"}
    return _text(raw)


def read_failure(text: str) -> Failure:
    """A failure from its JSON text. A kind that this version does not know is `UNKNOWN`."""
    known = known_fields(Failure, json.loads(text))
    known["kind"] = FailureKind(known["kind"]) if known["kind"] in set(FailureKind) else FailureKind.UNKNOWN
    known["charged"] = Charged(known.get("charged", Charged.NO))
    return Failure(**known)


def read_sources(raw: list[dict[str, Any]]) -> tuple[Source, ...]:
    """Sources from what their JSON text held."""
    return tuple(_read_source(each) for each in raw)


def _read_source(raw: dict[str, Any]) -> Source:
    known = known_fields(Source, raw)
    kept = known.get("kept")
    if kept is not None:
        place = known_fields(Kept, kept)
        place["slot"] = Slot(place["slot"])
        known["kept"] = Kept(**place)
    return Source(**known)


def _read_follow_up(raw: str | None) -> FollowUp | None:
    return FollowUp(raw) if raw in set(FollowUp) else None


_REQUEST_READERS: Mapping[str, Callable[[Any], Any]] = {
    "model": read_model,
    "aspect_ratio": AspectRatio,
    "resolution": Resolution,
    "format": PictureFormat,
    "sources": read_sources,
    "follows": _read_follow_up,
    "copies": tuple,
}


def known_fields(shape: type[DataclassInstance], raw: dict[str, Any]) -> dict[str, Any]:
    """What this version knows of a shape's JSON: a later one, in another process, may have written more."""
    names = _names(shape)
    return {name: value for name, value in raw.items() if name in names}


@cache
def _names(shape: type[DataclassInstance]) -> frozenset[str]:
    return frozenset(field.name for field in fields(shape))


def _target_values(target: ReplyTarget) -> dict[str, Any]:
    return {name: getattr(target, name) for name in _TARGET}


def _request_text(request: ImageRequest) -> str:
    """Without whose the sources are: that stands in a table of its own, where a person is found and forgotten."""
    values = {name: getattr(request, name) for name in _REQUEST}
    values["sources"] = [asdict(replace(it, author_id=None, offered=False)) for it in request.sources]
    return _text(values)


def _text(value: object) -> str:
    # ASCII only: PostgreSQL takes no NUL and SQLite no lone surrogate, and a prompt may hold both.
    return json.dumps(value, separators=(",", ":"))
