"""Rate limits as Discord keeps them: buckets with headers, and 429 when one is empty."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.discord.calls import Route
from sandbox.discord.payloads import Json
from sandbox.discord.rules import DiscordRules

VIA = "1.1 google"

#: Which routes share a bucket, and the part of the path that tells buckets apart.
_BUCKETS = {
    ("PATCH", "/webhooks/{app}/{token}/messages/{message}"): ("webhook-edit", "token"),
    ("PATCH", "/channels/{channel}/messages/{message}"): ("message-edit", "channel"),
    ("POST", "/channels/{channel}/messages"): ("message-send", "channel"),
}


class RateLimited(Exception):
    """The bucket is empty. `retry_after` is in seconds."""

    def __init__(self, retry_after: float, *, everywhere: bool, bucket: dict[str, str] | None = None) -> None:
        super().__init__(f"try again in {retry_after:.3f} s")
        self.retry_after = retry_after
        self.everywhere = everywhere
        self._bucket = bucket or {}

    def body(self) -> Json:
        return rate_limit_body(self.retry_after, everywhere=self.everywhere)

    def headers(self) -> dict[str, str]:
        return self._bucket | rate_limit_headers(self.retry_after, everywhere=self.everywhere)


def rate_limit_body(retry_after: float, *, everywhere: bool = False) -> Json:
    """The body of a 429."""
    text = "You are being rate limited."
    return {"message": text, "retry_after": round(retry_after, 3), "global": everywhere, "code": 0}


def rate_limit_headers(retry_after: float, *, everywhere: bool = False) -> dict[str, str]:
    """The headers of a 429. Without `Via`, discord.py takes it for Cloudflare's and gives up."""
    headers = {"Retry-After": str(math.ceil(retry_after)), "Via": VIA}
    scope = {"X-RateLimit-Scope": "global" if everywhere else "user"}
    return headers | scope | ({"X-RateLimit-Global": "true"} if everywhere else {})


@dataclass(slots=True)
class _Bucket:
    opened_at: float = -math.inf
    used: int = 0

    def take(self, limit: int, window_s: float) -> tuple[bool, float]:
        """Use one: whether there was one left, and the seconds until the bucket is full again."""
        now = time.monotonic()
        if now - self.opened_at >= window_s:
            self.opened_at, self.used = now, 0
        there = self.used < limit
        self.used += there
        return there, self.opened_at + window_s - now


class Limits:
    """All buckets of this Discord."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str], _Bucket] = {}
        self._global = _Bucket()

    def take(self, route: Route, params: Mapping[str, str], rules: DiscordRules) -> dict[str, str]:
        """Count a request; the headers its answer carries. Raises RateLimited."""
        if not rules.rate_limits or route.cdn:
            return {}
        if route.bot:
            there, left = self._global.take(rules.global_per_s, 1.0)
            if not there:
                raise RateLimited(left, everywhere=True)
        kind = _BUCKETS.get((route.method, route.pattern))
        return self._take_from(kind[0], params[kind[1]], rules) if kind else {}

    def _take_from(self, name: str, key: str, rules: DiscordRules) -> dict[str, str]:
        bucket = self._buckets.setdefault((name, key), _Bucket())
        there, left = bucket.take(rules.edits_per_window, rules.window_s)
        headers = {
            "X-RateLimit-Limit": str(rules.edits_per_window),
            "X-RateLimit-Remaining": str(max(0, rules.edits_per_window - bucket.used)),
            "X-RateLimit-Reset": f"{time.time() + left:.3f}",
            "X-RateLimit-Reset-After": f"{left:.3f}",
            "X-RateLimit-Bucket": name,
        }
        if not there:
            raise RateLimited(left, everywhere=False, bucket=headers)
        return headers
