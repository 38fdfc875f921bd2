"""Acts of approvals: a member wants to post a private result, and a moderator decides."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.model import JobState
from bot.policy.admission import RequestContext
from bot.store.approvals.approval import Approval, ApprovalState, AskedPost
from tools.benchmarks.year.shape import BIG_SERVER
from tools.benchmarks.year.world import LEASE, PATIENCE_S, WORKER, Act, World

_CHANNEL = 1


async def _ask(world: World, _: object = None) -> str:
    user = world.stranger()
    job = await world.job(JobState.WAITING, user)
    target = replace(job.target, ephemeral=True)
    post = AskedPost(target, "en-US", RequestContext(user, target.channel_id, BIG_SERVER))
    await world.store.approvals.ask(job, post, channel_id=_CHANNEL, locale="en-US", now=world.now, patience=PATIENCE_S)
    return job.id


async def _asking(world: World) -> Approval:
    """A question that this process is about to post."""
    job_id = await _ask(world)
    found = await world.store.approvals.due(WORKER, world.now + LEASE * 2, lease=LEASE, limit=1_000, include_own=True)
    return next(it for it in found if it.job_id == job_id)


async def _decide(world: World, approval: Approval) -> None:
    post = approval.asked
    assert post is not None
    await world.store.approvals.decide(
        approval, ApprovalState.APPROVED, by=1, decision_id=2, message_id=3, post=post, now=world.now
    )


APPROVALS = (
    Act("Post here, where a moderator is asked", _ask),
    Act("an approval as it stands", lambda w, job_id: w.store.approvals.get(job_id, PATIENCE_S), _ask),
    Act("Approve", _decide, _asking),
    Act(
        "approvals that are due",
        lambda w, _: w.store.approvals.due("another", w.now + LEASE * 2, lease=LEASE, limit=8),
        _ask,
    ),
    Act(
        "approvals: heartbeat",
        lambda w, it: w.store.approvals.keep(WORKER, [it.job_id], w.now, lease=LEASE),
        _asking,
    ),
    Act("an approval: about to send", lambda w, it: w.store.approvals.trying(WORKER, it, w.now), _asking),
    Act("an approval: asked", lambda w, it: w.store.approvals.asked(WORKER, it, 1, w.now), _asking),
    Act("an approval: its question was deleted", lambda w, it: w.store.approvals.ask_anew(it, w.now), _asking),
    Act(
        "an approval: on to its next state",
        lambda w, it: w.store.approvals.move(WORKER, it, ApprovalState.FAILED, w.now),
        _asking,
    ),
    Act(
        "an approval: later",
        lambda w, it: w.store.approvals.put_off(WORKER, it, w.now + timedelta(minutes=1)),
        _asking,
    ),
    Act("an approval: over", lambda w, it: w.store.approvals.over(WORKER, it, w.now), _asking),
)
