"""Users, servers and channels, and who may do what where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from sandbox.discord.permissions import ALL, NONE, Permission
from sandbox.discord.rules import MIB

_TIER_LIMITS = {2: 50 * MIB, 3: 100 * MIB}


@dataclass(slots=True, eq=False)
class User:
    """A person, or the bot. `installed` says that the app is installed for this user alone, in all places."""

    id: int
    name: str
    username: str
    locale: str = "en-US"
    bot: bool = False
    installed: bool = False
    accepts_dms: bool = True
    upload_limit: int = 0  # bytes per file that Nitro allows


@dataclass(frozen=True, slots=True)
class TeamMember:
    """Somebody in a team. `role` is `admin`, `developer` or `read_only`; who was only invited has not accepted."""

    user: User
    role: str = "developer"
    accepted: bool = True


@dataclass(frozen=True, slots=True)
class Team:
    """A team that owns the app. Its owner is one of its members."""

    id: int
    owner: User
    members: Sequence[TeamMember]


@dataclass(slots=True, eq=False)
class Role:
    """A role of a server. The one with the server's id is @everyone."""

    id: int
    name: str
    permissions: Permission
    position: int = 0


@dataclass(slots=True, eq=False)
class Member:
    """A user in a server, with the ids of the roles beside @everyone. `joined_at` is in Discord's form."""

    user: User
    roles: list[int] = field(default_factory=list[int])
    joined_at: str = "2024-05-01T12:00:00.000000+00:00"


@dataclass(slots=True, eq=False)
class Guild:
    """A server. `premium_tier` is its boost level, 0 to 3.

    Only a Community server has a language of its own: Discord says `en-US` of every other one, whatever was chosen.
    """

    id: int
    name: str
    owner_id: int
    roles: dict[int, Role]
    members: dict[int, Member] = field(default_factory=dict[int, Member])
    locale: str = "en-US"
    community: bool = False
    premium_tier: int = 0
    system_channel_id: int | None = None  # where the server wants to hear of newcomers
    greets_newcomers: bool = True

    @property
    def features(self) -> list[str]:
        """Discord's names of what the server has."""
        return ["COMMUNITY"] if self.community else []

    @property
    def told_locale(self) -> str:
        """The language that Discord tells: `preferred_locale` and `guild_locale`."""
        return self.locale if self.community else "en-US"

    @property
    def upload_limit(self) -> int:
        """Bytes per file that the server's boosts allow; 0 without."""
        return _TIER_LIMITS.get(self.premium_tier, 0)

    def base_permissions(self, user: User) -> Permission:
        """What a user may do here before a channel's overwrites; none for a stranger."""
        member = self.members.get(user.id)
        if member is None:
            return NONE
        if user.id == self.owner_id:
            return ALL
        granted = self.roles[self.id].permissions
        for role_id in member.roles:
            granted |= self.roles[role_id].permissions
        return ALL if Permission.ADMINISTRATOR in granted else granted


class ChannelKind(IntEnum):
    """Discord's channel types, as far as this world has them."""

    TEXT = 0
    DM = 1
    VOICE = 2  # has messages, for those who may connect
    GROUP = 3
    ANNOUNCEMENT = 5
    THREAD = 11
    PRIVATE_THREAD = 12
    STAGE = 13  # as VOICE
    FORUM = 15  # holds threads, its posts, and no messages of its own


THREADS = frozenset({ChannelKind.THREAD, ChannelKind.PRIVATE_THREAD})
WITH_VOICE = frozenset({ChannelKind.VOICE, ChannelKind.STAGE})


@dataclass(slots=True, eq=False)
class Overwrite:
    """What a channel allows and denies to one role or member, whose id is the key it stands under."""

    allow: Permission = NONE
    deny: Permission = NONE
    is_member: bool = False


@dataclass(slots=True, eq=False)
class Channel:
    """A place for messages. `key` is its name in `Person.at`; `upload_limit` overrides what server and user allow.

    `recipients` are the people of a private channel, and those who are in a private thread.
    """

    id: int
    key: str
    name: str
    kind: ChannelKind
    guild: Guild | None = None
    parent: Channel | None = None
    recipients: list[User] = field(default_factory=list[User])
    overwrites: dict[int, Overwrite] = field(default_factory=dict[int, Overwrite])
    nsfw: bool = False
    position: int = 0
    archived: bool = False
    locked: bool = False
    deleted: bool = False
    upload_limit: int | None = None
    owner_id: int | None = None  # of a thread that somebody else than the server's owner has opened
    tag: int | None = None  # the only tag of a forum, which each of its posts must have

    @property
    def is_thread(self) -> bool:
        return self.kind in THREADS

    @property
    def context(self) -> int:
        """Discord's interaction context: 0 a server, 1 direct messages with the bot, 2 another private channel."""
        if self.guild:
            return 0
        return 1 if any(user.bot for user in self.recipients) else 2

    def permissions(self, user: User) -> Permission:
        """What a user may do here, roles and overwrites together. Recipients of a private channel may all."""
        if self.guild is None:
            return ALL if user in self.recipients else NONE
        granted = self.guild.base_permissions(user)
        if granted not in (NONE, ALL):
            granted = self._overwritten(self.guild, user, granted)
        if self.kind is ChannelKind.PRIVATE_THREAD and user not in self.recipients:
            return granted if Permission.MANAGE_THREADS in granted else NONE
        return granted

    def reads(self, user: User) -> bool:
        """Whether a user may read what was written here: Discord asks for CONNECT too where people talk."""
        granted = self.permissions(user)
        needed = Permission.VIEW_CHANNEL | Permission.READ_MESSAGE_HISTORY
        if self.kind in WITH_VOICE:
            needed |= Permission.CONNECT
        return self.guild is None or needed in granted

    def _overwritten(self, guild: Guild, user: User, granted: Permission) -> Permission:
        table = (self.parent or self).overwrites
        layers = [[guild.id], guild.members[user.id].roles, [user.id]]
        for layer in layers:
            found = [table[key] for key in layer if key in table]
            for one in found:
                granted &= ~one.deny
            for one in found:
                granted |= one.allow
        return granted
