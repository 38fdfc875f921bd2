"""Asks Discord's REST a few things as the bot, before discord.py comes in and for `check`, `setup` and `invite`.

These calls are made before the library is started, or without it: a wrong token, a Discord that is away and a clock
that is off get a sentence of their own each. They are bounded in time, and no answer is trusted further than it is
read.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

import aiohttp

from bot.config.causes import cause_of
from bot.config.settings import Settings
from bot.discord_api.connector import ProxyConnector
from bot.errors import EaselError, StartError

PATIENCE_S = 5.0  # for a few questions together: `check` as a whole has ten seconds
# Discord turns away clients that do not name themselves in this form.
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
class RestAnswer:
    """One answer of Discord: its status, its JSON (None where it has none), and this machine's clock against Discord's.

    `clock_ahead_s` is None where the answer carries no time.
    """

    status: int
    body: Any
    retry_after: float
    clock_ahead_s: float | None

    @property
    def fields(self) -> Mapping[str, Any]:
        """The JSON object of a good answer; empty where the answer is anything else."""
        body: object = self.body
        return cast("Mapping[str, Any]", body) if self.status == 200 and isinstance(body, dict) else {}

    @property
    def id(self) -> int | None:
        """The id of the object."""
        text = str(self.fields.get("id", ""))
        return int(text) if text.isascii() and text.isdigit() else None


class DiscordRest:
    """Asks Discord's REST as the bot."""

    def __init__(self, session: aiohttp.ClientSession, api_url: str) -> None:
        self._session = session
        self._api_url = api_url

    async def get(self, path: str) -> RestAnswer:
        """Ask. Raises StartError for a refused token, DiscordUnreachable where no answer came."""
        try:
            # the token goes nowhere else, so no redirection is followed
            async with self._session.get(f"{self._api_url}/{path}", allow_redirects=False) as response:
                try:
                    body = await response.json(content_type=None)
                except ValueError:
                    body = None
        except (aiohttp.ClientError, OSError) as error:  # a timeout is an OSError
            raise DiscordUnreachable(cause_of(error)) from error
        if response.status == 401:
            raise StartError(NOT_ACCEPTED)
        return RestAnswer(response.status, body, _retry_after(response), clock_ahead(response.headers.get("Date")))


@asynccontextmanager
async def discord_rest(settings: Settings) -> AsyncGenerator[DiscordRest]:
    """For a few questions, which have PATIENCE_S each."""
    headers = {"Authorization": f"Bot {settings.discord_token.get_secret_value()}", "User-Agent": USER_AGENT}
    connector = ProxyConnector(settings.proxies)
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout, connector=connector) as session:
        yield DiscordRest(session, settings.discord_api_url)


@dataclass(frozen=True, slots=True)
class GatewayInfo:
    """What Discord says to a token it accepts: who the bot is, where and how it may connect.

    `sessions_left` of Discord's daily budget remain until it is renewed in `renewed_in_s` seconds. A token that begins
    more sessions than that is reset by Discord.
    """

    name: str
    gateway_url: str
    shards: int
    sessions_left: int
    renewed_in_s: float


async def ask(settings: Settings) -> GatewayInfo:
    """Ask about the bot and its gateway. Raises StartError for a refused token, DiscordUnreachable."""
    try:
        async with asyncio.timeout(PATIENCE_S), discord_rest(settings) as discord:
            user = _good(await discord.get("users/@me"))
            gateway = _good(await discord.get("gateway/bot"))
    except TimeoutError as error:
        raise DiscordUnreachable(cause_of(error)) from error
    try:
        limit: Mapping[str, Any] = gateway.get("session_start_limit") or {}
        return GatewayInfo(
            str(user["username"]),
            str(gateway["url"]),
            int(gateway["shards"]),
            int(limit.get("remaining", 1)),
            float(limit.get("reset_after", 0)) / 1000,
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise DiscordUnreachable("an answer that is not Discord's") from None


def _good(answer: RestAnswer) -> Mapping[str, Any]:
    if answer.status != 200:
        raise DiscordUnreachable(f"status {answer.status}", answer.retry_after)
    if not answer.fields:
        raise DiscordUnreachable("an answer that is not JSON")
    return answer.fields


def objects(answer: RestAnswer) -> Sequence[Mapping[str, Any]]:
    """The JSON objects of a good answer that is a list; none where it is anything else."""
    body: object = answer.body
    if answer.status != 200 or not isinstance(body, list):
        return []
    return [cast("Mapping[str, Any]", it) for it in cast("list[object]", body) if isinstance(it, dict)]


def clock_ahead(date: str | None) -> float | None:
    """How far this machine's clock is ahead of the Date of an answer, in seconds; None where there is no date."""
    try:
        return (datetime.now(UTC) - parsedate_to_datetime(date or "")).total_seconds()
    except (TypeError, ValueError):
        return None


def _retry_after(response: aiohttp.ClientResponse) -> float:
    try:
        return max(0.0, float(response.headers.get("Retry-After", "0")))
    except ValueError:
        return 0.0
