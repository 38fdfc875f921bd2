"""Albums: somebody's own pictures of a month as zip files, one part after the other, each small enough to be posted.

Nothing is kept: a part lies in the spool while it is filled and posted, then it goes. So the disk holds one part and
one picture for each album, and there are few at a time. What the spool has no room for is not begun. Downloads take
no slot of those that deliveries need; an album has one connection and waits for its own.

An album goes from the newest picture to the oldest and can be left at any request: `Album.reached` says where to go on.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
import zipfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import structlog

from bot.errors import DownloadError, ReplyError, ReplyGone
from bot.jobs.downloads import MAX_PICTURE_BYTES
from bot.jobs.job_run import Deps
from bot.model import FollowUp, Job, PictureInfo
from bot.store.queries.gallery import GalleryFilter, GalleryQueries

log = structlog.stdlib.get_logger(__name__)

AT_ONCE = 2  # albums of one process
PICTURE_S = 30.0  # for one picture: a host that creeps holds up its own album, and not for long
READ_S = 6.0
QUERY_S = 2.0
PAGE = 25  # requests that are read from the database together
EACH_FILE_BYTES = 512  # what a zip says of a file besides the file, with its name twice
MAX_WORDS_CHARS = 40  # of a prompt, in the name of a file
ALL_PARTS_BYTES = 25 * 1024 * 1024  # Discord takes no larger file in one message, whatever a place allows
MARGIN_BYTES = 64 * 1024
#: Requests stand in the order in which they came, and months go by when they were done.
LONGEST = timedelta(days=1)

Addresses = Callable[[Job], Awaitable[Sequence[str]]]
Post = Callable[[Path], Awaitable[None]]


class WhyMissing(StrEnum):
    """Why a picture is in no part."""

    GONE = "gone"  # its message was deleted
    OUT_OF_REACH = "out_of_reach"  # a private reply, or a place where the bot is no member
    NOT_GIVEN = "not_given"  # its host does not give it
    TOO_LARGE = "too_large"  # for the place where it would be posted


class AlbumBusy(StrEnum):
    """Why an album is not begun."""

    OWN = "own"  # the person has one already
    OTHERS = "others"


@dataclass(slots=True)
class Album:
    """How far an album has come. `reached` is the `seq` of the request that it goes on before; 0 at its end."""

    month: datetime  # its first moment, in UTC
    reached: int
    pictures: int = 0
    parts: int = 0
    day: datetime | None = None  # of the request that was looked at last
    missing: list[tuple[Job, WhyMissing]] = field(default_factory=list[tuple[Job, WhyMissing]])

    @property
    def ends(self) -> datetime:
        """The first moment of the next month."""
        return (self.month + timedelta(days=32)).replace(day=1)


class _ZipPart:
    """A zip file that is being filled.

    Pictures are stored as they are: they are compressed already, and packing them anew would take processor time from
    everybody's requests. So the size of a part is known before anything is written: the files, and a little for each.
    """

    def __init__(self, path: Path, limit: int) -> None:
        self.path = path
        self._limit = limit
        self._bytes = 0
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED)
        self.files = 0

    def has_room(self, size: int) -> bool:
        """Whether a file of so many bytes fits into what the place takes."""
        return self._bytes + size + EACH_FILE_BYTES <= self._limit

    def add(self, path: Path, name: str) -> None:
        """Copy a file in, piece by piece. Blocks."""
        self._zip.write(path, name)
        self._bytes += path.stat().st_size + EACH_FILE_BYTES
        self.files += 1

    def say(self, name: str, words: str) -> None:
        """Put a text in. It is short, and MARGIN_BYTES keeps room for it."""
        self._zip.writestr(name, words)
        self.files += 1

    def close(self) -> None:
        """Write the table of contents: before that, the file is no zip."""
        self._zip.close()


class Albums:
    """Collects pictures for people, few albums at a time."""

    def __init__(self, gallery: GalleryQueries, deps: Deps, addresses: Addresses) -> None:
        """`addresses` tells where the pictures of a reply lie now; it may raise ReplyError."""
        self._gallery = gallery
        self._deps = deps
        self._addresses = addresses
        self._busy: set[int] = set()

    def busy(self, user_id: int) -> AlbumBusy | None:
        """What is in the way of an album just now."""
        if user_id in self._busy:
            return AlbumBusy.OWN
        return AlbumBusy.OTHERS if len(self._busy) >= AT_ONCE else None

    async def begin(self, month: datetime) -> Album:
        """An album of a month, before its newest request. Raises StoreUnavailable."""
        album = Album(month, 0)
        album.reached = await self._gallery.cursor_at(album.ends + LONGEST, QUERY_S)
        return album

    @asynccontextmanager
    async def place(self, user_id: int, limit: int) -> AsyncGenerator[Path]:
        """Take somebody's turn, and room in the spool for a part and a picture. Raises BadSource where there is none.

        `busy` has to be asked in the same moment.
        """
        name = f"album-{secrets.token_hex(8)}"
        self._busy.add(user_id)
        try:
            self._deps.spool.reserve(name, user_id, limit + MAX_PICTURE_BYTES)
            yield self._deps.spool.picture(name, 0).parent
        finally:
            self._busy.discard(user_id)
            self._deps.spool.remove(name)

    async def fill(
        self,
        album: Album,
        user_id: int,
        folder: Path,
        limit: int,
        *,
        post: Post,
        until: float,
        explain: Callable[[Album], str],
    ) -> None:
        """Go on until the album is whole, the process stops, or `until` on the monotonic clock has come.

        `post` gets each part as soon as it is full; `explain` says in a text what is missing, for the last one. Raises
        StoreUnavailable, OSError, and what `post` raises.
        """
        part: _ZipPart | None = None
        posted_elsewhere: set[str] = set()

        async def put(files: Sequence[tuple[Path, str]]) -> None:
            """Add the pictures of one request, in a new part where this one has no room."""
            nonlocal part
            for path, name in files:
                size = path.stat().st_size
                if part is not None and not part.has_room(size):
                    await self._post(album, part, post)
                    part = None
                part = part or _ZipPart(folder / f"part-{album.parts + 1}.zip", limit)
                await asyncio.to_thread(part.add, path, name)
                path.unlink()
                album.pictures += 1

        while album.reached and not self._deps.stopping.is_set() and time.monotonic() < until:
            job = await self._next(album, user_id)
            if job is None:
                break
            if job.request.follows is FollowUp.POST and job.parent_id:
                posted_elsewhere.add(job.parent_id)
            if job.id not in posted_elsewhere:
                await put(await self._fetched(album, job, folder, limit))
        if album.missing and (words := explain(album)):
            part = part or _ZipPart(folder / f"part-{album.parts + 1}.zip", limit)
            part.say("missing.txt", words)
        if part is not None:
            await self._post(album, part, post)

    async def _next(self, album: Album, user_id: int) -> Job | None:
        """The next older request of the month; None at its end."""
        mine = GalleryFilter(None, user_id)
        while album.reached:
            look = await self._gallery.older(mine, album.reached, 1, (), QUERY_S)
            job = next(iter(look.jobs), None)
            if job is None or job.received_at < album.month - LONGEST:
                album.reached = 0
                return None
            album.reached = job.seq
            album.day = job.finished_at or job.received_at
            if album.month <= album.day < album.ends:
                return job
        return None

    async def _post(self, album: Album, part: _ZipPart, post: Post) -> None:
        await asyncio.to_thread(part.close)
        album.parts += 1
        try:
            await post(part.path)
        finally:
            part.path.unlink(missing_ok=True)

    async def _fetched(self, album: Album, job: Job, folder: Path, limit: int) -> list[tuple[Path, str]]:
        """The pictures of a request as files, with their names in the zip; those that cannot be had are noted."""
        try:
            async with asyncio.timeout(READ_S):
                addresses, from_discord = await self._addresses(job), True
        except ReplyGone:
            album.missing.append((job, WhyMissing.GONE))
            return []
        except (ReplyError, TimeoutError):
            # A private reply, say: where the picture came from may still have it.
            addresses, from_discord = job.result_urls, False
        files: list[tuple[Path, str]] = []
        for number, address in enumerate(addresses, start=1):
            path = folder / f"picture-{number}"
            fetch = self._deps.api.fetch_source if from_discord else self._deps.api.download
            try:
                async with asyncio.timeout(PICTURE_S):
                    await fetch(address, path, max_bytes=MAX_PICTURE_BYTES)
            except (DownloadError, OSError, TimeoutError) as exc:
                log.info("a picture of an album cannot be had", job=job.id, error=type(exc).__name__)
                why = WhyMissing.NOT_GIVEN if from_discord else WhyMissing.OUT_OF_REACH
                album.missing.append((job, why))
                continue
            info = PictureInfo.at(path)
            if info is None or info.bytes + EACH_FILE_BYTES > limit:
                album.missing.append((job, WhyMissing.NOT_GIVEN if info is None else WhyMissing.TOO_LARGE))
                path.unlink(missing_ok=True)
                continue
            files.append((path, _name(job, number, info)))
        return files


def part_limit(upload_limit: int) -> int:
    """How large a part may be where a file may have `upload_limit` bytes."""
    return min(upload_limit, ALL_PARTS_BYTES) - MARGIN_BYTES


def month_of(text: str) -> datetime | None:
    """The first moment of a month written as `2026-11`; None for anything else."""
    try:
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC) if len(text) == 7 else None
    except ValueError:
        return None


def _name(job: Job, number: int, info: PictureInfo) -> str:
    """A file's name in the zip: the day, some words of the prompt, and what makes it the only one."""
    day = (job.finished_at or job.received_at).date().isoformat()
    words = re.sub(r"\W+", "-", job.request.prompt)[:MAX_WORDS_CHARS].strip("-_") or "picture"
    return f"{day}-{words}-{job.id[:6]}-{number}.{info.format.value}"
