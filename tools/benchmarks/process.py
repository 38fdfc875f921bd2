"""The bot under measure, an unmodified `python -m bot run` or the baseline, and what Linux tells of it in /proc."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sandbox.bot_process import PROJECT, BotProcess
from tools.benchmarks import published

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
#: Fields of /proc/PID/stat after the closing bracket of the name, which may itself hold blanks: see proc(5).
_CHILDREN_USER, _CHILDREN_SYSTEM = 13, 14
_FORGET_PEAK = "5"  # written to clear_refs
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Cpu:
    """Seconds of processor time since the start; `children_s` is that of picture processes which have ended."""

    own_s: float
    children_s: float

    def __sub__(self, other: Cpu) -> Cpu:
        return Cpu(self.own_s - other.own_s, self.children_s - other.children_s)


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory in MB of 1,048,576 bytes: now, and the most since the start or since `forget_peak`."""

    now_mb: float
    peak_mb: float


class Contestant(StrEnum):
    """Who is measured."""

    EASEL = "Easel"
    PLAIN = "plain"
    PUBLISHED = "GPTDiscord"


def _program(contestant: Contestant) -> tuple[str, ...]:
    match contestant:
        case Contestant.EASEL:
            return (sys.executable, "-m", "bot", "run", "--env-file", os.devnull)
        case Contestant.PLAIN:
            return (sys.executable, "-m", "tools.benchmarks.baseline")
        case Contestant.PUBLISHED:
            return (str(published.interpreter()), "-c", published.STARTER)


class MeasuredBot(BotProcess):
    """A bot, with its log in a file and its numbers at hand."""

    def __init__(self, contestant: Contestant, variables: Mapping[str, str], log: Path) -> None:
        super().__init__(variables)
        self._program = _program(contestant)
        # The published bot writes where it works, and must not find Easel's rooms there.
        self._folder = log.parent if contestant is Contestant.PUBLISHED else PROJECT
        self._log = log

    async def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._program,
                cwd=self._folder,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )

    def cpu(self) -> Cpu:
        fields = (self._proc / "stat").read_text().rpartition(")")[2].split()
        children = int(fields[_CHILDREN_USER]) + int(fields[_CHILDREN_SYSTEM])
        # Nanoseconds thread by thread: a few jobs take no more than some of the ticks of 10 ms that `stat` counts in.
        own = sum(int(thread.read_text().split()[0]) for thread in self._proc.glob("task/*/schedstat"))
        return Cpu(own / 1e9, children / _TICKS_PER_S)

    def event_loop_s(self) -> float:
        """Seconds of processor time of the first thread alone, which runs the event loop."""
        assert self._process is not None
        return int((self._proc / f"task/{self._process.pid}/schedstat").read_text().split()[0]) / 1e9

    def memory(self) -> Memory:
        return Memory(_status_mb(self._proc, "VmRSS"), _status_mb(self._proc, "VmHWM"))

    def forget_peak(self) -> None:
        """Let the peak begin anew. Where the kernel refuses, it stays the peak since the start."""
        with contextlib.suppress(OSError):
            (self._proc / "clear_refs").write_text(_FORGET_PEAK)

    async def watch_children(self, peak: Peak) -> None:
        """Keep in `peak` how much memory the picture processes took at most; runs until it is cancelled."""
        while True:
            peak.see(sum(self._children_mb()))
            await asyncio.sleep(_LOOK_S)

    @property
    def _proc(self) -> Path:
        assert self._process is not None
        return Path("/proc", str(self._process.pid))

    def _children_mb(self) -> Iterator[float]:
        for children in self._proc.glob("task/*/children"):
            with contextlib.suppress(OSError):  # the thread has ended meanwhile
                for pid in children.read_text().split():
                    yield _status_mb(Path("/proc", pid), "VmRSS")


@dataclass(slots=True)
class Peak:
    """The largest number seen so far."""

    value: float = 0.0

    def see(self, value: float) -> None:
        self.value = max(self.value, value)


def _status_mb(process: Path, name: str) -> float:
    """A line of /proc/PID/status, told in KiB, as MB of 1,048,576 bytes; 0 for a process that has ended."""
    with contextlib.suppress(OSError):
        for line in (process / "status").read_text().splitlines():
            key, _, value = line.partition(":")
            if key == name:
                return int(value.split()[0]) / 1024
    return 0.0
