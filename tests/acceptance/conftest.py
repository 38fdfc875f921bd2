"""The whole house for tests: the local Discord, the local image API, and an unmodified bot in its own process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest
import pytest_asyncio
from PIL import Image

from sandbox.discord.calls import Recorded
from sandbox.discord.person import Person
from sandbox.discord.reply import Reply
from sandbox.discord.rules import DiscordRules
from sandbox.discord.server import LocalDiscord
from sandbox.discord.sight import Message
from sandbox.image_api.latency import Latency
from sandbox.image_api.records import RecordedRequest
from sandbox.image_api.server import LocalImageApi
from sandbox.image_api.studio import PaintMode
from tests import discord_spec
from tests.acceptance.abreast import stories
from tests.acceptance.overheard import Overheard, leaks, private_words, show_all
from tests.bots.forked import ForkedBot
from tests.databases import PostgresServer, execute, sqlite_url, why_no_postgres
from tests.discord_types import check_types

__all__ = ["stories"]

PATIENCE_S = 60.0
#: Discord's three seconds for the first answer are too short for a machine that does much else. Tests of them say so.
PATIENT = DiscordRules(response_s=20.0)
LONGEST_TEST = timedelta(seconds=45)
#: What the local Discord serves besides the REST interface.
STAND_INS = ("/attachments", "/ephemeral")
LONG_AGO = "2020-01-01 00:00:00.000000"


class House:
    """Everything that one bot works with, and the bot."""

    def __init__(self, discord: LocalDiscord, image_api: LocalImageApi, bot: ForkedBot, database: str) -> None:
        self.discord = discord
        self.image_api = image_api
        self.bot = bot
        self.database = database

    @property
    def ada(self) -> Person:
        """The server's owner."""
        return self.discord.person("Ada")

    @property
    def ben(self) -> Person:
        """A member without special rights."""
        return self.discord.person("Ben")

    def submissions(self, since: int = 0) -> list[RecordedRequest]:
        """Requests that ask for pictures, from the `since`-th request on."""
        return [it for it in self.image_api.requests[since:] if it.method == "POST"]

    def uploads(self) -> list[Recorded]:
        """Requests to Discord that carry pictures."""
        return [request for request in self.discord.requests if request.files]

    def with_pictures(self) -> list[Message]:
        """Messages in the first channel that show pictures."""
        return [message for message in self.ada.sees() if message.pictures]

    async def start_bot(self) -> None:
        await self.bot.start()
        await self.discord.wait_for_bot(PATIENCE_S)

    async def kill_bot(self) -> None:
        """`kill -9`, until Discord has seen the connection go and the bot's leases on jobs have run out."""
        await self.bot.kill()
        async with asyncio.timeout(PATIENCE_S):
            while self.discord.gateway.connected:
                await self.discord.gateway.changed.wait()
        if not self.database.startswith("sqlite"):
            # On PostgreSQL the next process waits for that, half a minute; on SQLite it knows that it is alone.
            await asyncio.to_thread(execute, self.database, f"UPDATE jobs SET lease_until = '{LONG_AGO}'")

    async def restart_bot(self) -> None:
        await self.kill_bot()
        await self.start_bot()


@asynccontextmanager
async def house_in(
    folder: Path,
    *,
    database: str | None = None,
    variables: Mapping[str, str] | None = None,
    rules: DiscordRules = PATIENT,
    latency: Latency | None = None,
    paint: PaintMode = PaintMode.TINY,
    **more: Any,
) -> AsyncGenerator[House]:
    """A running house whose bot keeps its jobs in `database`, an address, or else in a file in `folder`."""
    address = database or sqlite_url(folder)
    local_api = LocalImageApi(latency=latency or Latency.fixed(0.3), paint=paint, **more)
    async with LocalDiscord(settings=rules) as discord, local_api as image_api:
        overheard = Overheard()
        bot = ForkedBot(
            {
                "DISCORD_TOKEN": discord.token,
                "DISCORD_API_URL": discord.api_url,
                "DATABASE_URL": address,
                "UNIALL_API_KEY": "sandbox",
                "UNIALL_BASE_URL": image_api.base_url,
                "TMPDIR": str(folder),  # on PostgreSQL the spool of a killed bot stays there
                **(variables or {}),
            },
            overheard.writing,
        )
        house = House(discord, image_api, bot, address)
        try:
            await house.start_bot()
            yield house
        finally:
            await bot.stop()
            said = overheard.close()
            judge_by_specification(discord.requests)
            if (variables or {}).get("LOG_LEVEL") != "DEBUG":
                words = private_words(discord.requests, image_api.accepted, discord.token)
                assert leaks(said, words) == [], "a secret, a token or a prompt stands in the log"


def judge_by_specification(requests: Sequence[Recorded]) -> None:
    """Every request of the bot fits discord.py's types, and Discord's official specification where that is at hand."""
    check_types(it for it in requests if it.status is not None and not it.path.startswith(STAND_INS))
    if discord_spec.spec_path() is None:
        return
    # One without a status may have been cut off in its middle.
    answered = (it for it in requests if it.status is not None and not it.path.startswith(STAND_INS))
    discord_spec.check_requests(answered)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """One house for all tests of a file, with pictures that are ready in a moment."""
    async with house_in(tmp_path_factory.mktemp("house"), variables={"MAX_JOBS_PER_USER": "50"}) as whole:
        yield whole


@pytest.fixture(autouse=True)
def logs_of_bots() -> Iterator[None]:
    """What bots wrote during a test belongs to that test."""
    yield
    show_all()


class OpenHouse(Protocol):
    """Opens a house of its own on a fresh database of a kind; the options are those of `house_in`."""

    def __call__(self, kind: str = "sqlite", **options: Any) -> AbstractAsyncContextManager[House]: ...


@pytest.fixture(scope="module")
def open_house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> OpenHouse:
    """Houses for the stories of a module. A story on PostgreSQL is skipped where there is none."""
    missing = why_no_postgres()
    server: PostgresServer | None = None if missing else request.getfixturevalue("postgres")

    @asynccontextmanager
    async def open_one(kind: str = "sqlite", **options: Any) -> AsyncGenerator[House]:
        database = None
        if kind == "postgresql":
            if server is None:
                pytest.skip(missing or "")
            database = await asyncio.to_thread(server.ready_database)
        async with house_in(tmp_path_factory.mktemp("house"), database=database, **options) as house:
            yield house

    return open_one


async def typed(house: House, line: str) -> Reply:
    """The answer to a command with options, once what it asked for is done."""
    reply = await house.ada.say(line)
    await reply.until(lambda message: not message.loading)
    return reply


async def set_rules(who: Person, **options: Any) -> Reply:
    """Use `/settings` with options; its answer, once what it asks for holds."""
    reply = await who.command("settings", **options)
    await reply.until(lambda message: not message.loading)
    return reply


async def eventually(condition: Callable[[], object], within: float = PATIENCE_S) -> None:
    """Wait until a condition holds. Raises TimeoutError."""
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.02)


async def a_day_long_enough() -> None:
    """Quotas and budgets renew at midnight UTC: a test that counts what is left in the day must not cross it."""
    now = datetime.now(UTC)
    midnight = datetime.combine(now.date() + timedelta(days=1), time(), UTC)
    if midnight - now < LONGEST_TEST:
        await asyncio.sleep((midnight - now).total_seconds() + 1)


def picture(path: Path, size: tuple[int, int] = (300, 200), **save: Any) -> Path:
    """A picture file to attach, of one colour; its ending says which kind."""
    Image.new("RGB", size, "teal").save(path, **save)
    return path


def final(message: Message) -> bool:
    """Whether a job's reply has come to its end."""
    return not message.loading and "Cancel" not in message.labels


def with_pictures(message: Message) -> bool:
    """Whether a job's reply has its pictures."""
    return bool(message.pictures) and final(message)


def says(*words: str) -> Callable[[Message], bool]:
    """Whether a message contains all these words, in any case."""
    return lambda message: all(word.lower() in message.text.lower() for word in words)
