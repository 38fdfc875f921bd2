"""Files on their way to Discord: read from the disk in small pieces as the line takes them, and watched meanwhile.

An upload has no bound in all, because a slow line is no fault of a picture. It is given up when nothing has moved for
a while: neither a piece of a file, nor, once all are sent, Discord's answer.

discord.py sends a file in pieces, with the length of the whole known beforehand, and aiohttp asks for the next piece
when the line has taken the last. So the memory holds a few pieces of each upload, however large its files are. Each
attempt opens the files anew.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Coroutine, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import discord

from bot.jobs.fair_slots import Transfer

T = TypeVar("T")

#: How much is read of a file at once, in bytes: more is quicker, but on a slow line it moves too seldom to be seen.
PIECE_BYTES = 32 * 1024


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """By what an upload is given up; times are in seconds."""

    #: With a piece as the least that counts, this is a rate of 270 bytes a second too. Discord may think about a whole
    #: upload so long, and what the machine holds back of its end has to get out meanwhile.
    silence_s: float = 120.0


UPLOAD_LIMITS = UploadLimits()


@dataclass(frozen=True, slots=True)
class Files:
    """What one request uploads: each file with the name that it gets, and one alternative text for all.

    The bytes are counted in `transfer`, those of a second attempt anew.
    """

    named: Sequence[tuple[Path, str]]
    alt: str | None = None
    transfer: Transfer = field(default_factory=Transfer)

    @contextmanager
    def opened(self) -> Generator[Sequence[discord.File]]:
        """The files for one attempt, as discord.py uploads them. Raises OSError."""
        with ExitStack() as stack:
            files: list[discord.File] = []
            for path, name in self.named:
                file = discord.File(_CountedFile(path, self.transfer), filename=name, description=self.alt)
                stack.callback(_close, file)
                files.append(file)
            yield files


class _CountedFile(io.BufferedReader):
    """A file of the disk that says how much was read of it. It is read in aiohttp's threads."""

    def __init__(self, path: Path, transfer: Transfer) -> None:
        super().__init__(io.FileIO(path))
        self._transfer = transfer

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size if size is None or size < 0 else min(size, PIECE_BYTES))
        self._transfer.bytes += len(piece)
        return piece


def _close(file: discord.File) -> None:
    """discord.py closes only what it has opened, and lends the file's own `close` back."""
    file.close()
    file.fp.close()


async def watched(
    request: Coroutine[Any, Any, T], transfer: Transfer, limits: UploadLimits = UPLOAD_LIMITS, *, within_s: float
) -> T:
    """Make a request that uploads. Raises TimeoutError when it falls silent, or is not done `within_s`."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within_s
    step_s = limits.silence_s / 8
    async with asyncio.timeout_at(min(loop.time() + limits.silence_s, end)) as deadline:

        def look(before: int) -> None:
            """Give more time where bytes have moved since the last look."""
            nonlocal timer
            if deadline.expired():
                return
            if transfer.bytes > before:
                deadline.reschedule(min(loop.time() + limits.silence_s, end))
            timer = loop.call_later(step_s, look, transfer.bytes)

        timer = loop.call_later(step_s, look, transfer.bytes)
        try:
            return await request
        finally:
            timer.cancel()
