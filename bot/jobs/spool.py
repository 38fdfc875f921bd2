"""The folder in which sources and pictures wait between download and upload, so that they never fill the memory.

It lies on the disk of the data, never in a memory disk, and is bounded: so much for one person's sources, so much for
everybody's, and so much of the disk stays free. Results are paid for and are not refused: where there is no room they
wait at the image API until others are delivered, and so much is kept of those that nobody has fetched yet. Large
results have to be encoded anew, which takes seconds each, so small ones have room that large ones cannot take.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bot.errors import BadSource, SourceFault, StartError
from bot.store.sync.file_lock import lock as lock_file

#: A spool without a lock that nothing was put into for so long is that of a process that was killed as it began.
ABANDONED_AFTER_S = 3600.0
NEXT_IN_LINE = 8  # so many of those who wait for room may come in before each other
#: A job is small up to here: four pictures of 1k, by what they are expected to take. A sixth of the room is for these.
SMALL_BYTES, FOR_SMALL = 16_000_000, 1 / 6
#: Windows has neither flag: it hands no file on by itself, and only its administrators make links.
_FLAGS = os.O_RDWR | getattr(os, "O_CLOEXEC", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """In bytes."""

    per_user: int = 250_000_000  # sources of one person's requests: three of three files of 25 MB
    sources: int = 1_500_000_000  # of everybody's requests
    results: int = 1_500_000_000  # between download and upload, everybody's; one job always has room
    kept: int = 1_000_000_000  # pictures that stand in no message and wait to be fetched; the oldest go first
    free: int = 100_000_000  # of the disk, for the database above all


class Spool:
    """One folder per job. A lost spool loses nothing: everything in it can be fetched again."""

    def __init__(self, root: Path, limits: SpoolLimits = SpoolLimits()) -> None:
        """Make the folder, for this user's eyes alone. Raises OSError where it cannot be written."""
        self.root = root
        self._limits = limits
        self._reserved: dict[str, tuple[int, int]] = {}  # by job: whose it is, and bytes of its sources
        self._results: dict[str, int] = {}  # by job: bytes of its results, as expected until they are here
        self._expected_of: dict[str, int] = {}  # of these, what may not have been written yet
        self._large: set[str] = set()  # jobs among them whose results are not small
        # Jobs whose results have no room yet, the first that asked first: large ones and small ones.
        self._waiting: tuple[dict[str, None], dict[str, None]] = ({}, {})
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        root.chmod(0o700)

    def picture(self, job_id: str, index: int) -> Path:
        """Where result number `index` (from 0) of a job lies."""
        return self._folder(job_id) / f"picture-{index + 1}"

    def source(self, job_id: str, index: int) -> Path:
        """Where source number `index` (from 0) of a job lies."""
        return self._folder(job_id) / f"source-{index + 1}"

    def reserve(self, job_id: str, user_id: int, size: int) -> None:
        """Set room aside for a job's sources, `size` bytes together, until it is released.

        Raises BadSource where there is none: nothing has been bought then.
        """
        others = {job: it for job, it in self._reserved.items() if job != job_id}
        theirs = sum(it for owner, it in others.values() if owner == user_id)
        everybodys = sum(it for _, it in others.values())
        # What is reserved may not have been written yet.
        free = shutil.disk_usage(self.root).free - everybodys
        if (
            theirs + size > self._limits.per_user
            or everybodys + size > self._limits.sources
            or free - size < self._limits.free
        ):
            raise BadSource(SourceFault.NO_ROOM, size)
        self._reserved[job_id] = (user_id, size)

    def has_room(self, job_id: str, size: int) -> bool:
        """Set room aside for a job's results, some `size` bytes together, until it is released.

        Returns False where there is none. Who asks in vain asks again. Jobs come in about in the order in which they
        asked first, so that none waits for ever beside others; small ones and large ones have a line each.
        """
        if job_id in self._results:
            return True
        is_small = size <= SMALL_BYTES
        waiting = self._waiting[is_small]
        waiting.setdefault(job_id)
        if self._results if is_small else self._large:
            # Most of a crowd is turned away here, before anything is summed up.
            if job_id not in islice(waiting, NEXT_IN_LINE):
                return False
            if not self._fits(size, is_small):
                return False
        del waiting[job_id]
        self._results[job_id] = size
        self._expected_of[job_id] = size
        if not is_small:
            self._large.add(job_id)
        return True

    def _fits(self, size: int, is_small: bool) -> bool:
        if sum(self._results.values()) + size > self._limits.results:
            return False
        large = 0 if is_small else sum(self._results[it] for it in self._large) + size
        if large > self._limits.results * (1 - FOR_SMALL):
            return False
        # What is expected may not have been written yet: better a job too few than a full disk.
        return shutil.disk_usage(self.root).free - size - sum(self._expected_of.values()) >= self._limits.free

    def settle(self, job_id: str, size: int) -> None:
        """A job's results are here, `size` bytes together."""
        if job_id in self._results:
            self._results[job_id] = size
            self._expected_of.pop(job_id, None)

    def release(self, job_id: str) -> None:
        """Give back the room that was set aside for a job's sources and results."""
        self._reserved.pop(job_id, None)
        self._results.pop(job_id, None)
        self._expected_of.pop(job_id, None)
        self._large.discard(job_id)
        for waiting in self._waiting:
            waiting.pop(job_id, None)

    def shelve(self, job_id: str) -> None:
        """Keep only the results of a job that nobody has fetched, for a while; see `trim`."""
        self.release(job_id)
        for path in (self.root / job_id).glob("*"):
            if not path.name.startswith("picture-"):
                path.unlink(missing_ok=True)

    def remove(self, job_id: str) -> None:
        """Delete all that lies here for a job. A folder that is not there is no fault."""
        self.release(job_id)
        folder = self.root / job_id
        try:
            # Only files lie in it. What rmtree does to be safe among links and folders costs the event loop far more.
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)

    def jobs(self) -> set[str]:
        """Ids of the jobs that something lies here for, but for what has room set aside: that is being worked on."""
        return {it.name for it in self.root.iterdir()} - self._reserved.keys()

    def trim(self, keep: Collection[str], *, older_than_s: float) -> int:
        """Delete what lies here for jobs that are not in `keep`: what is older, and then the oldest of too much.

        Returns how many folders went.
        """
        now, left, gone = time.time(), self._limits.kept, 0
        for folder, changed in sorted(self._stale(keep), key=lambda it: it[1], reverse=True):
            left -= sum(it.stat().st_size for it in folder.glob("*") if it.is_file())
            if left < 0 or now - changed >= older_than_s:
                shutil.rmtree(folder, ignore_errors=True)
                gone += 1
        return gone

    def _stale(self, keep: Collection[str]) -> Iterator[tuple[Path, float]]:
        for folder in self.root.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if folder.name not in keep and folder.name not in self._reserved:
                    yield folder, folder.stat().st_mtime

    def _folder(self, job_id: str) -> Path:
        folder = self.root / job_id
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder


class SharedSpools:
    """The spools of several processes in one folder, each with a lock that goes with its process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock: int | None = None

    def claim(self, name: str) -> Path:
        """Take a new spool, and delete those of processes that are gone. Raises OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mine = self.folder / f"{name}.lock"
        while True:
            self._lock = os.open(mine, os.O_CREAT | _FLAGS, 0o600)
            lock_file(self._lock, wait=True)
            if mine.exists():
                break
            os.close(self._lock)  # another process took it for abandoned in the moment before it was locked
        for lock in self.folder.glob("*.lock"):
            if lock.stem != name:
                _remove_if_abandoned(lock)
        for spool in self.folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                old = time.time() - spool.stat().st_mtime > ABANDONED_AFTER_S
                if old and spool.suffix != ".lock" and not spool.with_name(f"{spool.name}.lock").exists():
                    shutil.rmtree(spool, ignore_errors=True)
        return self.folder / name

    def give_up(self, name: str) -> None:
        """Delete our own spool as the process ends."""
        shutil.rmtree(self.folder / name, ignore_errors=True)
        if self._lock is not None:
            _remove(self.folder / f"{name}.lock", self._lock)
            self._lock = None


def open_spool(root: Path) -> Spool:
    """The spool of a process that starts. Raises StartError where its folder cannot be written."""
    try:
        return Spool(root)
    except OSError as error:
        raise _unwritable(root, error) from None


def claim_spool(spools: SharedSpools, name: str) -> None:
    """Take a place of its own for a process that starts. Blocks. Raises StartError."""
    try:
        spools.claim(name)
    except OSError as error:
        raise _unwritable(spools.folder, error) from None


def _unwritable(folder: Path, error: OSError) -> StartError:
    return StartError(f"The folder {folder} for pictures cannot be written: {error.strerror}.")


def _remove_if_abandoned(lock: Path) -> None:
    """Delete the spool of a lock that nobody holds. A killed process lets go of its locks."""
    try:
        file = os.open(lock, _FLAGS | _NO_LINK)
    except OSError:
        return
    try:
        lock_file(file)
    except BlockingIOError:
        os.close(file)  # it is alive
        return
    shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
    _remove(lock, file)


def _remove(path: Path, descriptor: int) -> None:
    """Delete a lock that this process holds, and let go of it.

    In this order, so that nobody takes a lock whose file goes a moment later. Windows deletes no file that is open, so
    there it is the other way round: whoever has opened it meanwhile keeps it.
    """
    if sys.platform == "win32":
        os.close(descriptor)
        with contextlib.suppress(PermissionError):
            path.unlink(missing_ok=True)
    else:
        path.unlink(missing_ok=True)
        os.close(descriptor)
