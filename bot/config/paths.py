"""Who a process is among those that share a database, and where it keeps files: on the disk of its data, always.

Every process has a name of its own, which is the `worker_id` of the leases that it holds. On SQLite the name never
changes, so a start knows that whatever carries it was a dead predecessor's. On PostgreSQL each start draws a new one,
because several processes run at once.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from bot.store.url import file_of, is_sqlite, read_url


@dataclass(frozen=True, slots=True)
class Paths:
    """Made by `paths_of`."""

    worker_id: str
    alone: bool  # no other process works on this database
    spool: Path  # of this process alone; `worker_id` is its name where several lie in one folder
    held: Path  # pictures that came inside an answer of the image API and have no address


def paths_of(database_url: str) -> Paths:
    """A SQLite file has one process: what the last one held is this one's, and the files lie beside the database.

    On PostgreSQL every process is new. Its spool may be forgotten: everything in it can be fetched again. It lies in
    the folder of the data, as /tmp is often a disk in memory.
    """
    url = read_url(database_url)
    if is_sqlite(url):
        file = file_of(url)
        return Paths("the only one", True, file.with_name(f"{file.name}.spool"), file.with_name(f"{file.name}.held"))
    worker_id = secrets.token_hex(8)
    return Paths(worker_id, False, Path("data", "spool", worker_id), Path("data", "held"))
