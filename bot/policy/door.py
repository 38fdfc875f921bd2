"""Who may use this bot at all, as the operator has set it: the servers, the people, and the ways in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Audience(StrEnum):
    """For whom a way in is open."""

    EVERYONE = "everyone"
    LISTED = "listed"  # those of ALLOWED_USERS
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Door:
    """Ids of servers and people, and for whom direct messages and user installs are open.

    An empty `allowed_servers` lets every server in; a block goes before everything else.
    """

    allowed_servers: frozenset[int] = frozenset()
    allowed_users: frozenset[int] = frozenset()
    direct_messages: Audience = Audience.EVERYONE
    user_installs: Audience = Audience.EVERYONE
    blocked_users: frozenset[int] = frozenset()
    blocked_servers: frozenset[int] = frozenset()
