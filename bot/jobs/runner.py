"""Claims jobs from the line, gives each a run of its own, and keeps them alive by lease and heartbeat."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from types import MappingProxyType

import structlog

from bot.errors import Busy, ImageApiError, JobMoved, StoreError, StoreUnavailable, Unexpected, Unreachable
from bot.jobs import delivery, recovery
from bot.jobs import task_poller as watch
from bot.jobs.job_run import Deps, JobRun, Stopped, now
from bot.jobs.polling.schedule import growing_pause
from bot.model import ACTIVE_STATES, FailureKind, Job, JobState, Progress

log = structlog.stdlib.get_logger(__name__)

LEASE = timedelta(seconds=30)
HEARTBEAT_S = 10.0
LOOK_AT_QUEUE_S = 1.0  # a guarantee only: whatever changes the line also wakes the runner
SHOW_POSITIONS_S = 2.0
#: Discord waits three seconds for an acknowledgement, and jobs have time: in a rush answers go first.
ANSWERS_FIRST = 20
RECLAIM_S = 5.0
SHELF_LIFE_S, CLEAR_SHELF_S = 86_400.0, 600.0
SHARE_S = 10.0  # what was learned of the image API's pace, with the other processes and the next start


class Runner:
    """All work on jobs in this process. It knows Discord only through its port."""

    def __init__(self, deps: Deps, *, max_active: int, alone: bool = True) -> None:
        """`max_active` is how many jobs may be at the image API at once, from this process.

        `alone` says that no other process works on the same database, so this one shows everybody's place in line;
        otherwise each shows the places of those whose commands it took.
        """
        self.deps = deps
        self._alone = alone
        self._max_active = max_active
        self._runs: dict[str, tuple[JobRun, asyncio.Task[None]]] = {}
        self._at_api: set[str] = set()
        self._queue: dict[str, Job] = {}
        self._awake = asyncio.Event()
        #: Commands that are written down and not yet acknowledged; kept by the service.
        self.unanswered = 0
        self._looks: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Look at the line now."""
        self._awake.set()

    def enqueue(self, job: Job) -> None:
        """A job was acknowledged: it is in line from now on."""
        self._queue[job.id] = job
        self.wake()

    def cancel(self, job_id: str) -> bool:
        """Ask a job that is worked on here to end; False when it is not."""
        entry = self._runs.get(job_id)
        if entry is not None:
            entry[0].cancel()
        return entry is not None

    def announce_end(self, job: Job) -> None:
        """Tell how a job ended that was ended from outside. One that is worked on just now must first notice that."""
        if entry := self._runs.get(job.id):
            entry[0].cancel()
            entry[1].add_done_callback(lambda _: self.announce_end(job))
        elif not self.deps.stopping.is_set():
            self._begin(job)

    def look_for_reply(self, job: Job) -> None:
        """Nobody knows whether a job just received was acknowledged: treat it like one found at start."""
        self._found(job)

    def renewed(self, job: Job) -> None:
        """A click brought a new token for a job's reply."""
        if job.id in self._queue:
            self._queue[job.id] = job
        if entry := self._runs.get(job.id):
            entry[0].renewed(job.target)

    def on_notify(self, job_id: str) -> None:
        """Another process changed something: this job, or with an empty text the line."""
        if not job_id:
            self.wake()
        elif not self.deps.stopping.is_set():
            task = asyncio.create_task(self._look_at(job_id), name=f"look at job {job_id}")
            self._looks.add(task)
            task.add_done_callback(self._looks.discard)

    async def _look_at(self, job_id: str) -> None:
        try:
            job = await self.deps.jobs.get(job_id)
        except StoreUnavailable:
            return
        if job is None:
            return
        self.renewed(job)
        if job.cancel_requested:
            self.cancel(job_id)
        if job.state is JobState.PAINTING and job_id not in self._runs:
            await self.reclaim()

    @property
    def busy_with(self) -> int:
        """How many jobs are being worked on."""
        return len(self._runs)

    @property
    def slots_taken(self) -> int:
        """How many jobs are at the image API."""
        return len(self._at_api)

    @property
    def slots(self) -> int:
        """How many may be there at once."""
        return self._max_active

    async def run(self) -> None:
        """Until stop() is called. Database trouble is waited out."""
        await self._again_and_again(self._start, 0.0, once=True)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._again_and_again(self._beat, HEARTBEAT_S), name="heartbeat")
            group.create_task(self._again_and_again(self.reclaim, RECLAIM_S), name="reclaim")
            group.create_task(self._again_and_again(self._show_positions, SHOW_POSITIONS_S), name="positions")
            group.create_task(self._again_and_again(self.clear_shelf, CLEAR_SHELF_S), name="shelf")
            group.create_task(self._again_and_again(self.deps.pacer.share, SHARE_S), name="pace")
            group.create_task(self._again_and_again(self._claim, LOOK_AT_QUEUE_S, wake=self._awake), name="queue")

    async def stop(self, patience_s: float) -> None:
        """Take no new job, finish what is being written or sent, leave the rest to the next start."""
        self.deps.stopping.set()
        for run, _ in self._runs.values():
            run.stop()
        running = [task for _, task in self._runs.values()]
        if running:
            _, late = await asyncio.wait(running, timeout=patience_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        try:
            await self.deps.jobs.release(self.deps.worker_id)
            await self.deps.pacer.share()
        except StoreError as exc:
            log.warning("the leases of this process are left to run out", error=str(exc))

    async def reclaim(self) -> None:
        """Take up unfinished jobs that no living process holds."""
        found = await self.deps.jobs.reclaim(self.deps.worker_id, now=now(), lease=LEASE, include_own=False)
        self.deps.measures.adopted(len(found))
        for job in found:
            self._found(job)

    async def _start(self) -> None:
        found = await self.deps.jobs.reclaim(self.deps.worker_id, now=now(), lease=LEASE, include_own=True)
        waiting = await self.deps.jobs.waiting() if self._alone else []
        self._queue |= {job.id: job for job in waiting}
        self.deps.spool.trim({job.id for job in (*found, *waiting)}, older_than_s=SHELF_LIFE_S)
        if found or waiting:
            log.info("picking up what was unfinished", found=len(found), in_queue=len(waiting))
        self.deps.measures.adopted(len(found))
        for job in found:
            self._found(job)

    def _found(self, job: Job) -> None:
        if self.deps.stopping.is_set():
            return
        if (entry := self._runs.get(job.id)) is None:
            self._begin(job, found=True)
        elif entry[0].job.state.is_final and not job.state.is_final:
            self._at_api.add(job.id)
            entry[0].reopened(job)

    async def _claim(self) -> None:
        """Give free places at the image API to the head of the line."""
        room = self._max_active - len(self._at_api)
        if self.unanswered > ANSWERS_FIRST:
            return
        if room <= 0 or not await self._api_is_up():
            return
        for job in await self.deps.jobs.claim(self.deps.worker_id, room=room, now=now(), lease=LEASE):
            self._queue.pop(job.id, None)
            if job.id not in self._runs:
                self._begin(job, claimed=True)

    async def _api_is_up(self) -> bool:
        """While the API is down jobs keep their place in line; a question that costs nothing tells when it is back."""
        breaker = self.deps.api.breaker
        if breaker.retry_at is None:
            return True
        if not self._queue or breaker.is_open:
            return not breaker.is_open
        try:
            await self.deps.api.probe()
        except (Busy, Unreachable, Unexpected) as exc:
            log.info("the image API is still in trouble", error=type(exc).__name__)
            return False
        except ImageApiError as exc:
            log.warning("the image API answers again, but not as it should", error=type(exc).__name__)
        return True

    async def _beat(self) -> None:
        """Renew the leases; a job whose lease is lost is another process's now."""
        ids, began = list(self._runs), now()
        kept = await self.deps.jobs.keep(self.deps.worker_id, ids, now=began, lease=LEASE) if ids else set[str]()
        if not self._alone:
            self.deps.replies.trust(began + LEASE)
        for job_id in ids:
            if job_id not in kept and (entry := self._runs.get(job_id)) and not entry[0].job.state.is_final:
                entry[0].log.warning("another process has taken this job over")
                self.deps.measures.lease_lost()
                entry[1].cancel()

    async def _show_positions(self) -> None:
        """Show the jobs in line where they stand.

        Between reading the line and showing it nothing may be awaited: a job that is claimed meanwhile must not be
        shown as waiting once more, over its pictures perhaps. For the same reason it is only done where no other
        process can claim a job: there a job keeps the place that its acknowledgement told.
        """
        ids = await self.deps.jobs.queue()
        queue = {job_id: self._queue[job_id] for job_id in ids if job_id in self._queue}
        if not self._alone:
            for job_id in self._queue.keys() - queue.keys() - self._runs.keys():
                self.deps.replies.forget(job_id)
        self._queue = queue
        if not self._alone:
            return
        trouble = FailureKind.UNREACHABLE if self.deps.api.breaker.retry_at is not None else None
        for place, job_id in enumerate(ids, start=1):
            job = self._queue.get(job_id)
            # A job that waits for its next try goes on saying why.
            if job is None or (job.not_before is not None and job.not_before > now()):
                continue
            self.deps.replies.show(job, Progress(place=place, trouble=trouble))

    async def clear_shelf(self) -> None:
        """Pictures that stand in no message are kept here for a day; later they have to be fetched anew.

        What lies here for jobs that are not in the database any more goes at once: their people wanted that.
        """
        mine = {*self._runs, *self._queue}
        self.deps.spool.trim(mine, older_than_s=SHELF_LIFE_S)
        for job_id in self.deps.spool.jobs() - mine:
            if await self.deps.jobs.get(job_id) is None and job_id not in self._runs:
                self.deps.spool.remove(job_id)

    def _begin(self, job: Job, *, found: bool = False, claimed: bool = False) -> None:
        run = JobRun(self.deps, job)
        if claimed or job.state in ACTIVE_STATES:
            self._at_api.add(job.id)
        task = asyncio.create_task(self._live(run, found=found, claimed=claimed), name=f"job {job.id}")
        self._runs[job.id] = (run, task)

    async def _live(self, run: JobRun, *, found: bool, claimed: bool) -> None:
        job_id = run.job.id
        try:
            if found:
                await recovery.resume(run)
            await self._carry(run, claimed=claimed)
        except Stopped:
            run.log.info("left to the next start", state=str(run.job.state))
        except JobMoved:
            run.log.info("someone else has moved this job on", state=str(run.job.state))
        except Exception:
            # One job's programming error must not end the others: it stays in the database as it was last
            # committed, and is taken up again when its lease has run out.
            run.log.exception("unhandled exception in this job", state=str(run.job.state))
        finally:
            self._runs.pop(job_id, None)
            self._free_slot(job_id)
            self.deps.spool.release(job_id)
            if not self._alone:
                self.deps.replies.forget(job_id)

    async def _carry(self, run: JobRun, *, claimed: bool) -> None:
        """Step by step to the end of the job, or back into the line."""
        while not run.job.announced:
            if run.job.state is JobState.WAITING and not claimed:
                self.enqueue(run.job)
                return
            claimed = False
            await (delivery.announce(run) if run.job.state.is_final else STEPS[run.job.state](run))
            if run.job.state not in ACTIVE_STATES:
                self._free_slot(run.job.id)
        if run.job.is_shelved:
            self.deps.spool.shelve(run.job.id)
        else:
            self.deps.spool.remove(run.job.id)

    def _free_slot(self, job_id: str) -> None:
        if job_id in self._at_api:
            self._at_api.discard(job_id)
            self.wake()

    async def _again_and_again(
        self,
        act: Callable[[], Awaitable[None]],
        every_s: float,
        *,
        wake: asyncio.Event | None = None,
        once: bool = False,
    ) -> None:
        """Repeat an act until the process ends, with growing pauses while the database does not answer."""
        tries = 0
        while not self.deps.stopping.is_set():
            if wake is not None:
                wake.clear()
            try:
                await act()
                if once:
                    return
                tries, pause = 0, every_s
            except StoreUnavailable as exc:
                tries += 1
                pause = growing_pause(tries, first_s=1, longest_s=30, random=random.random)
                log.error("the database does not answer; trying again", error=str(exc), pause_s=round(pause, 1))
            await self._sleep(pause, wake)

    async def _sleep(self, seconds: float, wake: asyncio.Event | None) -> None:
        """Until the time is up, the process ends, or `wake` is set."""
        events = [self.deps.stopping, *([wake] if wake else [])]
        waits = [asyncio.ensure_future(event.wait()) for event in events]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


STEPS: Mapping[JobState, Callable[[JobRun], Awaitable[None]]] = MappingProxyType(
    {
        JobState.WAITING: JobRun.wait_in_queue,
        JobState.SUBMITTING: JobRun.submit,
        JobState.PAINTING: watch.paint,
        JobState.READY: delivery.fetch,
        JobState.DELIVERING: delivery.deliver,
    }
)
