"""The processes of one bot: killed with `kill -9`, and started again. What each says is kept and looked through."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bots.forked import ForkedProcess, fork_server

PROJECT = Path(__file__).resolve().parents[2]
STOP_PATIENCE_S = 20.0
KEPT_BYTES = 5_000_000  # of the log of each process, from its end
#: What a log says of a fault of the program's own, whatever was done to it.
FAULTS = (
    "unhandled exception",
    "Traceback (most recent call last)",
    "never retrieved",
    "was never awaited",
    "Task was destroyed",
    "Exception in callback",
    "Fatal Python error",
)


@dataclass(slots=True, eq=False)
class Member:
    """One process: its verb, and the settings that are its own."""

    verb: str
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    process: asyncio.subprocess.Process | ForkedProcess | None = None

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.returncode is None


class Fleet:
    """All processes. What each says goes into a file of its own, also when it has been started again."""

    def __init__(
        self, members: Sequence[Member], variables: Mapping[str, str], folder: Path, *, forked: bool = False
    ) -> None:
        """`variables` are the settings that all processes share; the logs lie in `folder`.

        `forked` processes start at once and nearly for nothing.
        """
        self.members = members
        self.kills = 0
        self.logs = [folder / f"{number}-{member.verb}.log" for number, member in enumerate(members)]
        self._forked = forked
        passed_on = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ", "TMPDIR") if name in os.environ}
        self._environment = {**passed_on, "PYTHONUNBUFFERED": "1", **variables}

    async def start(self) -> None:
        """Start whoever does not run."""
        for member in self.members:
            if not member.is_running:
                await self._start(member)

    async def kill_one(self, chance: random.Random, *, away_s: float) -> None:
        """End one process as a crash does, and start it again when it has been away for so long."""
        member = chance.choice([one for one in self.members if one.is_running] or self.members)
        if member.process is not None and member.is_running:
            member.process.kill()
            await member.process.wait()
            self.kills += 1
        await asyncio.sleep(away_s)
        await self._start(member)

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
        found: list[str] = []
        for log in self.logs:
            with log.open("r", encoding="utf-8", errors="replace") as lines:
                found += [f"{log.name}: {line.strip()}" for line in lines if any(it in line for it in FAULTS)]
        return found

    def keep_logs(self, folder: Path) -> None:
        """Copy the end of each log into `folder`, in the place of what lies there by its name."""
        folder.mkdir(parents=True, exist_ok=True)
        for log in self.logs:
            with log.open("rb") as whole:
                whole.seek(max(log.stat().st_size - KEPT_BYTES, 0))
                (folder / log.name).write_bytes(whole.read())

    async def _start(self, member: Member) -> None:
        arguments, environment = (member.verb, "--env-file", os.devnull), {**self._environment, **member.variables}
        with self.logs[self.members.index(member)].open("ab") as log:
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
