"""Tells while the bot runs that the clock of its machine is off: once, in one line.

Tokens of interactions, signed addresses and certificates are judged by the clock, so one that is off makes faults that
look like anything else. Discord's answers carry the time, and the image API's do. Discord's word goes first: where its
time agrees with ours, it is the image API whose clock is off.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import SimpleNamespace

import aiohttp

from bot.discord_api.rest import clock_ahead
from bot.image_api.listener import ApiListener
from bot.image_api.wire.answers import ApiAnswer

log = logging.getLogger(__name__)

MAX_OFF_S = 30.0
IN_A_ROW = 2  # one answer may have been under way for long


class ClockWatch(ApiListener):
    """Compares the Date of answers with this machine's clock."""

    def __init__(self) -> None:
        self._told = False
        self._discord_agrees = False
        self._off: dict[str, int] = {}

    def trace(self, trace: aiohttp.TraceConfig | None = None) -> aiohttp.TraceConfig:
        """For the client of Discord: hears of its answers, along with whatever hears `trace`."""
        trace = trace or aiohttp.TraceConfig()
        trace.on_request_end.append(self._discord_answered)
        return trace

    def hears(self, answer: ApiAnswer) -> None:
        """An answer of the image API, whose date is looked at until Discord's has agreed."""
        # pictures come from hosts that keep them for days, with the date of the day
        if answer.headers.get("content-type", "").startswith("application/json") and not self._discord_agrees:
            self._look("the image API", answer.headers)

    async def _discord_answered(
        self, _session: object, _context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        headers = {name.lower(): value for name, value in params.response.headers.items()}
        self._discord_agrees = self._look("Discord", headers) or self._discord_agrees

    def _look(self, whose: str, headers: Mapping[str, str]) -> bool:
        """Whether the clocks agree; tells once where they have not for some answers in a row."""
        ahead_s = None if "age" in headers else clock_ahead(headers.get("date"))
        if ahead_s is None:
            return False
        if abs(ahead_s) <= MAX_OFF_S:
            self._off[whose] = 0
            return True
        self._off[whose] = self._off.get(whose, 0) + 1
        if self._off[whose] >= IN_A_ROW and not self._told:
            self._told = True
            way = "ahead of" if ahead_s > 0 else "behind"
            log.warning(
                "The clock of this machine is %.0f s %s that of %s: let it be set by NTP (on Debian: apt install "
                "systemd-timesyncd). Until then buttons, signed addresses and certificates may be refused.",
                *(abs(ahead_s), way, whose),
            )
        return False
