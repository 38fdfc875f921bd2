"""`python -m tools.container`: what the image must show, one line each; exit code 1 where one fails."""

from __future__ import annotations

import argparse
import asyncio
import json
import shlex
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from sandbox.discord.server import LocalDiscord
from sandbox.discord.sight import Message
from sandbox.image_api.latency import Latency
from sandbox.image_api.server import LocalImageApi
from sandbox.image_api.studio import PaintMode
from sandbox.serving import free_port
from tools.container.engine import Container, Engine, EngineFault

PROJECT = Path(__file__).resolve().parents[2]
IMAGE, PYTHON_IMAGE, DATABASE_IMAGE = (
    "easel-trial",
    "docker.io/library/python:3.11-slim-bookworm",
    "easel-trial-postgres",
)
#: As compose.yaml has them.
HARDENED = ("--read-only", "--tmpfs=/tmp:size=16m", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--init")
MEMORY, DATABASE_MEMORY = "460m", "256m"
GRACE_S = 30
DELIVERY_S = 60.0
#: A bare Debian with Python stands in for Docker's official image where no registry answers.
BASE = """\
FROM {debian}
RUN ln -s /usr/bin/python3 /usr/local/bin/python
"""
DATABASE = """\
FROM {debian}
RUN mkdir -p /etc/postgresql-common && echo create_main_cluster=false >/etc/postgresql-common/createcluster.conf
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \\
    -o Dpkg::Options::=--force-confold postgresql
USER postgres
ENV PATH=/usr/lib/postgresql/15/bin:$PATH
RUN initdb --auth=trust --username=easel -D /tmp/data >/dev/null
CMD ["postgres", "-D", "/tmp/data", "-p", "{port}", "-k", "/tmp", "-c", "listen_addresses=127.0.0.1"]
"""


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
        self.database = Container(engine, "easel-trial-database")

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

    async def health(self) -> str:
        """What the image's own health check says. Raises EngineFault where the bot is not well."""
        found = await self.engine.do("inspect", "--format={{json .Config.Healthcheck.Test}}", self.bot.name)
        _, *command = json.loads(found)
        await self.bot.inside(*command)
        return "well"

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


async def prepare(engine: Engine, debian: str | None, image_options: Sequence[str]) -> None:
    if not await engine.has(PYTHON_IMAGE):
        if debian is None:
            raise Failed(f"{PYTHON_IMAGE} cannot be had: give --debian, an image with python3 and python3-venv")
        print(f"     no registry answers: {debian} stands in for {PYTHON_IMAGE}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "Dockerfile").write_text(BASE.format(debian=debian), "utf-8")
            await engine.build(folder, PYTHON_IMAGE)
    began = time.monotonic()
    await engine.build(str(PROJECT), IMAGE, *image_options)
    size = int(await engine.do("image", "inspect", "--format={{.Size}}", IMAGE))
    told(f"the image is built, {size / 1e6:.0f} MB, in {time.monotonic() - began:.0f} s")


async def alone(trial: Trial, folder: Path) -> None:
    played = ("sandbox", "--say", "/imagine prompt:a red fox", "--out", "/tmp/pictures")
    run = ("run", "--rm", "--init", "--network=host", *trial.engine.run_options, IMAGE)
    expect("saved /tmp/pictures/1-picture-1" in await trial.engine.do(*run, *played), "its sandbox delivers")
    await trial.begin(folder / "alone", HTTP_PORT=str(free_port()))
    message = await trial.delivers("/imagine prompt:a red fox count:2")
    expect(len(message.pictures) == 2, "it delivers, with SQLite in its volume")
    await trial.confinement()
    told(f"its health check says: {await trial.health()}")
    await trial.crash()
    await trial.ends()


async def beside_postgresql(trial: Trial, folder: Path, debian: str) -> None:
    port = free_port()
    (folder / "postgres").mkdir()
    (folder / "postgres" / "Dockerfile").write_text(DATABASE.format(debian=debian, port=port), "utf-8")
    await trial.engine.build(str(folder / "postgres"), DATABASE_IMAGE)
    await trial.database.create(DATABASE_IMAGE, variables={}, options=(), memory=DATABASE_MEMORY)
    await trial.begin(
        folder / "beside", DATABASE_URL=f"postgresql://easel@127.0.0.1:{port}/postgres", MAX_JOBS_PER_USER="20"
    )
    await trial.load(3)
    told(f"PostgreSQL beside it took at most {await trial.database.most_memory() / 1e6:.0f} MB")
    await trial.crash()
    await trial.ends()


async def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.container", description=__doc__)
    parser.add_argument("--debian", help="a local image of Debian with python3, python3-venv and ca-certificates")
    parser.add_argument("--part", choices=("alone", "beside"), help="only this: with SQLite, or beside PostgreSQL")
    parser.add_argument("--build-options", type=shlex.split, default=[], help="for podman build, in one word")
    parser.add_argument("--image-options", type=shlex.split, default=[], help="besides, for the image of Easel alone")
    parser.add_argument("--run-options", type=shlex.split, default=[], help="for podman run, in one word")
    options = parser.parse_args()
    engine = Engine(options.build_options, options.run_options)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        try:
            await prepare(engine, options.debian, options.image_options)
            for paint, part in ((PaintMode.REAL, alone), (PaintMode.NOISE, beside_postgresql)):
                if options.part and not part.__name__.startswith(options.part):
                    continue
                latency = Latency.fixed(2.0)
                async with LocalDiscord() as discord, LocalImageApi(latency=latency, paint=paint) as image_api:
                    trial = Trial(engine, discord, image_api)
                    more = (options.debian or PYTHON_IMAGE,) if part is beside_postgresql else ()
                    try:
                        await part(trial, folder, *more)  # type: ignore[operator]
                    except (Failed, TimeoutError):
                        print(await trial.bot.logs())
                        raise
                    finally:
                        await trial.bot.remove()
                        await trial.database.remove()
        except (Failed, EngineFault, TimeoutError) as fault:
            print(f"FAIL {fault or type(fault).__name__}", flush=True)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
