"""Watches one task at the image API until it has ended, or its time is up."""

from __future__ import annotations

import time

from bot.errors import Busy, ImageApiError, TaskLost
from bot.image_api.client import TaskReport, TaskState
from bot.jobs.job_run import CancelAsked, JobRun, now
from bot.model import Charged, Failure, FailureKind, JobState, Progress

LOST_AFTER_QUESTIONS = 4  # replicas of the API may not know a new task at once
LOST_AFTER_S = 15.0
EMPTY_RESULTS_ASKED = 4  # a task may be "succeeded" a little before its addresses are there


async def paint(run: JobRun) -> None:
    """From *painting*: ask about the task until it has ended or the time is up."""
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
        self._course = run.deps.pacer.course(run.job.request, age_s)
        self._questions = 0
        self._answered_at = self._began
        self._empty_answers = 0
        self._percent = 0

    @property
    def age_s(self) -> float:
        return time.monotonic() - self._began

    async def poll(self) -> None:
        """Until an arrow out of *painting* is committed. Raises CancelAsked, Stopped or JobMoved."""
        run, timeout_s = self.run, self.run.deps.job_timeout_s
        pause = 0.0 if self._late_start else self._pause(None)
        run.deps.replies.show(run.job, Progress(percent=0))
        while True:
            await run.pause_or_cancel(max(min(pause, timeout_s - self.age_s), 0.0))
            if self.age_s < timeout_s and not self._course.is_due(self.age_s):
                pause = self._pause(None)
                continue
            try:
                report = await self._ask()
            except TaskLost as exc:
                if self._questions >= LOST_AFTER_QUESTIONS and self.age_s > LOST_AFTER_S:
                    await run.move(JobState.FAILED, failure=Failure(exc.kind, Charged.MAYBE))
                    return
                pause = self._pause(exc.retry_after)
            except ImageApiError as exc:
                pause = self._trouble(exc)
            else:
                if await self._settle(report):
                    return
                pause = self._pause(report.retry_after)
            if self.age_s >= timeout_s:
                self._course.given_up()
                await run.end(JobState.TIMED_OUT, FailureKind.TIMED_OUT, Charged.MAYBE)
                return

    async def _ask(self) -> TaskReport:
        """One question, in its turn. Raises ImageApiError, CancelAsked or Stopped."""
        pacer = self.run.deps.pacer
        await self.run.turn_or_cancel(lambda: self._course.likelihood(self.age_s))
        self._questions += 1
        pacer.questions += 1
        asked_s = self.age_s
        report = await self.run.deps.api.report(self.run.job.task_id or "", self.run.job.request)
        if report.state is TaskState.SUCCEEDED or report.failure is not None:
            self._course.ended(self.age_s, refused=report.failure is not None)
        else:
            self._course.goes_on(asked_s)
        return report

    def _pause(self, retry_after: float | None) -> float:
        return max(self._course.pause(self.age_s), retry_after or 0.0)

    def _trouble(self, exc: ImageApiError) -> float:
        """Any trouble with a question is waited out: the task is paid for and may yet finish."""
        self.run.log.info("a question about a task was not answered", error=type(exc).__name__)
        kind = FailureKind.BUSY if isinstance(exc, Busy) else FailureKind.UNREACHABLE
        if isinstance(exc, Busy):
            self.run.deps.pacer.budget.refused()
        self.run.deps.replies.show(self.run.job, Progress(percent=self._percent, trouble=kind))
        return max(self._pause(exc.retry_after), 1.0)

    async def _settle(self, report: TaskReport) -> bool:
        """Commit what the report decides; False while the task goes on."""
        run = self.run
        gap_s, self._answered_at = time.monotonic() - self._answered_at, time.monotonic()
        if report.state is TaskState.SUCCEEDED and report.result_urls:
            run.deps.measures.result_seen(gap_s)
            await run.move(JobState.READY, result_urls=report.result_urls)
            return True
        if report.failure is not None:
            failure = Failure(report.failure.kind, report.failure.charged)
            await run.move(JobState.FAILED, failure=failure, request_id=report.request_id or run.job.request_id)
            return True
        if report.state is TaskState.SUCCEEDED:
            self._empty_answers += 1
            if self._empty_answers >= EMPTY_RESULTS_ASKED:
                await run.move(JobState.FAILED, failure=Failure(FailureKind.LOST, Charged.MAYBE))
                return True
        self._percent = max(self._percent, report.percent or 0)
        run.deps.replies.show(run.job, Progress(percent=self._percent))
        return False
