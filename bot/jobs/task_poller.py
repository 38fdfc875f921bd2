"""Asks about one task at the image API until it has ended, or its time is up.

No single answer ends a job that is paid for. A task that is not known (404), or that has succeeded without an address,
is judged by how long it has said nothing else (backoff.py). Where it lasts, the job ends so that *Check again* can
reopen it.

Trouble with a question never ends a job: the task is paid for and may yet finish. Only the task's own end, the job's
time, or a person does.
"""

from __future__ import annotations

import time

from bot.errors import Busy, ImageApiError, TaskLost, Unreachable
from bot.image_api.client import TaskReport, TaskState
from bot.jobs import delivery
from bot.jobs.backoff import Absence, Backoff, first_of
from bot.jobs.clock import now
from bot.jobs.job_run import CancelAsked, JobRun, Stopped
from bot.jobs.polling.pacer import FRESH_S
from bot.model import Charged, FailureKind, JobState, Progress

NOTHING_PAUSE_S = 5.0  # between two questions meanwhile, at most
UNANSWERED_PAUSE_S = (1.0, 15.0)  # after questions that got no answer, at most; it doubles


async def paint(run: JobRun) -> None:
    """From *painting*: ask about the task until it has ended or the time is up."""
    if run.job.task_id is None and run.job.result_urls:  # Check again on pictures that came without a task
        await run.move(JobState.READY)
        return
    try:
        await TaskPoller(run).poll()
    except CancelAsked:
        await run.end(JobState.CANCELLED, FailureKind.CANCELLED, Charged.MAYBE)


class TaskPoller:
    """Asks the image API about one task, at the pace that pacer.py sets, until it has ended or its time is up."""

    def __init__(self, run: JobRun) -> None:
        self.run = run
        submitted = run.job.submitted_at or now()
        age_s = max((now() - submitted).total_seconds(), 0.0)  # the wall clock may have stepped back
        self._began = time.monotonic() - age_s
        self._late_start = age_s >= run.deps.job_timeout_s
        self._plan = run.deps.pacer.course(run.job.request, age_s)
        self._answered_at = self._began
        self._unanswered = Backoff(*UNANSWERED_PAUSE_S)
        self._absence = Absence()  # of the task, or of its result though it is done
        self._percent = 0

    @property
    def age_s(self) -> float:
        """For how long the task has been at the image API."""
        return time.monotonic() - self._began

    async def poll(self) -> None:
        """Until an arrow out of *painting* is committed. Raises CancelAsked, Stopped or JobMoved."""
        run, timeout_s = self.run, self.run.deps.job_timeout_s
        # One that is not new was found at a start, or taken over: nobody has asked about it for a while.
        pause = self._pause(None) if self.age_s < FRESH_S else 0.0
        self._show()
        while True:
            left_s = timeout_s - self.age_s
            await run.pause_or_cancel(min(pause, left_s) if left_s > 0 else pause)
            if self.age_s < timeout_s and not self._plan.is_due(self.age_s):
                pause = self._pause(None)
                continue
            try:
                report = await self._ask()
            except TaskLost as exc:
                if await self._has_nothing():
                    return
                pause = min(self._pause(exc.retry_after), NOTHING_PAUSE_S)
            except ImageApiError as exc:
                pause = self._trouble(exc)
            else:
                if await self._settle(report):
                    return
                pause = self._pause(report.retry_after)
                if self._absence.is_told:
                    pause = min(pause, NOTHING_PAUSE_S)
            if self.age_s >= timeout_s and not (self._late_start and self._may_be_early):
                self._plan.given_up()
                await run.end(JobState.TIMED_OUT, FailureKind.TIMED_OUT, Charged.MAYBE)
                return

    async def _ask(self) -> TaskReport:
        """One question, in its turn (see budget.py). Raises ImageApiError, CancelAsked or Stopped."""
        run, budget = self.run, self.run.deps.pacer.budget
        if not budget.take():
            turn = budget.turn(lambda: self._plan.likelihood(self.age_s))
            await first_of(turn, run.cancelled, run.deps.stopping)
            if run.cancelled.is_set():
                raise CancelAsked
            if run.deps.stopping.is_set():
                raise Stopped
        asked_s = self.age_s
        report = await run.deps.api.report(run.job.task_id or "", run.job.request)
        self._unanswered.worked()
        run.deps.pacer.slow_start.heard()
        run.deps.pacer.question_answered(run.job.id)
        if report.state is TaskState.SUCCEEDED or report.failure is not None:
            self._plan.ended(self.age_s, refused=report.failure is not None)
        else:
            self._plan.goes_on(asked_s)
        return report

    def _show(self, trouble: FailureKind | None = None) -> None:
        deps, job = self.run.deps, self.run.job
        due = deps.pacer.forecast.painted_at(job, now())
        deps.replies.show(job, Progress(percent=self._percent, due=due, trouble=trouble))

    def _pause(self, retry_after: float | None) -> float:
        return max(self._plan.pause(self.age_s), retry_after or 0.0)

    def _trouble(self, exc: ImageApiError) -> float:
        """Any trouble with a question is waited out: the task is paid for and may yet finish."""
        self.run.log.info("a question about a task was not answered", error=type(exc).__name__)
        self._absence.other()
        kind = FailureKind.BUSY if isinstance(exc, Busy) else FailureKind.UNREACHABLE
        if isinstance(exc, Unreachable):
            self.run.deps.pacer.slow_start.doubt()
        if isinstance(exc, Busy):
            self.run.deps.pacer.question_refused(self.run.job.id)
        self._show(kind)
        # The plan is made for tasks that are known not to have ended when they were last asked about. This one may
        # have, so it is asked about again sooner than the plan says.
        return max(min(self._pause(None), self._unanswered.failed()), exc.retry_after or 0.0, 1.0)

    async def _settle(self, report: TaskReport) -> bool:
        """Commit what the report decides; False while the task goes on."""
        run = self.run
        gap_s, self._answered_at = time.monotonic() - self._answered_at, time.monotonic()
        if report.state is TaskState.SUCCEEDED and report.result_urls:
            run.deps.measures.result_seen(gap_s)
            await delivery.take(run, report.result_urls)
            return True
        if report.failure is not None:
            if report.request_id is not None:
                await run.change(request_id=report.request_id)
            await run.end(JobState.FAILED, report.failure.kind, report.failure.charged)
            return True
        if report.state is TaskState.SUCCEEDED:
            return await self._has_nothing()
        self._absence.other()
        self._percent = max(self._percent, report.percent or 0)
        self._show()
        return False

    async def _has_nothing(self) -> bool:
        """Once more there is no result where one should be; True when that has lasted long enough to end the job."""
        self._absence.answered()
        if self._may_be_early:
            return False
        self._plan.given_up()
        await self.run.end(JobState.TIMED_OUT, FailureKind.LOST, Charged.MAYBE)
        return True

    @property
    def _may_be_early(self) -> bool:
        """Whether there is no result yet, and that does not mean anything so far."""
        return self._absence.is_told and not self._absence.is_certain
