"""Safe downloads: pictures from addresses that came from outside, streamed into a file.

Redirects are followed by hand and every hop is checked; bytes are counted while they come; the type is told by the
first bytes and by nothing else. A file appears under its name only when it is whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

import aiohttp
from yarl import URL

from bot.errors import DownloadError, DownloadGone, DownloadUnreachable, TooLarge
from bot.image_api.addresses import GuardedResolver, at_home, check_address, same_origin
from bot.image_api.limits import Limits
from bot.image_api.picture_file import Download, PictureFile
from bot.image_api.retry import may_pass, pause_s, retry_after_seconds
from bot.image_api.transport import PIECE_BYTES, ProxyFor, no_proxy, open_session, redirect_target

#: Network trouble only: a plain OSError comes from the file.
_BROKEN = (aiohttp.ClientError, TimeoutError, ConnectionError, UnicodeError)

_dice = SystemRandom()


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


class Fetcher:
    """Downloads with a few tries each. `open_hosts` may lie in a private network; `key` goes to its origin only."""

    def __init__(
        self,
        limits: Limits,
        *,
        open_hosts: Collection[str],
        key: Key | None = None,
        just_made: bool = False,
        proxy_for: ProxyFor = no_proxy,
    ) -> None:
        """`just_made` says that pictures may not be there *yet* (403, 404), or not yet whole: they are asked for again.

        Where it is False, nobody relies on the end of a file: photographs may carry a film behind their picture.
        """
        self._limits = limits
        self._open_hosts = frozenset(open_hosts)
        self._key = key
        self._just_made = just_made
        self._session: aiohttp.ClientSession | None = None
        self._proxied: aiohttp.ClientSession | None = None
        self._proxy_for = proxy_for
        self._unmarked: dict[Path, int] = {}  # bytes of JPEGs without an end mark that came once

    async def close(self) -> None:
        for session in (self._session, self._proxied):
            if session is not None:
                await session.close()
        self._session = self._proxied = None

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
        for _ in range(self._limits.max_hops):
            url = url if self._key is None else at_home(url, self._key.origin)
            check_address(url, self._open_hosts)
            with_key = self._key is not None and same_origin(url, self._key.origin)
            async with self._get(url, with_key=with_key) as response:
                target = redirect_target(response)
                if target is None:
                    self._check_status(response)
                    return await self._save(response, into, max_bytes)
                url = target
        raise DownloadGone("the address redirects in a circle")

    def _get(self, url: URL, *, with_key: bool) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        proxy = self._proxy_for(str(url))
        headers = {"Accept": "image/*", "Accept-Encoding": "identity"}
        if with_key and self._key is not None:
            headers["Authorization"] = f"Bearer {self._key.value}"
        timeout = aiohttp.ClientTimeout(
            total=self._limits.download_s, sock_connect=self._limits.connect_s, sock_read=self._limits.silence_s
        )
        session = self._session_for(proxy)
        return session.get(url, headers=headers, timeout=timeout, allow_redirects=False, proxy=proxy)

    def _session_for(self, proxy: str | None) -> aiohttp.ClientSession:
        """Through a proxy the only name that is looked up here is the proxy's own, which may well be private."""
        if proxy is not None:
            self._proxied = self._proxied or open_session(aiohttp.TCPConnector())
            return self._proxied
        if self._session is None:
            self._session = open_session(aiohttp.TCPConnector(resolver=GuardedResolver(self._open_hosts)))
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
            if not file.bytes or (self._just_made and not file.is_whole and not self._is_all_there_is(into, file)):
                # the answer ended as it should: that is all there is at this address, another one may have more
                kind = DownloadGone if self._just_made else DownloadUnreachable
                raise _Failed(kind("the host sent nothing, or half a picture"), again=True)
            return file.finish()
