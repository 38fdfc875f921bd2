"""The one clock of the jobs: every time in their rows is aware, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The present."""
    return datetime.now(UTC)
