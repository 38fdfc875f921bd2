"""One line each for settings, database, Discord and the image API, and one more for whatever else is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence

from bot.config.settings import Settings
from bot.discord_api.rest import DiscordUnreachable, ask
from bot.errors import BadKey, EaselError, ImageApiError, OutOfBalance, StoreInUse, Unreachable
from bot.image_api.client import ImageApi, Mode
from bot.ops.check import discord_side, machine
from bot.policy.moderation import open_moderation
from bot.store.store import Store

PATIENCE_S = 5.0  # for each; all are asked at the same time, and the whole has ten seconds
OK = "ok"
_IN_USE = "in use by a running bot"

_MENDS: dict[type[ImageApiError], str] = {
    BadKey: "write a key of your account there into UNIALL_API_KEY",
    OutOfBalance: "top up your account there",
    Unreachable: "look at UNIALL_BASE_URL and at the network of this machine",
}


class CheckFault(EaselError):
    """Something to be mended. The message is a sentence for the owner."""


async def check(settings: Settings, *, channel: int | None = None) -> bool:
    """Print what answers and what does not; True when everything does.

    `channel` is a channel of Discord in which the bot's permissions are looked at too.
    """
    print(f"{'settings':<10} {OK}")  # noqa: T201  # the answer to the person who asked
    report = CheckReport(settings, channel)
    found = await asyncio.gather(
        _line("database", report.database()),
        _line("Discord", report.discord()),
        _line("image API", report.image_api()),
        _lines("moderation", report.moderation()),
        _lines("Discord", report.discord_details()),
        _lines("image API", report.balance()),
        _lines("machine", report.machine()),
    )
    same_bot = await _lines("database", report.whose_database())
    return same_bot and all(found)


async def _line(name: str, question: Awaitable[str]) -> bool:
    told, good = await _answer(question)
    _say(name, told)
    return good


async def _lines(name: str, question: Awaitable[Sequence[str]]) -> bool:
    """Print a line for each fault, and none where there is nothing to mend or to be seen."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            faults = await question
    except (TimeoutError, EaselError):
        return True  # what does not answer at all is told in a line of its own
    for fault in faults:
        _say(name, fault)
    return not faults


async def _answer(question: Awaitable[str]) -> tuple[str, bool]:
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await question, True
    except TimeoutError:
        return f"No answer within {PATIENCE_S:g} s: look whether it runs and can be reached from here.", False
    except EaselError as error:
        return str(error), False


def _say(name: str, told: str) -> None:
    print(f"{name:<10} {told}")  # noqa: T201


class CheckReport:
    """Asks everything once. What one question learns, a later one may use."""

    def __init__(self, settings: Settings, channel: int | None) -> None:
        self._settings = settings
        self._channel = channel
        self._token = settings.discord_token.get_secret_value()
        self._jobs_of: int | None = None
        self._bot: discord_side.Seen | None = None

    async def database(self) -> str:
        try:
            store = await Store.open(self._settings.database_url)
        except StoreInUse:
            return f"{OK}, {_IN_USE}"
        try:
            await store.ping(PATIENCE_S)
            self._jobs_of = await store.jobs.latest_application()
        finally:
            await store.close()
        return OK

    async def discord(self) -> str:
        try:
            answer = await ask(self._settings.discord_api_url, self._token)
        except DiscordUnreachable as error:
            raise DiscordUnreachable(
                f"Discord cannot be reached ({error}): look at the network of this machine and at DISCORD_API_URL."
            ) from None
        return f"{OK}, the bot is {answer.name}"

    async def image_api(self) -> str:
        async with self._api() as api:
            try:
                await api.probe()
            except ImageApiError as error:
                mend = next((mend for kind, mend in _MENDS.items() if isinstance(error, kind)), None)
                raise CheckFault(f"{error}: {mend}." if mend else f"{error}.") from None
        return OK

    async def moderation(self) -> Sequence[str]:
        """Only where the operator has named a route; while it is down, prompts may be refused."""
        settings = self._settings
        route = open_moderation(
            settings.moderation_base_url, settings.moderation_api_key, settings.moderation_model, lenient=False
        )
        async with route as moderation:
            fault = await moderation.fault() if moderation else None
        return [f"The moderation route {fault}."] if fault else []

    async def balance(self) -> Sequence[str]:
        """Most servers do not tell it; those that do also limit a key without limit by a very large number."""
        async with self._api() as api:
            left = await api.balance()
        if left is None or left > 0:
            return []
        return [f"The image API says that {left:.2f} US dollars are left: top up your account there."]

    async def discord_details(self) -> Sequence[str]:
        async with discord_side.asking(self._settings.discord_api_url, self._token) as discord:
            self._bot = await discord_side.look(discord)
            try:
                faults = list(discord_side.faults_of(self._bot))
                if self._channel is not None:
                    faults += await discord_side.faults_in_channel(discord, self._bot, self._channel)
            except (AttributeError, KeyError, TypeError, ValueError):
                raise CheckFault("an answer that is not Discord's") from None
        return faults

    async def machine(self) -> Sequence[str]:
        return await asyncio.to_thread(machine.faults_of, self._settings)

    async def whose_database(self) -> Sequence[str]:
        if self._jobs_of is None or self._bot is None or self._bot.application_id in {None, self._jobs_of}:
            return []
        return [
            f"The jobs in the database are of the application {self._jobs_of}, and DISCORD_TOKEN is that of "
            f"{self._bot.application_id}: write that application's token, or give this bot another DATABASE_URL."
        ]

    def _api(self) -> ImageApi:
        settings = self._settings
        key = settings.uniall_api_key.get_secret_value()
        mode, way = Mode(settings.uniall_mode), settings.proxies.for_url
        return ImageApi(base_url=settings.uniall_base_url, api_key=key, mode=mode, proxy_for=way)
