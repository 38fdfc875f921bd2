"""Safe downloads: pictures from addresses that came from outside, streamed into a file.

Redirects are followed by hand and every hop is checked; bytes are counted while they come; the type is told by the
first bytes and by nothing else. A file appears under its name only when it is whole.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Collection, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import BinaryIO

import aiohttp
from yarl import URL

from bot.errors import DownloadError, DownloadGone, DownloadUnreachable, NotAPicture, TooLarge
from bot.model import PictureFormat
from bot.uniall.addresses import GuardedResolver, check_address, same_origin
from bot.uniall.limits import Limits
from bot.uniall.retry import may_pass, pause_s, retry_after_seconds
from bot.uniall.transport import PIECE_BYTES, open_session, redirect_target

_HEAD_BYTES = 12
#: Network trouble only: a plain OSError comes from the file.
_BROKEN = (aiohttp.ClientError, TimeoutError, ConnectionError, UnicodeError)

_dice = SystemRandom()


@dataclass(frozen=True, slots=True)
class Download:
    """What a download brought: the format its bytes show, and how many there are."""

    format: PictureFormat
    bytes: int


@dataclass(frozen=True, slots=True)
class Key:
    """The API key and the one origin that may see it."""

    value: str
    origin: URL


class _Failed(Exception):
    """One try failed: with which error, and whether another try can help."""

    def __init__(self, error: DownloadError, *, again: bool = False, retry_after: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.again = again
        self.retry_after = retry_after


def picture_format(head: bytes) -> PictureFormat | None:
    """What the first twelve bytes of a file say it is."""
    if head.startswith(b"\xff\xd8\xff"):
        return PictureFormat.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PictureFormat.PNG
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return PictureFormat.WEBP
    return None


class PictureFile:
    """A picture being written beside its final name, which it gets with `finish`. Otherwise it is removed.

    Pieces of 64 KiB go to the page cache, which is quicker than handing them to a thread.
    """

    def __init__(self, into: Path, max_bytes: int) -> None:
        self._into = into
        self._part = into.with_name(f".{into.name}.{secrets.token_hex(4)}.part")
        self._max_bytes = max_bytes
        self._head = b""
        self._bytes = 0
        self._file: BinaryIO | None = None

    def __enter__(self) -> PictureFile:
        self._file = self._part.open("xb")
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
        self._part.unlink(missing_ok=True)

    @property
    def bytes(self) -> int:
        return self._bytes

    def write(self, piece: bytes) -> None:
        """Add a piece. Raises TooLarge, or NotAPicture as soon as the first bytes show it."""
        self._bytes += len(piece)
        if self._bytes > self._max_bytes:
            raise TooLarge(f"more than {self._max_bytes} bytes")
        if len(self._head) < _HEAD_BYTES:
            self._head += piece[: _HEAD_BYTES - len(self._head)]
            if len(self._head) == _HEAD_BYTES:
                self._format()
        if self._file is not None:
            self._file.write(piece)

    def finish(self) -> Download:
        """Give the file its name. Raises NotAPicture."""
        found = self._format()
        if self._file is not None:
            self._file.close()
        self._part.replace(self._into)
        return Download(found, self._bytes)

    def _format(self) -> PictureFormat:
        found = picture_format(self._head)
        if found is None:
            raise NotAPicture("the bytes are no JPEG, PNG or WebP")
        return found


def save(pieces: Iterable[bytes], into: Path, max_bytes: int) -> Download:
    """Write a picture that is already here. Raises TooLarge or NotAPicture."""
    with PictureFile(into, max_bytes) as file:
        for piece in pieces:
            file.write(piece)
        return file.finish()


class Fetcher:
    """Downloads with a few tries each. `open_hosts` may lie in a private network; `key` goes to its origin only."""

    def __init__(
        self, limits: Limits, *, open_hosts: Collection[str], key: Key | None = None, just_made: bool = False
    ) -> None:
        """`just_made` says that 403 and 404 may mean that a picture is not there *yet*, so it is asked for again."""
        self._limits = limits
        self._open_hosts = frozenset(open_hosts)
        self._key = key
        self._just_made = just_made
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def fetch(self, url: URL, into: Path, *, max_bytes: int) -> Download:
        """Stream a picture into a file. Raises the DownloadError family after the last try."""
        attempt = 1
        while True:
            try:
                return await self._try(url, into, max_bytes)
            except _Failed as failed:
                if not failed.again or attempt >= self._limits.download_tries:
                    raise failed.error from failed.__cause__
                pause = pause_s(
                    attempt,
                    roll=_dice.random(),
                    base_s=self._limits.retry_base_s,
                    cap_s=self._limits.retry_cap_s,
                    retry_after=failed.retry_after,
                )
            await asyncio.sleep(pause)
            attempt += 1

    async def _try(self, url: URL, into: Path, max_bytes: int) -> Download:
        try:
            async with asyncio.timeout(self._limits.download_s):
                return await self._hop_by_hop(url, into, max_bytes)
        except _BROKEN as error:
            raise _Failed(DownloadUnreachable(f"the host broke off ({type(error).__name__})"), again=True) from error
        except OSError as error:
            raise DownloadError(f"the picture cannot be written ({error.strerror})") from error

    async def _hop_by_hop(self, url: URL, into: Path, max_bytes: int) -> Download:
        at_home = True  # once a hop has left the API's origin, no later one gets the key
        for _ in range(self._limits.max_hops):
            check_address(url, self._open_hosts)
            at_home = at_home and self._key is not None and same_origin(url, self._key.origin)
            async with self._get(url, with_key=at_home) as response:
                target = redirect_target(response)
                if target is None:
                    self._check_status(response)
                    return await self._save(response, into, max_bytes)
                url = target
        raise DownloadGone("the address redirects in a circle")

    def _get(self, url: URL, *, with_key: bool) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        if self._session is None:
            self._session = open_session(aiohttp.TCPConnector(resolver=GuardedResolver(self._open_hosts)))
        headers = {"Accept": "image/*", "Accept-Encoding": "identity"}
        if with_key and self._key is not None:
            headers["Authorization"] = f"Bearer {self._key.value}"
        timeout = aiohttp.ClientTimeout(
            total=self._limits.download_s, sock_connect=self._limits.connect_s, sock_read=self._limits.silence_s
        )
        return self._session.get(url, headers=headers, timeout=timeout, allow_redirects=False)

    def _check_status(self, response: aiohttp.ClientResponse) -> None:
        status = response.status
        if status == 200:
            return
        kind = DownloadUnreachable if may_pass(status) else DownloadGone
        raise _Failed(
            kind(f"the host answered with HTTP {status}"),
            again=may_pass(status, just_made=self._just_made),
            retry_after=retry_after_seconds(response.headers.get("Retry-After")),
        )

    async def _save(self, response: aiohttp.ClientResponse, into: Path, max_bytes: int) -> Download:
        if (response.content_length or 0) > max_bytes:
            raise TooLarge(f"{response.content_length} bytes, more than {max_bytes}")
        with PictureFile(into, max_bytes) as file:
            async for piece in response.content.iter_chunked(PIECE_BYTES):
                file.write(piece)
            if not file.bytes:
                raise _Failed(DownloadUnreachable("the host answered with nothing"), again=True)
            return file.finish()
