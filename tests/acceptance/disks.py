"""Small disks, on which there is soon no room."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest


async def ran(*command: str) -> int:
    """The exit code of a command, run without its output."""
    silent = asyncio.subprocess.DEVNULL
    return await (await asyncio.create_subprocess_exec(*command, stdout=silent, stderr=silent)).wait()


@contextlib.asynccontextmanager
async def small_disk(folder: Path, megabytes: int = 2) -> AsyncGenerator[Path]:
    """A disk of a few MB. Skips where this user may not mount one."""
    folder.mkdir()
    if await ran("mount", "-t", "tmpfs", "-o", f"size={megabytes}M", "tmpfs", str(folder)) != 0:
        pytest.skip("mounting a small disk takes rights that this user does not have")
    try:
        yield folder
    finally:
        await ran("umount", "--lazy", str(folder))
