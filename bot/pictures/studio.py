"""Checks sources and fits pictures to upload limits, each in a process of its own.

Decoding what strangers send takes memory and processor time that belong to the replies of everyone else, and decoders
have faults, so none of it happens in this process: Pillow is not even imported here. process.py is the other side.
It may be in somebody else's hands by the time it answers, so its answer is read as carefully as the picture: answer.py.
One of them runs at a time, and checks and deliveries take turns: see turns.py.
"""

from __future__ import annotations

import asyncio
import json
import math
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from bot.errors import BadSource, SourceFault
from bot.model import MAX_SOURCE_BYTES, PictureFormat, PictureInfo
from bot.pictures.answer import Heard, Wanted, hear
from bot.pictures.reading import read
from bot.pictures.turns import Lane, Turns, Work

log = structlog.stdlib.get_logger(__name__)

#: Seconds for one check. The slowest honest file takes 2 of processor time (measured).
CHECK_LIMIT = 10.0
#: Seconds for one copy of a source. The slowest takes 2 of processor time, too (measured), and the process lets
#: everything else on the machine go first.
SHRINK_LIMIT = 20.0
#: Seconds for fitting one picture. The slowest, 2048 x 2048 of noise that shows through, takes 5 of processor time
#: (measured), and the process lets everything else on the machine go first.
FIT_LIMIT = 60.0
#: Address space of one picture process, of which the interpreter and the libraries take 50 MB. With the bot beside it
#: that stays under 300 MB, the most that Easel takes of a machine of 512.
MEMORY_LIMIT = 208 * 1024 * 1024
MAX_SHRUNK_BYTES = 2_000_000
MAX_SHRUNK_SIDE = 2048  # pixels

# Ends that are our doing or the kernel's. SIGKILL may also be the memory's.
_KILLED = frozenset({-9, -signal.SIGTERM})
_TOO_LONG = -24  # SIGXCPU: the processor time is used up
_PROJECT = Path(__file__).resolve().parents[2]
PROGRAM = f"import sys; sys.path.insert(0, {str(_PROJECT)!r}); from bot.pictures.process import main; main()"
#: All that the process knows of its surroundings: no token, no key, no address of a database.
#: On Windows no program starts without the folder of the system.
ENVIRONMENT: Mapping[str, str] = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    **({"SYSTEMROOT": r"C:\Windows"} if sys.platform == "win32" else {}),
}


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

    def __init__(
        self,
        *,
        check_limit: float = CHECK_LIMIT,
        fit_limit: float = FIT_LIMIT,
        memory_limit: int = MEMORY_LIMIT,
        program: str = PROGRAM,
    ) -> None:
        """The limits are in seconds for one picture, and in bytes of address space. `program` is what is run for it."""
        self._program = program
        self._check_limit = check_limit
        self._fit_limit = fit_limit
        self._memory_limit = memory_limit
        self.turns = Turns()

    async def check_source(self, path: Path, user_id: int) -> PictureFormat:
        """Say what a source is by its bytes, after reading it as a whole. Raises BadSource."""
        try:
            file = PictureInfo.at(path)
            if file is None:
                raise BadSource(_other_fault(path))
            if file.bytes > MAX_SOURCE_BYTES:
                raise BadSource(SourceFault.TOO_LARGE, file.bytes)
            async with self.turns.turn(self.turns.work(user_id), Lane.CHECK):
                kind = await self._ask(path, self._check_limit, do="check")
            if kind is not file.format:
                raise BadSource(SourceFault.BROKEN)
        except BadSource:
            self.turns.bad(user_id)
            raise
        return kind

    async def fit(
        self, files: Sequence[Path], *, max_file: int, max_total: int, into: Path, user_id: int
    ) -> list[Fitted]:
        """Make pictures fit into one message: `max_file` bytes each, `max_total` bytes together.

        What fits passes untouched. Otherwise the largest is encoded anew, into its fair share of the room, until the
        rest fits as it is. New files are written into the folder `into`. One entry for each file, in their order.
        What a picture says of where it came from (Exif, XMP, C2PA) stays with it.
        """
        fitted: list[Fitted] = []
        work = self.turns.work(user_id)
        sizes: dict[int, int] = {}
        for index, path in enumerate(files):
            file = PictureInfo.at(path)
            fitted.append(Fitted(path, file.format) if file else Fitted(path, PictureFormat.JPEG, dropped=True))
            if file:
                sizes[index] = file.bytes
        room = max_total
        while sizes:
            share = min(max_file, fair_share(sizes.values(), room))
            index = max(sizes, key=sizes.__getitem__)
            if sizes.pop(index) <= share:
                break
            target = into / f"fitted-{index + 1}"
            fitted[index] = await self._encoded(fitted[index], work, target, share, do="fit")
            room -= 0 if fitted[index].dropped else fitted[index].path.stat().st_size
        return fitted

    async def shrink(
        self,
        path: Path,
        into: Path,
        user_id: int,
        max_bytes: int = MAX_SHRUNK_BYTES,
        max_side: int = MAX_SHRUNK_SIDE,
    ) -> Fitted:
        """Make a copy of a source to keep beside the result, in the folder `into`, with nothing in it but the picture.

        No place, camera, name or text goes along, nor anything behind the picture. It has at most `max_side` pixels on
        the longer side, and stands upright. What is small already is written anew without being decoded.
        """
        file = PictureInfo.at(path)
        if file is None:
            return Fitted(path, PictureFormat.JPEG, dropped=True)
        if file.bytes <= max_bytes:
            small = into / f"small-{path.stem}.{file.format.extension}"
            stripped = await asyncio.to_thread(_stripped, path, small, max_side)
            if stripped is not None:
                return stripped
        target = into / f"small-{path.stem}"
        return await self._encoded(
            Fitted(path, file.format), self.turns.work(user_id), target, max_bytes, do="shrink", max_side=max_side
        )

    async def _encoded(self, given: Fitted, work: Work, target: Path, max_bytes: int, **ask: object) -> Fitted:
        """`target` is the path of the new file without its extension."""
        seconds = self._fit_limit if ask["do"] == "fit" else SHRINK_LIMIT
        async with self.turns.turn(work, Lane.DELIVERY):
            wanted, kind = Wanted(target, max_bytes), None
            try:
                kind = await self._ask(given.path, seconds, wanted, max_bytes=max_bytes, **ask)
            except BadSource as error:
                log.warning("picture dropped", file=given.path.name, fault=str(error))
                return Fitted(given.path, given.format, dropped=True)
            else:
                return Fitted(wanted.path(kind), kind, changed=True)
            finally:
                if kind is None:
                    wanted.discard()

    async def _ask(self, path: Path, seconds: float, wanted: Wanted | None = None, **ask: object) -> PictureFormat:
        """Run the picture process. Raises BadSource."""
        ask |= {"path": str(path.absolute()), "memory": self._memory_limit, "seconds": math.ceil(seconds)}
        heard = await self._run(json.dumps(ask), seconds, wanted)
        if heard.is_nonsense:
            log.error("picture process said what it cannot mean", code=heard.code)
            raise BadSource(SourceFault.BROKEN)
        if heard.code != 0:
            log.warning("picture process failed", code=heard.code, error=heard.errors[-300:])
            if heard.code == _TOO_LONG:
                raise BadSource(SourceFault.TOO_COMPLEX)
            raise BadSource(SourceFault.NO_ROOM if heard.code in _KILLED else SourceFault.BROKEN)
        if isinstance(heard.answer, BadSource):
            raise heard.answer
        if heard.answer is None:
            raise BadSource(SourceFault.BROKEN)
        return heard.answer

    async def _run(self, ask: str, seconds: float, wanted: Wanted | None) -> Heard:
        """What one picture process said, which never outlives this call."""
        try:
            process = start(ask, self._program)
        except OSError as error:  # no memory or no process left on this machine
            log.error("picture process did not start", error=str(error))
            raise BadSource(SourceFault.NO_ROOM) from error
        talk = asyncio.get_running_loop().run_in_executor(None, hear, process, wanted)
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(talk)
        except TimeoutError:
            log.warning("picture process took too long", seconds=seconds)
            raise BadSource(SourceFault.TOO_COMPLEX) from None
        except OSError as error:
            log.warning("a picture made smaller cannot be written", error=error.strerror)
            raise BadSource(SourceFault.NO_ROOM) from error
        finally:
            if not talk.done():
                process.kill()
                await asyncio.wait([talk])


def start(ask: str, program: str = PROGRAM) -> subprocess.Popen[bytes]:
    """Start the picture process.

    Not by asyncio's own means: cancelled while it starts a process, it waits for ever (seen with Python 3.11.7).
    """
    return subprocess.Popen(  # noqa: S603 - no shell, and the program is our own
        [sys.executable, "-I", "-c", program, ask],
        cwd=_PROJECT,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        process_group=0,  # a Ctrl-C in the terminal is for the bot to handle
    )


def _stripped(path: Path, target: Path, max_side: int) -> Fitted | None:
    """Write the picture of a small file and nothing else of it; None where that takes decoding."""
    data = path.read_bytes()
    try:
        found = read(data)
    except BadSource as error:
        log.warning("picture dropped", file=path.name, fault=str(error))
        return Fitted(path, PictureFormat.JPEG, dropped=True)
    if found.orientation != 1 or max(found.width, found.height) > max_side:
        return None
    if found.is_stripped(len(data)):
        return Fitted(path, found.format)
    with target.open("wb") as file:
        file.writelines(found.stripped(data))
    return Fitted(target, found.format, changed=True)


def _other_fault(path: Path) -> SourceFault:
    try:
        with path.open("rb") as file:
            return SourceFault.of(file.read(32))
    except OSError:
        return SourceFault.UNREADABLE


def fair_share(sizes: Iterable[int], room: int) -> int:
    """How many bytes each may take of `room`, where those that need less leave the rest to the others."""
    ascending = sorted(sizes)
    for index, size in enumerate(ascending):
        share = room // (len(ascending) - index)
        if size > share:
            return share
        room -= size
    return ascending[-1]
