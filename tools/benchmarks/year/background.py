"""What happens by itself: the life of jobs, heartbeats, the status page, showcase, notices, logs, and clearing up."""

from __future__ import annotations

from datetime import timedelta

from bot.jobs.records.privacy import BATCH
from bot.model import JobState
from bot.policy.preferences import Notify, Preferences
from bot.policy.quotas import Span
from bot.policy.server_log import LogLine
from bot.store.audit.lines import LogBatch
from bot.store.queries.people import Note
from bot.store.queries.preferences import Notice
from tools.benchmarks.year.shape import BIG_SERVER, HEAVY_USER, LEFT_SERVER, NOW
from tools.benchmarks.year.world import LEASE, PATIENCE_S, WORKER, Act, World

_ROOM = 50
_NOTE = Note(HEAVY_USER, NOW - timedelta(minutes=5))
_OTHER = "another"


def _arrow(name: str, start: JobState, to: JobState) -> Act:
    return Act(name, lambda w, job: w.step(job, to), lambda w: w.job(start))


async def _waiting(world: World) -> list[str]:
    return [(await world.job(JobState.WAITING)).id for _ in range(3)]


async def _claimed(world: World) -> list[str]:
    for _ in range(3):
        await world.job(JobState.WAITING)
    return [job.id for job in await world.store.jobs.claim(WORKER, room=_ROOM, now=world.now + LEASE * 2, lease=LEASE)]


async def _held(world: World) -> list[str]:
    ids = await _waiting(world)
    later = world.now + LEASE * 2
    return [job.id for job in await world.store.jobs.hold(WORKER, ids, now=later, lease=LEASE)]


async def _noticed(world: World) -> Notice:
    """A notice of a person who wants to be told, and says so anew: acts before this one delete people's choices."""
    user = world.some_user()
    await world.store.preferences.change(user, lambda _: Preferences(Notify.ALWAYS))
    world.now -= timedelta(minutes=2)
    job = await world.job(JobState.DELIVERING, user)
    world.now += timedelta(minutes=2)
    await world.step(job, JobState.DELIVERED)
    found = await world.store.notices.claim(WORKER, now=world.now, lease=LEASE, at_most=1)
    return found[0]


async def _lines(world: World) -> LogBatch:
    """A batch of lines that are about to be posted."""
    channel = world.shape.channel(BIG_SERVER, 7) + world.made * 1_000
    lines = [LogLine(BIG_SERVER, channel, "en-US", "painted", 1, "Ada", is_setting=True) for _ in range(20)]
    await world.store.server_log.add(lines, world.now)
    found = await world.store.server_log.claim(
        WORKER, now=world.now + LEASE * 2, lease=LEASE, gather=timedelta(0), at_most=1_000, own=True
    )
    return next(it for it in found if it.channel_id == channel)


async def _log(world: World, _: object) -> None:
    line = LogLine(BIG_SERVER, 1, "en-US", "painted", 1, "Ada")
    await world.store.server_log.add([line], world.now)


async def _left(world: World) -> int:
    guild = world.shape.server(2 + world.made % (world.shape.servers - 2))
    await world.store.retention.left(guild, world.now)
    return guild


async def _wish(world: World) -> None:
    await world.store.meta.put(f"forget:{HEAVY_USER}", _NOTE.until.isoformat())


async def _big_left(world: World) -> None:
    await world.store.retention.left(BIG_SERVER, NOW)


LIVES = (
    _arrow("a job: submitting", JobState.WAITING, JobState.SUBMITTING),
    _arrow("a job: painting", JobState.SUBMITTING, JobState.PAINTING),
    _arrow("a job: ready", JobState.PAINTING, JobState.READY),
    _arrow("a job: delivering", JobState.READY, JobState.DELIVERING),
    _arrow("a job: delivered", JobState.DELIVERING, JobState.DELIVERED),
    _arrow("a job: failed, not charged", JobState.SUBMITTING, JobState.FAILED),
    Act(
        "a job: its reply was deleted",
        lambda w, job: w.store.jobs.change(job.id, reply_deleted=True),
        lambda w: w.starred(),
    ),
    Act(
        "the queue: jobs to start",
        lambda w, _: w.store.jobs.claim(WORKER, room=_ROOM, now=w.now + LEASE * 2, lease=LEASE),
        _waiting,
    ),
    Act("the queue: hold", lambda w, ids: w.store.jobs.hold(WORKER, ids, now=w.now + LEASE * 2, lease=LEASE), _waiting),
    Act("the queue: let go", lambda w, ids: w.store.jobs.let_go(WORKER, ids), _held),
    Act("the queue: places", lambda w, _: w.store.jobs.queue()),
    Act("the queue: forecasts", lambda w, _: w.store.jobs.waiting()),
    Act("heartbeat", lambda w, ids: w.store.jobs.keep(WORKER, ids, now=w.now, lease=LEASE), _claimed),
    Act("abandoned jobs", lambda w, _: w.store.jobs.reclaim(_OTHER, now=w.now, lease=LEASE, include_own=False)),
    Act(
        "start: jobs of the predecessor",
        lambda w, _: w.store.jobs.reclaim(WORKER, now=w.now, lease=LEASE, include_own=True),
    ),
    Act("stop: leases end", lambda w, _: w.store.jobs.release(WORKER)),
    Act("jobs of a person that run", lambda w, _: w.store.jobs.open_jobs(HEAVY_USER)),
)

LOOPS = (
    Act("the database's pulse", lambda w, _: w.store.ping(PATIENCE_S)),
    Act("metrics: jobs by state", lambda w, _: w.store.lists.open_by_state(PATIENCE_S)),
    Act("the status page", lambda w, _: w.store.lists.overview(w.now, PATIENCE_S)),
    Act("pictures in files that are still needed", lambda w, _: w.store.lists.held_results(w.now - timedelta(days=1))),
    Act("check: whose database it is", lambda w, _: w.store.lists.latest_application()),
    Act("the image API's pace, shared", lambda w, _: w.store.meta.revise("pace", lambda _: {"pace": w.id()})),
    Act("commands registered: read", lambda w, _: w.store.meta.get("commands")),
    Act("commands registered: written", lambda w, _: w.store.meta.put("commands", w.id())),
    Act("whether messages are wanted", lambda w, _: w.store.rules.anyone_wants_messages()),
    Act("the door: has it changed", lambda w, _: w.store.operator_blocks.version()),
    Act(
        "showcase: counts to show",
        lambda w, _: w.store.showcase.stale(w.now, pace=timedelta(seconds=10), limit=8),
        lambda w: w.starred(),
    ),
    Act("showcase: count shown", lambda w, job: w.store.showcase.counted(job.id, 1), lambda w: w.starred()),
    Act(
        "showcase: posts to make",
        lambda w, _: w.store.showcase.due(WORKER, w.now, lease=LEASE, limit=8),
        lambda w: w.starred(),
    ),
    Act(
        "showcase: heartbeat",
        lambda w, it: w.store.showcase.keep(WORKER, [it.job_id], w.now, lease=LEASE),
        lambda w: w.posting(),
    ),
    Act("showcase: about to post", lambda w, it: w.store.showcase.aim(WORKER, it.job_id, 1), lambda w: w.posting()),
    Act("showcase: posted", lambda w, it: w.store.showcase.posted(WORKER, it.job_id, 1, 2), lambda w: w.posting()),
    Act(
        "showcase: later", lambda w, it: w.store.showcase.put_off(WORKER, it.job_id, until=w.now), lambda w: w.posting()
    ),
    Act("showcase: given up", lambda w, it: w.store.showcase.give_up(WORKER, it.job_id), lambda w: w.posting()),
    Act("showcase: removed", lambda w, it: w.store.showcase.removed(WORKER, it.job_id), lambda w: w.posting()),
    Act("showcase: leases end", lambda w, _: w.store.showcase.release(WORKER)),
    Act(
        "notices that are due",
        lambda w, _: w.store.notices.claim(_OTHER, now=w.now + LEASE * 2, lease=LEASE, at_most=10),
        _noticed,
    ),
    Act("a notice: about to send", lambda w, it: w.store.notices.trying(it.job.id, WORKER, w.now), _noticed),
    Act("a notice: later", lambda w, it: w.store.notices.later(it.job.id, WORKER, w.now), _noticed),
    Act("a notice: given", lambda w, it: w.store.notices.done(it.job.id), _noticed),
    Act("server log: a line", _log),
    Act(
        "server log: lines to post",
        lambda w, _: w.store.server_log.claim(_OTHER, now=w.now, lease=LEASE, gather=timedelta(0), at_most=10),
    ),
    Act("server log: about to post", lambda w, it: w.store.server_log.trying(it, WORKER, w.now), _lines),
    Act("server log: later", lambda w, it: w.store.server_log.later(it, WORKER, w.now), _lines),
    Act("server log: posted", lambda w, it: w.store.server_log.done(it), _lines),
)

CLEARING_UP = (
    Act("start: servers with data", lambda w, _: w.store.retention.next_server(BIG_SERVER)),
    Act("start: was the bot a member", lambda w, _: w.store.retention.was_member(BIG_SERVER)),
    Act("servers that were left", lambda w, _: w.store.retention.departed()),
    Act("a server is left", lambda w, _: _left(w)),
    Act("back in a server", lambda w, guild: w.store.retention.came_back({guild}), _left),
    Act("old drafts", lambda w, _: w.store.retention.old_drafts(w.now - timedelta(days=1), BATCH)),
    Act("old lines of logs", lambda w, _: w.store.retention.old_lines(w.now - timedelta(days=160), BATCH)),
    Act("old totals", lambda w, _: w.store.retention.old_totals(Span.MONTH.began(w.now), BATCH)),
    Act("old jobs, nothing to do", lambda w, _: w.store.retention.old_jobs(w.now - timedelta(days=400), BATCH)),
    Act("old jobs, a batch", lambda w, _: w.store.retention.old_jobs(w.now - timedelta(days=200), BATCH)),
    Act("who wants to be forgotten", lambda w, _: w.store.people.to_forget()),
    Act("a person's data: a batch", lambda w, _: w.store.people.forget_some(_NOTE, BATCH), _wish),
    Act("a small server that was left: a batch", lambda w, _: w.store.retention.server(LEFT_SERVER, w.now, BATCH)),
    Act("the big server, if left: a batch", lambda w, _: w.store.retention.server(BIG_SERVER, NOW, BATCH), _big_left),
)

BACKGROUND = (*LIVES, *LOOPS, *CLEARING_UP)

#: Public methods of the store that no act is made of, and why.
EXCEPTIONS = {
    "close": "waits for what is under way, whatever the number of jobs",
    "join": "what acts are made of",
    "open": "measured by itself, as the start",
    "read": "what acts are made of",
    "run": "what acts are made of",
}
