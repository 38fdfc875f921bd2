"""The processes of one bot: killed with `kill -9`, and started again."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.bots.forked import ForkedProcess, fork_server

PROJECT = Path(__file__).resolve().parents[2]
STOP_PATIENCE_S = 20.0


@dataclass(slots=True)
class Member:
    """One process: its verb, and the settings that are its own."""

    verb: str
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    process: asyncio.subprocess.Process | ForkedProcess | None = None

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.returncode is None


class Fleet:
    """All processes. What they say goes into the file `log`."""

    def __init__(
        self, members: Sequence[Member], variables: Mapping[str, str], log: Path, *, forked: bool = False
    ) -> None:
        """`variables` are the settings that all processes share. `forked` ones start at once and nearly for nothing."""
        self.members = members
        self.kills = 0
        self.log = log
        self._forked = forked
        passed_on = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ", "TMPDIR") if name in os.environ}
        self._environment = {**passed_on, "PYTHONUNBUFFERED": "1", **variables}

    async def start(self) -> None:
        """Start whoever does not run."""
        with self.log.open("ab") as log:
            for member in self.members:
                if not member.is_running:
                    await self._start(member, log)

    async def kill_one(self, chance: random.Random, *, away_s: float) -> None:
        """End one process as a crash does, and start it again when it has been away for so long."""
        member = chance.choice([one for one in self.members if one.is_running] or self.members)
        if member.process is not None and member.is_running:
            member.process.kill()
            await member.process.wait()
            self.kills += 1
        await asyncio.sleep(away_s)
        with self.log.open("ab") as log:
            await self._start(member, log)

    async def stop(self) -> None:
        """End all as a redeploy does."""
        running = [one.process for one in self.members if one.process is not None and one.is_running]
        for process in running:
            process.terminate()
        try:
            async with asyncio.timeout(STOP_PATIENCE_S):
                await asyncio.gather(*(process.wait() for process in running))
        except TimeoutError:
            for process in running:
                if process.returncode is None:
                    process.kill()
            await asyncio.gather(*(process.wait() for process in running))

    def faults(self) -> list[str]:
        """What the processes said about faults of their own."""
        lines = self.log.read_text("utf-8", "replace").splitlines()
        return [line for line in lines if "unhandled exception" in line or "Task exception was never" in line]

    async def _start(self, member: Member, log: IO[bytes]) -> None:
        arguments, environment = (member.verb, "--env-file", os.devnull), {**self._environment, **member.variables}
        if self._forked:
            file = log.fileno()
            member.process = await asyncio.to_thread(
                lambda: fork_server().start(arguments, environment, out=file, err=file)
            )
            return
        member.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", *arguments),
            cwd=PROJECT,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
