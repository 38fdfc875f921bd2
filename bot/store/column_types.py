"""Types of columns that both databases store alike."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

from sqlalchemy import DateTime, String
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from bot.model import JobState


class UtcTime(TypeDecorator[datetime]):
    """A moment: aware and in UTC in Python, `timestamptz` on PostgreSQL, sortable text in UTC on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database. A time without a zone is a mistake of the caller: SQLite would take it for UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database. SQLite tells no zone, and it is always UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


_STATES = frozenset(JobState)


class StateText(TypeDecorator[JobState]):
    """A state by its value: as plain text, so that a new state is no change of the schema."""

    impl = String(16)
    cache_ok = True

    def process_bind_param(self, value: JobState | None, dialect: Dialect) -> str | None:
        """To the database."""
        return None if value is None else value.value

    def process_result_value(self, value: str | None, dialect: Dialect) -> JobState | None:
        """From the database."""
        # A state of a later version stays its text: the rows beside it can be read, see rows.jobs_of.
        return JobState(value) if value in _STATES else cast("JobState | None", value)
