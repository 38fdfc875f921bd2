"""A limit on the memory of a process and all that it starts, as a container or a small machine has it: a control group.

Needs the kernel's cgroups, of the first or the second version, and the right to make one.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.hostile import memory_of

ROOT = Path("/sys/fs/cgroup")
MISSING = "a memory limit takes rights that this user does not have"


@dataclass(frozen=True, slots=True)
class MemoryLimit:
    """`peak` and `kills` are files of the kernel."""

    folder: Path
    peak: Path
    events: Path

    @property
    def most(self) -> int:
        """The most bytes that were charged."""
        return int(self.peak.read_text()) if self.peak.exists() else 0

    @property
    def kills(self) -> int:
        """How many processes were ended for want of memory."""
        counts = dict(line.split() for line in self.events.read_text().splitlines() if len(line.split()) == 2)
        return int(counts.get("oom_kill", 0))


@contextmanager
def limited(pid: int, most: int) -> Generator[MemoryLimit]:
    """Let a process, and all that it starts from now on, have `most` bytes together. Skips where that cannot be.

    What it has taken before is charged to where it was, and therefore taken off.
    """
    second = (ROOT / "cgroup.controllers").exists()
    folder = ROOT / ("" if second else "memory") / f"easel-test-{os.getpid()}"
    limit = folder / ("memory.max" if second else "memory.limit_in_bytes")
    try:
        if second:
            (ROOT / "cgroup.subtree_control").write_text("+memory")
        folder.mkdir()
        limit.write_text(str(most - memory_of(pid)))
        (folder / "cgroup.procs").write_text(str(pid))
    except OSError:
        with contextlib.suppress(OSError):
            folder.rmdir()
        pytest.skip(MISSING)
    try:
        names = ("memory.peak", "memory.events") if second else ("memory.max_usage_in_bytes", "memory.oom_control")
        yield MemoryLimit(folder, *(folder / name for name in names))
    finally:
        # A group goes when it is empty: the bot and what it has started go back to where we are.
        home = folder.parent / "cgroup.procs"
        for member in (folder / "cgroup.procs").read_text().split():
            with contextlib.suppress(OSError):
                home.write_text(member)
        with contextlib.suppress(OSError):
            folder.rmdir()
