"""Where pictures are painted: real ones in a process of their own, so that the event loop never waits for a brush."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol
from uuid import uuid4

from PIL import Image

from bot.model import PictureFormat
from sandbox.image_api.records import Finished, Submission

_PROJECT = Path(__file__).resolve().parents[2]
_WORKER = "sandbox.image_api.worker"
_LINE_LIMIT = 1_000_000  # bytes; a prompt has at most a few thousand characters


class PaintMode(StrEnum):
    """Real pictures, the smallest valid ones for load tests, or large ones of noise, as PNG.

    At 2k four of LARGE, of 5.9 MB each, just fit into one message of Discord's; NOISE is 2048 x 2048, 12.6 MB. At 1k
    both have a sixteenth of that.
    """

    REAL = "real"
    TINY = "tiny"
    LARGE = "large"
    NOISE = "noise"


class SourceUnreadable(Exception):
    """A source of an edit could not be fetched or is no usable picture. The message says why."""


class PainterGone(Exception):
    """The painter's process ended in the middle of a picture. The next picture starts a new one."""


class Studio(Protocol):
    """Paints the pictures of a submission."""

    async def paint(
        self, submission: Submission, sources: Sequence[bytes], count: int, picture_format: PictureFormat
    ) -> tuple[Finished, ...]:
        """Paint `count` pictures. Raises SourceUnreadable and PainterGone."""
        ...

    async def close(self) -> None: ...


class TinyStudio:
    """Valid pictures of a few hundred bytes, made once and handed out again; distinct per index."""

    async def paint(
        self, submission: Submission, sources: Sequence[bytes], count: int, picture_format: PictureFormat
    ) -> tuple[Finished, ...]:
        """Hand out tiny pictures; the sources have been looked at by their first bytes only."""
        shade = len(submission.prompt) % 8
        return tuple(Finished(_tiny(picture_format, index, shade), picture_format) for index in range(count))

    async def close(self) -> None:
        """Nothing to close."""


@lru_cache(maxsize=256)
def _tiny(picture_format: PictureFormat, index: int, shade: int) -> bytes:
    with BytesIO() as buffer, Image.new("RGB", (16, 16), (60 + 48 * index, 24 * shade, 160 - 32 * index)) as picture:
        picture.save(buffer, picture_format.value)
        return buffer.getvalue()


class NoiseStudio:
    """One PNG of noise, which nothing makes smaller without loss, for every picture of a resolution."""

    def __init__(self, side: int) -> None:
        """`side` is that of a 2k picture, in pixels."""
        self._side = side

    async def paint(
        self, submission: Submission, sources: Sequence[bytes], count: int, picture_format: PictureFormat
    ) -> tuple[Finished, ...]:
        """Hand out the noise, whatever was asked for."""
        side = self._side if submission.resolution == "2k" else self._side // 4
        picture = await asyncio.to_thread(noise, side)
        return tuple(Finished(picture, PictureFormat.PNG) for _ in range(count))

    async def close(self) -> None:
        """Nothing to close."""


@lru_cache(maxsize=4)
def noise(side: int) -> bytes:
    """A square PNG of noise, of a little more than 3 bytes for each pixel."""
    with BytesIO() as buffer, Image.frombytes("RGB", (side, side), os.urandom(side * side * 3)) as picture:
        picture.save(buffer, "png", compress_level=0)
        return buffer.getvalue()


class PaintingStudio:
    """One painter in a process of its own, started with the first picture, and a folder for what it paints."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._folder = TemporaryDirectory(prefix="easel-pictures-")
        self._turn = asyncio.Lock()
        self._process: Process | None = None

    async def paint(
        self, submission: Submission, sources: Sequence[bytes], count: int, picture_format: PictureFormat
    ) -> tuple[Finished, ...]:
        """Paint one picture after the other, each in its turn among all tasks."""
        paths = [self._new_file() for _ in sources]
        try:
            for path, content in zip(paths, sources, strict=True):
                await asyncio.to_thread(path.write_bytes, content)
            return tuple([await self._paint_one(submission, paths, index, picture_format) for index in range(count)])
        finally:
            for path in paths:
                path.unlink(missing_ok=True)

    async def close(self) -> None:
        """Let the painter finish its line, and clear the folder."""
        process, self._process = self._process, None
        if process and process.stdin:
            process.stdin.close()
            process.terminate()
            await process.wait()
        await asyncio.to_thread(self._folder.cleanup)

    def _new_file(self) -> Path:
        return Path(self._folder.name) / uuid4().hex

    async def _paint_one(
        self, submission: Submission, sources: Sequence[Path], index: int, picture_format: PictureFormat
    ) -> Finished:
        target = self._new_file()
        order = {
            "prompt": submission.prompt,
            "index": index,
            "seed": self._seed,
            "aspect_ratio": submission.aspect_ratio,
            "resolution": submission.resolution,
            "format": picture_format,
            "sources": [str(path) for path in sources],
            "target": str(target),
        }
        async with self._turn:
            answer = await self._ask(order)
        if answer["fault"]:
            raise SourceUnreadable(str(answer["fault"]))
        return Finished(target, picture_format)

    async def _ask(self, order: Mapping[str, object]) -> dict[str, object]:
        process = self._process or await self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(order).encode() + b"\n")
            await process.stdin.drain()
        except ConnectionError as error:
            self._process = None
            raise PainterGone from error
        if line := await process.stdout.readline():
            return json.loads(line)
        self._process = None
        raise PainterGone

    async def _start(self) -> Process:
        # a session of its own: Ctrl-C in the terminal is for the bot, the painter goes when its input closes
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            _WORKER,
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            cwd=_PROJECT,
            start_new_session=True,
            limit=_LINE_LIMIT,
        )
        return self._process
