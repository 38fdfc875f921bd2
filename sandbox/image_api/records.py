"""What the local image API remembers: every request, everything bought, every task."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from bot.model import QUALITY, STANDARD, AspectRatio, Model, PictureFormat, Resolution
from sandbox.image_api.behaviour import Markers
from sandbox.image_api.script import Fate

#: Millionths of a US dollar: the model vendor's published prices. The gateway's own are not known.
_OUTPUT_PRICES: Mapping[tuple[Model, Resolution], int] = {
    (STANDARD, Resolution.ONE_K): 20_000,
    (STANDARD, Resolution.TWO_K): 20_000,
    (QUALITY, Resolution.ONE_K): 50_000,
    (QUALITY, Resolution.TWO_K): 70_000,
}
_INPUT_PRICES: Mapping[Model, int] = {STANDARD: 2_000, QUALITY: 10_000}


def utc_now() -> datetime:
    """The wall clock, aware, in UTC."""
    return datetime.now(UTC)


class Route(StrEnum):
    """The three routes that buy pictures."""

    TASKS = "/v1/images/tasks"
    GENERATIONS = "/v1/images/generations"
    EDITS = "/v1/images/edits"


@dataclass(frozen=True, slots=True)
class Submission:
    """A valid request for pictures. A source is an address, or the bytes of an uploaded file."""

    route: Route
    model: Model
    prompt: str
    sources: tuple[str | bytes, ...]
    aspect_ratio: AspectRatio
    resolution: Resolution
    format: PictureFormat
    count: int
    as_base64: bool = False

    @property
    def task_type(self) -> str:
        return "image2image" if self.sources else "text2image"

    @property
    def price(self) -> int:
        """In millionths of a US dollar. A model that is not the vendor's costs what STANDARD does."""
        priced = self.model if self.model in _INPUT_PRICES else STANDARD
        return _OUTPUT_PRICES[priced, self.resolution] * self.count + _INPUT_PRICES[priced] * len(self.sources)


@dataclass(slots=True)
class RecordedRequest:
    """One HTTP request, whatever came of it. `at` is monotonic; `status` is None while nothing was answered.

    `json` is the body of a JSON request, `form` the text fields and file sizes of a multipart one. `origin` says
    which of the two listening sockets took it: "api" or "files".
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    origin: str
    at: float = field(default_factory=time.monotonic)
    wall: datetime = field(default_factory=utc_now)
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    json: object = None
    form: Mapping[str, tuple[str | int, ...]] = field(default_factory=dict[str, tuple[str | int, ...]])
    status: int | None = None

    @property
    def authorization(self) -> str | None:
        """The Authorization header as it came, or None."""
        return self.headers.get("Authorization")


@dataclass(frozen=True, slots=True)
class AcceptedTask:
    """One accepted submission: what was bought. `cost_micros` is charged on acceptance."""

    task_id: str
    submission: Submission
    cost_micros: int
    at: float
    wall: datetime


class TaskState(StrEnum):
    """How far a task has come, in the API's own eyes."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    VANISHED = "vanished"


@dataclass(frozen=True, slots=True)
class Finished:
    """One finished picture: bytes, or a file that holds them."""

    content: bytes | Path
    format: PictureFormat

    def read(self) -> bytes:
        return self.content if isinstance(self.content, bytes) else self.content.read_bytes()


@dataclass(slots=True, eq=False)
class ImageTask:
    """One task as the API sees it. Times are monotonic seconds unless they say `wall`.

    `planned_s` is the drawn latency. `ready_at` is when the result was there, `told_at` when an answer first said so,
    `fetched_at` when each picture was last fetched whole: their differences are a client's lag.
    """

    accepted: AcceptedTask
    fate: Fate
    markers: Markers
    planned_s: float
    state: TaskState = TaskState.RUNNING
    error: object = None
    pictures: tuple[Finished, ...] = ()
    ready_at: float | None = None
    ready_wall: datetime | None = None
    told_at: float | None = None
    fetched_at: dict[int, float] = field(default_factory=dict[int, float])
    refunded: bool = False
    queries: int = 0
    success_answers: int = 0
    addresses: tuple[str, ...] = ()  # the tokens of the addresses now told
    addresses_at: float = 0.0
    done: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def task_id(self) -> str:
        return self.accepted.task_id

    @property
    def charged_micros(self) -> int:
        """What was paid in the end."""
        return 0 if self.refunded else self.accepted.cost_micros

    def elapsed(self) -> float:
        """The part of the planned time that is over, 0-1."""
        passed = time.monotonic() - self.accepted.at
        return min(1.0, passed / self.planned_s) if self.planned_s > 0 else 1.0
