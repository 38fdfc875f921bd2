"""Every time, size and count that bounds a call, in one place so that tests can shrink them.

A number here is either from the API's page, from Discord, or measured; each says which. Tests hand in smaller ones and
so see in a second what takes minutes in production.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the image API client. Times are in seconds."""

    connect_s: float = 10.0
    get_s: float = 30.0
    submit_s: float = 60.0  # a task is accepted at once, not painted
    sync_s: float = 300.0  # the whole painting happens inside the call
    head_s: float = 60.0  # until a host of pictures has begun to answer, connection and all headers included
    silence_s: float = 30.0  # between two pieces of a download
    least_bytes_per_s: float = 512.0  # of a download, over so many seconds:
    least_over_s: float = 30.0
    max_hops: int = 5
    breaker_threshold: int = 5
    breaker_pause_s: float = 5.0
    breaker_max_pause_s: float = 60.0
