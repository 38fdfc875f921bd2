"""A small machine: memory and disk of everything that is measured are bound, where the system lets us.

All in one control group below our own: this process, its children and the PostgreSQL server, with what the system keeps
of their files in memory. Only Linux's first version of control groups lets a process do that for itself without the
service manager's help; elsewhere one starts the bench in a bounded place, and is told so.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Sequence
from pathlib import Path

MEMORY_MB = 460
DISK_BYTES_PER_S, DISK_READS_PER_S = 100_000_000, 3_000
_ROOT = Path("/sys/fs/cgroup")
_NAME = "easel-bench"


@contextlib.contextmanager
def small_machine(folder: Path) -> Generator[Sequence[str]]:
    """Bind this process and its children; yields what holds, as sentences. `folder` is on the disk that is bound."""
    with contextlib.ExitStack() as stack:
        said: list[str] = []
        for what, bind in (("memory", _memory), ("disk", lambda: _disk(folder))):
            try:
                controller, limits, sentence = bind()
                stack.enter_context(_inside(controller, limits))
                said.append(sentence)
            except OSError as exc:
                said.append(
                    f"The {what} is NOT bound ({exc.strerror}); try systemd-run --scope -p MemoryMax={MEMORY_MB}M."
                )
        yield said


def _memory() -> tuple[str, dict[str, str], str]:
    limits = {"memory.limit_in_bytes": f"{MEMORY_MB}M"}
    return "memory", limits, f"Memory is bound to {MEMORY_MB} MB, with the files that the system keeps in it."


def _disk(folder: Path) -> tuple[str, dict[str, str], str]:
    number = folder.stat().st_dev
    device = f"{os.major(number)}:{os.minor(number)}"
    if (part := Path("/sys/dev/block", device, "partition")).exists():
        device = (part.resolve().parent.parent / "dev").read_text().strip()
    limits = {
        "blkio.throttle.read_bps_device": f"{device} {DISK_BYTES_PER_S}",
        "blkio.throttle.read_iops_device": f"{device} {DISK_READS_PER_S}",
    }
    return (
        "blkio",
        limits,
        f"The disk reads at most {DISK_BYTES_PER_S // 10**6} MB and {DISK_READS_PER_S:,} times a second.",
    )


@contextlib.contextmanager
def _inside(controller: str, limits: dict[str, str]) -> Generator[None]:
    """In a group of our own below the one that this process is in. Raises OSError where that cannot be."""
    before = _ROOT / controller / _group(controller).lstrip("/")
    group = before / f"{_NAME}-{os.getpid()}"
    group.mkdir()
    try:
        for name, value in limits.items():
            (group / name).write_text(value)
        (group / "cgroup.procs").write_text(str(os.getpid()))
        yield
    finally:
        (before / "cgroup.procs").write_text(str(os.getpid()))
        group.rmdir()


def _group(controller: str) -> str:
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        if controller in names.split(","):
            return path
    raise FileNotFoundError(0, "no control groups of the first version here")
