"""`python -m bot sandbox`: the local image API, the local Discord, the unmodified bot, and a page or typed lines."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from bot.config.env_file import EnvFile
from bot.config.settings import VARIABLES, Settings, Sources
from bot.errors import StartError
from bot.model import QUALITY, STANDARD
from bot.ops.shutdown import END_SIGNALS, catch
from sandbox.bot_process import BotProcess
from sandbox.discord.server import LocalDiscord
from sandbox.image_api.latency import PUBLISHED
from sandbox.image_api.server import LocalImageApi
from sandbox.page.page import Page
from sandbox.say import expect_writable, play

READY_PATIENCE_S = 30.0
#: The local image API is a little faster than the real one: nobody tries a sandbox to wait.
PAINTING_SPEED = 0.6
#: US dollars for a picture in 1k, one in 2k, and a source: the vendor's published prices, and what others cost here.
PRICES = {STANDARD: (0.02, 0.02, 0.002), QUALITY: (0.05, 0.07, 0.01)}
OTHER_PRICES = PRICES[STANDARD]


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """What was asked for on the command line."""

    port: int = 8200
    say: tuple[str, ...] = ()
    out: Path = Path("sandbox-out")
    real_api: bool = False
    sources: Sources | None = None  # the settings that `real_api` takes its API from


async def run_sandbox(options: SandboxOptions) -> int:
    """Run until the lines are played, or the page is no longer wanted; returns the exit code. Raises StartError."""
    taken = _taken_over(options.sources or Sources.read())
    if options.say:
        expect_writable(options.out)
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="easel-sandbox-"))
        discord = await stack.enter_async_context(LocalDiscord(token=secrets.token_urlsafe(16)))
        image_api = None
        if not options.real_api:
            image_api = await stack.enter_async_context(LocalImageApi(latency=PUBLISHED.scaled(PAINTING_SPEED)))
        variables = {**_variables(discord, image_api, Path(folder), options), **_offer(taken)}
        if image_api is not None:
            image_api.behaviour.models = taken.models.models
        bot = BotProcess(variables)
        stack.push_async_callback(bot.stop)
        await _start(bot, discord)
        if options.say:
            return 0 if await play(discord.person("Ada"), options.say, options.out) else 1
        page = Page(discord, image_api, bot=bot)
        stack.push_async_callback(page.stop)
        try:
            await page.start(options.port)
        except OSError as error:
            raise StartError(
                f"Port {options.port} of this machine is taken ({error.strerror}): choose another one with --port."
            ) from None
        print(f"Easel's sandbox is at {page.url} (Ctrl-C ends it)", flush=True)  # noqa: T201
        await _until_signal()
        return 0


def _taken_over(sources: Sources) -> Settings:
    """The settings with MODELS, the only variable that the sandbox always takes over. Raises SettingsError."""
    alone = {name: value for name, value in sources.values().items() if name == "MODELS"}
    required = [variable.name for variable in VARIABLES if variable.required]
    return Sources(EnvFile(Path("none"), {}), alone).settings(required)


def _offer(taken: Settings) -> Mapping[str, str]:
    """The variables for these models, each with a price, so that spend and budgets can be tried."""
    prices = [
        f"{model}:{kind}={price}"
        for model in taken.models.models
        for kind, price in zip(("1k", "2k", "input"), PRICES.get(model, OTHER_PRICES), strict=True)
    ]
    return {"MODELS": str(taken.models), "PRICE_LIST": ",".join(prices)}


def _variables(
    discord: LocalDiscord, image_api: LocalImageApi | None, folder: Path, options: SandboxOptions
) -> Mapping[str, str]:
    variables = {
        "DISCORD_TOKEN": discord.token,
        "DISCORD_API_URL": discord.api_url,
        "DATABASE_URL": f"sqlite:///{folder / 'easel.db'}",
        "LOG_LEVEL": "WARNING" if options.say else "INFO",
    }
    if image_api is not None:
        return variables | {"UNIALL_API_KEY": "sandbox", "UNIALL_BASE_URL": image_api.base_url}
    sources = options.sources or Sources.read()
    real = Sources(sources.file, {**sources.environ, **variables}).settings()
    return variables | {
        "UNIALL_API_KEY": real.uniall_api_key.get_secret_value(),
        "UNIALL_BASE_URL": real.uniall_base_url,
        "UNIALL_MODE": real.uniall_mode,
        "JOB_TIMEOUT_S": str(real.job_timeout_s),
    }


async def _start(bot: BotProcess, discord: LocalDiscord) -> None:
    """Start the bot and wait until it has its commands registered. Raises StartError."""
    await bot.start()
    ready = asyncio.create_task(discord.wait_for_bot(READY_PATIENCE_S))
    ended = asyncio.create_task(bot.ended())
    await asyncio.wait([ready, ended], return_when=asyncio.FIRST_COMPLETED)
    if not ready.done():
        ready.cancel()
        raise StartError(f"The bot ended at its start, with exit code {ended.result()}; it says why above.")
    ended.cancel()
    try:
        ready.result()
    except TimeoutError as error:
        raise StartError(str(error)) from None


async def _until_signal() -> None:
    told = asyncio.Event()
    for number in END_SIGNALS:
        catch(number, told.set)
    await told.wait()
