"""What stands for Discord in tests of the job's steps, beside a real database and a real image API."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bot.image_api.client import ImageApi
from bot.jobs.fair_slots import FairSlots, UploadSlots, without_turn
from bot.jobs.job_run import Deps
from bot.jobs.polling.pacer import Pacer
from bot.jobs.ports import UploadTurn
from bot.jobs.spool import Spool
from bot.model import Job, Picture, PictureFormat, Progress, ReplyTarget, Source
from bot.policy.prices import Prices
from bot.store.queries.jobs import Jobs

if TYPE_CHECKING:
    from tests.integration.conftest import Scene


#: A fault of the database's own that strikes one job at one step: nothing in the program foresees it.
STRIKE = {
    "sqlite": ["CREATE TRIGGER strike BEFORE UPDATE ON jobs WHEN {when} BEGIN SELECT RAISE(ABORT, 'no'); END"],
    "postgresql": [
        "CREATE FUNCTION strike() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'no'; END $$ LANGUAGE plpgsql",
        "CREATE TRIGGER strike BEFORE UPDATE ON jobs FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION strike()",
    ],
}


class Recorder:
    """Fulfils Replies and Inspector, and remembers what it was told, in order."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.delivered = asyncio.Event()

    def show(self, job: Job, progress: Progress) -> None:
        self.told.append("place" if progress.place else "progress")

    def trust(self, until: datetime) -> None:
        self.told.append("trusted")

    def forget(self, job_id: str) -> None:
        self.told.append("forgotten")

    def is_late(self, job: Job) -> bool:
        return False

    async def correct(self, job: Job, progress: Progress) -> None:
        self.told.append("corrected")

    def is_gone(self, job: Job) -> bool:
        return False

    async def close(self, job: Job) -> None:
        self.told.append("closed")

    async def show_sources(self, job: Job, files: Mapping[int, Path]) -> Job:
        raise NotImplementedError("no source of these tests is kept with a preset")

    async def deliver(
        self, job: Job, pictures: Sequence[Picture], sources: Sequence[Path], turn: UploadTurn = without_turn
    ) -> ReplyTarget:
        self.told.append("delivered")
        self.delivered.set()
        return job.target

    async def find_delivered(self, job: Job) -> ReplyTarget | None:
        return job.target if self.delivered.is_set() else None

    async def find(self, job: Job) -> ReplyTarget | None:
        return job.target

    async def fresh(self, source: Source) -> Source:
        return source

    async def check_source(self, path: Path, user_id: int) -> PictureFormat:
        return PictureFormat.PNG


def deps_with(jobs: Jobs, api: ImageApi, recorder: Recorder, scene: Scene, folder: Path) -> Deps:
    """What a runner works with: all of it real, but for what the recorder stands for."""
    return Deps(
        jobs=jobs,
        lists=scene.store.lists,
        api=api,
        replies=recorder,
        inspector=recorder,
        spool=Spool(folder / "spool"),
        prices=Prices(),
        pacer=Pacer(scene.store.meta, floor_s=0.01, per_s=1000),
        worker_id="here",
        job_timeout_s=60,
        downloads=FairSlots(16),
        uploads=UploadSlots(16),
        stopping=asyncio.Event(),
    )
