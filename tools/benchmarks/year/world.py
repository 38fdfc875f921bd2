"""What acts are done with: an open store, and jobs, people and servers at hand for each of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.model import Charged, Failure, FailureKind, ImageRequest, Job, JobState, NewJob, ReplyTarget
from bot.policy.quotas import Quota, SetBy, Span, Terms, What, Whose
from bot.store.queries.rules import version_name
from bot.store.queries.showcase import Showing
from bot.store.store import Store
from tools.benchmarks.year.shape import APPLICATION, BIG_SERVER, HEAVY_USER, NOW, Shape

WORKER = "bench"
LEASE = timedelta(seconds=30)
PATIENCE_S = 120.0  # what takes longer than a command may is measured, too
EVERY_QUOTA = tuple(Quota(who, what, span, 10**12, SetBy.SERVER) for who in Whose for what in What for span in Span)
_LINE = (JobState.WAITING, JobState.SUBMITTING, JobState.PAINTING, JobState.READY, JobState.DELIVERING)


@dataclass(slots=True)
class World:
    """One process with the database open. `number` tells runs apart that must not have the same names."""

    store: Store
    shape: Shape
    number: int
    now: datetime = NOW
    made: int = field(default=0)
    rules_version: str | None = None  # of the big server

    def id(self) -> str:
        """A name that nothing has yet."""
        self.made += 1
        return f"{self.number:08x}{self.made:08x}"

    def some_user(self) -> int:
        """Somebody with an ordinary number of jobs, another one each time."""
        self.made += 1
        return self.shape.user(1 + (self.number * 31 + self.made) % (self.shape.users - 1))

    def stranger(self) -> int:
        """Somebody of whom nothing is stored."""
        self.made += 1
        return self.number * 10_000 + self.made

    def new(self, user_id: int = HEAVY_USER) -> NewJob:
        """A request in the big server, as it comes in."""
        target = ReplyTarget(
            application_id=APPLICATION,
            token="token" * 20,
            token_expires_at=self.now + timedelta(minutes=15),
            channel_id=self.shape.channel(BIG_SERVER, 0),
            guild_id=BIG_SERVER,
            message_id=None,
            ephemeral=False,
            bot_member=True,
            upload_limit=10_485_760,
        )
        name = self.id()
        return NewJob(name, int(name, 16) + (1 << 61), user_id, ImageRequest("a red fox in fresh snow"), target)

    async def receive(self, new: NewJob) -> Job:
        """The way in of every command that buys something, held to all that can be set."""
        terms = Terms(EVERY_QUOTA, 20_000, jobs_per_member=1_000, line_length=10**6, rules_version=self.rules_version)
        received = await self.store.jobs.receive(
            new, worker_id=WORKER, limit=10**6, now=self.now, lease=LEASE, terms=terms, patience=PATIENCE_S
        )
        return received.job

    async def job(self, state: JobState, user_id: int | None = None) -> Job:
        """A job that has come so far along the usual way."""
        job = await self.receive(self.new(self.some_user() if user_id is None else user_id))
        for step in _LINE:
            if job.state is state:
                break
            job = await self.step(job, step)
        return job

    async def step(self, job: Job, to: JobState) -> Job:
        """One arrow, written as the bot writes it."""
        if to is JobState.WAITING:
            return await self.store.jobs.acknowledged(job, job.target)
        if to is JobState.FAILED:
            return await self.store.jobs.move(job, to, now=self.now, failure=Failure(FailureKind.REFUSED, Charged.NO))
        if to is JobState.READY:
            urls = ("https://pictures.example/1.jpg",)
            return await self.store.jobs.move(job, to, now=self.now, result_urls=urls, cost_micros=20_000, pictures=1)
        return await self.store.jobs.move(job, to, now=self.now)

    async def starred(self) -> Job:
        """A job of the big server with a star on it."""
        job = await self.job(JobState.WAITING)
        await self.star(job)
        return job

    async def star(self, job: Job, *, at_once: bool = False) -> object:
        """The star button."""
        return await self.store.showcase.star(
            job, self.some_user(), needed=3, at_once=at_once, now=self.now, patience=PATIENCE_S
        )

    async def posting(self) -> Showing:
        """A post of the showcase that this process is about to make."""
        await self.star(await self.job(JobState.WAITING), at_once=True)
        return (await self.store.showcase.due(WORKER, self.now, lease=LEASE, limit=1))[0]


Do = Callable[[World, Any], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Act:
    """Something that touches the database. `ready` is done before the clock starts; `do` gets what it returned."""

    name: str
    do: Do
    ready: Callable[[World], Awaitable[object]] | None = None
    is_list: bool = False  # people read it, and it may be long

    async def prepare(self, world: World) -> object:
        """Bring about what the act needs."""
        world.rules_version = await world.store.meta.get(version_name(BIG_SERVER))
        return None if self.ready is None else await self.ready(world)
