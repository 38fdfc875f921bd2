"""People, roles and channels as a person names them in options and menus, and as Discord resolves them for the bot."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Flag, auto

from sandbox.discord.clients import InvalidCommand
from sandbox.discord.payloads import Json
from sandbox.discord.permissions import Permission
from sandbox.discord.places import Channel, Member, User
from sandbox.discord.shapes import channel_json, member_json, role_json, user_json
from sandbox.discord.world import World


class Kind(Flag):
    """What may be named; a mentionable is a user or a role."""

    USER = auto()
    ROLE = auto()
    CHANNEL = auto()


#: Discord's types of options and of select menus that name something.
OPTION_KINDS = {6: Kind.USER, 7: Kind.CHANNEL, 8: Kind.ROLE, 9: Kind.USER | Kind.ROLE}
MENU_KINDS = {5: Kind.USER, 6: Kind.ROLE, 7: Kind.USER | Kind.ROLE, 8: Kind.CHANNEL}


class Named:
    """Finds what a person in a place names: by `@Ada`, `#general`, a bare name, a mention or an id.

    `resolved` gathers what was found, as Discord sends it along.
    """

    def __init__(self, world: World, channel: Channel, user: User) -> None:
        self._world = world
        self._channel = channel
        self._user = user
        self.resolved: Json = {}

    def find(self, kind: Kind, said: str, channel_types: Iterable[int] = ()) -> str:
        """The id of what is meant. Raises InvalidCommand."""
        wanted = said.strip().removeprefix("<").removesuffix(">").lstrip("@&#!")
        types = set(channel_types)
        if Kind.USER in kind:
            for user in self._people():
                if wanted in {str(user.id), user.name, user.username}:
                    return self.user(user)
        if Kind.ROLE in kind and self._channel.guild:
            for role in self._channel.guild.roles.values():
                if wanted in {str(role.id), role.name, role.name.lstrip("@")}:
                    return self._keep("roles", role.id, role_json(role))
        if Kind.CHANNEL in kind:
            for place in self._places():
                if wanted in {str(place.id), place.name, place.key} and (not types or int(place.kind) in types):
                    return self._keep("channels", place.id, self._place_json(place))
        raise InvalidCommand(f"There is no {_words(kind)} {said} here.")

    def user(self, user: User) -> str:
        """Resolve a user, as a member where they are one. Returns the id."""
        member = self._channel.guild.members.get(user.id) if self._channel.guild else None
        if member:
            self._keep("members", user.id, self._member_json(member))
        return self._keep("users", user.id, user_json(user))

    def _people(self) -> Iterable[User]:
        if self._channel.guild:
            return [member.user for member in self._channel.guild.members.values()]
        return self._channel.recipients

    def _places(self) -> Iterable[Channel]:
        """What the client offers to pick: forums too, in which nobody can be."""
        guild = self._channel.guild
        return [
            one
            for one in self._world.channels.values()
            if guild is not None
            and one.guild is guild
            and not one.deleted
            and Permission.VIEW_CHANNEL in one.permissions(self._user)
        ]

    def _place_json(self, place: Channel) -> Json:
        return channel_json(place) | {"permissions": str(int(place.permissions(self._user)))}

    def _member_json(self, member: Member) -> Json:
        granted = self._channel.permissions(member.user)
        # the user stands beside it, and what concerns voice is left out
        shape = {key: value for key, value in member_json(member).items() if key not in {"user", "deaf", "mute"}}
        return shape | {"permissions": str(int(granted))}

    def _keep(self, group: str, key: int, shape: Json) -> str:
        self.resolved.setdefault(group, {})[str(key)] = shape
        return str(key)


def _words(kind: Kind) -> str:
    names = {Kind.USER: "member", Kind.ROLE: "role", Kind.CHANNEL: "channel"}
    return " or ".join(name for one, name in names.items() if one in kind)
