"""The bot of the sandbox: an unmodified `python -m bot run` in a process of its own, pointed at the local servers."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
#: What Python itself needs of the environment; the second line is Windows'.
_PASSED_ON = (
    *("PATH", "HOME", "LANG", "TZ", "TMPDIR"),
    *("SYSTEMROOT", "TEMP", "TMP", "USERPROFILE", "LOCALAPPDATA"),
)
#: SIGTERM must be enough within 20 s; whoever needs longer is ended the hard way.
STOP_PATIENCE_S = 20.0


class BotProcess:
    """Starts, stops and kills the bot. It may be started again on the same database, as after a crash."""

    def __init__(self, variables: Mapping[str, str], output: int | None = None) -> None:
        """`variables` are the settings; of the environment only what Python itself needs is passed on.

        `output` is a file descriptor for all that it writes; None: it writes where this process does.
        """
        self._output = output
        self._environment = {
            **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            "PYTHONUNBUFFERED": "1",
            **variables,
        }
        self._process: asyncio.subprocess.Process | None = None

    def set(self, **variables: str | None) -> Mapping[str, str | None]:
        """Change settings for the next start; returns what they were. None is a variable that is not there."""
        before = {name: self._environment.get(name) for name in variables}
        for name, value in variables.items():
            self._environment.pop(name, None)
            if value is not None:
                self._environment[name] = value
        return before

    @property
    def pid(self) -> int:
        """The id of the process that was started last."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start the bot unless it runs. It says on standard error what it has to say."""
        if self.is_running:
            return
        self._process = await asyncio.create_subprocess_exec(
            # The settings file of a real bot in the same folder must not reach this one.
            *(sys.executable, "-m", "bot", "run", "--env-file", os.devnull),
            cwd=PROJECT,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            process_group=0,  # a Ctrl-C in the terminal is the sandbox's to handle
        )

    async def ended(self) -> int:
        """Wait until the bot has ended; its exit code."""
        return await self._process.wait() if self._process else 0

    async def stop(self) -> None:
        """End the bot as a redeploy does."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_PATIENCE_S)
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """End the bot as a crash does, with `kill -9`."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
