"""What the row of each job says after a torture: so that what was counted as lost can be told by its moment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from tests.databases import rows

NO_ROW = "no row: nothing was written down"
QUERY = """
    SELECT request, state, task_id, told, failure, attempts, owner, lease_until, token, message_id, ephemeral,
        bot_member, guild_id, cancel_requested
    FROM jobs ORDER BY seq
"""


@dataclass(frozen=True, slots=True)
class Fate:
    """One row. `failure` is why the job ended, by its kind; `place` is who can reach its reply."""

    state: str
    task_id: str | None
    announced: bool
    failure: str | None
    attempts: int
    worker_id: str | None
    lease_until: str | None
    has_token: bool
    is_acknowledged: bool
    place: str
    cancel_requested: bool

    @property
    def is_under_jobs_alone(self) -> bool:
        """Whether its pictures are finished and nothing reaches its reply: `/jobs` shows them."""
        return self.state == "delivering" and self.failure is not None

    def __str__(self) -> str:
        said = [
            self.state + (f" ({self.failure})" if self.failure else ""),
            f"task {self.task_id}" if self.task_id else "no task known",
            "announced" if self.announced else "not announced",
            f"{self.attempts} attempts",
            f"leased to {self.worker_id} until {self.lease_until}" if self.worker_id else "no lease",
            "token kept" if self.has_token else "no token",
            "reply known" if self.is_acknowledged else "reply not known",
            self.place,
            *(["to be cancelled"] if self.cancel_requested else []),
        ]
        return ", ".join(said)


def read_fates(database: str) -> Mapping[str, Fate]:
    """By prompt, of which no two are alike: what the rows of a database say now."""
    found: dict[str, Fate] = {}
    for row in rows(database, QUERY):
        (
            request,
            state,
            task_id,
            told,
            failure,
            attempts,
            owner,
            lease,
            token,
            message,
            ephemeral,
            member,
            guild,
            stop,
        ) = row
        found[json.loads(str(request))["prompt"]] = Fate(
            state=str(state),
            task_id=None if task_id is None else str(task_id),
            announced=bool(told),
            failure=json.loads(str(failure))["kind"] if failure else None,
            attempts=int(str(attempts)),
            worker_id=None if owner is None else str(owner),
            lease_until=None if lease is None else str(lease),
            has_token=bool(token),
            is_acknowledged=message is not None,
            place=_place(private=bool(ephemeral), member=bool(member), guild=guild is not None),
            cancel_requested=bool(stop),
        )
    return found


def _place(*, private: bool, member: bool, guild: bool) -> str:
    if private:
        return "private reply"
    if not member:
        return "user install, the bot is no member"
    return "channel of a server" if guild else "direct messages"
