"""What the developer panel shows: the bot's requests, what the image API was asked and paid, and the switches."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, cast

from sandbox.discord.calls import Recorded
from sandbox.discord.refusals import Json
from sandbox.discord.server import LocalDiscord
from sandbox.image_api.records import ImageTask
from sandbox.image_api.records import RecordedRequest as ImageRequestRecord
from sandbox.image_api.server import LocalImageApi
from sandbox.page.switches import Switches

#: How often the logs are looked at, in seconds. They ring no bell, and a person reads no faster.
PAUSE_S = 0.4
#: Requests told to a panel that has just been opened.
BACKLOG = 150
_TASKS_SHOWN = 40
_MAX_STEP = 16  # characters of one step of a path
_MAX_TEXT = 4000  # characters of one JSON value's strings that are worth showing

Tell = Callable[[Json], Awaitable[None]]


class Recorder:
    """Follows the logs of both local servers for one open panel."""

    def __init__(self, discord: LocalDiscord, image_api: LocalImageApi | None, switches: Switches) -> None:
        self._discord = discord
        self._image_api = image_api
        self._switches = switches

    async def follow(self, tell: Tell) -> None:
        """Tell what is new, for as long as the panel is open."""
        discord_log = _Log(lambda: self._discord.requests, _discord_row)
        image_log = _Log(lambda: self._image_api.requests if self._image_api else (), _image_row)
        told: Json | None = None
        while True:
            rows = sorted([*discord_log.news(), *image_log.news()], key=_moment)
            if rows:
                await tell({"type": "requests", "rows": rows})
            state = self._state()
            if state != told:
                told = state
                await tell({"type": "developer", **state})
            await asyncio.sleep(PAUSE_S)

    def _state(self) -> Json:
        return {"image_api": _image_state(self._image_api), **self._switches.state()}


class _Log:
    """Rows that are new, or were unanswered when they were told last."""

    def __init__(self, records: Callable[[], Any], row: Callable[[int, Any], Json]) -> None:
        self._records = records
        self._row = row
        self._next = max(0, len(records()) - BACKLOG)
        self._open: set[int] = set()

    def news(self) -> list[Json]:
        records = self._records()
        if len(records) < self._next:
            self._next, self._open = 0, set()
        wanted = sorted(self._open) + list(range(self._next, len(records)))
        self._next = len(records)
        rows = [self._row(index, records[index]) for index in wanted]
        news = [row for index, row in zip(wanted, rows, strict=True) if index not in self._open or row["done"]]
        self._open = {index for index, row in zip(wanted, rows, strict=True) if not row["done"]}
        return news


def _discord_row(index: int, record: Recorded) -> Json:
    return {
        "key": f"discord-{index}",
        "to": "Discord",
        "at": record.at,
        "method": record.method,
        "path": _readable(record.path),
        "status": record.status,
        "code": record.code,
        "took_s": record.took_s,
        "done": record.took_s is not None,
        "query": dict(record.query),
        "sent": _shortened(record.json),
        "files": [f"{one.name}, {one.size} bytes" for one in record.files],
        "answer": _shortened(record.answer),
    }


def _image_row(index: int, record: ImageRequestRecord) -> Json:
    return {
        "key": f"image-{index}",
        "to": "image API",
        "at": record.wall.timestamp(),
        "method": record.method,
        "path": _readable(record.path),
        "status": record.status,
        "code": None,
        "took_s": None,
        "done": record.status is not None,
        "query": dict(record.query),
        "sent": _shortened(record.json or {key: list(values) for key, values in record.form.items()}),
        "files": [],
        "answer": None,
    }


def _image_state(image_api: LocalImageApi | None) -> Json | None:
    if image_api is None:
        return None
    tasks = list(image_api.tasks.values())[-_TASKS_SHOWN:]
    return {
        "accepted": len(image_api.accepted),
        "charged_micros": image_api.charged_micros,
        "tasks": [_task_row(task) for task in reversed(tasks)],
    }


def _task_row(task: ImageTask) -> Json:
    submission = task.accepted.submission
    return {
        "key": task.task_id,
        "prompt": submission.prompt,
        "model": submission.model,
        "resolution": submission.resolution.value,
        "aspect_ratio": submission.aspect_ratio.value,
        "count": submission.count,
        "sources": len(submission.sources),
        "state": task.state.value,
        "charged_micros": task.charged_micros,
        "planned_s": round(task.planned_s, 1),
        "queries": task.queries,
    }


def _moment(row: Json) -> float:
    return row["at"]


def _readable(path: str) -> str:
    """A path with its long ids and tokens cut short; nobody reads them, and everything else drowns beside them."""
    return "/".join(f"…{step[-5:]}" if len(step) > _MAX_STEP else step for step in path.split("/"))


def _shortened(value: Any) -> Any:
    """JSON with overlong texts (pictures as base 64) cut."""
    if isinstance(value, str):
        return value if len(value) <= _MAX_TEXT else f"{value[:80]}… ({len(value)} characters)"
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Any]", value)
        return {key: _shortened(one) for key, one in entries.items()}
    if isinstance(value, list | tuple):
        parts = cast("Sequence[Any]", value)
        return [_shortened(one) for one in parts]
    return value
