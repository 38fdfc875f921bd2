"""Prices for all that is on offer, and what the ledger of a house says."""

from __future__ import annotations

from sandbox.discord.person import Person
from tests.acceptance.conftest import House
from tests.databases import rows

MODELS = ("grok-imagine-image", "grok-imagine-image-quality")


def prices(picture: str = "0.02") -> str:
    """A price list with which any budget can be kept."""
    each = [f"{model}:{size}={picture}" for model in MODELS for size in ("1k", "2k")]
    return ",".join([*each, *(f"{model}:input=0.01" for model in MODELS)])


def spent(house: House, person: Person | None = None) -> int:
    """What the ledger says, of all or of one person, in micros."""
    whose = f"WHERE user_id = {person.user.id}" if person else ""
    return int(str(rows(house.database, f"SELECT coalesce(sum(cost_micros), 0) FROM ledger {whose}")[0][0]))
