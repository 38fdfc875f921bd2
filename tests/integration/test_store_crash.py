"""A process that is killed in the middle of its writes loses nothing that it was told is written."""

from __future__ import annotations

import subprocess
import sys

from bot.model import JobState
from bot.store.store import Store

ROUNDS = 3
ACKNOWLEDGED = 150  # writes that are waited for before the kill

WRITER = """
import asyncio, sys
from datetime import UTC, datetime, timedelta
from bot.model import ImageRequest, JobState, NewJob, ReplyTarget
from bot.store.store import Store

NOW, LEASE = datetime.now(UTC), timedelta(seconds=30)
TARGET = ReplyTarget(1, "token", NOW, 2, None, None, False, True, 10_000_000)

async def write(store, number):
    new = NewJob(f"job-{number}", number, number, ImageRequest("a red fox"), TARGET)
    job = (await store.jobs.receive(new, worker_id="dead", limit=3, now=NOW, lease=LEASE, patience=30)).job
    print(job.id, job.state, flush=True)
    for state in (JobState.WAITING, JobState.SUBMITTING, JobState.PAINTING):
        job = await store.jobs.move(job, state, now=NOW)
        print(job.id, job.state, flush=True)

async def main(url, first):
    store = await Store.open(url)
    await asyncio.gather(*(write(store, number) for number in range(first, first + 5000)))

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""

LATER = {state: index for index, state in enumerate(JobState)}


def write_until_killed(url: str, first: int) -> list[tuple[str, JobState]]:
    """What the writer was told is committed before it was killed."""
    with subprocess.Popen([sys.executable, "-c", WRITER, url, str(first)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(ACKNOWLEDGED)]
        writer.kill()
        lines += writer.stdout.readlines()
    # The last line may have been cut by the kill.
    told = [line.split() for line in lines if line.endswith("\n")]
    return [(job_id, JobState(state)) for job_id, state in told]


async def test_nothing_acknowledged_is_lost_by_a_kill(database_url: str) -> None:
    told: dict[str, JobState] = {}
    for number in range(ROUNDS):
        told.update(write_until_killed(database_url, first=number * 10_000))

    store = await Store.open(database_url)
    kept = {job_id: await store.jobs.get(job_id) for job_id in told}
    await store.close()

    assert len(told) > ROUNDS
    for job_id, state in told.items():
        job = kept[job_id]
        assert job is not None
        assert LATER[job.state] >= LATER[state]
