"""Jobs with entries in the ledger, and quotas that count them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot.model import ImageRequest, Job, JobState, NewJob
from bot.policy.quotas import Quota, SetBy, Span, Terms, What, Whose
from bot.store.queries.ledger import Entry, Extent

if TYPE_CHECKING:
    from tests.integration.conftest import Scene

GUILD = 13  # of all jobs of a scene


EVER = Extent(datetime(2000, 1, 1, tzinfo=UTC))


def quota(limit: int, whose: Whose, what: What = What.PICTURES, span: Span = Span.DAY) -> Quota:
    return Quota(whose, what, span, limit, SetBy.SERVER)


def asking(scene: Scene, user_id: int = 1, *, count: int = 1, guild_id: int | None = GUILD) -> NewJob:
    new = scene.new(user_id)
    return replace(new, request=ImageRequest("a red fox", count=count), target=replace(new.target, guild_id=guild_id))


async def entries(scene: Scene) -> list[Entry]:
    return list(await scene.store.ledger.entries(EVER, 1000))


async def received(scene: Scene, count: int = 4, cost_micros: int | None = 80_000) -> Job:
    return (await scene.receive(asking(scene, count=count), terms=Terms(cost_micros=cost_micros))).job


async def moved(scene: Scene, job: Job, *states: JobState) -> Job:
    for state in states:
        job = await scene.move(job, state)
    return job


TO_PAINTING = (JobState.WAITING, JobState.SUBMITTING, JobState.PAINTING)
