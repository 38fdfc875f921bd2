"""What is seen of the image, the sandbox's servers and the people in front of them while the image is tried."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from sandbox.discord.server import LocalDiscord
from sandbox.discord.sight import Message
from sandbox.image_api.server import LocalImageApi
from tools.container.engine import Container, Engine, EngineFault

IMAGE = "easel-trial"
#: As compose.yaml has them.
HARDENED = ("--read-only", "--tmpfs=/tmp:size=16m", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--init")
MEMORY = "460m"
GRACE_S = 30
DELIVERY_S = 60.0


class Failed(Exception):
    """The image does not do what it should. The message says what."""


def told(what: str) -> None:
    print(f"ok   {what}", flush=True)


def expect(truth: bool, what: str) -> None:
    if not truth:
        raise Failed(what)
    told(what)


class Trial:
    """The image, the sandbox's servers, and what is to be seen of the two."""

    def __init__(self, engine: Engine, discord: LocalDiscord, image_api: LocalImageApi) -> None:
        self.engine, self.discord, self.image_api = engine, discord, image_api
        self.bot = Container(engine, "easel-trial-bot")

    @property
    def variables(self) -> dict[str, str]:
        return {
            "DISCORD_TOKEN": self.discord.token,
            "DISCORD_API_URL": self.discord.api_url,
            "UNIALL_API_KEY": "sandbox",
            "UNIALL_BASE_URL": self.image_api.base_url,
        }

    async def begin(self, volume: Path, **more: str) -> None:
        """Start the bot on a fresh folder, and wait until Discord knows it."""
        volume.mkdir(mode=0o777)
        volume.chmod(0o777)
        options = (*HARDENED, f"--volume={volume}:/easel/data")
        began = time.monotonic()
        await self.bot.create(IMAGE, variables=self.variables | more, options=options, memory=MEMORY)
        await self.discord.wait_for_bot(DELIVERY_S)
        told(f"it starts, and Discord knows it after {time.monotonic() - began:.1f} s")

    def bought(self) -> int:
        return sum(it.method == "POST" for it in self.image_api.requests)

    async def delivers(self, line: str) -> Message:
        """Ask as Ada; the reply with its pictures."""
        reply = await self.discord.person("Ada").say(line)
        return await reply.until(lambda message: bool(message.pictures) and not message.loading, DELIVERY_S)

    async def confinement(self) -> None:
        expect(await self.bot.inside("id", "-u") == "10001", "it runs as nobody that the machine knows (10001)")
        for path in ("/easel/x", "/venv/x", "/etc/x"):
            try:
                await self.bot.inside("touch", path)
            except EngineFault:
                continue
            raise Failed(f"{path} can be written")
        told("nothing can be written but its data and 16 MB of /tmp")

    async def crash(self) -> None:
        before = self.bought()
        reply = await self.discord.person("Ada").say("/imagine prompt:a lighthouse at dusk count:2")
        async with asyncio.timeout(DELIVERY_S):
            while self.bought() == before:
                await asyncio.sleep(0.05)
        await self.bot.kill()
        await asyncio.sleep(1)
        await self.bot.start()
        message = await reply.until(lambda it: bool(it.pictures) and not it.loading, DELIVERY_S)
        expect(len(message.pictures) == 2, "killed with kill -9 in the middle, it delivers after its next start")
        expect(self.bought() == before + 1, "and has bought once")

    async def ends(self) -> None:
        began = time.monotonic()
        await self.bot.stop(GRACE_S)
        took = time.monotonic() - began
        expect(await self.bot.exit_code() == 0, f"SIGTERM ends it in order, with exit code 0 after {took:.1f} s")

    async def load(self, count: int) -> None:
        """Many large pictures that have to be encoded anew: the most memory that it ever takes."""
        ada = self.discord.person("Ada")
        line = "/imagine prompt:grain count:4 resolution:2k model:Quality format:png"
        replies = [await ada.say(line) for _ in range(count)]
        for reply in replies:
            await reply.until(lambda it: "Again" in it.labels, 300.0)
        expect(not await self.bot.killed_for_memory(), f"{count * 4} pictures of 12 MB within {MEMORY} of memory")
        told(f"the most that it took: {await self.bot.most_memory() / 1e6:.0f} MB, files in memory included")
