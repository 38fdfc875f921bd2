"""Connections that take no more of an answer than its head should have, before and behind its body.

The library bounds one header line and how many there are; together that would be megabytes, for each of a hundred
hosts that drip, and interim answers (1xx) would not count at all.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.client_proto import ResponseHandler

#: Of one header line. aiohttp's own 8 KiB are less than some edges send in policies, cookies and signed locations.
MAX_HEADER_BYTES = 64 * 1024
MAX_HEADERS = 128
#: Of all header lines, interim answers and trailers together: of all that brings the body no further. Looked at before
#: each piece that comes, which is 256 KiB at most.
MAX_HEAD_BYTES = 128 * 1024


class HeadTooLongError(aiohttp.ClientPayloadError):
    """An answer does not come to its body, or not to its end."""


class BoundedHead(ResponseHandler):
    """One connection; it is closed when too much comes that is no body."""

    _fruitless: int = 0  # bytes since the request was sent, the head was whole, or the body grew
    _body_bytes: int = 0

    def set_response_params(self, **params: Any) -> None:
        """A request is being sent on this connection."""
        self._fruitless = self._body_bytes = 0
        super().set_response_params(**params)

    def feed_data(self, data: Any, size: int = 0) -> None:
        """The head of an answer is whole."""
        if data[0].code >= 200:
            self._fruitless = self._body_bytes = 0
        super().feed_data(data, size)

    def data_received(self, data: bytes) -> None:
        """A piece has come."""
        if self._fruitless > MAX_HEAD_BYTES:
            if self.transport is not None:
                self.transport.close()
            self.set_exception(HeadTooLongError("too much comes that is no body"))
            return
        self._fruitless += len(data)
        super().data_received(data)
        grown: int = getattr(self._payload, "total_bytes", 0)
        if grown != self._body_bytes:
            self._body_bytes, self._fruitless = grown, 0


class BoundedConnector(aiohttp.TCPConnector):
    """Makes such connections, as many as are asked for: how many there may be is for others to say."""

    def __init__(self, *, resolver: AbstractResolver | None = None, force_close: bool = False) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType] # an option of the library's own is half typed
            resolver=resolver, force_close=force_close, limit=0
        )
        self._factory = partial(BoundedHead, loop=self._loop)
