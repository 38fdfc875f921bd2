"""What commands and buttons may do with jobs. Each call is one or two committed writes.

Nothing here waits for the image API. A call writes what was decided and wakes the runner, so that an answer to a
person never waits for anything but the database, and for that no longer than Discord does.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum

import structlog

from bot.errors import JobMoved, StoreUnavailable
from bot.jobs.backoff import Backoff, beside, first_of
from bot.jobs.clock import now
from bot.jobs.delivery import partial, source_copies
from bot.jobs.downloads import fetch_now
from bot.jobs.job_run import Deps, JobRun
from bot.jobs.runner import ANSWERS_FIRST, LEASE, Runner
from bot.model import (
    Charged,
    Failure,
    FailureKind,
    FollowUp,
    ImageRequest,
    Job,
    JobState,
    NewJob,
    Progress,
    ReplyTarget,
)
from bot.policy.patience import ANSWER_WITHIN_S
from bot.policy.prices import Prices
from bot.policy.quotas import FREE, Terms
from bot.store.calls import NeverBegun
from bot.store.queries.jobs import Received

__all__ = ["Cancelled", "JobService", "Received"]

log = structlog.stdlib.get_logger(__name__)


def new_id() -> str:
    """The id of a job that buys pictures."""
    return secrets.token_hex(8)


def post_id(of_job_id: str) -> str:
    """The id of the job that posts the pictures of a private one: the same at every press, in every process."""
    return hashlib.sha256(f"post {of_job_id}".encode()).hexdigest()[:16]


class Cancelled(StrEnum):
    """What became of the wish to cancel a job."""

    NOW = "now"  # the reply changes at once
    SOON = "soon"  # the request is on its way to the image API: it ends as soon as the answer is there
    TOO_LATE = "too_late"  # the pictures are there, or the job has ended


class JobService:
    """The door between what people do in Discord and the run of jobs."""

    def __init__(self, deps: Deps, runner: Runner, *, max_jobs_per_user: int) -> None:
        self._deps = deps
        self._jobs = deps.jobs
        self._runner = runner
        self._max_jobs_per_user = max_jobs_per_user
        self._fetching: set[str] = set()
        self._beside: set[asyncio.Task[None]] = set()

    @property
    def max_jobs_per_user(self) -> int:
        """How many jobs a user may have in flight, wherever they ask."""
        return self._max_jobs_per_user

    @property
    def prices(self) -> Prices:
        """What pictures cost, as the operator has said."""
        return self._deps.prices

    async def receive(self, new: NewJob, terms: Terms = FREE) -> Received:
        """Write a job's row, before anything is answered, and reserve what it takes: it counts as unanswered then.

        What may be asked for at all was settled by policy.admission. Raises TooManyJobs, QuotaReached, QueueFull,
        AlreadyReceived, RulesChanged, or StoreUnavailable within ANSWER_WITHIN_S. A row whose writing was given up is
        taken back.
        """
        try:
            received = await self._jobs.receive(
                new,
                worker_id=self._deps.worker_id,
                limit=self._max_jobs_per_user,
                now=now(),
                lease=LEASE,
                terms=terms,
                patience=ANSWER_WITHIN_S,
            )
        except NeverBegun:
            raise
        except StoreUnavailable:
            self._void(new)
            raise
        self._runner.unanswered += 1
        return received

    def in_queue(self, received: Received) -> Progress:
        """What the first card of a received job tells of its place in line."""
        return self._runner.positions.of(received.job, received.place, received.queue_length)

    def answered(self) -> None:
        """The answer to a received job's command is over, one way or the other."""
        self._runner.unanswered -= 1
        self._runner.wake()

    async def receive_post(
        self, of: Job, *, interaction_id: int, request: ImageRequest, target: ReplyTarget, rules_version: str | None
    ) -> Received:
        """Write the row of a job that posts the pictures of a private one, before anything is answered.

        It takes nothing from any quota. Its id follows from that of the private job, so there is one for each. Raises
        AlreadyReceived where it stands, RulesChanged, or StoreUnavailable within ANSWER_WITHIN_S.
        """
        urls = of.result_urls if len(request.copies) in {0, len(of.result_urls)} else request.copies
        new = NewJob(
            post_id(of.id), interaction_id, of.user_id, request, target, of.id, result_urls=urls, task_id=of.task_id
        )
        return await self.receive(new, replace(FREE, rules_version=rules_version))

    async def acknowledged(self, received: Received, *, message_id: int, ephemeral: bool) -> None:
        """Discord has taken the acknowledgement: the job is in the queue. A refusal of the database is waited out.

        One that only posts pictures is delivered at once, and one that nothing keeps waiting is submitted at once:
        then its place in line and its submission are one write. Where the answer came so late that another process
        has found the job, it is that one's.
        """
        job = received.job
        is_post = job.request.follows is FollowUp.POST
        target = replace(job.target, message_id=message_id, ephemeral=ephemeral)
        try:
            if self._need_not_wait(received):
                await self._submit_at_once(job, target)
                return
            if is_post:
                job = await self._jobs.move(job, JobState.DELIVERING, now=now(), target=target)
            else:
                job = await self._jobs.acknowledged(job, target)
        except StoreUnavailable:
            # The row stands as received. When its lease has run out it is found, its reply seen, and it goes on.
            log.error("the database did not take an acknowledgement; the job goes on a little later", job=job.id)
        except JobMoved:
            log.info("an acknowledgement came late; someone else has moved this job on", job=job.id)
        else:
            (self._runner.recovered if is_post else self._runner.enqueue)(job)

    def _need_not_wait(self, received: Received) -> bool:
        """Whether there are slots for a job and for all before it, and nothing is to be looked at before it is sent.

        In a rush answers to people go first.
        """
        deps, request = self._deps, received.job.request
        to_be_looked_at = request.follows is FollowUp.POST or request.sources or deps.moderator
        is_quiet = deps.api.breaker.retry_at is None and not deps.stopping.is_set()
        in_time = received.place <= self._runner.room and self._runner.unanswered <= ANSWERS_FIRST
        return is_quiet and in_time and not to_be_looked_at

    async def _submit_at_once(self, job: Job, target: ReplyTarget) -> None:
        """Take a free slot, and announce the submission. Raises StoreUnavailable or JobMoved."""
        worker_id = self._deps.worker_id
        self._runner.hold_slot(job.id)
        try:
            job = await self._jobs.move(
                job, JobState.SUBMITTING, now=now(), worker_id=worker_id, target=target, attempts=job.attempts + 1
            )
        except (StoreUnavailable, JobMoved) as exc:
            self._runner.free_slot(job.id)
            self._deps.pacer.slow_start.forget(job.id)
            if isinstance(exc, StoreUnavailable):
                beside(self._put_in_queue(job.id), f"queue job {job.id}", self._beside)
            raise
        log.info("job moved on", job=job.id, state=str(job.state))
        self._runner.begin(job)

    async def _put_in_queue(self, job_id: str) -> None:
        """Nobody knows whether the announcement of a submission was written; it is known that nothing was sent.

        So it goes back into the queue. Where it was not written the job stands as received, and its reply is seen when
        its lease has run out.
        """
        backoff = Backoff(0.5, 15)
        while not self._deps.stopping.is_set():
            try:
                job = await self._jobs.get(job_id)
                if job is not None and job.state is JobState.SUBMITTING:
                    worker_id = self._deps.worker_id
                    job = await self._jobs.move(job, JobState.WAITING, now=now(), worker_id=worker_id)
                    self._runner.enqueue(job)
            except StoreUnavailable:
                await first_of(self._deps.stopping, within_s=backoff.failed())
            except JobMoved:
                return
            else:
                return

    async def unacknowledged(self, job: Job) -> None:
        """Discord refused the acknowledgement: the job ends, nothing was bought."""
        await self._end_unacknowledged(job.id, job.interaction_id)

    def _void(self, new: NewJob) -> None:
        """Take back a first row whose writing was given up; it may stand in spite of that (see Store.run).

        Its user is told that nothing was started, so nothing may be. Should this process end before the database
        answers, the row is found as received, and no reply carries its id.
        """
        beside(self._end_unacknowledged(new.id, new.interaction_id), f"void job {new.id}", self._beside)

    async def _end_unacknowledged(self, job_id: str, interaction_id: int) -> None:
        """End a job that nobody was told of; of a post, only that of this press: the next one has the same id."""
        backoff = Backoff(0.5, 30)
        while not self._deps.stopping.is_set():
            try:
                job = await self._jobs.get(job_id)
                if job is not None and job.state is JobState.RECEIVED and job.interaction_id == interaction_id:
                    failure = Failure(FailureKind.UNACKNOWLEDGED)
                    await self._jobs.move(job, JobState.FAILED, now=now(), failure=failure, announced=True)
            except StoreUnavailable:
                pause_s = backoff.failed()
                log.error("the database does not take back a job that was not started", job=job_id)
                await first_of(self._deps.stopping, within_s=pause_s)
            except JobMoved:
                return
            else:
                return

    def in_doubt(self, job: Job) -> None:
        """Nobody knows whether Discord took the acknowledgement: the runner looks for the reply."""
        self._runner.recovered(job)

    async def clear_shelf(self) -> None:
        """Delete the files of jobs that are not in the database any more. Raises StoreUnavailable."""
        await self._runner.clear_shelf()

    def discard_results(self, addresses: Iterable[str]) -> None:
        """Delete results that came inside answers and lie here, once their jobs are gone."""
        self._deps.api.discard_held(addresses)

    async def get(self, job_id: str) -> Job | None:
        """A job as it stands now, or None where it is not (any more) in the database. Raises StoreUnavailable."""
        return await self._jobs.get(job_id)

    async def cancel(self, job: Job) -> Cancelled:
        """End a job whose result is not there yet. Raises StoreUnavailable."""
        if job.state is JobState.WAITING:
            failure = Failure(FailureKind.CANCELLED, Charged.NO)
            try:
                job = await self._jobs.move(job, JobState.CANCELLED, now=now(), failure=failure)
            except JobMoved:
                job = await self._jobs.get(job.id) or job
            else:
                self._runner.announce_end(job)
                return Cancelled.NOW
        if job.state not in {JobState.RECEIVED, JobState.SUBMITTING, JobState.PAINTING}:
            return Cancelled.TOO_LATE
        await self._jobs.request_cancel(job.id)
        self._runner.cancel(job.id)
        return Cancelled.NOW if job.state is JobState.PAINTING else Cancelled.SOON

    async def cancel_waiting(self, user_id: int, guild_id: int) -> int:
        """End whatever somebody has in line in a server, uncharged; returns how much it was.

        What has been sent to the image API goes on. Raises StoreUnavailable.
        """
        return await self._cancel_all(
            job
            for job in await self._jobs.open_jobs(user_id)
            if job.state is JobState.WAITING and guild_id == job.target.guild_id
        )

    async def cancel_shut_out(self) -> int:
        """End whatever waits in line for those whom the operator lets in no more; otherwise as `cancel_waiting`."""
        waiting = await self._jobs.waiting()
        return await self._cancel_all([job for job in waiting if await self._deps.is_shut_out(job)])

    async def _cancel_all(self, jobs: Iterable[Job]) -> int:
        return [await self.cancel(job) for job in jobs].count(Cancelled.NOW)

    async def check_again(self, job: Job, target: ReplyTarget) -> bool:
        """Ask the image API once more about a job that timed out; False when it is being asked about already.

        `target` is the job's, with the token that the click brought.
        """
        try:
            await self._jobs.move(job, JobState.PAINTING, now=now(), target=target)
        except JobMoved:
            return False
        await self._runner.reclaim()
        return True

    async def fetch_missing(self, job: Job, target: ReplyTarget) -> int | None:
        """Ask once more for the pictures that a delivered job lacks, and show all in its message when more came.

        Returns how many are still missing; None when that is being done already. `target` carries the click's token.
        Raises ReplyError, StoreUnavailable, and DownloadError or OSError. Done twice it shows the same message.
        """
        if job.id in self._fetching:
            return None
        self._fetching.add(job.id)
        try:
            run = JobRun(self._deps, replace(job, target=target))
            results = await fetch_now(run)
            before = int(job.failure.detail.split()[0]) if job.failure and job.failure.detail else 0
            if len(results.pictures) > before:
                await self._deps.replies.deliver(run.job, results.pictures, await source_copies(run))
                await self._jobs.change(job.id, failure=partial(results))
            log.info("missing pictures asked for", job=job.id, before=before, here=len(results.pictures))
            return results.missing
        finally:
            self._fetching.discard(job.id)
            self._deps.spool.remove(job.id)

    async def renew(self, job: Job, target: ReplyTarget) -> Job:
        """A click on the reply brought a new token for it: use that one from now on."""
        job = await self._jobs.change(job.id, target=target)
        self._runner.renewed(job)
        return job

    async def reply_deleted(self, job: Job) -> None:
        """A person deleted the reply on purpose: nothing is posted in its place."""
        await self._jobs.change(job.id, reply_deleted=True)
