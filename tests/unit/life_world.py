"""A world for the life machine: Discord and an image API that do nothing until they are told what comes of it.

The bot's own runner, job service, steps and recovery work in it, on a real database; only what lies outside the
process is replaced, through the doors that the process has for it: the port Replies and the client of the image API.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from bot.errors import Busy, DownloadGone, Refused, ReplyGone, ReplyUnavailable, Uncertain, Unreachable
from bot.image_api.client import ImageApi, Submission, TaskReport, TaskState
from bot.image_api.picture_file import Download
from bot.jobs.fair_slots import FairSlots, UploadSlots, without_turn
from bot.jobs.job_run import Deps
from bot.jobs.polling.pacer import Pacer
from bot.jobs.polling.slow_start import SlowStart
from bot.jobs.ports import UploadTurn
from bot.jobs.runner import Runner
from bot.jobs.service import JobService
from bot.jobs.spool import Spool
from bot.model import Charged, ImageRequest, Job, Picture, PictureFormat, Progress, ReplyTarget, Source
from bot.policy.prices import Prices
from bot.store.store import Store

JPEG = b"\xff\xd8\xff" + bytes(13)

#: What may come of an act, the good outcome first. `stop` means that the process is told to end meanwhile.
OUTCOMES = {
    "submit": ("accept", "unreachable", "busy", "refuse"),
    "accepted": ("answer", "break"),
    "report": ("succeed", "run", "refuse", "break"),
    "download": ("come", "expire"),
    "upload": ("take", "stop"),
    "uploaded": ("answer", "stop"),
    "close": ("take", "stop"),
    "closed": ("answer", "stop"),
}


@dataclass(slots=True)
class Message:
    """A job's reply, as people see it."""

    uploads: int = 0
    endings: list[str] = field(default_factory=list[str])
    deleted: bool = False


@dataclass(slots=True)
class Gate:
    """An act that waits for its outcome."""

    act: str
    job_id: str
    outcome: asyncio.Future[str]


class World:
    """What is true outside of every process, by job id."""

    def __init__(self) -> None:
        self.messages: dict[str, Message] = {}
        self.sent: dict[str, list[str]] = {}  # what came of each submission
        self.refunded: set[str] = set()
        self.tasks: dict[str, str] = {}  # job id by task id
        self.gates: dict[asyncio.Task[object], Gate] = {}

    async def outcome(self, act: str, job_id: str) -> str:
        """Wait until it is decided what comes of an act."""
        task = asyncio.current_task()
        assert task is not None
        gate = Gate(act, job_id, asyncio.get_running_loop().create_future())
        self.gates[task] = gate
        try:
            return await gate.outcome
        finally:
            self.gates.pop(task, None)

    def decide(self, gate: Gate, outcome: str) -> None:
        self.gates = {task: one for task, one in self.gates.items() if one is not gate}
        gate.outcome.set_result(outcome)


class ToldApi(ImageApi):
    """The client of an image API that does as the world says. Prompts are job ids."""

    def __init__(self, world: World) -> None:
        super().__init__(base_url="http://127.0.0.1:9", api_key="key")
        self._world = world

    async def submit(
        self, request: ImageRequest, *, files: Sequence[Path] = (), user_id: int | None = None
    ) -> Submission:
        job_id = request.prompt
        sent = self._world.sent.setdefault(job_id, [])
        sent.append("on its way")
        number = len(sent) - 1
        sent[number] = await self._world.outcome("submit", job_id)
        match sent[number]:
            case "unreachable":
                raise Unreachable(retry_after=0.001)
            case "busy":
                raise Busy(retry_after=0.001)
            case "refuse":
                raise Refused
            case _:
                self._world.tasks[f"task of {job_id}"] = job_id
        if await self._world.outcome("accepted", job_id) == "break":
            raise Uncertain(charged=Charged.MAYBE)
        return Submission(f"task of {job_id}", None)

    async def report(self, task_id: str, request: ImageRequest | None = None) -> TaskReport:
        job_id = self._world.tasks[task_id]
        match await self._world.outcome("report", job_id):
            case "run":
                return TaskReport(TaskState.RUNNING)
            case "refuse":
                self._world.refunded.add(job_id)
                return TaskReport(TaskState.FAILED, failure=Refused())
            case "break":
                raise Unreachable
            case _:
                return TaskReport(TaskState.SUCCEEDED, result_urls=(f"http://127.0.0.1:9/{job_id}",))

    async def download(self, url: str, into: Path, *, max_bytes: int) -> Download:
        if await self._world.outcome("download", url.rpartition("/")[2]) == "expire":
            raise DownloadGone
        into.write_bytes(JPEG)
        return Download(PictureFormat.JPEG, len(JPEG))


class ToldReplies:
    """Fulfils bot.jobs.ports.Replies as the world says."""

    def __init__(self, world: World, stopping: asyncio.Event) -> None:
        self._world = world
        self._stopping = stopping

    def show(self, job: Job, progress: Progress) -> None:
        """Progress promises nothing."""

    def trust(self, until: datetime) -> None:
        pass

    def forget(self, job_id: str) -> None:
        pass

    def is_late(self, job: Job) -> bool:
        return False

    async def correct(self, job: Job, progress: Progress) -> None:
        pass

    def is_gone(self, job: Job) -> bool:
        return self._world.messages[job.id].deleted

    async def close(self, job: Job) -> None:
        await self._act("close", job)
        self._message(job).endings.append(str(job.state))
        await self._act("closed", job)

    async def show_sources(self, job: Job, files: Mapping[int, Path]) -> Job:
        raise NotImplementedError("no source of these tests is kept with a preset")

    async def deliver(
        self, job: Job, pictures: Sequence[Picture], sources: Sequence[Path], turn: UploadTurn = without_turn
    ) -> ReplyTarget:
        assert all(it.path.read_bytes() for it in pictures)
        await self._act("upload", job)
        self._message(job).uploads += 1
        await self._act("uploaded", job)
        return job.target

    async def find_delivered(self, job: Job) -> ReplyTarget | None:
        return job.target if self._message(job).uploads else None

    async def find(self, job: Job) -> ReplyTarget | None:
        return replace(job.target, message_id=job.seq) if job.id in self._world.messages else None

    async def fresh(self, source: Source) -> Source:
        return source

    async def _act(self, act: str, job: Job) -> None:
        if await self._world.outcome(act, job.id) == "stop":
            self._stopping.set()
            raise ReplyUnavailable

    def _message(self, job: Job) -> Message:
        message = self._world.messages[job.id]
        if message.deleted:
            raise ReplyGone
        return message


class NoInspector:
    """There are no sources in this world."""

    async def check_source(self, path: Path, user_id: int) -> PictureFormat:
        raise NotImplementedError


class Process:
    """One bot: the real runner and service over the world. The time of a job at the image API is over at once."""

    def __init__(self, world: World, store: Store, worker_id: str, folder: Path) -> None:
        self.worker_id = worker_id
        self.stopping = asyncio.Event()
        tools = Deps(
            jobs=store.jobs,
            lists=store.lists,
            api=ToldApi(world),
            replies=ToldReplies(world, self.stopping),
            inspector=NoInspector(),
            spool=Spool(folder / worker_id),
            prices=Prices(),
            pacer=Pacer(store.meta, floor_s=0.01, per_s=1000),
            worker_id=worker_id,
            job_timeout_s=0.0,
            downloads=FairSlots(16),
            uploads=UploadSlots(16),
            stopping=self.stopping,
        )
        self.runner = Runner(tools, max_active=50)
        self.service = JobService(tools, self.runner, max_jobs_per_user=50)

    async def start(self) -> None:
        await self.runner._start()  # pyright: ignore[reportPrivateUsage] run() does it, and then runs by the clock

    async def claim(self) -> None:
        """After whatever pause a lost answer asks for."""
        self.runner.deps.pacer.slow_start = SlowStart()
        await self.runner._claim()  # pyright: ignore[reportPrivateUsage] as above

    def tasks(self) -> list[asyncio.Task[None]]:
        """The work on jobs that is under way."""
        runs = self.runner._runs  # pyright: ignore[reportPrivateUsage] to wait until all have come to an act
        return [task for _, task in runs.values() if not task.done()]

    async def die(self) -> None:
        """As by `kill -9`: what waits for its outcome never hears of it."""
        dying = self.tasks()
        for task in dying:
            task.cancel()
        await asyncio.gather(*dying, return_exceptions=True)
