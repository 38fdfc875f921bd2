"""The waits by which a running bot finds out that something is gone, in one place so that tests can shrink them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waits:
    """Times in seconds. No variable sets them, because they fit one another.

    What `/healthz` watches is asked every `…_every_s` and has `…_patience_s` to answer. A loss is reported once it
    has lasted `grace_s`. For each thing the three together are at most a minute, so that an alarm comes in time.
    """

    grace_s: float = 20.0  # what passes within this time is nobody's alarm: a reconnect, a backup that holds the file
    gateway_every_s: float = 1.0
    gateway_patience_s: float = 1.0
    rest_every_s: float = 15.0
    rest_patience_s: float = 10.0
    database_every_s: float = 5.0
    database_patience_s: float = 10.0  # half for a turn at the database, half for its answer
    image_api_every_s: float = 30.0  # a question that costs nothing, but counts against the key's requests
    image_api_patience_s: float = 10.0


WAITS = Waits()
