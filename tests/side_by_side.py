"""What processes that run tests side by side share: a fork server and a PostgreSQL server, each of which costs seconds.

The process that hands out the tests makes a folder for both, and ends them. It tells the others by a variable, so that
they and what they start find the folder. Without it each process has servers of its own.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.bots import SHARED, forked
from tests.databases import ending_shared_postgres


@contextmanager
def sharing() -> Generator[None]:
    """Both servers are there for whoever is started meanwhile. The first who needs one of them waits for its start."""
    # A short path, because a socket's name has at most 107 bytes; in memory where that serves the tests as a disk.
    folder = Path(tempfile.mkdtemp(prefix="easel-shared-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT") or None))
    folder.chmod(0o711)  # PostgreSQL runs as somebody else
    os.environ[SHARED] = str(folder)
    try:
        with forked.serving(folder), ending_shared_postgres(folder):
            yield
    finally:
        del os.environ[SHARED]
        shutil.rmtree(folder, ignore_errors=True)
