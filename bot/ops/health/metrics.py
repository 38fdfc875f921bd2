"""Keeps for Prometheus what the parts of the bot tell. No label holds an id, a name or a prompt.

Counters are kept by what happened and not by whom. The library is imported only where metrics are served.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from bot.model import FailureKind, FollowUp, Job, JobState, Model
from bot.telemetry import Measures

QUICK_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LONG_S = (0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 3600.0)
MICRO = 1e-6
#: How many uploads under way are remembered: one whose end another process sees must not stay for ever.
UPLOADS_KEPT = 1000
_KINDS = ("imagine", "edit")
_NO_FAILURE = ("none", "yes")  # and whether money went
_DISCORD_EPOCH_MS = 1_420_070_400_000


def _asked_at(job: Job) -> datetime:
    """When Discord took the command: its ids carry that."""
    return datetime.fromtimestamp(((job.interaction_id >> 22) + _DISCORD_EPOCH_MS) / 1000, UTC)


_Moment = Callable[[Job], datetime | None]
_ACKNOWLEDGED: tuple[str, _Moment, _Moment | None] = ("acknowledged", _asked_at, None)
_WAITING: tuple[str, _Moment, _Moment | None] = ("waiting", lambda job: job.received_at, None)
_PAINTING: tuple[str, _Moment, _Moment | None] = ("painting", lambda job: job.submitted_at, lambda job: job.ready_at)
_DOWNLOADING: tuple[str, _Moment, _Moment | None] = ("downloading", lambda job: job.ready_at, None)
#: By the arrow that ends them: the stages of a job, when each began, and when it ended where that is not now.
_STAGES: Mapping[tuple[JobState, JobState], Sequence[tuple[str, _Moment, _Moment | None]]] = {
    (JobState.RECEIVED, JobState.WAITING): (_ACKNOWLEDGED,),
    (JobState.RECEIVED, JobState.SUBMITTING): (_ACKNOWLEDGED, _WAITING),
    (JobState.WAITING, JobState.SUBMITTING): (_WAITING,),
    (JobState.PAINTING, JobState.READY): (_PAINTING,),
    (JobState.PAINTING, JobState.DELIVERING): (_PAINTING, _DOWNLOADING),
    (JobState.READY, JobState.DELIVERING): (_DOWNLOADING,),
}


class Metrics(Measures):
    """All metrics of one process, in a registry of their own."""

    def __init__(self, models: Sequence[Model]) -> None:
        """`models` are those on offer."""
        disable_created_metrics()  # a second series for each, which nobody asks for
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._uploading: dict[str, datetime] = {}
        self._jobs(registry)
        self._outside(registry)
        self._inside(registry)
        self._begin_at_nothing(models)

    def _begin_at_nothing(self, models: Sequence[Model]) -> None:
        """A series that begins with its first event hides that event from Prometheus, which sees only growth."""
        for model in models:
            self._spend.labels(model)
            for kind in _KINDS:
                self._received.labels(model, kind)
        for failure in FailureKind:
            self._api_failures.labels(failure.value)
        self._ended.labels(JobState.DELIVERED.value, *_NO_FAILURE)

    def _jobs(self, registry: CollectorRegistry) -> None:
        self._received = Counter(
            "easel_jobs_received", "Jobs whose row was written here.", ["model", "kind"], registry=registry
        )
        self._ended = Counter(
            "easel_jobs_ended",
            "Jobs that came to their end here: how, why, and whether money went.",
            ["state", "failure", "charged"],
            registry=registry,
        )
        self._sent_back = Counter(
            "easel_jobs_sent_back", "Submissions that certainly started nothing; back in line.", registry=registry
        )
        self._stage = Histogram(
            "easel_job_stage_seconds",
            "How long a stage of a job took: acknowledged (from the command), waiting (to the submission), painting, "
            "downloading, uploading, delivered (from the result's address to the message), whole (from the row).",
            ["stage"],
            buckets=LONG_S,
            registry=registry,
        )
        self._open = Gauge(
            "easel_jobs_open", "Unfinished jobs in the database, of all processes.", ["state"], registry=registry
        )
        self._oldest = Gauge(
            "easel_jobs_open_oldest_seconds",
            "Age of the oldest unfinished job in this state, of all processes.",
            ["state"],
            registry=registry,
        )
        self._adopted = Counter("easel_jobs_adopted", "Jobs taken up that nobody held.", registry=registry)
        self._leases_lost = Counter("easel_leases_lost", "Jobs that another process took over.", registry=registry)
        self._spend = Counter(
            "easel_spend_dollars", "What delivered jobs cost, by PRICE_LIST.", ["model"], registry=registry
        )
        self._pictures = Counter(
            "easel_pictures_delivered", "Pictures of delivered jobs.", ["model", "resolution"], registry=registry
        )

    def _outside(self, registry: CollectorRegistry) -> None:
        self._up = Gauge("easel_up", "1 while it answers, 0 when it is gone.", ["part"], registry=registry)
        self._balance = Gauge(
            "easel_image_api_balance_dollars", "What is left on the account, where the API tells it.", registry=None
        )
        self._balance_known = False
        self._api_seconds = Histogram(
            "easel_image_api_request_seconds",
            "Requests to the image API: route, and class of the status or how it broke.",
            ["route", "outcome"],
            buckets=LONG_S,
            registry=registry,
        )
        self._api_failures = Counter(
            "easel_image_api_failures", "What the image API did not do, by reason.", ["kind"], registry=registry
        )
        self._result_gap = Histogram(
            "easel_result_gap_seconds",
            "Time between the last two questions about a task: a result waits half of it on average to be seen.",
            buckets=QUICK_S,
            registry=registry,
        )
        self._downloads = Histogram(
            "easel_download_seconds", "Fetches of results.", ["outcome"], buckets=LONG_S, registry=registry
        )
        self._discord_seconds = Histogram(
            "easel_discord_request_seconds",
            "Requests to Discord's REST, by route.",
            ["route"],
            buckets=QUICK_S,
            registry=registry,
        )
        self._discord_answers = Counter(
            "easel_discord_answers", "Answers of Discord's REST, by status.", ["route", "status"], registry=registry
        )

    def _inside(self, registry: CollectorRegistry) -> None:
        self._transactions = Histogram(
            "easel_database_transaction_seconds", "One transaction of the database.", buckets=QUICK_S, registry=registry
        )
        self._calls = Counter("easel_database_calls", "Pieces of work in transactions.", registry=registry)
        self._queue = Gauge("easel_database_queue", "Pieces of work behind the last transaction.", registry=registry)
        self._lag = Histogram(
            "easel_event_loop_lag_seconds", "How late the event loop wakes up.", buckets=QUICK_S, registry=registry
        )

    def gauge(self, name: str, told: str, value: Callable[[], float]) -> None:
        """Publish what `value` says whenever it is asked for."""
        Gauge(name, told, registry=self.registry).set_function(value)

    def text(self, up: Mapping[str, bool]) -> bytes:
        """Everything, as Prometheus reads it; `up` says what answers."""
        for part, well in up.items():
            self._up.labels(part).set(well)
        return generate_latest(self.registry)

    def open_jobs(self, counts: Mapping[JobState, tuple[int, datetime | None]]) -> None:
        """How many jobs are in each unfinished state, and when the oldest of them was received."""
        present = datetime.now(UTC)
        for state, (count, oldest) in counts.items():
            self._open.labels(state.value).set(count)
            self._oldest.labels(state.value).set((present - oldest).total_seconds() if oldest else 0)

    def balance_left(self, dollars: float | None) -> None:
        """What is left on the account at the image API; None where it does not say, and then nothing is published."""
        known = dollars is not None
        if known != self._balance_known:
            (self.registry.register if known else self.registry.unregister)(self._balance)
            self._balance_known = known
        if dollars is not None:
            self._balance.set(dollars)

    def lagged(self, seconds: float) -> None:
        """The event loop woke up so late."""
        self._lag.observe(seconds)

    def received(self, job: Job) -> None:
        """A job came in."""
        self._received.labels(job.request.model, _KINDS[job.request.is_edit]).inc()

    def moved(self, before: Job, job: Job) -> None:
        """A job has gone along an arrow: how long the stage behind it took."""
        present = datetime.now(UTC)
        for stage, began, ended in _STAGES.get((before.state, job.state), ()):
            self._took(stage, began(job), (ended(job) if ended else None) or present)
        if job.state is JobState.WAITING and before.state is JobState.SUBMITTING:
            self._sent_back.inc()
        if job.state is JobState.DELIVERING:
            self._uploading[job.id] = present
            if len(self._uploading) > UPLOADS_KEPT:
                del self._uploading[next(iter(self._uploading))]
        if job.state.is_final:
            self._end(job, present)

    def _end(self, job: Job, present: datetime) -> None:
        uploading_since = self._uploading.pop(job.id, None)
        if job.state is JobState.DELIVERED:
            self._took("uploading", uploading_since, present)
            self._took("delivered", job.ready_at, present)
            self._took("whole", job.received_at, job.finished_at or present)  # both by one clock
            model = job.request.model
            if job.request.follows is not FollowUp.POST:  # counted when they were bought
                self._pictures.labels(model, job.request.resolution.value).inc(len(job.result_urls))
            self._spend.labels(model).inc((job.cost_micros or 0) * MICRO)
        failure = (job.failure.kind.value, job.failure.charged.value) if job.failure else _NO_FAILURE
        self._ended.labels(job.state.value, *failure).inc()

    def _took(self, stage: str, since: datetime | None, until: datetime) -> None:
        if since is not None:
            # the clock of the machine may have stepped back
            self._stage.labels(stage).observe(max((until - since).total_seconds(), 0.0))

    def adopted(self, jobs: int) -> None:
        """So many jobs of other processes were taken over."""
        self._adopted.inc(jobs)

    def lease_lost(self) -> None:
        """Another process has taken a job of this one."""
        self._leases_lost.inc()

    def result_seen(self, gap_s: float) -> None:
        """So long after a result was there it was seen."""
        self._result_gap.observe(gap_s)

    def image_api_called(self, route: str, outcome: str, seconds: float) -> None:
        """A request to the image API, and how it ended."""
        self._api_seconds.labels(route, outcome).observe(seconds)

    def image_api_failed(self, kind: FailureKind) -> None:
        """An error of the image API, by its kind."""
        self._api_failures.labels(kind.value).inc()

    def downloaded(self, outcome: str, seconds: float) -> None:
        """A picture was fetched, or not."""
        self._downloads.labels(outcome).observe(seconds)

    def discord_called(self, route: str, outcome: str, seconds: float) -> None:
        """A request to Discord, and how it ended."""
        self._discord_seconds.labels(route).observe(seconds)
        self._discord_answers.labels(route, outcome).inc()

    def transacted(self, calls: int, seconds: float, waiting: int) -> None:
        """So many calls shared one transaction."""
        self._transactions.observe(seconds)
        self._calls.inc(calls)
        self._queue.set(waiting)
