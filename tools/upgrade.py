"""From an older version to this one and back, each as an installed package: `python -m tools.upgrade COMMIT`.

The wheel of the older commit writes a database and is killed in the middle of a request. This version goes on, the
older one then refuses the database, and its own backup brings it back. Both use the packages of this environment.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import venv
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from sandbox.discord.reply import Reply
from sandbox.discord.server import LocalDiscord
from sandbox.image_api.latency import Latency
from sandbox.image_api.server import LocalImageApi

ROOT = Path(__file__).parents[1]
#: As `make wheel` takes them.
PARTS = ("bot", "cogs", "sandbox", "pyproject.toml", "README.md", "LICENSE", "requirements.in")
PATIENCE_S = 120.0


def installed(commit: str, folder: Path) -> Path:
    """The command `easel` of a commit, installed from its wheel into an environment of its own."""
    archive = subprocess.run(["git", "-C", str(ROOT), "archive", commit, *PARTS], check=True, capture_output=True)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder / "source", filter="data")
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    wheel = ("wheel", "--no-build-isolation", "--no-deps", "--wheel-dir", str(folder), str(folder / "source"))
    subprocess.run([*pip, *wheel], check=True)
    venv.create(folder / "environment", with_pip=True)
    (packages,) = (folder / "environment" / "lib").glob("python*/site-packages")
    (packages / "shared.pth").write_text(sysconfig.get_path("purelib"), "utf-8")
    python = folder / "environment" / "bin" / "python"
    install = ("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", *map(str, folder.glob("*.whl")))
    subprocess.run([python, *install], check=True)
    return python.with_name("easel")


class Trial:
    """The database of one folder, and who works on it."""

    def __init__(self, home: Path, discord: LocalDiscord, image_api: LocalImageApi) -> None:
        self.home, self.discord, self.image_api = home, discord, image_api
        self.variables: Mapping[str, str] = {
            "PATH": os.environ["PATH"],
            "DISCORD_TOKEN": discord.token,
            "DISCORD_API_URL": discord.api_url,
            "UNIALL_API_KEY": "sandbox",
            "UNIALL_BASE_URL": image_api.base_url,
            "DATABASE_URL": f"sqlite:///{home}/easel.db",
        }

    @asynccontextmanager
    async def running(self, command: Sequence[str], cwd: Path) -> AsyncGenerator[asyncio.subprocess.Process]:
        """A bot that Discord knows; killed at the end, if it still runs."""
        with (self.home / "log").open("ab") as log:
            bot = await asyncio.create_subprocess_exec(
                *command, cwd=cwd, env=self.variables, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            await self.discord.wait_for_bot(PATIENCE_S)
            yield bot
        finally:
            if bot.returncode is None:
                bot.kill()
            await bot.wait()

    async def done(self, *command: str) -> tuple[int, str]:
        """Exit code and output of a verb that ends by itself."""
        verb = await asyncio.create_subprocess_exec(
            *command, cwd=self.home, env=self.variables, stdout=-1, stderr=subprocess.STDOUT
        )
        said, _ = await asyncio.wait_for(verb.communicate(), PATIENCE_S)
        return verb.returncode or 0, said.decode(errors="replace")

    async def asks(self, prompt: str) -> Reply:
        return await self.discord.person("Ada").say(f"/imagine prompt:{prompt}")

    async def bought(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.image_api.accepted) < count:
                await asyncio.sleep(0.05)


def expect(truth: bool, what: str) -> None:
    if not truth:
        raise SystemExit(f"FAIL {what}")
    print(f"ok   {what}", flush=True)


async def upgrade(trial: Trial, old: str) -> None:
    """There and back. Raises SystemExit with what does not hold."""
    new = (sys.executable, "-m", "bot")
    async with trial.running([old], trial.home) as bot:
        reply = await trial.asks("an old one")
        first = await reply.until(lambda it: bool(it.pictures), PATIENCE_S)
        unfinished = await trial.asks("on the way")
        await trial.bought(2)
        bot.kill()
    code, said = await trial.done(old, "backup", str(trial.home / "before.db"))
    expect(code == 0, "the older version writes a database, is killed in the middle of a request, and backs up")
    async with trial.running(new, ROOT) as bot:
        await unfinished.until(lambda it: bool(it.pictures), PATIENCE_S)
        again = await trial.discord.person("Ada").press(first, "Again")
        await again.until(lambda it: bool(it.pictures), PATIENCE_S)
        bot.terminate()
        await bot.wait()
    expect(len(trial.image_api.accepted) == 3, "this version goes on: it delivers, buys nothing twice, buttons work")
    code, said = await trial.done(old)
    expect(code == 1 and "later version of Easel" in said, "the older version says that it is not for this database")
    for left in ("easel.db", "easel.db-wal", "easel.db-shm"):
        (trial.home / left).unlink(missing_ok=True)
    (trial.home / "before.db").rename(trial.home / "easel.db")
    async with trial.running([old], trial.home):
        details = await trial.discord.person("Ada").press(first, "Details")
        reply = await trial.asks("after going back")
        await reply.until(lambda it: bool(it.pictures), PATIENCE_S)
    expect("an old one" in details.text, "its own backup brings it back, with what it knew")
    expect(len(trial.image_api.accepted) == 4, "and nothing was bought by going back")


async def main(commit: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "home").mkdir()
        old = await asyncio.to_thread(installed, commit, folder)
        async with LocalDiscord() as discord, LocalImageApi(latency=Latency.fixed(3.0)) as image_api:
            await upgrade(Trial(folder / "home", discord, image_api), str(old))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tools.upgrade", description=__doc__)
    parser.add_argument("commit", help="an older version that has a wheel")
    asyncio.run(main(parser.parse_args().commit))
