"""Safe downloads: pictures from addresses that came from outside, streamed into a file. One call is one try.

Redirects are followed by hand and every hop is checked; bytes are counted while they come; the type is told by the
first bytes and by nothing else. A file appears under its name only when it is whole.

A download is not bounded in all, because a slow line is no fault of a picture, but it may not fall silent for long,
nor creep. What came before it broke off is kept beside the file, and the next try asks for the rest (Range) where
the host has said that it is still the same file. Whether and when there is a next try is the caller's to decide.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from yarl import URL

from bot.config.causes import cause_of
from bot.errors import DownloadGone, DownloadUnreachable, NotWritten, TooLarge
from bot.image_api.addresses import GuardedResolver, at_home, check_address, same_origin
from bot.image_api.heads import BoundedConnector
from bot.image_api.limits import Limits
from bot.image_api.listener import UNHEARD, ApiListener
from bot.image_api.picture_file import Download, PictureFile
from bot.image_api.retry import may_pass, retry_after_seconds
from bot.image_api.transport import PIECE_BYTES, ProxyFor, headers_of, no_proxy, open_session, redirect_target
from bot.image_api.wire.answers import ApiAnswer

#: Network trouble only: a plain OSError comes from the file.
_BROKEN = (aiohttp.ClientError, TimeoutError, ConnectionError, UnicodeError)

_CONTENT_RANGE = re.compile(r"bytes (\d{1,12})-\d{1,12}/(\d{1,12}|\*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Key:
    """The API key and the one origin that may see it."""

    value: str
    origin: URL


@dataclass(slots=True)
class _Part:
    """What a download had brought when it broke off: the file, and by what its host knows the same picture again."""

    file: PictureFile
    url: URL
    validator: str
    total: int | None


class Fetcher:
    """Downloads, one try at a time. `open_hosts` may lie in a private network; `key` goes to its origin only."""

    def __init__(
        self,
        limits: Limits,
        *,
        open_hosts: Collection[str],
        key: Key | None = None,
        just_made: bool = False,
        proxy_for: ProxyFor = no_proxy,
        listener: ApiListener = UNHEARD,
    ) -> None:
        """`just_made` says that what comes is a result, whose end is looked for, so that half of one is not shown.

        Where it is False, nobody relies on the end of a file: photographs may carry a film behind their picture.
        """
        self._limits = limits
        self._open_hosts = frozenset(open_hosts)
        self._key = key
        self._just_made = just_made
        self._session: aiohttp.ClientSession | None = None
        self._proxied: aiohttp.ClientSession | None = None
        self._proxy_for = proxy_for
        self._listener = listener
        self._unmarked: dict[Path, int] = {}  # bytes of JPEGs without an end mark that came once
        self._parts: dict[Path, _Part] = {}

    async def close(self) -> None:
        """Let the connections to the hosts of pictures go."""
        for session in (self._session, self._proxied):
            if session is not None:
                await session.close()
        self._session = self._proxied = None

    async def fetch(self, url: URL, into: Path, *, max_bytes: int) -> Download:
        """Stream a picture into a file. Raises the DownloadError family.

        DownloadUnreachable is trouble that passes; DownloadGone may be, where the picture was just made.
        """
        try:
            return await self._hop_by_hop(url, into, max_bytes)
        except _BROKEN as error:
            self._listener.breaks(cause_of(error))
            raise DownloadUnreachable(f"the host broke off ({cause_of(error)})") from error
        except OSError as error:
            raise NotWritten(f"the picture cannot be written ({error.strerror})") from error

    async def _hop_by_hop(self, url: URL, into: Path, max_bytes: int) -> Download:
        for _ in range(self._limits.max_hops):
            url = url if self._key is None else at_home(url, self._key.origin)
            check_address(url, self._open_hosts)
            with_key = self._key is not None and same_origin(url, self._key.origin)
            part = self._parts.pop(into, None)
            if part is not None and (part.url != url or not part.file.is_there):
                part.file.discard()
                part = None
            self._listener.sends("GET", str(url))
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(self._limits.head_s):
                    response = await stack.enter_async_context(self._get(url, part, with_key=with_key))
                self._listener.hears(ApiAnswer(response.status, b"", headers_of(response)))
                target = redirect_target(response)
                if target is None:
                    if part is not None and response.status not in {200, 206, 416}:
                        self._parts[into] = part  # what the host says now is about this moment, not about the part
                    self._check_status(response)
                    return await self._save(url, response, part, into, max_bytes)
                url = target
        raise DownloadGone("the address redirects in a circle")

    def _get(
        self, url: URL, part: _Part | None, *, with_key: bool
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        proxy = self._proxy_for(str(url))
        headers = {"Accept": "image/*", "Accept-Encoding": "identity"}
        if with_key and self._key is not None:
            headers["Authorization"] = f"Bearer {self._key.value}"
        if part is not None:
            headers["Range"] = f"bytes={part.file.bytes}-"
            if part.validator:
                headers["If-Range"] = part.validator
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=self._limits.connect_s, sock_read=self._limits.silence_s
        )
        session = self._session_for(proxy)
        return session.get(url, headers=headers, timeout=timeout, allow_redirects=False, proxy=proxy)

    def _session_for(self, proxy: str | None) -> aiohttp.ClientSession:
        """Through a proxy the only name that is looked up here is the proxy's own, which may well be private.

        How many connections there may be is for jobs/fair_slots.py to say, which is fair: here is no limit.
        """
        if proxy is not None:
            self._proxied = self._proxied or open_session(BoundedConnector())
            return self._proxied
        if self._session is None:
            self._session = open_session(BoundedConnector(resolver=GuardedResolver(self._open_hosts)))
        return self._session

    def _is_all_there_is(self, into: Path, file: PictureFile) -> bool:
        """Whether a JPEG without its end mark came for the second time at the same length: so it was written."""
        before = self._unmarked.pop(into, None)
        if file.has_pixels and before != file.bytes:
            self._unmarked[into] = file.bytes
            return False
        return file.has_pixels

    def _check_status(self, response: aiohttp.ClientResponse) -> None:
        status = response.status
        if status in {200, 206}:
            return
        kind = DownloadUnreachable if may_pass(status) or status == 416 else DownloadGone
        pause = retry_after_seconds(response.headers.get("Retry-After"))
        raise kind(f"the host answered with HTTP {status}", retry_after=pause)

    async def _save(
        self, url: URL, response: aiohttp.ClientResponse, part: _Part | None, into: Path, max_bytes: int
    ) -> Download:
        """Write what comes, behind what came before where this answer goes on from there."""
        if part is None or not _goes_on(response, part):
            if response.status == 206:
                raise DownloadUnreachable("the host sent another part than was asked for")
            if part is not None:
                part.file.discard()
            part = _Part(PictureFile(into, max_bytes), url, _validator(response), response.content_length)
        announced = (response.content_length or 0) + part.file.bytes
        with part.file as file:
            try:
                await self._stream(response, file, is_too_large=announced > max_bytes)
            except _BROKEN:
                self._keep(into, part)
                raise
            if not file.bytes or (self._just_made and not file.is_whole and not self._is_all_there_is(into, file)):
                # the answer ended as it should: that is all there is at this address, another one may have more
                kind = DownloadGone if self._just_made else DownloadUnreachable
                raise kind("the host sent nothing, or half a picture")
            return file.finish()

    async def _stream(self, response: aiohttp.ClientResponse, file: PictureFile, *, is_too_large: bool) -> None:
        """Raises TimeoutError where nothing comes for `silence_s`, or too little for `least_over_s`.

        Of one that is announced as too large only the first bytes are read: they tell a picture from a page.
        """
        loop = asyncio.get_running_loop()
        began, before = loop.time(), file.bytes
        async for piece in response.content.iter_chunked(PIECE_BYTES):
            file.write(piece)
            if is_too_large and file.is_told:
                raise TooLarge(f"{response.content_length} bytes were announced")
            passed = loop.time() - began
            if passed >= self._limits.least_over_s:
                if file.bytes - before < self._limits.least_bytes_per_s * passed:
                    raise TimeoutError
                began, before = loop.time(), file.bytes

    def _keep(self, into: Path, part: _Part) -> None:
        """Remember a part that can be gone on with; the folder it lies in belongs to its job, and goes with that."""
        if part.file.bytes and (part.validator or part.total is not None):
            part.file.suspend()
            self._parts = {path: it for path, it in self._parts.items() if it.file.is_there}
            self._parts[into] = part


def _validator(response: aiohttp.ClientResponse) -> str:
    """By what a host knows whether a file is still the same (RFC 9110, section 13.1.5); empty where it does not say."""
    etag = response.headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified", "")


def _goes_on(response: aiohttp.ClientResponse, part: _Part) -> bool:
    """Whether an answer holds the rest of this very file."""
    found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if response.status != 206 or found is None or int(found[1]) != part.file.bytes:
        return False
    same_length = part.total is None or found[2] == "*" or int(found[2]) == part.total
    return same_length and _validator(response) == part.validator
