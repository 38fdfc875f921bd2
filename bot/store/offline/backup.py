"""A copy of the database while the bot runs: always one SQLite file, whichever the database is.

What a copy holds of unfinished jobs grows old: until it is used they may have been bought, delivered or deleted. So
it has them as *restored*, and a start on the copy looks what became of each before it does anything. Notices are left
out, and so are approvals under way: by then they were given and carried out.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError

from bot.errors import StoreError
from bot.model import OPEN_STATES, JobState
from bot.store import faults
from bot.store.engine import SQLITE_BUSY_MS, postgresql_engine
from bot.store.migrate import create_tables
from bot.store.offline.copying import Progress, copy_rows, is_at_head, no_progress
from bot.store.url import file_of, is_sqlite, place_of, read_url

_UNFINISHED = ", ".join(f"'{state}'" for state in sorted(OPEN_STATES))
#: A timed-out job that nobody was told of may have been asked for again since.
_RESTORED = (
    f"UPDATE jobs SET state = '{JobState.RESTORED}', told = 0, owner = NULL, lease_until = NULL"  # noqa: S608
    f" WHERE state IN ({_UNFINISHED}) OR (state = '{JobState.TIMED_OUT}' AND told = 0)"
)


@dataclass(frozen=True, slots=True)
class Backup:
    """What was written."""

    jobs: int
    unfinished: int
    bytes: int


def back_up(database_url: str, file: Path, progress: Progress = no_progress) -> Backup:
    """Write a copy of the database to `file`, which must not be there yet. Blocks.

    The bot may run meanwhile and is not held up. Raises StoreError or StartError, and leaves nothing behind then.
    """
    url = read_url(database_url)
    with _new_file(file) as part:
        try:
            if is_sqlite(url):
                _copy_file(file_of(url), part)
            else:
                _copy_tables(database_url, part, progress)
            found = _finish(part)
        except sqlite3.Error as error:
            source = file_of(url) if is_sqlite(url) else file
            raise StoreError(faults.copy_fault(source, file, error)) from error
    return found


@contextmanager
def _new_file(file: Path) -> Generator[Path]:
    """A file beside `file` that takes its name once the block has ended well. Only its owner may read it."""
    if os.path.lexists(file):
        raise StoreError(f"{file} is there already, and a backup overwrites nothing: give another name.")
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".part", dir=file.absolute().parent)
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {error.strerror}.") from None
    part = Path(name)
    try:
        yield part
        os.fsync(descriptor)
        # A link and not a renaming, which would replace what somebody has put there meanwhile.
        os.link(part, file)
        _sync_folder(file.absolute().parent)
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {error.strerror}.") from None
    finally:
        os.close(descriptor)
        for left in (part, part.with_name(f"{part.name}-journal"), part.with_name(f"{part.name}-wal")):
            left.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Bring the new name to the disk too. Windows opens no folders, and does this by itself."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _copy_file(source: Path, part: Path) -> None:
    if not source.is_file():
        raise StoreError(f"There is no database at {source} yet; look at DATABASE_URL.")
    with closing(sqlite3.connect(f"{source.as_uri()}?mode=rw", uri=True)) as opened, closing(_opened(part)) as copy:
        opened.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_MS}")
        # All pages in one step: in WAL mode that reads one moment's state and keeps no writer waiting, while a copy
        # in several steps begins anew whenever the bot writes.
        opened.backup(copy, pages=-1)


def _copy_tables(database_url: str, part: Path, progress: Progress) -> None:
    url = read_url(database_url)
    source, target = postgresql_engine(url), create_engine(f"sqlite:///{part}", hide_parameters=True)
    try:
        with source.connect().execution_options(isolation_level="REPEATABLE READ") as opened:
            if not is_at_head(opened):
                raise StoreError(
                    f"The database at {place_of(url)} was written by another version of Easel, or never by any: "
                    "back it up with the version that runs on it."
                )
            with target.begin() as copy:
                create_tables(copy)
                copy_rows(opened, copy, progress)
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise error.orig from error
        raise StoreError(faults.start_fault(url, error)) from error
    finally:
        source.dispose()
        target.dispose()


def _finish(part: Path) -> Backup:
    """Make the copy one that can be restored, and see that it is sound."""
    with closing(_opened(part)) as copy:
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, no second one beside it
        copy.execute("PRAGMA synchronous=FULL")
        unfinished = copy.execute(_RESTORED).rowcount
        if copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'notices'").fetchone():  # new since 0004
            copy.execute("DELETE FROM notices")
        if copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'approvals'").fetchone():  # new since 0010
            # What is being done is done by the time that the copy is used.
            copy.execute("DELETE FROM approvals WHERE due_at IS NOT NULL")
        copy.commit()
        if copy.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
            raise StoreError("The copy is damaged, so the database may be too: check its disk, and keep older backups.")
        jobs = int(copy.execute("SELECT COUNT(*) FROM jobs").fetchone()[0])
    return Backup(jobs, unfinished, part.stat().st_size)


def _opened(part: Path) -> sqlite3.Connection:
    return sqlite3.connect(part)
