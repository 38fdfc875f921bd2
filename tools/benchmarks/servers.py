"""What many servers cost a bot in memory: `python -m tools.benchmarks.servers [--servers 0,100,1000]`.

The local Discord tells the bot of so many servers more when it connects, as GUILD_CREATE through its gateway. Beside
Easel stands the plain bot of baseline.py: discord.py as it comes, with the same events asked for.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.discord.server import LocalDiscord
from sandbox.image_api.server import LocalImageApi
from tools.benchmarks.process import Contestant, MeasuredBot

READY_PATIENCE_S = 120.0
SETTLE_S = 4.0
_EPOCH_SHIFT = 22
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Profile:
    """A server: how many of each. `overwrites` are those of a channel that is not synced with its category."""

    channels: int
    overwrites: int
    roles: int
    threads: int
    in_voice: int


PROFILES = {
    "small": Profile(channels=25, overwrites=3, roles=15, threads=5, in_voice=0),
    "middle": Profile(channels=80, overwrites=5, roles=50, threads=40, in_voice=19),
    "big": Profile(channels=250, overwrites=8, roles=150, threads=250, in_voice=79),
}
SYNCED = 0.8  # of the channels have their category's overwrites


@dataclass(frozen=True, slots=True)
class Figure:
    """What one bot took: resident memory in MB of 1,048,576 bytes, and processor time from its start to READY."""

    contestant: Contestant
    servers: int
    memory_mb: float
    cpu_s: float


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.benchmarks.servers", description=__doc__)
    parser.add_argument("--servers", default="0,1000", metavar="N,N", help="how many (0,1000)")
    parser.add_argument("--profile", choices=PROFILES, default="middle", help="of each server (middle)")
    options = parser.parse_args(arguments)
    numbers = [int(part) for part in options.servers.split(",")]
    figures = [
        asyncio.run(measure(contestant, number, PROFILES[options.profile]))
        for number in numbers
        for contestant in (Contestant.EASEL, Contestant.PLAIN)
    ]
    print(table(figures))
    return 0


def table(figures: Sequence[Figure]) -> str:
    """The figures, and what they are above the same bot with the fewest servers."""
    lines = [
        "| servers | bot | memory (MB) | above idle (MB) | per server (KiB) | processor to READY (s) |",
        "|" + "---|" * 6,
    ]
    for it in figures:
        least = min((one for one in figures if one.contestant is it.contestant), key=lambda one: one.servers)
        above = it.memory_mb - least.memory_mb
        each = f"{above * 1024 / (it.servers - least.servers):.1f}" if it.servers > least.servers else ""
        row = (it.servers, it.contestant.value, f"{it.memory_mb:.0f}", f"{above:.0f}", each, f"{it.cpu_s:.1f}")
        lines.append("| " + " | ".join(map(str, row)) + " |")
    return "\n".join(lines)


async def measure(contestant: Contestant, servers: int, profile: Profile) -> Figure:
    """Start a bot among so many servers, let it settle, look. Raises TimeoutError when it does not start."""
    print(f"{contestant}, {servers} servers …", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="easel-servers-") as folder:
        async with LocalDiscord() as discord, LocalImageApi() as api:
            discord.gateway.crowd = list(crowd(servers, profile))
            variables = {
                "DISCORD_TOKEN": discord.token,
                "DISCORD_API_URL": discord.api_url,
                "DATABASE_URL": f"sqlite:///{Path(folder, 'easel.db')}",
                "UNIALL_API_KEY": "sandbox",
                "UNIALL_BASE_URL": api.base_url,
            }
            bot = MeasuredBot(contestant, variables, Path(folder, "bot.log"))
            try:
                await bot.start()
                await discord.wait_for_bot(READY_PATIENCE_S)
                await asyncio.sleep(SETTLE_S)
                return Figure(contestant, servers, bot.memory().now_mb, bot.cpu().own_s)
            finally:
                await bot.stop()


def crowd(servers: int, profile: Profile, seed: int = 1) -> Iterator[Json]:
    """So many servers as GUILD_CREATE tells them, alike in size and different in every id and name."""
    chance = random.Random(seed)
    for number in range(servers):
        yield _server((2_000_000 + number) << _EPOCH_SHIFT, profile, chance)


def _server(guild_id: int, profile: Profile, chance: random.Random) -> Json:
    def snowflake() -> str:
        return str(chance.randrange(1 << 58, 1 << 60))

    roles = [{**_ROLE, "id": str(guild_id), "name": "@everyone"}]
    roles += [{**_ROLE, "id": snowflake(), "name": f"role {chance.random()}"} for _ in range(profile.roles - 1)]

    def overwrites() -> list[Json]:
        some = chance.sample(roles, min(profile.overwrites, len(roles)))
        return [{"id": it["id"], "type": 0, "allow": str(chance.randrange(1 << 40)), "deny": "1024"} for it in some]

    synced = overwrites()
    channels = [
        {
            **_CHANNEL,
            "id": snowflake(),
            "type": 2 if number % 8 == 0 else 0,
            "name": f"channel {chance.random()}",
            "position": number,
            "topic": "What this channel is for, in a sentence or two of its own.",
            "nsfw": False,
            "permission_overwrites": synced if chance.random() < SYNCED else overwrites(),
        }
        for number in range(profile.channels)
    ]
    metadata = {"archived": False, "auto_archive_duration": 1440, "archive_timestamp": "2026-01-01T00:00:00+00:00"}
    threads = [
        {
            "id": snowflake(),
            "type": 11,
            "name": f"thread {chance.random()}",
            "guild_id": str(guild_id),
            "parent_id": channels[1]["id"],
            "owner_id": snowflake(),
            "message_count": 3,
            "member_count": 2,
            "thread_metadata": metadata,
            "rate_limit_per_user": 0,
            "flags": 0,
        }
        for _ in range(profile.threads)
    ]
    voice = [
        {"user_id": snowflake(), "channel_id": channels[0]["id"], "session_id": snowflake(), **_VOICE}
        for _ in range(profile.in_voice)
    ]
    return {
        "id": str(guild_id),
        "name": f"server {guild_id}",
        "owner_id": snowflake(),
        "member_count": 500,
        "unavailable": False,
        "large": True,
        "features": ["COMMUNITY"],
        "preferred_locale": "en-US",
        "roles": roles,
        "channels": channels,
        "threads": threads,
        "voice_states": voice,
        "members": [],
        "emojis": [],
        "stickers": [],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
    }


_COLOURS = {"primary_color": 0, "secondary_color": None, "tertiary_color": None}
_ROLE: Json = {
    "permissions": "1071698660929",
    "position": 1,
    "color": 0,
    "colors": _COLOURS,
    "hoist": False,
    "managed": False,
    "mentionable": False,
    "icon": None,
    "unicode_emoji": None,
    "flags": 0,
}
_CHANNEL: Json = {
    "flags": 0,
    "last_message_id": "1500000000000000000",
    "rate_limit_per_user": 0,
    "parent_id": None,
    "bitrate": 64000,
    "user_limit": 0,
    "rtc_region": None,
}
_VOICE: Json = {**dict.fromkeys(("deaf", "mute", "self_deaf", "self_mute", "suppress", "self_video"), False)}


if __name__ == "__main__":
    sys.exit(main())
