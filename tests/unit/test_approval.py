"""What was asked for, as text in the database."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from bot.policy.admission import RequestContext
from bot.store.approvals.approval import AskedPost
from tests.unit.samples import TARGET

ASKED = AskedPost(
    TARGET,
    "de",
    RequestContext(1, 2, role_ids=frozenset({3, 4}), joined_at=datetime(2026, 1, 2, tzinfo=UTC)),
    ("a",),
    ("b",),
    True,
    7,
)


def test_what_was_asked_is_read_as_it_was_written() -> None:
    assert AskedPost.read(ASKED.text) == ASKED


def test_what_a_later_version_writes_besides_is_passed_over() -> None:
    """In a rolling upgrade both versions have the database open."""
    later = json.loads(ASKED.text)
    for part in (later, later["target"], later["context"]):
        part["of_tomorrow"] = {"x": 1}
    assert AskedPost.read(json.dumps(later)) == ASKED
