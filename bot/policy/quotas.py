"""How much may be asked for: quotas, where they stand, and the terms under which a request is taken.

Days and months are those of the calendar in UTC. Money is in millionths of a US dollar ("micros").
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from bot.policy.server_log import LogLine


class Whose(StrEnum):
    """Whose requests a quota counts."""

    MEMBER = "member"  # one person's in one server
    USER = "user"  # one person's everywhere
    SERVER = "server"
    EVERYONE = "everyone"  # all that this bot paints


class What(StrEnum):
    """What a quota counts."""

    PICTURES = "pictures"
    SPEND = "spend"  # micros; requests without a known price are not counted


class Span(StrEnum):
    """How long a quota lasts until it renews."""

    DAY = "day"
    MONTH = "month"

    def began(self, now: datetime) -> datetime:
        """The first moment of the day or month that `now` lies in, in UTC."""
        day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return day if self is Span.DAY else day.replace(day=1)

    def renews(self, now: datetime) -> datetime:
        """The first moment of the next day or month, in UTC."""
        began = self.began(now)
        if self is Span.DAY:
            return began + timedelta(days=1)
        return (began + timedelta(days=32)).replace(day=1)


class SetBy(StrEnum):
    """Who can change a limit."""

    SERVER = "server"  # members with Manage Server, in /settings
    OPERATOR = "operator"  # whoever runs the bot, in its environment


@dataclass(frozen=True, slots=True)
class Quota:
    """At most `limit` (pictures or micros) of somebody's in a day or month."""

    whose: Whose
    what: What
    span: Span
    limit: int
    set_by: SetBy
    role_id: int | None = None  # the role whose limit it is, where it is one's


@dataclass(frozen=True, slots=True)
class Standing:
    """A quota and how much of it is used, running requests included, until it renews."""

    quota: Quota
    used: int
    renews_at: datetime

    @property
    def left(self) -> int:
        """What may still be asked for; never below zero."""
        return max(self.quota.limit - self.used, 0)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a request is held to in the moment in which it is written down, besides MAX_JOBS_PER_USER."""

    quotas: tuple[Quota, ...] = ()
    cost_micros: int | None = None  # expected; None where the price list has no price: then only pictures count
    jobs_per_member: int | None = None  # in flight at once in the server of the request
    line_length: int | None = None  # requests that may wait for the image API
    rules_version: str | None = None  # of the rules that were obeyed, see rules.RuleBook
    line: LogLine | None = None  # for the server's log, written down with the request


#: No limit but MAX_JOBS_PER_USER.
FREE = Terms()


@dataclass(frozen=True, slots=True)
class Ceilings:
    """What the operator allows at most, in all servers; None where nothing is set. Money is in micros."""

    pictures_per_user_day: int | None = None
    pictures_per_server_day: int | None = None
    spend_per_server_day: int | None = None
    spend_per_server_month: int | None = None
    spend_per_day: int | None = None
    spend_per_month: int | None = None
    line_length: int | None = None
