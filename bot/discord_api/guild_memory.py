"""Servers that cost the memory they are worth.

discord.py keeps an object for every channel, permission overwrite, thread and role of every server: some 200 KiB for
a server of middle size, so that 400 servers fill a small VPS. Easel looks at a server's channels and roles now and then
(may this member look into that channel?), and at its other parts never. So each server's channels and roles are kept
as one compressed text, and an object is made when it is asked for. Threads are asked for by REST, but for private ones
that the bot was added to. discord.py's events about channels, roles and threads are not dispatched: nothing listens.

This reaches into discord.py's ConnectionState, which is not a public part of it.
`tests/integration/test_guild_memory.py` feeds it through the library and fails when the library changes underneath.
"""

# The state of a connection is private to discord.py, and there is no other place to say what it shall keep.
# pyright: reportPrivateUsage=false
# ruff: noqa: SLF001

from __future__ import annotations

import json
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from discord import ChannelType, Interaction, InteractionType, MessageType
from discord.channel import _guild_channel_factory  # pyright: ignore[reportUnknownVariableType]
from discord.role import Role
from discord.state import AutoShardedConnectionState

from bot.policy.patience import Rush

if TYPE_CHECKING:
    from discord import Guild
    from discord.abc import GuildChannel

Json = dict[str, Any]
Made = TypeVar("Made")

#: Parts of GUILD_CREATE that Easel never looks at.
_UNUSED = ("emojis", "stickers", "voice_states", "presences", "stage_instances", "guild_scheduled_events")
_UNUSED_TOO = ("soundboard_sounds", "embedded_activities", "activity_instances")
#: Parts of a channel or a role that are long or change often, and that nothing here reads.
_UNREAD = frozenset(
    {
        *("topic", "available_tags", "default_reaction_emoji", "icon_emoji", "theme_color", "template", "version"),
        *("last_message_id", "last_pin_timestamp", "voice_background_display", "icon", "unicode_emoji", "description"),
    }
)
#: Servers whose texts lie open: those that were looked at last. A page of the gallery asks about many channels of one.
_OPEN_SERVERS = 16
_OF_COMMANDS = (InteractionType.application_command.value, InteractionType.autocomplete.value)
_LEVEL = 6  # of zlib: a server of middle size takes some 2 ms to pack, once


class _Packed:
    """The channels and roles of one server as Discord sent them, in one compressed text."""

    __slots__ = ("blob",)

    def __init__(self, channels: Mapping[int, Json], roles: Mapping[int, Json]) -> None:
        self.blob = b""
        self.pack(channels, roles)

    def pack(self, channels: Mapping[int, Json], roles: Mapping[int, Json]) -> None:
        """Keep these, in a tenth of the room."""
        text = json.dumps([list(channels.values()), list(roles.values())], separators=(",", ":"))
        self.blob = zlib.compress(text.encode(), _LEVEL)

    def unpack(self) -> tuple[dict[int, Json], dict[int, Json]]:
        """The channels and roles, by their ids."""
        channels, roles = json.loads(zlib.decompress(self.blob))
        return by_id(channels), by_id(roles)


def by_id(parts: list[Json]) -> dict[int, Json]:
    """Channels or roles by their id, without what nothing here reads. Channels of unknown types are left out."""
    known = [it for it in parts if "type" not in it or _factory(it) is not None]
    return {int(it["id"]): {name: value for name, value in it.items() if name not in _UNREAD} for it in known}


def _factory(channel: Json) -> Any:
    """The class of a channel, or None where this version of discord.py knows none."""
    factory, _ = cast("tuple[Any, ChannelType]", _guild_channel_factory(channel["type"]))
    return factory


class _Parts(MutableMapping[int, Made]):
    """What stands in `Guild._channels` or `Guild._roles`: makes the object that is asked for, each time anew."""

    __slots__ = ("_make", "_raw")

    def __init__(self, raw: Callable[[], dict[int, Json]], make: Callable[[Json], Made]) -> None:
        self._raw = raw
        self._make = make

    def __getitem__(self, key: int) -> Made:
        return self._make(self._raw()[key])

    def __setitem__(self, key: int, value: Made) -> None:
        """Pass over an object that discord.py itself made: what Discord sent for it is packed already, or comes."""

    def __delitem__(self, key: int) -> None:
        """Pass over it, for the same reason."""
        if key not in self._raw():
            raise KeyError(key)

    def __iter__(self) -> Iterator[int]:
        return iter(list(self._raw()))

    def __len__(self) -> int:
        return len(self._raw())


class LeanState(AutoShardedConnectionState[Any]):
    """The state of a connection, with servers packed and what is not used left out."""

    def __init__(self, *args: Any, rush: Rush, **kwargs: Any) -> None:
        """`rush` is the line in which interactions stand before anything is made of them."""
        super().__init__(*args, **kwargs)
        self._rush = rush
        self._packed: dict[int, _Packed] = {}
        self._open: OrderedDict[int, tuple[dict[int, Json], dict[int, Json]]] = OrderedDict()

    def clear(self, *, views: bool = True) -> None:
        """The session is over: forget every server."""
        self._packed = {}
        self._open = OrderedDict()
        super().clear(views=views)

    def parse_guild_create(self, data: Any) -> None:
        """A server that the bot is in: at start, after an outage, or just joined."""
        if data.get("unavailable") is True:
            return
        # Without this the library would make all the objects first, and the process would keep the room they took.
        channels, roles = by_id(data.pop("channels", [])), by_id(data.pop("roles", []))
        for name in (*_UNUSED, *_UNUSED_TOO):
            data.pop(name, None)
        data["threads"] = [it for it in data.get("threads", []) if _is_ours(it)]
        super().parse_guild_create(data)
        self._keep(int(data["id"]), channels, roles)

    def parse_guild_update(self, data: Any) -> None:
        """Only the roles come with it; the channels stay."""
        guild_id = int(data["id"])
        channels, _ = self._opened(guild_id)
        roles = by_id(data.pop("roles", []))
        super().parse_guild_update(data)
        self._keep(guild_id, channels, roles)

    def parse_guild_delete(self, data: Any) -> None:
        """The bot has left, or the server has an outage and stays."""
        super().parse_guild_delete(data)
        guild_id = int(data["id"])
        if self._get_guild(guild_id) is None:
            self._packed.pop(guild_id, None)
            self._open.pop(guild_id, None)

    def parse_channel_create(self, data: Any) -> None:
        """A new channel; those of no server are the library's."""
        if guild_id := data.get("guild_id"):
            self._change(int(guild_id), channel=data)
        else:
            super().parse_channel_create(data)

    def parse_channel_update(self, data: Any) -> None:
        """A changed channel; those of no server are the library's."""
        if guild_id := data.get("guild_id"):
            self._change(int(guild_id), channel=data)
        else:
            super().parse_channel_update(data)

    def parse_channel_delete(self, data: Any) -> None:
        """Its threads go along."""
        guild_id = int(data.get("guild_id") or 0)
        channels, roles = self._opened(guild_id)
        if channels.pop(int(data["id"]), None) is not None:
            self._keep(guild_id, channels, roles)
        if guild := self._get_guild(guild_id):
            guild._remove_threads_by_channel(int(data["id"]))

    def parse_guild_role_create(self, data: Any) -> None:
        """A new role."""
        self._change(int(data["guild_id"]), role=data["role"])

    def parse_guild_role_update(self, data: Any) -> None:
        """A changed role."""
        self._change(int(data["guild_id"]), role=data["role"])

    def parse_guild_role_delete(self, data: Any) -> None:
        """A role that nobody has any more."""
        guild_id = int(data["guild_id"])
        channels, roles = self._opened(guild_id)
        if roles.pop(int(data["role_id"]), None) is not None:
            self._keep(guild_id, channels, roles)

    def parse_thread_create(self, data: Any) -> None:
        """Only threads that the bot is in are kept."""
        if _is_ours(data):
            super().parse_thread_create(data)

    def parse_thread_update(self, data: Any) -> None:
        """Only of a thread that is kept."""
        guild = self._get_guild(int(data["guild_id"]))
        if guild is not None and guild.get_thread(int(data["id"])) is not None:
            super().parse_thread_update(data)

    def parse_thread_list_sync(self, data: Any) -> None:
        """Sent when the bot comes to see a channel. Members of a thread stand beside the threads here."""
        ours = {it["id"] for it in data.get("members", [])}
        threads = [it for it in data.get("threads", []) if it["id"] in ours or _is_ours(it)]
        data["threads"] = [it for it in threads if _is_private(it)]
        super().parse_thread_list_sync(data)

    def parse_message_create(self, data: Any) -> None:
        """A message in a server. Only an answer that names this bot in its words is looked at, and none is kept."""
        is_answer = data.get("type") == MessageType.reply.value and data.get("guild_id") is not None
        by_person = not data.get("webhook_id") and not data["author"].get("bot")
        if is_answer and by_person and any(f"<@{sign}{self.self_id}>" in data.get("content", "") for sign in ("", "!")):
            super().parse_message_create(data)

    def parse_message_update(self, data: Any) -> None:
        """Pass over it: what was asked for with a message is not asked for again when it is edited."""

    def parse_message_delete(self, data: Any) -> None:
        """Pass over it."""

    def parse_message_delete_bulk(self, data: Any) -> None:
        """Pass over it."""

    def parse_interaction_create(self, data: Any) -> None:
        """Somebody asks: their turn comes soon, see policy/patience.py."""
        self._rush.join(lambda: self._take_interaction(data))

    def _take_interaction(self, data: Any) -> None:
        if data["type"] in _OF_COMMANDS and self._command_tree:
            # The library would also dispatch an event to whoever reads clicks.
            self._command_tree._from_interaction(Interaction(data=data, state=self))
        else:
            super().parse_interaction_create(data)

    def _keep(self, guild_id: int, channels: dict[int, Json], roles: dict[int, Json]) -> None:
        """Pack a server's parts, and let its Guild ask here for them."""
        self._open.pop(guild_id, None)
        guild = self._get_guild(guild_id)
        if guild is None:
            return
        if packed := self._packed.get(guild_id):
            packed.pack(channels, roles)
        else:
            self._packed[guild_id] = _Packed(channels, roles)
        # A guild is made anew when it was away; so the two are put in place each time.
        guild._channels = cast("Any", _Parts(lambda: self._opened(guild_id)[0], lambda raw: self._channel(guild, raw)))
        guild._roles = cast("Any", _Parts(lambda: self._opened(guild_id)[1], lambda raw: self._role(guild, raw)))

    def _opened(self, guild_id: int) -> tuple[dict[int, Json], dict[int, Json]]:
        """A server's channels and roles by id, as Discord sent them; nothing for a server that is not known."""
        parts = self._open.pop(guild_id, None)
        if parts is None:
            packed = self._packed.get(guild_id)
            if packed is None:
                return {}, {}
            parts = packed.unpack()
        self._open[guild_id] = parts
        while len(self._open) > _OPEN_SERVERS:
            self._open.popitem(last=False)
        return parts

    def _change(self, guild_id: int, *, channel: Json | None = None, role: Json | None = None) -> None:
        channels, roles = self._opened(guild_id)
        channels |= by_id([channel]) if channel else {}
        roles |= by_id([role]) if role else {}
        self._keep(guild_id, channels, roles)

    def _channel(self, guild: Guild, raw: Json) -> GuildChannel:
        return _factory(raw)(guild=guild, data=raw, state=self)

    def _role(self, guild: Guild, raw: Json) -> Role:
        return Role(guild=guild, data=cast("Any", raw), state=self)


def _is_private(thread: Json) -> bool:
    return thread["type"] == ChannelType.private_thread.value


def _is_ours(thread: Json) -> bool:
    """Whether a thread is worth keeping: a private one that the bot was added to. All others are asked for by REST."""
    return _is_private(thread) and "member" in thread
