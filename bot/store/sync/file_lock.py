"""One process for one SQLite file: the lock beside it.

SQLite would let two processes write in turn, and both would take the jobs for their own. The lock is the operating
system's, so it goes when the process does, however it ends.

Windows has no `flock`. There one byte is locked, far behind what the file holds, since others cannot read a byte that
is locked.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bot.errors import StoreInUse

if sys.platform == "win32":
    import msvcrt

    _FAR_BEHIND = 1 << 30  # bytes

    def lock(descriptor: int, *, wait: bool = False) -> None:
        """Lock an open file. Raises BlockingIOError where another process has it, unless this is to `wait`."""
        while True:
            os.lseek(descriptor, _FAR_BEHIND, os.SEEK_SET)
            try:
                msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
            except OSError as error:  # `LK_LOCK` gives up after ten seconds
                if not wait:
                    raise BlockingIOError(error.errno, error.strerror) from None
            else:
                return
            finally:
                os.lseek(descriptor, 0, os.SEEK_SET)

else:
    import fcntl

    def lock(descriptor: int, *, wait: bool = False) -> None:
        """Lock an open file. Raises BlockingIOError where another process has it, unless this is to `wait`."""
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


class FileLock:
    """An exclusive lock that the operating system takes back when the process ends, `kill -9` included.

    SQLite itself would let a second process in; that one would take up the jobs the first works on.
    """

    def __init__(self, guarded: Path) -> None:
        self._guarded = guarded
        self._path = guarded.with_name(guarded.name + ".lock")
        self._descriptor: int | None = None

    def take(self) -> None:
        """Raises StoreInUse, or OSError where the folder allows no such file."""
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            lock(self._descriptor)
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, str(os.getpid()).encode("ascii"))
        except BlockingIOError:
            holder = os.read(self._descriptor, 20).decode("ascii", "replace") or "unknown"
            self.release()
            raise StoreInUse(
                f"Another process (pid {holder}) already uses {self._guarded};"
                " stop it first, or give this one another DATABASE_URL."
            ) from None
        except OSError:
            self.release()
            raise

    def release(self) -> None:
        """Idempotent. The file stays: removing it would let two later processes lock two different files."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
