"""What the parts of a running bot tell of their work, for whoever counts it.

`Measures` itself counts nothing, and is what they tell where nobody asks; `bot.ops.health.metrics` keeps it for
Prometheus.
No call may carry an id, a name or a prompt into what is published. All are made in the event loop, and are cheap.
"""

from __future__ import annotations

from bot.model import FailureKind, Job


class Measures:
    """Hears everything and keeps nothing."""

    def received(self, job: Job) -> None:
        """A job's row was written."""

    def moved(self, before: Job, job: Job) -> None:
        """A job went along an arrow of its life, and that is committed."""

    def adopted(self, jobs: int) -> None:
        """So many jobs that no living process held were taken up."""

    def lease_lost(self) -> None:
        """Another process has taken over a job that was worked on here."""

    def result_seen(self, gap_s: float) -> None:
        """A task was found finished, so many seconds after it was last found unfinished."""

    def image_api_called(self, route: str, outcome: str, seconds: float) -> None:
        """One request to the image API is over. `outcome` is a class of status such as "2xx", or how it broke."""

    def image_api_failed(self, kind: FailureKind) -> None:
        """The image API did not do what was asked."""

    def downloaded(self, outcome: str, seconds: float) -> None:
        """A result was fetched: "ok", or the name of what went wrong."""

    def discord_called(self, route: str, outcome: str, seconds: float) -> None:
        """One request to Discord is over. `outcome` is a status such as "200", or how it broke."""

    def transacted(self, calls: int, seconds: float, waiting: int) -> None:
        """The database was asked for so many things at once; `waiting` stood in line behind them."""


#: For parts that nobody measures.
UNMEASURED = Measures()
