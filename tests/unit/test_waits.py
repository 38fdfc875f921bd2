"""The product's own waits, which tests of the whole bot shrink."""

from __future__ import annotations

from dataclasses import fields

import pytest

from bot.config.waits import WAITS

WATCHED = sorted(it.name.removesuffix("_every_s") for it in fields(WAITS) if it.name.endswith("_every_s"))


def test_all_that_is_watched_has_its_waits() -> None:
    assert WATCHED == ["database", "gateway", "image_api", "rest"]


@pytest.mark.parametrize("part", WATCHED)
def test_a_loss_is_known_within_a_minute(part: str) -> None:
    """At worst it comes just after a look, and the next one gets no answer."""
    every_s, patience_s = getattr(WAITS, f"{part}_every_s"), getattr(WAITS, f"{part}_patience_s")
    assert every_s + patience_s + WAITS.grace_s <= 60.0
    assert WAITS.grace_s > patience_s  # one answer that comes late is no alarm
