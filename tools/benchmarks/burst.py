"""One measurement: a fresh bot with its own database, many people who all ask at once, and what is seen of it."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.discord.calls import Recorded
from sandbox.discord.cdn import Upload
from sandbox.discord.person import Person
from sandbox.discord.reply import Reply
from sandbox.discord.server import LocalDiscord
from sandbox.discord.sight import Message
from sandbox.image_api.latency import PUBLISHED, Latency
from sandbox.image_api.records import AcceptedTask, ImageTask, RecordedRequest
from tools.benchmarks import published
from tools.benchmarks.gallery import MOTIFS, Gallery, StockedImageApi
from tools.benchmarks.process import Contestant, Cpu, MeasuredBot, Memory, Peak

READY_PATIENCE_S = 30.0
SETTLE_S = 1.5  # after the start and after the last picture, before anything is read
IDLE_S = 3.0  # how long the idle processor time is looked at
#: Jobs before the others: they pay for what happens only once. Easel's have the same latency, and teach it its pace.
WARM_UP_JOBS = 20
WARM_UP_S = 2.0  # in which they come
WARM_UP_LATENCY = Latency.fixed(0.5)  # of bots that learn nothing
LAG_STEP_S = 0.02
#: The people's patience with one job, in seconds, beside what its painting takes.
PATIENCE_S = 120.0
PATIENCE_PER_JOB_S = 0.5


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for. `edits` is the share of jobs that are edits of an attached picture."""

    jobs: int
    contestant: Contestant = Contestant.EASEL
    latency: Latency = PUBLISHED
    count: int = 1
    edits: float = 0.0
    over_s: float = 0.0  # people ask one after the other during this time; 0 is all at once
    seed: int = 1
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    warm_up: int = WARM_UP_JOBS
    settle_s: float = SETTLE_S
    idle_s: float = IDLE_S

    @property
    def patience_s(self) -> float:
        return PATIENCE_S + self.jobs * PATIENCE_PER_JOB_S + 3 * self.latency.p95


@dataclass(frozen=True, slots=True)
class Job:
    """What one person asked, and the reply they got. The prompt is theirs alone, so everything is found by it."""

    prompt: str
    reply: Reply


@dataclass(frozen=True, slots=True)
class Bot:
    """What was measured of the bot's process, in this order."""

    ready_s: float  # from the start of the process until Discord has its session and its commands
    ready_cpu: Cpu  # spent until then
    starting: Memory
    idle_cpu: Cpu  # in `Plan.idle_s`
    burst: Memory
    burst_cpu: Cpu
    burst_s: float
    afterwards: Memory
    children_mb: float  # the most that picture processes took together
    exit_code: int
    log_lines: Sequence[str]  # warnings and worse


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that one burst left behind; figures.py reads it."""

    plan: Plan
    jobs: Sequence[Job]
    messages: Sequence[Message]  # of the channel, as they stand in the end
    tasks: Sequence[ImageTask]
    accepted: Sequence[AcceptedTask]  # the synchronous route's, too
    api_requests: Sequence[RecordedRequest]
    discord_requests: Sequence[Recorded]
    bot: Bot
    wall_s: float  # from the first interaction to the last picture
    to_wall_s: float  # what to add to a time of the monotonic clock for Unix seconds
    sandbox_lag_s: Sequence[float]  # how late the sandbox's own event loop was, all along


@dataclass(frozen=True, slots=True)
class _Stage:
    plan: Plan
    gallery: Gallery
    discord: LocalDiscord
    api: StockedImageApi
    bot: MeasuredBot
    log: Path
    ready_s: float
    ready_cpu: Cpu


async def measure(plan: Plan, gallery: Gallery) -> Seen:
    """Play one burst. Raises TimeoutError when the bot does not start."""
    async with _raised(plan, gallery) as stage:
        await asyncio.sleep(plan.settle_s)
        starting = stage.bot.memory()
        await _warm_up(stage)
        idle = stage.bot.cpu()
        await asyncio.sleep(plan.idle_s)
        idle = stage.bot.cpu() - idle
        people = new_members(stage.discord, plan.jobs)
        stage.discord.requests.clear()
        api_requests, tasks, accepted = len(stage.api.requests), len(stage.api.tasks), len(stage.api.accepted)
        stage.bot.forget_peak()
        children, lags = Peak(), list[float]()
        watching = [asyncio.create_task(it) for it in (stage.bot.watch_children(children), _watch_lag(lags))]
        before, began = stage.bot.cpu(), time.monotonic()
        jobs = await _play(stage, people)
        wall_s = time.monotonic() - began
        await asyncio.sleep(1.0)  # the bot's last writes
        burst, burst_cpu, burst_s = stage.bot.memory(), stage.bot.cpu() - before, time.monotonic() - began
        for task in watching:
            task.cancel()
        await asyncio.sleep(plan.settle_s)
        afterwards = stage.bot.memory()
        await stage.bot.stop()
        return Seen(
            plan=plan,
            jobs=jobs,
            messages=people[0].sees(),
            tasks=list(stage.api.tasks.values())[tasks:],
            accepted=stage.api.accepted[accepted:],
            api_requests=stage.api.requests[api_requests:],
            discord_requests=list(stage.discord.requests),
            bot=Bot(
                ready_s=stage.ready_s,
                ready_cpu=stage.ready_cpu,
                starting=starting,
                idle_cpu=idle,
                burst=burst,
                burst_cpu=burst_cpu,
                burst_s=burst_s,
                afterwards=afterwards,
                children_mb=children.value,
                exit_code=await stage.bot.ended(),
                log_lines=_complaints(stage.log),
            ),
            wall_s=wall_s,
            to_wall_s=time.time() - time.monotonic(),
            sandbox_lag_s=lags,
        )


@asynccontextmanager
async def _raised(plan: Plan, gallery: Gallery) -> AsyncGenerator[_Stage, None]:
    """The local Discord, the local image API and a bot that is ready; all ended afterwards."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="easel-benchmark-")))
        discord = await stack.enter_async_context(LocalDiscord())
        api = await stack.enter_async_context(StockedImageApi(gallery, plan.latency, plan.seed))
        variables = {
            "DISCORD_TOKEN": discord.token,
            "DISCORD_API_URL": discord.api_url,
            "DATABASE_URL": f"sqlite:///{folder / 'easel.db'}",
            "UNIALL_API_KEY": "sandbox",
            "UNIALL_BASE_URL": api.base_url,
            "MAX_ACTIVE_JOBS": str(plan.jobs),
            **plan.variables,
        }
        if plan.contestant is Contestant.PUBLISHED:
            guild = discord.world.channel("pictures").guild
            assert guild is not None
            variables |= published.variables(folder, api.base_url, guild.id)
        log = folder / "bot.log"
        bot = MeasuredBot(plan.contestant, variables, log)
        stack.push_async_callback(bot.stop)
        began = time.monotonic()
        await bot.start()
        await _ready(bot, discord, log)
        yield _Stage(plan, gallery, discord, api, bot, log, time.monotonic() - began, bot.cpu())


async def _ready(bot: MeasuredBot, discord: LocalDiscord, log: Path) -> None:
    """Wait until Discord has the bot. Raises TimeoutError, or RuntimeError where the bot ends before."""
    ended = asyncio.create_task(bot.ended())
    there = asyncio.create_task(discord.wait_for_bot(READY_PATIENCE_S))
    await asyncio.wait([ended, there], return_when=asyncio.FIRST_COMPLETED)
    for task in (ended, there):
        task.cancel()
    if ended.done():
        last = (log.read_text(errors="replace").splitlines() or [""])[-1]
        raise RuntimeError(f"the bot ended by itself with exit code {ended.result()}: {last}")
    await there


def new_members(discord: LocalDiscord, number: int, name: str = "Painter") -> list[Person]:
    """New members of the server, one for each job: MAX_JOBS_PER_USER is not what is measured."""
    guild = discord.world.channel("pictures").guild
    assert guild is not None
    for index in range(number):
        discord.world.add_member(guild, discord.world.add_user(f"{name} {index + 1}"))
    return [discord.person(f"{name} {index + 1}") for index in range(number)]


async def _warm_up(stage: _Stage) -> None:
    async def ask(person: Person, index: int) -> None:
        await asyncio.sleep(index * WARM_UP_S / stage.plan.warm_up)
        reply = await person.command(_command(stage.plan), prompt=MOTIFS[index % len(MOTIFS)])
        await reply.until(_is_final, stage.plan.patience_s)

    if stage.plan.contestant is not Contestant.EASEL:
        stage.api.takes(WARM_UP_LATENCY)
    people = new_members(stage.discord, stage.plan.warm_up, "Early bird")
    await asyncio.gather(*(ask(person, index) for index, person in enumerate(people)))
    stage.api.takes(stage.plan.latency)
    await asyncio.sleep(stage.plan.settle_s)


async def _play(stage: _Stage, people: Sequence[Person]) -> list[Job]:
    """Everybody asks; returns when every reply has come to its end or patience is over."""
    asked: list[asyncio.Task[Job]] = []
    for index, person in enumerate(people):
        asked.append(asyncio.create_task(_ask(stage, person, index)))
        # one after the other, so that each command is on the wire before the next is made
        await asyncio.sleep(stage.plan.over_s / len(people))
    return await asyncio.gather(*asked)


async def _ask(stage: _Stage, person: Person, index: int) -> Job:
    plan = stage.plan
    prompt = f"{index + 1}. {MOTIFS[index % len(MOTIFS)]}"
    if plan.contestant is Contestant.PUBLISHED:
        reply = await person.command(_command(plan), prompt=prompt)
    elif int((index + 1) * plan.edits) > int(index * plan.edits):
        image = Upload("source.jpg", stage.gallery.files[index % len(MOTIFS)])
        reply = await person.command("edit", prompt=prompt, image=image, count=plan.count)
    else:
        reply = await person.command(_command(plan), prompt=prompt, count=plan.count)
    if not reply.error:
        with contextlib.suppress(TimeoutError):  # told as lost
            await reply.until(_is_final, plan.patience_s)
    return Job(prompt, reply)


def _command(plan: Plan) -> str:
    return "dalle draw" if plan.contestant is Contestant.PUBLISHED else "imagine"


def _is_final(message: Message) -> bool:
    return not message.loading and "Cancel" not in message.labels


async def _watch_lag(lags: list[float]) -> None:
    """How much later than asked for a sleep ends: the part of all delays that is the sandbox's own."""
    while True:
        due = time.monotonic() + LAG_STEP_S
        await asyncio.sleep(LAG_STEP_S)
        lags.append(time.monotonic() - due)


def _complaints(log: Path) -> list[str]:
    text = log.read_text(errors="replace") if log.exists() else ""
    return [line for line in text.splitlines() if any(f" {level} " in line for level in ("WARNING", "ERROR"))]
