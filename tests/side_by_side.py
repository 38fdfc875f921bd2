"""What processes that run tests side by side share: fork servers and a PostgreSQL server, each of which costs seconds.

The process that hands out the tests makes a folder for them, and ends them. It tells the others by a variable, so that
they and what they start find the folder. Without it each process has servers of its own.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.bots import SHARED
from tests.databases import ending_shared_postgres
from tests.forking import workers


@contextmanager
def sharing(tests: Sequence[str]) -> Generator[str]:
    """The servers are there for whoever is started meanwhile; gives what xdist is to start for each worker.

    `tests` are the arguments that select the tests. The first who needs the PostgreSQL server waits for its start.
    """
    # A short path, because a socket's name has at most 107 bytes; in memory where that serves the tests as a disk.
    folder = Path(tempfile.mkdtemp(prefix="easel-shared-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT") or None))
    folder.chmod(0o711)  # PostgreSQL runs as somebody else
    os.environ[SHARED] = str(folder)
    try:
        with workers.serving(folder, tests), ending_shared_postgres(folder):
            yield workers.worker_command(folder)
    finally:
        del os.environ[SHARED]
        shutil.rmtree(folder, ignore_errors=True)
