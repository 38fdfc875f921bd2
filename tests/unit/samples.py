"""Jobs for tests of pure parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.jobs.polling.pacer import Change
from bot.model import Charged, Failure, FailureKind, ImageRequest, Job, JobState, ReplyTarget

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TARGET = ReplyTarget(
    application_id=1,
    token="secret-token",
    token_expires_at=NOW + timedelta(minutes=15),
    channel_id=22,
    guild_id=33,
    message_id=44,
    ephemeral=False,
    bot_member=True,
    upload_limit=10 * 1024 * 1024,
)


def job(prompt: str = "a red fox", state: JobState = JobState.WAITING, **changes: Any) -> Job:
    """A job with a prompt; other fields of the job by name, those of its request as `request`."""
    request = changes.pop("request", ImageRequest(prompt))
    plain = Job(
        id="0123456789abcdef",
        seq=1,
        interaction_id=5,
        user_id=99,
        state=state,
        request=request,
        target=TARGET,
        received_at=NOW,
    )
    return replace(plain, **changes)


def failed(kind: FailureKind, charged: Charged = Charged.NO, detail: str = "", **changes: Any) -> Job:
    """A job that ended without pictures."""
    state = {
        FailureKind.TIMED_OUT: JobState.TIMED_OUT,
        FailureKind.UNCERTAIN: JobState.UNCERTAIN,
        FailureKind.CANCELLED: JobState.CANCELLED,
    }.get(kind, JobState.FAILED)
    return job(state=state, failure=Failure(kind, charged, detail), **changes)


def request(**options: Any) -> ImageRequest:
    return ImageRequest(prompt="a red fox", **options)


class Notes:
    """A stats_store of one process after the other."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    async def revise(self, prefix: str, change: Change) -> Mapping[str, str]:
        self.texts |= change(dict(self.texts))
        return dict(self.texts)
