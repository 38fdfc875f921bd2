"""Asks Discord's REST whether it is there and takes the token, before discord.py comes in and for `check`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import aiohttp

from bot.errors import EaselError, StartError

PATIENCE_S = 5.0  # for both questions together: `check` as a whole has ten seconds
# Discord turns away clients that do not name themselves in this form
USER_AGENT = "DiscordBot (https://github.com/Rapptz/discord.py, 2.7) Easel"

NOT_ACCEPTED = (
    "Discord does not accept DISCORD_TOKEN: make a new one on the page Bot of your application in Discord's "
    "developer portal (Reset Token) and write it into the settings."
)


class DiscordUnreachable(EaselError):
    """Discord gave no usable answer. The message is a short cause; `retry_after` is in seconds, 0 when unknown."""

    def __init__(self, cause: str, retry_after: float = 0.0) -> None:
        super().__init__(cause)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class GatewayInfo:
    """What Discord says to a token it accepts: who the bot is, and where and how it may connect."""

    name: str
    gateway_url: str
    shards: int


async def ask(api_url: str, token: str) -> GatewayInfo:
    """Ask `api_url` (ending in /api/v10) about the bot. Raises StartError for a refused token, DiscordUnreachable."""
    headers = {"Authorization": f"Bot {token}", "User-Agent": USER_AGENT}
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    try:
        async with asyncio.timeout(PATIENCE_S), aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
            user = await _get(session, f"{api_url}/users/@me")
            gateway = await _get(session, f"{api_url}/gateway/bot")
    except (aiohttp.ClientError, OSError) as error:  # a timeout is an OSError
        raise DiscordUnreachable(cause_of(error)) from error
    try:
        return GatewayInfo(str(user["username"]), str(gateway["url"]), int(gateway["shards"]))
    except (KeyError, TypeError, ValueError):
        raise DiscordUnreachable("an answer that is not Discord's") from None


def cause_of(error: BaseException) -> str:
    """The name of an error, the operating system's where aiohttp has wrapped one: it says more."""
    return type(getattr(error, "os_error", error)).__name__


async def _get(session: aiohttp.ClientSession, url: str) -> Any:
    # the token goes nowhere else, so no redirection is followed
    async with session.get(url, allow_redirects=False) as response:
        if response.status == 401:
            raise StartError(NOT_ACCEPTED)
        if response.status != 200:
            raise DiscordUnreachable(f"status {response.status}", _retry_after(response))
        try:
            return await response.json(content_type=None)
        except ValueError:
            raise DiscordUnreachable("an answer that is not JSON") from None


def _retry_after(response: aiohttp.ClientResponse) -> float:
    try:
        return max(0.0, float(response.headers.get("Retry-After", "0")))
    except ValueError:
        return 0.0
