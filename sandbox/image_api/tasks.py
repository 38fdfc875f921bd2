"""The book of tasks: takes submissions in, has them painted in their time, and keeps the addresses of the results."""

from __future__ import annotations

import asyncio
import random
import secrets
import string
import time
from base64 import b64encode
from dataclasses import dataclass

from bot.model import MAX_COUNT, PictureFormat
from sandbox.image_api.behaviour import Markers
from sandbox.image_api.latency import Latency
from sandbox.image_api.records import AcceptedTask, Finished, ImageTask, Route, Submission, TaskState, utc_now
from sandbox.image_api.script import Address, Ending, Fate
from sandbox.image_api.sources import SourceFetcher
from sandbox.image_api.studio import PainterGone, SourceUnreadable, Studio

_ID_LETTERS = string.ascii_letters + string.digits
_FAILS_AT = 0.6  # of the planned time
_VANISHES_AT = 0.5

_SAD_ENDINGS = {
    Ending.FAILED: TaskState.FAILED,
    Ending.CANCELLED: TaskState.CANCELLED,
    Ending.EXPIRED: TaskState.EXPIRED,
    Ending.VANISHED: TaskState.VANISHED,
}


@dataclass(frozen=True, slots=True)
class _Shelf:
    """What one address token leads to."""

    task: ImageTask
    minted_at: float
    dead: bool


class TaskBook:
    """All tasks of one local image API. `accepted` is what was bought, in order; `tasks` is by task id."""

    def __init__(self, studio: Studio, latency: Latency, seed: int) -> None:
        self.accepted: list[AcceptedTask] = []
        self.tasks: dict[str, ImageTask] = {}
        self.latency = latency
        self.own_origin = ""
        self.other_origin = ""
        self._studio = studio
        self._fetcher = SourceFetcher()
        self._rng = random.Random(seed)  # noqa: S311 - latencies, no secrets
        self._all: list[ImageTask] = []
        self._shelves: dict[str, _Shelf] = {}
        self._running: set[asyncio.Task[None]] = set()

    def accept(self, submission: Submission, fate: Fate, markers: Markers) -> ImageTask:
        """Take the money and begin to paint. From here on the submission is bought, whatever becomes of the answer."""
        task_id = "task_" + "".join(secrets.choice(_ID_LETTERS) for _ in range(32))
        accepted = AcceptedTask(task_id, submission, submission.price, time.monotonic(), utc_now())
        task = ImageTask(accepted, fate, markers, self.latency.draw(self._rng) * fate.slowness)
        self.accepted.append(accepted)
        self._all.append(task)
        if submission.route is Route.TASKS:
            self.tasks[task_id] = task
        painting = asyncio.create_task(self._run(task), name=f"image-task-{task_id}")
        self._running.add(painting)
        painting.add_done_callback(self._running.discard)
        return task

    @property
    def charged_micros(self) -> int:
        """What everything cost, refunds taken off, in millionths of a US dollar."""
        return sum(task.charged_micros for task in self._all)

    def find(self, task_id: str) -> ImageTask | None:
        """The task of this id, unless the API has forgotten it."""
        task = self.tasks.get(task_id)
        return None if task is None or task.state is TaskState.VANISHED else task

    def addresses(self, task: ImageTask) -> tuple[str, ...]:
        """Where the pictures lie, as told to the client now. New ones when the last have expired."""
        if not task.pictures:
            return ()
        life = task.fate.address_life_s
        stale = life is not None and time.monotonic() - task.addresses_at > life
        if not task.addresses or stale or (task.fate.dead_first and task.success_answers == 2):
            task.addresses = self._mint(task)
            task.addresses_at = time.monotonic()
        addresses = [self._address(task, index) for index in range(len(task.pictures))]
        return tuple(addresses * 2 if task.fate.duplicate else addresses)

    def base64s(self, task: ImageTask) -> list[str]:
        """The pictures themselves, for answers that hold them."""
        return [b64encode(picture.read()).decode() for picture in task.pictures]

    def picture(self, token: str, index: int) -> tuple[ImageTask, Finished | None] | None:
        """What an address leads to: its task, and the picture unless the address has expired. None if unknown."""
        shelf = self._shelves.get(token)
        if shelf is None or not 0 <= index < len(shelf.task.pictures):
            return None
        life = shelf.task.fate.address_life_s
        expired = life is not None and time.monotonic() - shelf.minted_at > life
        return shelf.task, None if shelf.dead or expired else shelf.task.pictures[index]

    def shelf_task(self, token: str) -> ImageTask | None:
        """The task that an address belongs to."""
        shelf = self._shelves.get(token)
        return shelf.task if shelf else None

    async def close(self) -> None:
        """Drop all that is being painted."""
        running = tuple(self._running)
        for painting in running:
            painting.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._fetcher.close()
        await self._studio.close()

    def _mint(self, task: ImageTask) -> tuple[str, ...]:
        token = secrets.token_urlsafe(12)
        dead = task.fate.gone or (task.fate.dead_first and task.success_answers < 2)
        self._shelves[token] = _Shelf(task, time.monotonic(), dead)
        return (token,)

    def _address(self, task: ImageTask, index: int) -> str:
        picture = task.pictures[index]
        path = f"/files/{task.addresses[0]}/result-{index + 1}.{picture.format}"
        match task.fate.address:
            case Address.OWN_ORIGIN:
                return self.own_origin + path
            case Address.OTHER_ORIGIN:
                return self.other_origin + path
            case Address.RELATIVE:
                return path
            case Address.DATA:
                return f"data:{picture.format.mime};base64,{b64encode(picture.read()).decode()}"

    async def _run(self, task: ImageTask) -> None:
        ending = task.fate.ending
        try:
            if ending is Ending.SUCCEEDED:
                task.pictures = await self._paint(task)
                await self._rest(task, 1.0)
                task.state = TaskState.SUCCEEDED
            elif ending is not Ending.NEVER:
                await self._rest(task, _VANISHES_AT if ending is Ending.VANISHED else _FAILS_AT)
                self._fail(task, _SAD_ENDINGS[ending], task.fate.error)
            else:
                await asyncio.Event().wait()  # until the server stops
        except SourceUnreadable as error:
            self._fail(task, TaskState.FAILED, {"code": "invalid_image", "message": str(error)})
        except PainterGone:
            self._fail(task, TaskState.FAILED, {"code": "do_request_failed", "message": "upstream failed"})
        finally:
            task.ready_at, task.ready_wall = time.monotonic(), utc_now()
            task.done.set()

    async def _paint(self, task: ImageTask) -> tuple[Finished, ...]:
        submission, fate = task.accepted.submission, task.fate
        sources = await self._fetcher.fetch_all(submission.sources)
        count = 0 if fate.missing >= MAX_COUNT else max(1, submission.count - fate.missing)
        picture_format: PictureFormat = fate.format or submission.format
        return await self._studio.paint(submission, sources, count, picture_format)

    def _fail(self, task: ImageTask, state: TaskState, error: object) -> None:
        task.state, task.error = state, error
        task.refunded = not task.fate.keeps_charge

    async def _rest(self, task: ImageTask, part: float) -> None:
        await asyncio.sleep(task.planned_s * part - (time.monotonic() - task.accepted.at))
