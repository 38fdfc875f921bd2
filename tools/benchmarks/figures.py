"""From what was seen of a burst to its figures. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from sandbox.discord.calls import Recorded
from sandbox.discord.sight import Message
from sandbox.image_api.latency import PUBLISHED
from tools.benchmarks.burst import Job, Seen

TASKS = "/v1/images/tasks"


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one burst. Times are in the unit their name ends in, memory in MB of 1,048,576 bytes."""

    contestant: str
    jobs: int
    count: int
    over_s: float  # during which the jobs came; 0 is all at once
    published: bool  # the latency is the published one, for which the aims of delivery and questions are set
    wall_s: float
    delivered: int
    refused: int  # turned away, with a sentence or in silence, before anything was bought
    lost: int  # acknowledged, and not delivered
    twice: int  # delivered in more than one message, or bought more than once
    accepted: int  # submissions that the image API took
    ack_p50_ms: float
    ack_p99_ms: float
    ack_max_ms: float
    lag_mean_s: float
    lag_p50_s: float
    lag_p95_s: float
    questions_per_task: float
    requests_per_task: float
    edits_per_job: float
    edits_most: int
    rate_limited: int  # answers 429 of the local Discord
    ready_s: float
    ready_cpu_s: float
    idle_mb: float
    start_peak_mb: float
    peak_mb: float
    afterwards_mb: float
    cpu_per_job_ms: float
    idle_cpu_percent: float
    picture_cpu_per_job_ms: float
    picture_peak_mb: float
    sandbox_lag_p99_ms: float
    exit_code: int
    complaints: int  # lines of the bot's log at WARNING and above


def figures(seen: Seen) -> Figures:
    """Read what one burst left behind."""
    jobs, bot = len(seen.jobs), seen.bot
    messages = Counter(_prompt_of(message) for message in seen.messages)
    bought = Counter(it.submission.prompt for it in seen.accepted)
    delivered = [job for job in seen.jobs if messages[job.prompt]]
    refused = [job for job in seen.jobs if not _is_job(job) and not bought[job.prompt]]
    acks, lags = _acknowledgements_ms(seen), _lags_s(seen, delivered)
    edits = Counter(record.path for record in _edits(seen.discord_requests))
    questions = [it for it in seen.api_requests if it.method == "GET" and it.path.startswith(TASKS)]
    submissions = [it for it in seen.api_requests if it.method == "POST"]
    tasks = max(len(seen.accepted), 1)
    idle_share = bot.idle_cpu.own_s / seen.plan.idle_s
    return Figures(
        contestant=seen.plan.contestant,
        jobs=jobs,
        count=seen.plan.count,
        over_s=seen.plan.over_s,
        published=seen.plan.latency == PUBLISHED,
        wall_s=seen.wall_s,
        delivered=len(delivered),
        refused=len(refused),
        lost=jobs - len(delivered) - len(refused),
        twice=sum(messages[job.prompt] > 1 or bought[job.prompt] > 1 for job in seen.jobs),
        accepted=len(seen.accepted),
        ack_p50_ms=_percentile(acks, 50),
        ack_p99_ms=_percentile(acks, 99),
        ack_max_ms=max(acks, default=math.nan),
        lag_mean_s=fmean(lags) if lags else math.nan,
        lag_p50_s=_percentile(lags, 50),
        lag_p95_s=_percentile(lags, 95),
        questions_per_task=len(questions) / tasks,
        requests_per_task=(len(questions) + len(submissions)) / tasks,
        edits_per_job=edits.total() / jobs,
        edits_most=max(edits.values(), default=0),
        rate_limited=sum(record.status == 429 for record in seen.discord_requests),
        ready_s=bot.ready_s,
        ready_cpu_s=bot.ready_cpu.own_s,
        idle_mb=bot.starting.now_mb,
        start_peak_mb=bot.starting.peak_mb,
        peak_mb=bot.burst.peak_mb,
        afterwards_mb=bot.afterwards.now_mb,
        cpu_per_job_ms=(bot.burst_cpu.own_s - idle_share * bot.burst_s) / jobs * 1000,
        idle_cpu_percent=idle_share * 100,
        picture_cpu_per_job_ms=bot.burst_cpu.children_s / jobs * 1000,
        picture_peak_mb=bot.children_mb,
        sandbox_lag_p99_ms=_percentile(seen.sandbox_lag_s, 99) * 1000,
        exit_code=bot.exit_code,
        complaints=len(bot.log_lines),
    )


def other_ends(seen: Seen) -> Counter[str]:
    """How the jobs ended that were not delivered, by the first line that their people read."""
    shown = {_prompt_of(message) for message in seen.messages}
    return Counter(_last_line(job) for job in seen.jobs if job.prompt not in shown)


def _last_line(job: Job) -> str:
    return job.reply.error or next(iter(job.reply.text.splitlines()), "")


def _prompt_of(message: Message) -> str:
    """The prompt of a message with finished pictures: their alternative text, or the embed's; empty for any other."""
    results = [picture for picture in message.pictures if not picture.filename.startswith("source-")]
    embeds = [it for it in message.json["embeds"] if it.get("image")]
    if embeds:
        return str(embeds[0].get("description", ""))
    return results[0].alt if results else ""


def _is_job(job: Job) -> bool:
    """Whether the first answer was a job's card, in line and with its button, and no sentence."""
    return bool(job.reply.states) and "Cancel" in job.reply.states[0].labels


def _acknowledgements_ms(seen: Seen) -> list[float]:
    """From the interaction on its way over the Discord gateway until its callback arrives."""
    arrived = {record.path.split("/")[2]: record.at for record in seen.discord_requests if _is_callback(record)}
    asked = {str(job.reply.interaction.id): job.reply.interaction.opened_at for job in seen.jobs}
    return [(arrived[key] - seen.to_wall_s - at) * 1000 for key, at in asked.items() if key in arrived]


def _is_callback(record: Recorded) -> bool:
    return record.path.startswith("/interactions/")


def _lags_s(seen: Seen, delivered: Sequence[Job]) -> list[float]:
    """From the moment the image API has a result until its pictures stand in the message."""
    ready = {task.accepted.submission.prompt: task.ready_wall for task in seen.tasks}
    shown = {job.prompt: next(state.at for state in job.reply.states if _prompt_of(state)) for job in delivered}
    return [at - moment.timestamp() for prompt, at in shown.items() if (moment := ready.get(prompt))]


def _edits(records: Sequence[Recorded]) -> list[Recorded]:
    """Edits of replies that Discord took, by the interaction's token or the bot's."""
    return [record for record in records if record.method == "PATCH" and record.status == 200]


def _percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile; not a number where there are no values."""
    if not values:
        return math.nan
    rank = math.ceil(percent / 100 * len(values))
    return sorted(values)[max(rank, 1) - 1]
