"""`python -m bot check`: one line each for settings, database, Discord and the image API."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from bot.discord_rest import DiscordUnreachable, ask
from bot.errors import EaselError, StoreInUse
from bot.settings import Settings
from bot.store.store import Store
from bot.uniall.client import ImageApi, Mode

PATIENCE_S = 5.0  # for each; all are asked at the same time, and the whole has ten seconds
OK = "ok"


async def check(settings: Settings) -> bool:
    """Print what answers and what does not; True when everything does."""
    print(f"{'settings':<10} {OK}")  # noqa: T201  # the answer to the person who asked
    found = await asyncio.gather(
        _line("database", _database(settings)),
        _line("Discord", _discord(settings)),
        _line("image API", _image_api(settings)),
    )
    return all(found)


async def _line(name: str, question: Awaitable[str]) -> bool:
    try:
        async with asyncio.timeout(PATIENCE_S):
            told, good = await question, True
    except TimeoutError:
        told, good = f"No answer within {PATIENCE_S:g} s: look whether it runs and can be reached from here.", False
    except EaselError as error:
        told, good = str(error), False
    print(f"{name:<10} {told}")  # noqa: T201
    return good


async def _database(settings: Settings) -> str:
    try:
        store = await Store.open(settings.database_url)
    except StoreInUse:
        return f"{OK}, in use by a running bot"
    try:
        await store.ping(PATIENCE_S)
    finally:
        await store.close()
    return OK


async def _discord(settings: Settings) -> str:
    try:
        answer = await ask(settings.discord_api_url, settings.discord_token.get_secret_value())
    except DiscordUnreachable as error:
        raise DiscordUnreachable(
            f"Discord cannot be reached ({error}): look at the network of this machine and at DISCORD_API_URL."
        ) from None
    return f"{OK}, the bot is {answer.name}"


async def _image_api(settings: Settings) -> str:
    key = settings.uniall_api_key.get_secret_value()
    async with ImageApi(base_url=settings.uniall_base_url, api_key=key, mode=Mode(settings.uniall_mode)) as api:
        await api.probe()
    return OK
