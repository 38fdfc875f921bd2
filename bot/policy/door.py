"""Who may use this bot at all, as the operator has set it: the servers, the people, and the ways in."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum


class Audience(StrEnum):
    """For whom a way in is open."""

    EVERYONE = "everyone"
    LISTED = "listed"  # those of ALLOWED_USERS
    OFF = "off"


class Entrance(StrEnum):
    """By which way somebody comes to the bot."""

    SERVER = "server"  # a server that has the bot as a member
    DIRECT_MESSAGE = "direct_message"  # the bot's own direct messages
    USER_INSTALL = "user_install"  # an app that the person has brought along, wherever they are


class BlockKind(StrEnum):
    """Whom the operator keeps out everywhere."""

    USER = "user"
    SERVER = "server"


class Closed(StrEnum):
    """Why the door is closed to somebody."""

    BLOCKED_USER = "blocked_user"
    BLOCKED_SERVER = "blocked_server"
    SERVER = "server"  # the server is not one of ALLOWED_SERVERS
    DIRECT_MESSAGE = "direct_message"
    USER_INSTALL = "user_install"


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

    def closed_to(self, user_id: int, guild_id: int | None, entrance: Entrance) -> Closed | None:
        """Why somebody may not use the bot here; None where they may."""
        if user_id in self.blocked_users:
            return Closed.BLOCKED_USER
        if guild_id is not None and guild_id in self.blocked_servers:
            return Closed.BLOCKED_SERVER
        match entrance:
            case Entrance.SERVER:
                return None if guild_id is not None and self.serves(guild_id) else Closed.SERVER
            case Entrance.DIRECT_MESSAGE:
                return None if self._lets_in(self.direct_messages, user_id) else Closed.DIRECT_MESSAGE
            case Entrance.USER_INSTALL:
                return None if self._lets_in(self.user_installs, user_id) else Closed.USER_INSTALL

    def shuts_out(self, user_id: int, guild_id: int | None, *, bot_member: bool) -> bool:
        """Whether somebody may not go on with what they have asked for there, by whichever way they came.

        `bot_member`: the bot's own token reaches the place. Where it does not, they may have come with an app of their
        own or to a channel where the bot may not write.
        """
        if guild_id is None:
            entrances = [Entrance.DIRECT_MESSAGE if bot_member else Entrance.USER_INSTALL]
        else:
            entrances = [Entrance.SERVER] if bot_member else [Entrance.SERVER, Entrance.USER_INSTALL]
        return all(self.closed_to(user_id, guild_id, entrance) is not None for entrance in entrances)

    def serves(self, guild_id: int) -> bool:
        """Whether the bot stays in a server; it leaves any other."""
        return guild_id not in self.blocked_servers and (not self.allowed_servers or guild_id in self.allowed_servers)

    def and_blocked(self, users: Collection[int], servers: Collection[int]) -> Door:
        """The same door, closed to these as well."""
        return replace(
            self, blocked_users=self.blocked_users.union(users), blocked_servers=self.blocked_servers.union(servers)
        )

    def _lets_in(self, audience: Audience, user_id: int) -> bool:
        return audience is Audience.EVERYONE or (audience is Audience.LISTED and user_id in self.allowed_users)
