"""Checks sources and fits pictures to upload limits, each in a process of its own, one process at a time.

Decoding what strangers send takes memory and processor time that belong to the replies of everyone else, so none of it
happens in this process: Pillow is not even imported here. See `picture_process` for the other side.
"""

from __future__ import annotations

import asyncio
import json
import math
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from bot.errors import BadSource, SourceFault
from bot.model import MAX_SOURCE_BYTES, PictureFormat
from bot.pictures.file_heads import HEAD_BYTES, sniff

log = structlog.stdlib.get_logger(__name__)

# Seconds for one picture. The slowest, 2048 x 2048 of noise that shows through, takes 5 of processor time (measured),
# and the process lets everything else on the machine go first.
TIME_LIMIT = 60.0
# Address space of the picture process. The greediest, a progressive JPEG of 50 megapixels, takes 318 MB (measured);
# a machine of 512 MB has room for that beside the bot's 80.
MEMORY_LIMIT = 384 * 1024 * 1024
MAX_SHRUNK_BYTES = 2_000_000
MAX_SHRUNK_SIDE = 2048  # pixels

# Ends that are our doing or the kernel's and say nothing about the file.
_KILLED = frozenset({-signal.SIGKILL, -signal.SIGTERM, -signal.SIGXCPU})
_PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Fitted:
    """What became of one picture.

    `path` is the file to upload: the given one, or where `changed` a new one of `format`. Where even the smallest
    is too large, or the file cannot be read, it is `dropped`: `path` is the given one, not to be uploaded.
    """

    path: Path
    format: PictureFormat
    changed: bool = False
    dropped: bool = False


class PictureStudio:
    """All work on picture files. Fulfils the runner's port `Inspector`."""

    def __init__(self, *, time_limit: float = TIME_LIMIT, memory_limit: int = MEMORY_LIMIT) -> None:
        """`time_limit` is in seconds for one picture, `memory_limit` in bytes of address space."""
        self._time_limit = time_limit
        self._memory_limit = memory_limit
        self._one_at_a_time = asyncio.Semaphore(1)

    async def check_source(self, path: Path) -> PictureFormat:
        """Say what a source is by its bytes, after decoding it as a whole. Raises BadSource."""
        size, kind = _glance(path)
        if size > MAX_SOURCE_BYTES:
            raise BadSource(SourceFault.TOO_LARGE, size)
        if kind is None:
            raise BadSource(SourceFault.NOT_A_PICTURE)
        answer = await self._ask(path, do="check")
        return PictureFormat(answer["format"])

    async def fit(self, files: Sequence[Path], *, max_file: int, max_total: int, into: Path) -> list[Fitted]:
        """Make pictures fit into one message: `max_file` bytes each, `max_total` bytes together.

        What fits passes untouched. Otherwise the largest is encoded anew, into its fair share of the room, until the
        rest fits as it is. New files are written into the folder `into`. One entry for each file, in their order.
        """
        fitted = list(map(_untouched, files))
        sizes = {index: _glance(files[index])[0] for index, entry in enumerate(fitted) if not entry.dropped}
        room = max_total
        while sizes:
            share = min(max_file, fair_share(sizes.values(), room))
            index = max(sizes, key=sizes.__getitem__)
            if sizes.pop(index) <= share:
                break
            fitted[index] = await self._encoded(
                files[index], do="fit", max_bytes=share, into=_whole(into / f"fitted-{index + 1}")
            )
            room -= 0 if fitted[index].dropped else _glance(fitted[index].path)[0]
        return fitted

    async def shrink(self, path: Path, into: Path, max_bytes: int = MAX_SHRUNK_BYTES) -> Fitted:
        """Make a copy of a source to keep beside the result, in the folder `into`.

        At most 2048 pixels on the longer side, upright, and without what the file tells of its maker. A file that is
        all this already stays as it is.
        """
        target = _whole(into / f"small-{path.stem}")
        return await self._encoded(path, do="shrink", max_bytes=max_bytes, max_side=MAX_SHRUNK_SIDE, into=target)

    async def _encoded(self, path: Path, **ask: object) -> Fitted:
        try:
            answer = await self._ask(path, **ask)
        except BadSource as error:
            log.warning("picture dropped", file=path.name, error=str(error))
            return Fitted(path, _untouched(path).format, dropped=True)
        new = answer.get("path")
        return Fitted(Path(new) if new else path, PictureFormat(answer["format"]), changed=bool(new))

    async def _ask(self, path: Path, **ask: object) -> dict[str, Any]:
        """Run the picture process. Raises BadSource."""
        ask |= {"path": _whole(path), "memory": self._memory_limit, "seconds": math.ceil(self._time_limit)}
        async with self._one_at_a_time:
            code, out, err = await self._run(json.dumps(ask))
        if code != 0:
            log.warning("picture process failed", code=code, error=err.decode(errors="replace").strip()[-300:])
            raise BadSource(SourceFault.UNREADABLE if code in _KILLED else SourceFault.BROKEN)
        answer = json.loads(out)
        if fault := answer.get("fault"):
            raise BadSource(SourceFault(fault), answer["amount"])
        return answer

    async def _run(self, ask: str) -> tuple[int, bytes, bytes]:
        """Exit code, output and errors of one picture process, which never outlives this call."""
        try:
            process = _start(ask)
        except OSError as error:  # no memory or no process left on this machine
            log.error("picture process did not start", error=str(error))
            raise BadSource(SourceFault.UNREADABLE) from error
        talk = asyncio.get_running_loop().run_in_executor(None, process.communicate)
        try:
            async with asyncio.timeout(self._time_limit):
                out, err = await asyncio.shield(talk)
        except TimeoutError:
            log.warning("picture process took too long", seconds=self._time_limit)
            raise BadSource(SourceFault.UNREADABLE) from None
        finally:
            if not talk.done():
                process.kill()
                await asyncio.wait([talk])
        return process.returncode, out, err


def _start(ask: str) -> subprocess.Popen[bytes]:
    """Start the picture process.

    Not by asyncio's own means: cancelled while it starts a process, it waits for ever (seen with Python 3.11.7).
    """
    return subprocess.Popen(  # noqa: S603 - no shell, and the program is our own
        [sys.executable, "-m", "bot.pictures.process", ask],
        cwd=_PROJECT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        process_group=0,  # a Ctrl-C in the terminal is for the bot to handle
    )


def fair_share(sizes: Iterable[int], room: int) -> int:
    """How many bytes each may take of `room`, where those that need less leave the rest to the others."""
    ascending = sorted(sizes)
    for index, size in enumerate(ascending):
        share = room // (len(ascending) - index)
        if size > share:
            return share
        room -= size
    return ascending[-1]


def _untouched(path: Path) -> Fitted:
    _, kind = _glance(path)
    return Fitted(path, kind or PictureFormat.JPEG, dropped=kind is None)


def _glance(path: Path) -> tuple[int, PictureFormat | None]:
    """Size and format by the first bytes; a file that is not there is empty and no picture."""
    try:
        with path.open("rb") as file:
            return path.stat().st_size, sniff(file.read(HEAD_BYTES))
    except OSError:
        return 0, None


def _whole(path: Path) -> str:
    """The picture process runs in another folder."""
    return str(path.absolute())
