"""What the status page asks of the database: everything at a glance, and nobody's words."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import text

from bot.model import Charged, Failure, FailureKind, JobState
from bot.policy.quotas import Span
from bot.store.queries.ledger import Extent
from bot.store.queries.lists import LOOKED_BACK
from bot.store.queries.totals import Amounts
from bot.store.schema import jobs

if TYPE_CHECKING:
    from tests.integration.conftest import Scene

BUSY, LOST = Failure(FailureKind.BUSY, Charged.NO), Failure(FailureKind.LOST, Charged.YES)


async def test_an_empty_database_has_an_overview(scene: Scene) -> None:
    overview = await scene.store.lists.overview(scene.now, 5.0)
    assert (overview.ended, overview.failures, overview.workers) == (0, (), {})
    assert {count for count, _ in overview.open.values()} == {0}
    assert overview.used == {span: Amounts(0, 0) for span in Span}


async def test_it_counts_the_queue_the_pictures_and_the_failures(scene: Scene) -> None:
    began = scene.now
    await scene.job(JobState.WAITING)
    await scene.job(JobState.DELIVERED)
    for failure, hours in ((BUSY, 1), (LOST, 2), (BUSY, 3)):
        scene.now = began + timedelta(hours=hours)
        job = await scene.job()
        await scene.move(job, JobState.FAILED, failure=failure)
    await scene.job(JobState.WAITING, user_id=2)
    claimed = await scene.claim(1, worker_id="the other one")
    overview = await scene.store.lists.overview(scene.now, 5.0)
    assert [(it.kind, it.jobs, it.last_at) for it in overview.failures] == [
        (FailureKind.BUSY, 2, began + timedelta(hours=3)),
        (FailureKind.LOST, 1, began + timedelta(hours=2)),
    ]
    assert overview.ended == 4
    assert overview.open[JobState.WAITING] == (2, began)
    assert len(claimed) == 1
    assert overview.workers["the other one"] == 1
    # two wait, one was delivered, one is lost and paid for; the two busy ones gave theirs back
    pictures = (await scene.store.ledger.total(Extent(began))).pictures
    assert overview.used[Span.MONTH].pictures == pictures > 0


async def test_it_looks_back_only_so_far(scene: Scene) -> None:
    """What is older than the last LOOKED_BACK ends costs nothing any more."""
    await scene.move(await scene.job(), JobState.FAILED, failure=LOST)
    scene.now += timedelta(hours=1)
    job = await scene.job(JobState.DELIVERED)
    names = [column.name for column in jobs.columns if column.name not in {"seq", "id", "interaction_id"}]
    copied = text(
        f"INSERT INTO jobs (id, interaction_id, {', '.join(names)}) "
        f"SELECT :id, :interaction_id, {', '.join(names)} FROM jobs WHERE id = :of"
    )
    rows = [{"id": f"copy {n}", "interaction_id": -n, "of": job.id} for n in range(1, LOOKED_BACK)]
    await scene.store.run(lambda connection: connection.execute(copied, rows) and None)
    overview = await scene.store.lists.overview(scene.now, 5.0)
    assert (overview.ended, overview.failures) == (LOOKED_BACK, ())
