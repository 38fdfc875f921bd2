"""Every time, size and count that bounds a call, in one place so that tests can shrink them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the image API client. Times are in seconds."""

    connect_s: float = 10.0
    get_s: float = 30.0
    submit_s: float = 60.0  # a task is accepted at once, not painted
    sync_s: float = 300.0  # the whole painting happens inside the call
    download_s: float = 120.0  # one try
    silence_s: float = 30.0  # between two pieces of a download
    download_tries: int = 4
    retry_base_s: float = 1.0
    retry_cap_s: float = 15.0
    max_hops: int = 5
    breaker_threshold: int = 5
    breaker_pause_s: float = 5.0
    breaker_max_pause_s: float = 60.0
