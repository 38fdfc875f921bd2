"""Reference pictures on their way into a preset: fetched, checked, made small, and read as bytes.

They come from an upload in a form or from the result of a job. What is kept is small and without metadata, so that a
server's database stays one: see policy/preset.py for the bounds.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from bot.errors import (
    BadSource,
    DownloadError,
    DownloadGone,
    ImageApiError,
    NotAPicture,
    ReplyError,
    SourceFault,
    TooLarge,
)
from bot.jobs.downloads import MAX_PICTURE_BYTES
from bot.jobs.job_run import Deps
from bot.model import MAX_SOURCE_BYTES, Job, Kept, Slot, Source
from bot.pictures.studio import PictureStudio
from bot.policy.preset import MAX_PICTURE_BYTES as MAX_KEPT_BYTES
from bot.policy.preset import MAX_PICTURE_SIDE, MAX_PICTURES, PictureData, PresetPicture

log = structlog.stdlib.get_logger(__name__)

Fetch = Callable[[Path], Awaitable[None]]


class PresetPictures:
    """Makes reference pictures. Any method raises BadSource, DownloadError, or OSError where the disk is full."""

    def __init__(self, deps: Deps, studio: PictureStudio) -> None:
        self._deps = deps
        self._studio = studio

    async def uploaded(self, files: Sequence[Source], user_id: int) -> Sequence[PictureData]:
        """Of files that somebody has attached to a form."""
        return [
            await self._made(self._attachment(file), user_id, covered=file.is_covered) for file in files[:MAX_PICTURES]
        ]

    async def of_job(self, job: Job, indices: Sequence[int], user_id: int) -> Sequence[PictureData]:
        """Of a job's results, by their numbers from 0."""
        return [
            await self._made(self._result(job, index), user_id, covered=job.request.spoiler)
            for index in sorted(set(indices))[:MAX_PICTURES]
        ]

    async def _made(self, fetch: Fetch, user_id: int, *, covered: bool) -> PictureData:
        spool, name = self._deps.spool, f"preset-{secrets.token_hex(8)}"
        spool.reserve(name, user_id, MAX_SOURCE_BYTES)
        try:
            path = spool.source(name, 0)
            await fetch(path)
            await self._studio.check_source(path, user_id)
            small = await self._studio.shrink(
                path, path.parent, user_id, max_bytes=MAX_KEPT_BYTES, max_side=MAX_PICTURE_SIDE
            )
            data = b"" if small.dropped else await asyncio.to_thread(small.path.read_bytes)
            if not 0 < len(data) <= MAX_KEPT_BYTES:
                raise BadSource(SourceFault.TOO_COMPLEX)
            return PictureData(PresetPicture(secrets.token_hex(8), len(data), covered), data)
        finally:
            # A process that is killed here leaves a folder of no job, which the runner clears away.
            spool.remove(name)

    def _attachment(self, file: Source) -> Fetch:
        async def fetch(into: Path) -> None:
            if file.size > MAX_SOURCE_BYTES:
                raise BadSource(SourceFault.TOO_LARGE, file.size)
            async with self._deps.downloads.turn(urlsplit(file.url).netloc, 0):
                try:
                    await self._deps.api.fetch_source(file.url, into, max_bytes=MAX_SOURCE_BYTES)
                except TooLarge:
                    raise BadSource(SourceFault.TOO_LARGE, file.size) from None
                except NotAPicture as exc:
                    raise BadSource(SourceFault.of(exc.head)) from None

        return fetch

    def _result(self, job: Job, index: int) -> Fetch:
        """From the reply that shows it, where the bot can read that; else from where it was made."""

        async def fetch(into: Path) -> None:
            target = job.target
            if target.outlives_token and target.message_id is not None:
                kept = Kept(target.channel_id, target.message_id, Slot.PICTURE, index)
                try:
                    await self._attachment(await self._deps.replies.fresh(Source("", kept=kept)))(into)
                except (ReplyError, DownloadError, BadSource) as exc:
                    log.info("a reply gives no picture for a preset", job=job.id, error=type(exc).__name__)
                else:
                    return
            try:
                await self._download(job.result_urls, index, into)
            except DownloadGone:
                if job.task_id is None:
                    raise
                await self._download(await self._new_addresses(job), index, into)

        return fetch

    async def _download(self, addresses: Sequence[str], index: int, into: Path) -> None:
        if index >= len(addresses):
            raise DownloadGone("there is no such picture")
        await self._deps.api.download(addresses[index], into, max_bytes=MAX_PICTURE_BYTES)

    async def _new_addresses(self, job: Job) -> Sequence[str]:
        """Result addresses expire; the task may still have new ones."""
        try:
            return (await self._deps.api.report(job.task_id or "", job.request)).result_urls
        except ImageApiError as exc:
            raise DownloadGone(type(exc).__name__) from exc
