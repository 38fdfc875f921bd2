"""Fetches the sources of an edit over HTTP, as the image API does: bounded, and without any key."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import ClientError, ClientSession, ClientTimeout

from bot.model import MAX_SOURCE_BYTES
from sandbox.image_api.studio import SourceUnreadable
from sandbox.image_api.validation import is_picture

_TIMEOUT = ClientTimeout(total=15, connect=5)  # seconds
_CHUNK = 64 * 1024


class SourceFetcher:
    """Reads source pictures. Its HTTP session is opened with the first address."""

    def __init__(self) -> None:
        self._session: ClientSession | None = None

    async def fetch_all(self, sources: Sequence[str | bytes]) -> list[bytes]:
        """The bytes of all sources, uploaded ones as they are. Raises SourceUnreadable."""
        return [await self._fetch(source) if isinstance(source, str) else source for source in sources]

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    async def _fetch(self, address: str) -> bytes:
        self._session = self._session or ClientSession(timeout=_TIMEOUT)
        content = bytearray()
        try:
            async with self._session.get(address) as response:
                if response.status != 200:
                    raise SourceUnreadable(f"failed to download image: status code {response.status}")
                async for chunk in response.content.iter_chunked(_CHUNK):
                    content += chunk
                    if len(content) > MAX_SOURCE_BYTES:
                        raise SourceUnreadable("failed to download image: file is too large")
        except (TimeoutError, ClientError, ValueError) as error:
            raise SourceUnreadable(f"failed to download image: {type(error).__name__}") from error
        if not is_picture(bytes(content[:16])):
            raise SourceUnreadable("invalid image: it is no JPEG, PNG or WebP")
        return bytes(content)
