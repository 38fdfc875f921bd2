"""What lies on the disk for jobs that have ended, and when it goes.

Pictures that were bought and stand in no message stay for a day: their user finds them under `/jobs`. What belongs to
a job that is not in the database any more goes at once, because its person wanted that.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from bot.jobs.clock import now
from bot.jobs.job_run import Deps
from bot.model import Job

SHELF_LIFE = timedelta(days=1)


async def clear(deps: Deps, running: Collection[Job], waiting: Collection[str]) -> None:
    """Take away what is old, nobody's or too much; nothing of `running` jobs, nor of those in line.

    Raises StoreUnavailable.
    """
    mine = {*(job.id for job in running), *waiting}
    deps.spool.trim(mine, older_than_s=SHELF_LIFE.total_seconds())
    if not deps.api.holds_nothing:
        # Those of jobs that other processes work on may lie here too, see image_api/wire/blobs.py.
        unfinished, recent = await deps.lists.held_results(now() - SHELF_LIFE)
        needed = [*unfinished, *(address for job in running for address in job.result_urls)]
        deps.api.sweep_held(needed, [*needed, *recent])
    for job_id in deps.spool.jobs() - mine:
        if await deps.jobs.get(job_id) is None:
            deps.spool.remove(job_id)
