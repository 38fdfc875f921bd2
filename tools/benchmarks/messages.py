"""What hearing the messages of servers costs: `python -m tools.benchmarks.messages [--servers 200] [--per-second 50]`.

The local Discord puts the bot among so many servers and sends it messages that do not name it, as MESSAGE_CREATE, once
without the intent and once after one server has switched on Reply to edit.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from sandbox.discord.events import Dispatch
from sandbox.discord.ids import snowflake
from sandbox.discord.messages import GUILD_MESSAGES
from sandbox.discord.server import LocalDiscord
from sandbox.image_api.server import LocalImageApi
from tools.benchmarks.process import Contestant, MeasuredBot
from tools.benchmarks.servers import PROFILES, READY_PATIENCE_S, SETTLE_S, crowd

MENU = "easel-settings:access:0:pick:reply_edits"
Json = dict[str, Any]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.benchmarks.messages", description=__doc__)
    parser.add_argument("--servers", type=int, default=200)
    parser.add_argument("--per-second", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args(arguments)
    asyncio.run(measure(options.servers, options.per_second, options.seconds))
    return 0


async def measure(servers: int, per_s: int, seconds: float) -> None:
    """Print memory (MB of 1,048,576 bytes) and processor time with and without the intent."""
    with tempfile.TemporaryDirectory(prefix="easel-messages-") as folder:
        async with LocalDiscord() as discord, LocalImageApi() as api:
            discord.gateway.crowd = list(crowd(servers, PROFILES["middle"]))
            variables = {
                "DISCORD_TOKEN": discord.token,
                "DISCORD_API_URL": discord.api_url,
                "DATABASE_URL": f"sqlite:///{Path(folder, 'easel.db')}",
                "UNIALL_API_KEY": "sandbox",
                "UNIALL_BASE_URL": api.base_url,
            }
            bot = MeasuredBot(Contestant.EASEL, variables, Path(folder, "bot.log"))
            try:
                await bot.start()
                await discord.wait_for_bot(READY_PATIENCE_S)
                await asyncio.sleep(SETTLE_S)
                await _round(discord, bot, "without the intent", per_s, seconds)
                ada = discord.person("Ada")
                await ada.choose(await ada.command("settings"), MENU, "True")
                while not all(it.intents & GUILD_MESSAGES for it in discord.gateway.connected):
                    await asyncio.sleep(0.1)
                await asyncio.sleep(SETTLE_S)
                await _round(discord, bot, "with the intent", per_s, seconds)
            finally:
                await bot.stop()


async def _round(discord: LocalDiscord, bot: MeasuredBot, name: str, per_s: int, seconds: float) -> None:
    """Send messages for so long, and print what the bot took for it."""
    guilds = [int(it["id"]) for it in discord.gateway.crowd]
    before, cpu, began = bot.memory().now_mb, bot.cpu(), time.monotonic()
    for number in range(int(per_s * seconds)):
        guild_id = guilds[number % len(guilds)]
        discord.gateway.dispatch(Dispatch("MESSAGE_CREATE", _message(guild_id), guild_id, GUILD_MESSAGES))
        await asyncio.sleep(max(0.0, began + (number + 1) / per_s - time.monotonic()))
    took, spent = time.monotonic() - began, bot.cpu() - cpu
    after = bot.memory().now_mb
    print(
        f"{name}: {before:.1f} -> {after:.1f} MB, {1000 * spent.own_s / took:.1f} ms of processor a second", flush=True
    )


def _message(guild_id: int) -> Json:
    """A message as a bot without the intent for content gets it: who and where, and no words."""
    author = {"id": str(snowflake()), "username": "somebody", "discriminator": "0", "global_name": "Somebody"}
    member = {"roles": [str(snowflake()) for _ in range(6)], "joined_at": "2024-05-01T12:00:00+00:00", "flags": 0}
    nothing: Json = {name: [] for name in ("embeds", "attachments", "components", "mentions", "mention_roles")}
    return nothing | {
        "id": str(snowflake()),
        "type": 0,
        "channel_id": str(snowflake()),
        "guild_id": str(guild_id),
        "author": author | {"avatar": None, "public_flags": 0, "primary_guild": None},
        "member": member | {"nick": None, "avatar": None, "deaf": False, "mute": False, "pending": False},
        "content": "",
        "mention_everyone": False,
        "timestamp": "2026-01-01T00:00:00+00:00",
        "edited_timestamp": None,
        "flags": 0,
        "pinned": False,
        "tts": False,
    }


if __name__ == "__main__":
    sys.exit(main())
