"""Servers are kept packed, and read as discord.py reads them. Fails where a new discord.py works another way."""

from __future__ import annotations

import gc
from typing import Any

import discord
import pytest

from bot.client import EaselClient
from bot.config import settings

GUILD, SELF, MEMBER = 4 << 22, 99, 77
EVERYONE, STAFF, TEXT, SECRET, VOICE, FORUM, THREAD, OTHER_THREAD = GUILD, 11, 21, 22, 23, 24, 31, 32
VIEW, HISTORY, CONNECT = 1 << 10, 1 << 16, 1 << 20
Json = dict[str, Any]


def role(identity: int, permissions: int) -> Json:
    return {
        "id": str(identity),
        "name": f"role {identity}",
        "permissions": str(permissions),
        "position": 0,
        "colors": {},
    }


def channel(identity: int, kind: int, *overwrites: tuple[int, int, int]) -> Json:
    """A channel; `overwrites` are a role's id, what is allowed, what is denied."""
    return {
        "id": str(identity),
        "type": kind,
        "name": f"channel {identity}",
        "position": 1,
        "topic": "long " * 100,
        "bitrate": 64000,
        "user_limit": 0,
        "nsfw": identity == SECRET,
        "guild_id": str(GUILD),
        "permission_overwrites": [
            {"id": str(who), "type": 0, "allow": str(allow), "deny": str(deny)} for who, allow, deny in overwrites
        ],
    }


def thread(identity: int, kind: int, **more: Any) -> Json:
    metadata = {"archived": False, "auto_archive_duration": 60, "archive_timestamp": "2026-01-01T00:00:00+00:00"}
    return {
        "id": str(identity),
        "type": kind,
        "name": "thread",
        "parent_id": str(TEXT),
        "owner_id": str(MEMBER),
        "guild_id": str(GUILD),
        "thread_metadata": metadata,
        "message_count": 0,
        "member_count": 1,
        **more,
    }


def user(identity: int, *roles: int) -> Json:
    person = {
        "id": str(identity),
        "username": f"u{identity}",
        "discriminator": "0",
        "global_name": None,
        "avatar": None,
    }
    joined = "2026-01-01T00:00:00+00:00"
    return {
        "user": person,
        "roles": [str(it) for it in roles],
        "joined_at": joined,
        "deaf": False,
        "mute": False,
        "flags": 0,
    }


def guild_create(**more: Any) -> Json:
    return {
        "id": str(GUILD),
        "name": "a server",
        "owner_id": "1",
        "member_count": 2,
        "unavailable": False,
        "members": [user(SELF, STAFF)],
        "roles": [role(EVERYONE, VIEW | HISTORY), role(STAFF, CONNECT)],
        "channels": [
            channel(TEXT, 0),
            channel(SECRET, 0, (EVERYONE, 0, VIEW), (STAFF, VIEW, 0)),
            *(channel(VOICE, 2), channel(FORUM, 15), channel(25, 4711)),
        ],
        "threads": [
            thread(THREAD, 12, member={"flags": 0, "join_timestamp": "2026-01-01T00:00:00+00:00"}),
            thread(OTHER_THREAD, 11),
        ],
        "voice_states": [{"user_id": str(MEMBER), "channel_id": str(VOICE)}],
        "presences": [],
        "emojis": [],
        "stickers": [],
        "system_channel_id": str(TEXT),
        "features": ["COMMUNITY"],
        **more,
    }


class World:
    """A client that hears events as from a gateway, without one."""

    def __init__(self) -> None:
        self.client = EaselClient(
            settings.load(
                None,
                {
                    "DISCORD_TOKEN": "t",
                    "UNIALL_API_KEY": "k",
                    "UNIALL_BASE_URL": "http://127.0.0.1",
                    "DISCORD_SHARD_COUNT": "1",
                },
            )
        )
        self._state: Any = self.client._connection  # pyright: ignore[reportPrivateUsage] where events come in
        self._state.user = discord.ClientUser(state=self._state, data=user(SELF)["user"])

    def hear(self, name: str, data: Json) -> None:
        self._state.parsers[name](data)

    @property
    def guild(self) -> discord.Guild:
        found = self.client.get_guild(GUILD)
        assert found is not None
        return found

    def sees(self, channel_id: int, *roles: int) -> bool:
        found = self.guild.get_channel(channel_id)
        assert found is not None
        person = discord.Member(data=user(MEMBER, *roles), guild=self.guild, state=self._state)  # pyright: ignore[reportArgumentType]
        return found.permissions_for(person).view_channel


@pytest.fixture
async def world() -> World:
    world = World()
    world.hear("GUILD_CREATE", guild_create())
    return world


async def test_channels_and_roles_read_as_the_library_reads_them(world: World) -> None:
    guild = world.guild
    assert {it.id: type(it) for it in guild.channels} == {
        TEXT: discord.TextChannel,
        SECRET: discord.TextChannel,
        VOICE: discord.VoiceChannel,
        FORUM: discord.ForumChannel,
    }
    assert guild.system_channel is not None
    assert guild.system_channel.name == f"channel {TEXT}"
    assert {it.id for it in guild.roles} == {EVERYONE, STAFF}
    assert guild.default_role.permissions.view_channel
    assert guild.me.id == SELF
    assert guild.me.guild_permissions.connect
    assert not world.sees(SECRET)
    assert world.sees(SECRET, STAFF)
    secret = guild.get_channel(SECRET)
    assert isinstance(secret, discord.TextChannel)
    assert secret.is_nsfw()
    assert guild.get_channel(4711) is None
    assert guild.get_role(4711) is None


async def test_only_private_threads_that_the_bot_is_in_are_kept(world: World) -> None:
    assert [it.id for it in world.guild.threads] == [THREAD]
    assert world.guild.threads[0].parent is not None
    world.hear("THREAD_CREATE", thread(41, 11, newly_created=True))
    world.hear("THREAD_UPDATE", thread(42, 11))
    world.hear("THREAD_CREATE", thread(43, 12, member={"flags": 0, "join_timestamp": "2026-01-01T00:00:00+00:00"}))
    assert {it.id for it in world.guild.threads} == {THREAD, 43}
    world.hear("THREAD_DELETE", {"id": str(43), "guild_id": str(GUILD), "parent_id": str(TEXT), "type": 12})
    world.hear(
        "THREAD_LIST_SYNC",
        {
            "guild_id": str(GUILD),
            "threads": [thread(44, 11), thread(45, 12)],
            "members": [{"id": "45", "user_id": str(SELF), "join_timestamp": "2026-01-01T00:00:00+00:00", "flags": 0}],
        },
    )
    assert [it.id for it in world.guild.threads] == [45]


async def test_every_change_is_seen(world: World) -> None:
    world.hear("CHANNEL_UPDATE", channel(SECRET, 0))
    assert world.sees(SECRET)
    world.hear("CHANNEL_CREATE", channel(26, 0, (EVERYONE, 0, VIEW)))
    assert not world.sees(26, STAFF)
    world.hear("GUILD_ROLE_UPDATE", {"guild_id": str(GUILD), "role": role(EVERYONE, 0)})
    assert not world.sees(TEXT)
    world.hear("GUILD_ROLE_CREATE", {"guild_id": str(GUILD), "role": role(12, VIEW)})
    assert world.sees(TEXT, 12)
    world.hear("GUILD_ROLE_DELETE", {"guild_id": str(GUILD), "role_id": "12"})
    assert not world.sees(TEXT, 12)
    world.hear("CHANNEL_DELETE", channel(26, 0))
    assert world.guild.get_channel(26) is None
    update = {it: guild_create()[it] for it in ("id", "name", "owner_id", "roles", "features")} | {
        "name": "another name"
    }
    world.hear("GUILD_UPDATE", update)
    assert world.guild.name == "another name"
    assert world.sees(TEXT)
    assert {it.id for it in world.guild.channels} == {TEXT, SECRET, VOICE, FORUM}


async def test_outages_and_departures(world: World) -> None:
    world.hear("GUILD_DELETE", {"id": str(GUILD), "unavailable": True})
    assert world.guild.unavailable
    world.hear("GUILD_CREATE", guild_create(channels=[channel(TEXT, 0)]))
    assert [it.id for it in world.guild.channels] == [TEXT]
    world.hear("GUILD_DELETE", {"id": str(GUILD)})
    assert world.client.get_guild(GUILD) is None
    for name, data in (
        ("CHANNEL_UPDATE", channel(TEXT, 0)),
        ("GUILD_ROLE_DELETE", {"guild_id": str(GUILD), "role_id": "1"}),
    ):
        world.hear(name, data)  # late, of a server that is gone
    world.hear("GUILD_CREATE", guild_create())
    assert not world.sees(SECRET)


async def test_no_object_is_kept_for_a_channel_or_a_role(world: World) -> None:
    channels = [channel(1000 + n, 0, (EVERYONE, VIEW, 0)) for n in range(500)]
    roles = [role(EVERYONE, 0), *(role(5000 + n, 0) for n in range(200))]
    world.hear("GUILD_CREATE", guild_create(channels=channels, roles=roles))
    gc.collect()
    assert [it for it in gc.get_objects() if isinstance(it, discord.TextChannel | discord.Role)] == []
    last = world.guild.get_channel(1499)
    assert last is not None
    assert last.overwrites_for(world.guild.default_role).view_channel
