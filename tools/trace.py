"""Which functions one `/imagine` enters, from the command to the delivered pictures: `python -m tools.trace [--list]`.

The unmodified bot runs in a process of its own against the local servers, with a profiler that notes every function of
bot/ and cogs/ that is entered. What also runs in a bot with nothing to do (heartbeats, looks at the queue) is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from sandbox.bot_process import PROJECT, BotProcess
from sandbox.discord.server import LocalDiscord
from sandbox.image_api.latency import Latency
from sandbox.image_api.server import LocalImageApi
from sandbox.image_api.studio import PaintMode

PATIENCE_S = 30.0
IDLE_S = 12.0  # longer than the slowest loop of a bot with nothing to do, the heartbeat
ROOMS = tuple(f"{PROJECT / room}{os.sep}" for room in ("bot", "cogs"))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.trace", description=__doc__)
    parser.add_argument("--list", action="store_true", help="name the functions, in the order they are first entered")
    parser.add_argument("--bot", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.bot:
        return _traced_bot(options.bot)
    entered = asyncio.run(trace())
    if options.list:
        print("\n".join(entered))
    files = {name.partition(":")[0] for name in entered}
    print(f"one /imagine enters {len(entered)} functions in {len(files)} files")
    return 0


async def trace() -> list[str]:
    """The functions as `file:name`, in the order they are first entered."""
    with tempfile.TemporaryDirectory(prefix="easel-trace-") as folder:
        api = LocalImageApi(latency=Latency.fixed(2.0), paint=PaintMode.TINY)
        async with LocalDiscord() as discord, api:
            bot = _TracedBot(
                {
                    "DISCORD_TOKEN": discord.token,
                    "DISCORD_API_URL": discord.api_url,
                    "DATABASE_URL": f"sqlite:///{Path(folder, 'easel.db')}",
                    "UNIALL_API_KEY": "sandbox",
                    "UNIALL_BASE_URL": api.base_url,
                    "LOG_LEVEL": "WARNING",
                },
                Path(folder),
            )
            try:
                await bot.start()
                await discord.wait_for_bot(PATIENCE_S)
                ada = discord.person("Ada")
                # The first request imports and remembers what later ones find.
                first = await ada.command("imagine", prompt="a first fox")
                await first.until(lambda it: bool(it.pictures), PATIENCE_S)
                await bot.mark("warm")
                await asyncio.sleep(IDLE_S)
                idle = set(await bot.mark("idle"))
                reply = await ada.command("imagine", prompt="a red fox")
                await reply.until(lambda it: bool(it.pictures), PATIENCE_S)
                await asyncio.sleep(0.5)  # the last write, and the spool
                return [name for name in await bot.mark("done") if name not in idle]
            finally:
                await bot.stop()


class _TracedBot(BotProcess):
    """The bot with the profiler; a signal makes it write down what was entered since the last one."""

    def __init__(self, variables: dict[str, str], folder: Path) -> None:
        super().__init__(variables)
        self._folder = folder

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tools.trace", "--bot", str(self._folder)),
            cwd=PROJECT,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            process_group=0,
        )

    async def mark(self, name: str) -> list[str]:
        """What was entered since the last mark."""
        assert self._process is not None
        told = self._folder / "entered.json"
        told.unlink(missing_ok=True)
        self._process.send_signal(signal.SIGUSR1)
        async with asyncio.timeout(PATIENCE_S):
            while not told.exists():
                await asyncio.sleep(0.02)
        entered: list[str] = json.loads(told.read_text())
        return entered


def _traced_bot(folder: Path) -> int:
    entered: dict[str, None] = {}

    def note(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(ROOMS) and code.co_name[0] != "<":
            entered.setdefault(f"{code.co_filename.removeprefix(f'{PROJECT}{os.sep}')}:{code.co_qualname}")

    def write(_: int, __: FrameType | None) -> None:
        (folder / "entered.new").write_text(json.dumps(list(entered)))
        entered.clear()
        (folder / "entered.new").rename(folder / "entered.json")

    signal.signal(signal.SIGUSR1, write)
    threading.setprofile(note)
    sys.setprofile(note)
    from bot.__main__ import main as bot

    return bot(["run", "--env-file", os.devnull])


if __name__ == "__main__":
    sys.exit(main())
