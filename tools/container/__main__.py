"""`python -m tools.container`: what the image must show, one line each; exit code 1 where one fails."""

from __future__ import annotations

import argparse
import asyncio
import shlex
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from sandbox.discord.server import LocalDiscord
from sandbox.image_api.latency import Latency
from sandbox.image_api.server import LocalImageApi
from sandbox.serving import free_port
from tools.container.composed import PROJECT, build_database, composed
from tools.container.engine import Engine, EngineFault
from tools.container.trial import IMAGE, Failed, Trial, expect, told

PYTHON_IMAGE = "docker.io/library/python:3.11-slim-bookworm"
#: A bare Debian with Python stands in for Docker's official image where no registry answers.
BASE = """\
FROM {debian}
RUN ln -s /usr/bin/python3 /usr/local/bin/python
"""
COMPOSE = {"podman": "podman-compose", "docker": "docker compose"}


async def prepare(engine: Engine, debian: str | None, image_options: Sequence[str]) -> None:
    """Build the image of Easel, and one of PostgreSQL as compose.yaml wants it."""
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
    with tempfile.TemporaryDirectory() as folder:
        await build_database(engine, Path(folder), debian or PYTHON_IMAGE)


async def alone(engine: Engine, folder: Path) -> None:
    """The image by itself, with SQLite in its volume."""
    played = ("sandbox", "--say", "/imagine prompt:a red fox", "--out", "/tmp/pictures")
    run = ("run", "--rm", "--init", "--network=host", *engine.run_options, IMAGE)
    expect("saved /tmp/pictures/1-picture-1" in await engine.do(*run, *played), "its sandbox delivers")
    async with LocalDiscord() as discord, LocalImageApi(latency=Latency.fixed(2.0)) as image_api:
        trial = Trial(engine, discord, image_api)
        try:
            await trial.begin(folder / "alone", HTTP_PORT=str(free_port()))
            message = await trial.delivers("/imagine prompt:a red fox count:2")
            expect(len(message.pictures) == 2, "it delivers, with SQLite in its volume")
            await trial.confinement()
            told(f"its health check says: {await trial.bot.health()}")
            await trial.crash()
            await trial.ends()
        except (Failed, TimeoutError):
            print(await trial.bot.logs())
            raise
        finally:
            await trial.bot.remove()


async def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.container", description=__doc__)
    parser.add_argument("--engine", choices=COMPOSE, default="podman", help="what runs the containers")
    parser.add_argument("--compose", type=shlex.split, help="what reads compose.yaml, in one word")
    parser.add_argument("--debian", help="a local image of Debian with python3, python3-venv and ca-certificates")
    parser.add_argument(
        "--part", choices=("alone", "composed"), help="only this: with SQLite, or the whole compose.yaml"
    )
    parser.add_argument("--built", action="store_true", help="the images are here: build none")
    parser.add_argument("--build-options", type=shlex.split, default=[], help="for the engine's build, in one word")
    parser.add_argument("--image-options", type=shlex.split, default=[], help="besides, for the image of Easel alone")
    parser.add_argument("--run-options", type=shlex.split, default=[], help="for the engine's run, in one word")
    options = parser.parse_args()
    engine = Engine(options.engine, options.build_options, options.run_options)
    compose: Sequence[str] = options.compose or shlex.split(COMPOSE[options.engine])
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        try:
            if not options.built:
                await prepare(engine, options.debian, options.image_options)
            if options.part != "composed":
                await alone(engine, folder)
            if options.part != "alone":
                await composed(engine, compose, folder)
        except (Failed, EngineFault, TimeoutError) as fault:
            print(f"FAIL {fault or type(fault).__name__}", flush=True)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
