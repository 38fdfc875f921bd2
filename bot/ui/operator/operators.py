"""Who runs this bot, as Discord says: the application's owner, or the members of its team by their roles.

Discord is asked again after a few minutes, and before each act: whoever left the team a moment ago leaves no server.
Where it does not answer, nobody is taken for an operator.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from enum import IntEnum
from types import MappingProxyType
from typing import Any, cast

import aiohttp
import discord
import structlog

log = structlog.stdlib.get_logger(__name__)

FRESH_S = 300.0  # an answer is believed for so long where figures are shown
FRESH_TO_ACT_S = 3.0  # and where something is done: a question and its answer are pressed one after the other
AGAIN_AFTER_S = 30.0  # Discord is left alone for so long after it did not answer
PATIENCE_S = 2.0
ACCEPTED = 2  # a team member's `membership_state`; 1 is invited
_TROUBLE = (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError, TimeoutError)


class Rank(IntEnum):
    """What somebody is to this bot. Read-only members of a team see everything and change nothing."""

    NOBODY = 0
    LOOKS = 1
    ACTS = 2


_TEAM_ROLES: Mapping[str, Rank] = MappingProxyType(
    {"admin": Rank.ACTS, "developer": Rank.ACTS, "read_only": Rank.LOOKS}
)


class Operators:
    """Asks Discord who runs the bot, and remembers the answer for a moment."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client
        self._ranks: Mapping[int, Rank] = {}
        self._asked_at = float("-inf")  # on the monotonic clock: when the ranks were true
        self._failed_at = float("-inf")
        self._asking = asyncio.Lock()

    async def rank(self, user_id: int, *, to_act: bool = False) -> Rank:
        """What somebody is to this bot, by an answer of Discord that is not old."""
        fresh_s = FRESH_TO_ACT_S if to_act else FRESH_S
        async with self._asking:
            if time.monotonic() - self._asked_at > fresh_s and not await self._ask(patient=to_act):
                return Rank.NOBODY
        return self._ranks.get(user_id, Rank.NOBODY)

    def is_known(self, user_id: int) -> bool:
        """Whether somebody was among those who run the bot when Discord was asked last."""
        return user_id in self._ranks

    async def _ask(self, *, patient: bool) -> bool:
        """Ask Discord; False where it did not answer. `patient` asks also where it has just failed."""
        if not patient and time.monotonic() - self._failed_at < AGAIN_AFTER_S:
            return False
        try:
            async with asyncio.timeout(PATIENCE_S):
                answer: object = await self._client.http.application_info()
        except _TROUBLE as exc:
            self._failed_at = time.monotonic()
            log.warning("Discord does not say who runs this bot", error=type(exc).__name__)
            return False
        self._ranks = read(answer)
        self._asked_at = time.monotonic()
        return True


def read(application: object) -> Mapping[int, Rank]:
    """Who runs an application, from Discord's answer. The owner of one that a team owns is no person."""
    fields = _object(application)
    team = _object(fields.get("team"))
    if not team:
        owner = _id(_object(fields.get("owner")).get("id"))
        return {owner: Rank.ACTS} if owner else {}
    ranks: dict[int, Rank] = {}
    members: object = team.get("members")
    for member in map(_object, cast("Sequence[object]", members) if isinstance(members, list) else ()):
        user = _id(_object(member.get("user")).get("id"))
        rank = _TEAM_ROLES.get(str(member.get("role")), Rank.NOBODY)
        if user and rank and member.get("membership_state") == ACCEPTED:
            ranks[user] = rank
    # The owner of a team is told as one of its developers; the role of a member says nothing of it.
    if owner := _id(team.get("owner_user_id")):
        ranks[owner] = Rank.ACTS
    return ranks


def _object(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _id(value: object) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() else None
