"""Claims jobs from the queue, gives each a run of its own, and keeps them by lease and heartbeat.

**Leases.** A job that is worked on belongs to one worker: a process, by its worker id, until `lease_until`. The
heartbeat renews the leases every HEARTBEAT_S. A process that dies stops renewing; LEASE later its jobs belong to nobody
and any process reclaims them, on PostgreSQL as soon as it is known to be dead (store/sync/presence.py). A process that
only slept (a suspended machine, SIGSTOP) finds at its next heartbeat that jobs are no longer its own and stops work on
them; whatever it writes before that is refused, because every step asks that the row still carries its worker id.

**Loops.** Notifications wake them, and each also looks by itself: a lost notification costs some seconds, never a job.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta

import structlog

from bot.errors import JobMoved, StoreError, StoreUnavailable
from bot.jobs import delivery, recovery, submission, task_poller
from bot.jobs.backoff import Backoff, beside, repeat
from bot.jobs.clock import now
from bot.jobs.job_run import Deps, JobRun, Stopped
from bot.jobs.positions import Positions
from bot.jobs.records import shelf
from bot.model import ACTIVE_STATES, Job, JobState

log = structlog.stdlib.get_logger(__name__)

LEASE = timedelta(seconds=30)
HEARTBEAT_S, SHOW_POSITIONS_S, RECLAIM_S, CLEAR_SHELF_S = 3.0, 2.0, 2.5, 600.0
MAX_FAULTS = 5  # exceptions of one job that nobody foresaw
#: Discord waits three seconds for an acknowledgement, and jobs have time: in a rush answers go first.
ANSWERS_FIRST = 20
SHARE_S = 10.0  # what was learned of the image API's pace, with the other processes and the next start


class Runner:
    """All work on jobs in this process. It knows Discord only through its port."""

    def __init__(self, deps: Deps, *, max_active: int, alone: bool = True, fault_pause_s: float = 1.0) -> None:
        """`max_active` is how many jobs may be at the image API at once, from this process.

        `alone` says that no other process works on the same database, so this one shows everybody's place in line;
        otherwise each shows the places of those whose commands it took. After an exception that nobody foresaw a job
        pauses for `fault_pause_s`, then twice as long, and so on.
        """
        self.deps = deps
        self._alone = alone
        self._max_active = max_active
        self._fault_pause_s = fault_pause_s
        self._runs: dict[str, tuple[JobRun, asyncio.Task[None]]] = {}
        self._at_api: set[str] = set()
        self._queue: dict[str, Job] = {}
        self._awake = asyncio.Event()
        self.positions = Positions(deps, slots=max_active, taken=lambda: self.slots_taken)
        self.unanswered = 0  # commands that are written down and not yet acknowledged; kept by the service
        self._looks: set[asyncio.Task[None]] = set()
        deps.api.breaker.is_alone = lambda user_id: alone and self._users() <= {user_id}

    def wake(self) -> None:
        """Look at the line now."""
        self._awake.set()

    @property
    def room(self) -> int:
        """How many jobs may go to the image API now: there are slots, and it is known to take so many."""
        return self.deps.pacer.room(self._max_active - len(self._at_api))

    def hold_slot(self, job_id: str) -> None:
        """A job goes to the image API as soon as that is written: `begin` it then, or `free_slot`."""
        self.deps.pacer.sends(job_id)
        self._at_api.add(job_id)

    def enqueue(self, job: Job) -> None:
        """A job was acknowledged: it is in line from now on."""
        self._queue[job.id] = job
        self.wake()

    def cancel(self, job_id: str) -> bool:
        """Ask the run of a job to end. False when the job has no run in this process."""
        if entry := self._runs.get(job_id):
            entry[0].cancel()
        return entry is not None

    def announce_end(self, job: Job) -> None:
        """Show the end of a job that something outside its run has ended. A run of it here stops first."""
        if entry := self._runs.get(job.id):
            entry[0].cancel()
            entry[1].add_done_callback(lambda _: self.announce_end(job))
        elif not self.deps.stopping.is_set():
            self.begin(job)

    def renewed(self, job: Job) -> None:
        """A click brought a new token for a job's reply."""
        if job.id in self._queue:
            self._queue[job.id] = job
        if entry := self._runs.get(job.id):
            entry[0].renewed(job.target)

    def on_notify(self, job_id: str) -> None:
        """Another process has changed this job, or the queue when `job_id` is empty."""
        if not job_id:
            self.wake()
        elif not self.deps.stopping.is_set():
            beside(self._look_at(job_id), f"look at job {job_id}", self._looks)

    async def _look_at(self, job_id: str) -> None:
        try:
            if (job := await self.deps.jobs.get(job_id)) is None:
                return
            self.renewed(job)
            if job.cancel_requested:
                self.cancel(job_id)
            if job.state is JobState.PAINTING and job_id not in self._runs:
                await self.reclaim()
        except StoreUnavailable:
            return  # the heartbeat and the loops find it

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

    def _users(self) -> set[int]:
        """Who waits or is served here; whom other processes serve is not known."""
        return {job.user_id for job in (*self._queue.values(), *(run.job for run, _ in self._runs.values()))}

    async def run(self) -> None:
        """Work until stop() is called. Waits while the database does not answer."""
        stopping = self.deps.stopping
        await repeat(self._start, stopping, 0.0, once=True)
        async with asyncio.TaskGroup() as group:
            for name, act, every_s in (
                ("reclaim", self.reclaim, RECLAIM_S),
                ("positions", self._show_positions, SHOW_POSITIONS_S),
                ("shelf", self.clear_shelf, CLEAR_SHELF_S),
                ("pace", self.deps.pacer.share, SHARE_S),
            ):
                group.create_task(repeat(act, stopping, every_s), name=name)
            # After an outage the leases must be renewed before they run out, however long the outage was.
            group.create_task(repeat(self._beat, stopping, HEARTBEAT_S, longest_s=HEARTBEAT_S), name="heartbeat")
            group.create_task(repeat(self._claim, stopping, self.deps.pacer.pause_s, wake=self._awake), name="queue")

    async def stop(self, patience_s: float) -> None:
        """Take no new job, finish what is being written or sent, leave the rest to the next start."""
        self.deps.stopping.set()
        if running := [task for _, task in self._runs.values()]:
            _, late = await asyncio.wait(running, timeout=patience_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        try:
            await self.deps.jobs.release(self.deps.worker_id)
            await self.deps.pacer.share()
        except StoreError as exc:
            log.warning("the leases of this process are left to run out", error=str(exc))
        except Exception:
            # Whatever it is, the rest is closed in order, and the leases run out by themselves.
            log.exception("unhandled exception while the leases are ended; they are left to run out")

    async def reclaim(self) -> None:
        """Take up unfinished jobs that no living process holds."""
        self._take_up(await self.deps.jobs.reclaim(self.deps.worker_id, now=now(), lease=LEASE, include_own=False))

    def _take_up(self, found: Sequence[Job]) -> None:
        self.deps.measures.adopted(len(found))
        for job in found:
            self.recovered(job)

    async def _start(self) -> None:
        found = await self.deps.jobs.reclaim(self.deps.worker_id, now=now(), lease=LEASE, include_own=True)
        waiting = await self.deps.jobs.waiting() if self._alone else []
        self._queue |= {job.id: job for job in waiting}
        self.deps.spool.trim({job.id for job in (*found, *waiting)}, older_than_s=shelf.SHELF_LIFE.total_seconds())
        if found or waiting:
            log.info("picking up what was unfinished", found=len(found), in_queue=len(waiting))
        self._take_up(found)

    def recovered(self, job: Job) -> None:
        """Go on with a job whose last step has an unknown outcome; see recovery.py."""
        if self.deps.stopping.is_set():
            return
        if (entry := self._runs.get(job.id)) is None:
            self.begin(job, found=True)
        elif entry[0].job.state.is_final and not job.state.is_final:
            self._at_api.add(job.id)
            entry[0].reopened(job)

    async def _claim(self) -> None:
        """Give free slots at the image API to the head of the queue, as many as the API is known to take."""
        if (slow_start := self.deps.pacer.slow_start).asks:
            await slow_start.probe(self.deps.api.probe)
        if self.unanswered > ANSWERS_FIRST or (room := self.room) <= 0 or not await self._api_is_up():
            return
        claimed = await self.deps.jobs.claim(self.deps.worker_id, room=room, now=now(), lease=LEASE)
        self.deps.pacer.submissions.sent(len(claimed))
        for job in claimed:
            self._queue.pop(job.id, None)
            if job.id not in self._runs:
                self.begin(job, claimed=True)

    async def _api_is_up(self) -> bool:
        """While the API is down jobs keep their place in line; a question that costs nothing tells when it is back."""
        breaker = self.deps.api.breaker
        if breaker.retry_at is None:
            return True
        if not self._queue or breaker.is_open:
            return not breaker.is_open
        return await self.deps.pacer.slow_start.probe(self.deps.api.probe)

    async def _beat(self) -> None:
        """Renew the leases; a job whose lease is lost is another process's now."""
        ids, began = list(self._runs), now()
        kept = await self.deps.jobs.keep(self.deps.worker_id, ids, now=began, lease=LEASE)
        if not self._alone:
            # In this order: edits wait for the second, and one of a lost job would go over another process's pictures.
            for job_id in set(ids) - kept.keys():
                self.deps.replies.forget(job_id)
            self.deps.replies.trust(began + LEASE)
        for job_id in ids:
            if (entry := self._runs.get(job_id)) is None:
                continue
            run, task = entry
            if (news := kept.get(job_id)) is not None:
                if news.cancel_requested:
                    run.cancel()
                if news.token and news.token != run.job.target.token:
                    self.on_notify(job_id)
            elif not run.job.state.is_final:
                run.log.warning("another process has taken this job over")
                self.deps.measures.lease_lost()
                # A submission that is out is not broken off: its answer may hold the id of a task that is paid for.
                if run.job.state is not JobState.SUBMITTING:
                    task.cancel()

    async def _show_positions(self) -> None:
        """Show the jobs in line where they stand.

        Between reading the queue and showing it nothing may be awaited: a job that is claimed meanwhile must not be
        shown as waiting over its pictures. See positions.py for what several processes do.
        """
        ids = await self.deps.jobs.queue()
        self.deps.pacer.forecast.look(ids)
        left = self._queue.keys() - set(ids) - self._runs.keys()
        self._queue = {job_id: self._queue[job_id] for job_id in ids if job_id in self._queue}
        if not self._alone:
            for job_id in left:
                self.deps.replies.forget(job_id)
            await self.positions.correct(ids, self._queue)
        else:
            self.positions.show(ids, self._queue)

    async def clear_shelf(self) -> None:
        """Delete files of jobs that have ended, once they are too old or the job is gone from the database."""
        await shelf.clear(self.deps, [run.job for run, _ in self._runs.values()], [*self._queue])

    def begin(self, job: Job, *, found: bool = False, claimed: bool = False) -> None:
        """Start a run for a job that this process holds. It begins at the step of the job's state."""
        run = JobRun(self.deps, job, left_api=lambda: self.free_slot(job.id))
        if claimed or job.state in ACTIVE_STATES:
            self._at_api.add(job.id)
        task = asyncio.create_task(self._live(run, found=found, claimed=claimed), name=f"job {job.id}")
        self._runs[job.id] = (run, task)

    async def _live(self, run: JobRun, *, found: bool, claimed: bool) -> None:
        """Work on a job until it has ended, is back in the queue, or is another process's."""
        job_id = run.job.id
        try:
            await self._live_through_faults(run, found=found, claimed=claimed)
        except Stopped:
            run.log.info("left to the next start", state=str(run.job.state))
        except JobMoved:
            run.log.info("someone else has moved this job on", state=str(run.job.state))
        finally:
            self._runs.pop(job_id, None)
            self.free_slot(job_id)
            self.deps.spool.release(job_id)
            self.deps.pacer.slow_start.forget(job_id)
            if run.job.state.is_final:
                self.deps.pacer.forget(job_id)
            if not self._alone:
                self.deps.replies.forget(job_id)

    async def _live_through_faults(self, run: JobRun, *, found: bool, claimed: bool) -> None:
        """Try a job again after an exception that nobody foresaw, as if found at a start; end it after MAX_FAULTS."""
        backoff, outage = Backoff(self._fault_pause_s, 30), Backoff(1, 30)
        while backoff.tries <= MAX_FAULTS:
            try:
                if backoff.tries == MAX_FAULTS:
                    await recovery.end_broken(run)
                elif found:
                    await recovery.resume(run)
                await self._carry(run, claimed=claimed)
                return
            except (Stopped, JobMoved):
                raise
            except StoreUnavailable as exc:
                run.log.error("the database does not answer for this job; trying again", error=str(exc))
                found, claimed = True, run.job.state is JobState.WAITING
                await run.pause(outage.failed())
            except Exception:
                # Whatever it is, the other jobs go on, and so does this one: it is bounded by MAX_FAULTS.
                run.log.exception("unhandled exception in this job", state=str(run.job.state))
                found, claimed = True, run.job.state is JobState.WAITING
                await run.pause(backoff.failed())

    async def _carry(self, run: JobRun, *, claimed: bool) -> None:
        """Step by step to the end of the job, or back into the queue."""
        while not run.job.announced:
            if run.job.state is JobState.WAITING and not claimed:
                self.enqueue(run.job)
                return
            claimed = False
            await (delivery.announce(run) if run.job.state.is_final else STEPS[run.job.state](run))
            if run.job.state not in ACTIVE_STATES:
                self.free_slot(run.job.id)
        if run.job.is_shelved:
            self.deps.spool.shelve(run.job.id)
        else:
            self.deps.spool.remove(run.job.id)
            if run.job.state is JobState.DELIVERED and run.job.failure is None:
                self.deps.api.discard_held(run.job.result_urls)

    def free_slot(self, job_id: str) -> None:
        """The image API has nothing more to do for a job."""
        if job_id in self._at_api:
            self._at_api.discard(job_id)
            if self._queue or not self._alone:  # else nobody is known to wait, and a look costs a question each time
                self.wake()


STEPS: Mapping[JobState, Callable[[JobRun], Awaitable[None]]] = {
    JobState.WAITING: submission.prepare,
    JobState.SUBMITTING: submission.submit,
    JobState.PAINTING: task_poller.paint,
    JobState.READY: delivery.fetch,
    JobState.DELIVERING: delivery.deliver,
}
