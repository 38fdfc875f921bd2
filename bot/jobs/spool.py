"""The folder in which pictures wait between download and delivery, so that they never fill the memory."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Collection
from pathlib import Path

#: A spool in which nothing came or went for so long is a killed process's; should it be in use, nothing is lost.
ABANDONED_AFTER_S = 2 * 86400.0


def sweep_abandoned(folder: Path, names: str) -> int:
    """Delete the spools of this user in `folder` that a killed process left behind; returns how many went."""
    swept = 0
    for spool in folder.glob(names):
        try:
            seen = spool.lstat()
            ours = seen.st_uid == os.getuid() and spool.is_dir() and not spool.is_symlink()
        except OSError:
            continue
        if ours and time.time() - seen.st_mtime > ABANDONED_AFTER_S:
            shutil.rmtree(spool, ignore_errors=True)
            swept += 1
    return swept


class Spool:
    """One folder per job. A lost spool loses nothing: everything in it can be fetched again."""

    def __init__(self, root: Path) -> None:
        """Make the folder. Raises OSError where it cannot be written."""
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    def picture(self, job_id: str, index: int) -> Path:
        """Where result number `index` (from 0) of a job lies."""
        return self._folder(job_id) / f"picture-{index + 1}"

    def source(self, job_id: str, index: int) -> Path:
        """Where source number `index` (from 0) of a job lies."""
        return self._folder(job_id) / f"source-{index + 1}"

    def remove(self, job_id: str) -> None:
        """Delete all that lies here for a job. A folder that is not there is no fault."""
        shutil.rmtree(self.root / job_id, ignore_errors=True)

    def sweep(self, keep: Collection[str], *, older_than_s: float = 0.0) -> int:
        """Delete the folders of all jobs but `keep` that nothing was put into for so long; returns how many went."""
        before = time.time() - older_than_s
        stale = [it for it in self.root.iterdir() if it.name not in keep and it.stat().st_mtime <= before]
        for folder in stale:
            shutil.rmtree(folder, ignore_errors=True)
        return len(stale)

    def _folder(self, job_id: str) -> Path:
        folder = self.root / job_id
        folder.mkdir(parents=True, exist_ok=True)
        return folder
