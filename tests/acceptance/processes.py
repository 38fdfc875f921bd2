"""Real processes of the bot: started with a clean environment in a folder of their own, watched, stopped, killed."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.config.waits import WAITS, Waits
from sandbox.serving import free_port
from tests.acceptance.little_discord import TOKEN
from tests.bots import MEASURED
from tests.bots.forked import ForkedProcess, fork_server

PROJECT = Path(__file__).parents[2]
KEY = "sk-a-key-nobody-may-see"
MAX_LINE = 1 << 20
ENVIRONMENT = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
PARTS = ("bot", "cogs")  # what a process needs of the project; a developer's own .env and data are not among it


def variables(api_url: str, **others: str) -> dict[str, str]:
    return {
        "DISCORD_TOKEN": TOKEN,
        "UNIALL_API_KEY": KEY,
        "UNIALL_BASE_URL": f"http://127.0.0.1:{free_port()}",
        "DISCORD_API_URL": api_url,
        **others,
    }


class Easel:
    """One running bot. `out` and `err` grow line by line."""

    def __init__(
        self,
        process: asyncio.subprocess.Process | ForkedProcess,
        stdout: asyncio.StreamReader,
        stderr: asyncio.StreamReader,
    ) -> None:
        self.out: list[str] = []
        self.err: list[str] = []
        self.started_at = time.monotonic()
        self._process = process
        self._more = asyncio.Condition()
        self._readers = [
            asyncio.create_task(self._read(stdout, self.out)),
            asyncio.create_task(self._read(stderr, self.err)),
        ]

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> str:
        """All that came so far, standard output first."""
        return "\n".join((*self.out, *self.err))

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    def terminate(self) -> None:
        """SIGTERM."""
        self._process.terminate()

    def interrupt(self) -> None:
        """SIGINT, as Ctrl-C sends it."""
        self.signal(2)

    def kill(self) -> None:
        """SIGKILL: no way for the process to notice."""
        self._process.kill()

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    async def wait(self, within: float = 60.0) -> int:
        """The exit code, once all output is read. Negative for a signal. Raises TimeoutError."""
        async with asyncio.timeout(within):
            code = await self._process.wait()
            await asyncio.gather(*self._readers)
        return code

    async def line(self, part: str, within: float = 60.0, count: int = 1) -> str:
        """Wait for the `count`-th line of either stream that contains `part`, and return it."""
        try:
            async with asyncio.timeout(within), self._more:
                while True:
                    found = [line for line in (*self.out, *self.err) if part in line]
                    if len(found) >= count:
                        return found[count - 1]
                    await self._more.wait()
        except TimeoutError:
            raise AssertionError(f"{part!r} did not come within {within} s; what came:\n{self.output}") from None

    async def _read(self, stream: asyncio.StreamReader, into: list[str]) -> None:
        while line := await stream.readline():
            into.append(line.decode("utf-8", "replace").rstrip("\n"))
            async with self._more:
                self._more.notify_all()


def make_home(folder: Path) -> Path:
    """A folder that looks like the project to a process started in it."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        link = folder / part
        if not link.is_symlink():
            link.symlink_to(PROJECT / part)
    return folder


@asynccontextmanager
async def easel(home: Path, *arguments: str, **variables: str) -> AsyncGenerator[Easel]:
    """Start `python -m bot ARGUMENTS` in `home`, with no variables but these. Killed at the end if it still runs.

    Started again with the same `home` it finds the database it left there.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *arguments,
        cwd=make_home(home),
        env={**ENVIRONMENT, **MEASURED, **variables},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=MAX_LINE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    async with _until_the_end(Easel(process, process.stdout, process.stderr)) as running:
        yield running


@asynccontextmanager
async def forked_easel(home: Path, *words: str, **variables: str) -> AsyncGenerator[Easel]:
    """As `easel`, forked, with no file of settings: at once there, however busy the machine is, and nearly for nothing.

    For all that is not about the command line itself.
    """
    async with hurried_easel(home, *words, waits=WAITS, **variables) as running:
        yield running


@asynccontextmanager
async def hurried_easel(home: Path, *words: str, waits: Waits, **variables: str) -> AsyncGenerator[Easel]:
    """A forked one with other waits than the product's."""
    verb, *arguments = words or ("run",)
    nothing = make_home(home) / "no.settings"  # else it would read the file beside the project
    nothing.touch(0o600)
    (out, stdout), (err, stderr) = await _pipe(), await _pipe()
    try:
        process = await asyncio.to_thread(
            lambda: fork_server().start(
                (verb, "--env-file", str(nothing), *arguments),
                {**ENVIRONMENT, **variables},
                out=out,
                err=err,
                folder=home,
                waits=waits,
            )
        )
    finally:
        os.close(out)
        os.close(err)
    async with _until_the_end(Easel(process, stdout, stderr)) as running:
        yield running


async def _pipe() -> tuple[int, asyncio.StreamReader]:
    """The writing end of a pipe, and a reader of the other."""
    reading, writing = os.pipe()
    reader = asyncio.StreamReader(limit=MAX_LINE)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb", buffering=0)
    )
    return writing, reader


@asynccontextmanager
async def _until_the_end(running: Easel) -> AsyncGenerator[Easel]:
    try:
        yield running
    finally:
        if running.running:
            running.kill()
        await running.wait()
